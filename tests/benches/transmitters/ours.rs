//! The stream API in axum, with a path where events are published.

use std::sync::Arc;

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use reqwest::Client;
use serde_json::{Value, json};
use ssf_transmitter::{
    Event, KeySet, KeyType, SigningKey, Subject,
    outbox::Entry,
    stream::{Authentication, Caller, Scope, StreamApi},
};
use ssf_transmitter_postgres::PostgresStore;
use ssf_transmitter_tower::StreamService;
use tokio::net::TcpListener;

use crate::{REVOKED, Transmitter, email, server::Server};

const TOKEN: &str = "of-acme";

/// Whether a request has the token.
fn permitted(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|shown| *shown == format!("Bearer {TOKEN}"))
}

async fn publish(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> String {
    assert!(permitted(&headers));
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    let Value::Object(subject) = body["subject"].take() else { panic!("no subject") };
    let event = Event::from_value(body["event"].take()).unwrap();
    let entry = Entry::new(event, Subject::from_members(subject));
    json!({ "jtis": shared.api.publish(entry).await.unwrap().jtis }).to_string()
}

/// What the server needs as long as it runs.
struct Shared {
    api: StreamApi,
    _database: Server,
}

pub(crate) async fn start(client: Client) -> Transmitter {
    let database = Server::start(true);
    let builder = PostgresStore::builder(database.url());
    builder.migrate().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let keys = KeySet::new(SigningKey::generate(KeyType::Rsa2048).unwrap());
    let api = StreamApi::builder(&url, keys, builder.connect().await.unwrap())
        .event("caep.session-revoked")
        .rate_limit(None)
        .allow_loopback_http()
        .build()
        .unwrap();
    let service = StreamService::new(api.clone(), async |headers: HeaderMap| {
        if permitted(&headers) {
            Caller::new("acme").audience("https://acme.example.com").scope(Scope::Manage).into()
        } else {
            Authentication::Missing
        }
    });
    let shared = Arc::new(Shared { api, _database: database });
    let app = Router::new().route("/publish", post(publish)).fallback_service(service).with_state(shared);
    tokio::spawn(async move { axum::serve(listener, app).await });

    let publish = (format!("{url}/publish"), TOKEN.to_owned());
    let poll = (format!("{url}/ssf/streams"), TOKEN.to_owned());
    let mut transmitter = Transmitter { client, publish, poll, body };
    let stream = transmitter.post(&transmitter.poll, &json!({ "events_requested": [REVOKED] })).await;
    stream["delivery"]["endpoint_url"].as_str().unwrap().clone_into(&mut transmitter.poll.0);
    transmitter
}

fn body(number: usize) -> Value {
    let subject = json!({ "format": "email", "email": email(number) });
    json!({ "event": { REVOKED: { "event_timestamp": 1_713_360_000 } }, "subject": subject })
}

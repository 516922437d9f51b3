//! Requests and answers of the stream API through the mount: `tests/vectors/stream-api.json`.

use std::{fs, path::Path, time::Duration};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use ssf_transmitter::{
    Event, KeySet, KeyType, SigningKey, Subject, Timestamp,
    event::caep,
    key::ExternalKey,
    outbox::{Entry, MemoryStore, Store, suite::ManualClock},
    set::Audience,
    stream::{Authentication, Caller, Scope, StreamApi},
};
use ssf_transmitter_tower::{StreamService, TokioTimer};

fn read(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// Mounts an API for a receiver with this audience, and returns the address of the server.
async fn mount(api: StreamApi, audience: Vec<String>) -> String {
    let service = StreamService::new(api, move |headers: http::HeaderMap| {
        let acme = Caller::new("acme").audience(Audience::from(audience.clone()));
        let authentication = match headers.get("authorization").map(http::HeaderValue::as_bytes) {
            Some(b"Bearer of-acme") => Authentication::Valid(acme.scope(Scope::Manage)),
            Some(b"Bearer of-a-reader") => Authentication::Valid(acme.scope(Scope::Read)),
            Some(b"Bearer of-globex") => Authentication::Valid(Caller::new("globex").scope(Scope::Manage)),
            Some(b"Bearer of-apple") => {
                Authentication::Valid(Caller::new("apple").scope(Scope::Manage).dialect("apple"))
            }
            Some(_) => Authentication::Invalid,
            None => Authentication::Missing,
        };
        std::future::ready(authentication)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, axum::Router::new().fallback_service(service)).into_future());
    address
}

fn client() -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::new()
}

/// A server, and the names that a case has given to values so far.
struct Case {
    api: StreamApi,
    store: MemoryStore,
    clock: ManualClock,
    client: Client,
    address: String,
    names: Vec<(String, String)>,
}

impl Case {
    async fn new(settings: &Value, keys: KeySet, client: Client) -> Self {
        let clock = ManualClock::at(Timestamp::now());
        let store = MemoryStore::new().clock(clock.clone());
        let api = StreamApi::builder(settings["issuer"].as_str().unwrap(), keys, store.clone())
            .events(texts(&settings["events_supported"]))
            .lease(Duration::from_secs(settings["lease"].as_u64().unwrap()))
            .min_verification_interval(None)
            .push(|_| Ok(()))
            .clock(clock.clone())
            .build()
            .unwrap();
        let audience = texts(&settings["audience"]).into_iter().map(str::to_owned).collect();
        let address = mount(api.clone(), audience).await;
        Self { api, store, clock, client, address, names: Vec::new() }
    }

    /// A value in which names have their values.
    fn filled(&self, value: &Value) -> Value {
        let fill =
            |text: String, (name, value): &(String, String)| text.replace(&format!("{{{name}}}"), value);
        serde_json::from_str(&self.names.iter().fold(value.to_string(), fill)).unwrap()
    }

    async fn step(&mut self, step: &Value) {
        if let Some(published) = step.get("publish") {
            let event = Event::from_value(published["event"].clone()).unwrap();
            let subject = Subject::from_members(published["subject"].as_object().unwrap().clone());
            let published = self.api.publish(Entry::new(event, subject)).await.unwrap();
            self.names.extend(published.jtis.into_iter().map(|jti| ("jti".to_owned(), jti)));
        } else if let Some(seconds) = step.get("advance") {
            self.clock.advance(Duration::from_secs(seconds.as_u64().unwrap()));
        } else if let Some(counts) = step.get("counts") {
            let found = self.store.counts().await.unwrap();
            let found =
                json!({ "delivered": found.delivered, "dead": found.dead, "in_flight": found.in_flight });
            for (name, expected) in counts.as_object().unwrap() {
                assert_eq!(&found[name], expected, "{name}");
            }
        } else {
            self.request(step).await;
        }
    }

    async fn request(&mut self, step: &Value) {
        let (request, expected) = (self.filled(&step["request"]), &step["response"]);
        let method = Method::from_bytes(request["method"].as_str().unwrap().as_bytes()).unwrap();
        let url = format!("{}{}", self.address, request["target"].as_str().unwrap());
        let mut builder = self.client.request(method, url);
        let token = match step.get("caller").map(|caller| caller.as_str().unwrap()) {
            None => Some("of-acme"),
            Some("reader") => Some("of-a-reader"),
            Some("other") => Some("of-globex"),
            Some("apple") => Some("of-apple"),
            Some("invalid") => Some("wrong"),
            _ => None,
        };
        if let Some(token) = token {
            builder = builder.bearer_auth(token);
        }
        if let Some(kind) = request.get("content_type") {
            builder = builder.header("Content-Type", kind.as_str().unwrap());
        }
        if let Some(body) = request.get("body") {
            builder = builder.body(body.to_string());
        }
        let answer = builder.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        for (name, pointer) in step.get("capture").and_then(Value::as_object).into_iter().flatten() {
            let value = body.pointer(pointer.as_str().unwrap()).and_then(Value::as_str).unwrap();
            self.names.retain(|(known, _)| known != name);
            self.names.push((name.clone(), value.to_owned()));
        }
        let expected = self.filled(expected);
        assert_eq!(json!(status.as_u16()), expected["status"], "{text}");
        if let Some(value) = expected.get("cache_control") {
            assert_eq!(&json!(headers["cache-control"].to_str().unwrap()), value);
        }
        if let Some(sets) = expected.get("sets") {
            let found: Vec<_> = body["sets"].as_object().unwrap().keys().collect();
            assert_eq!(&json!(found), sets);
        } else if let Some(err) = expected.get("err") {
            assert_eq!((&body["err"], body["description"].is_string()), (err, true));
        } else if let Some(expected) = expected.get("body") {
            assert_eq!(&body, expected);
            assert_eq!(headers["content-type"], "application/json");
        } else {
            assert_eq!(text, "");
        }
    }
}

#[tokio::test]
async fn every_case_is_answered_as_it_says() {
    let (file, manifest) = (read("stream-api.json"), read("manifest.json"));
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(json!(cases.len()), manifest["stream-api.json"]["cases"]);
    let (key, client) = (SigningKey::generate(KeyType::P256).unwrap(), client());
    // The same key in this process, and as that of a signer.
    let external = KeySet::from(ExternalKey::signed_by(key.clone()).unwrap());
    for keys in [KeySet::new(key), external] {
        for case in cases {
            // Both are beside the assertion that fails.
            println!("{:?}: {}", keys.active(), case["name"]);
            let mut world = Case::new(&file["settings"], keys.clone(), client.clone()).await;
            for step in case["steps"].as_array().unwrap() {
                world.step(step).await;
            }
        }
    }
}

#[tokio::test]
async fn a_receiver_polls_what_is_published() {
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let store = MemoryStore::new();
    let api = StreamApi::builder("https://tr.example.com", keys, store.clone())
        .event("caep.session-revoked")
        .long_poll(TokioTimer, Duration::from_hours(1))
        .build()
        .unwrap();
    let (address, client) = (mount(api.clone(), vec!["https://acme.example.com".to_owned()]).await, client());
    let post = async |path: &str, body: Value| {
        let request = client.post(format!("{address}{path}")).bearer_auth("of-acme").json(&body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let uri = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    let (status, stream) = post("/ssf/streams", json!({ "events_requested": [uri] })).await;
    assert_eq!(status, StatusCode::CREATED);
    let poll = format!("/ssf/poll/{}", stream["stream_id"].as_str().unwrap());
    let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com"));
    let ((_, polled), published) = tokio::join!(post(&poll, json!({})), api.publish(entry));
    let jtis = published.unwrap().jtis;
    assert_eq!(
        polled["sets"].as_object().unwrap().keys().collect::<Vec<_>>(),
        jtis.iter().collect::<Vec<_>>()
    );
    post(&poll, json!({ "ack": jtis, "maxEvents": 0 })).await;
    assert_eq!(store.counts().await.unwrap().delivered, 1);
}

//! A transmitter in a server, and a receiver that creates a stream there, polls it, and acknowledges what it gets.
//!
//! Run it with `cargo run -p ssf-transmitter-tower --example poll`.

use std::{error::Error, time::Duration};

use serde_json::{Value, json};
use ssf_transmitter::{
    KeySet, KeyType, SigningKey, Subject,
    event::caep,
    outbox::{Entry, MemoryStore, Store},
    stream::{Authentication, Caller, Scope, StreamApi},
};
use ssf_transmitter_tower::{StreamService, TokioTimer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let issuer = format!("http://{}", listener.local_addr()?);

    // The transmitter: the API in an axum server.
    let store = MemoryStore::new();
    let keys = KeySet::new(SigningKey::generate(KeyType::Rsa2048)?);
    let api = StreamApi::builder(issuer.as_str(), keys, store.clone())
        .event("caep.session-revoked")
        .long_poll(TokioTimer, Duration::from_secs(25))
        .allow_loopback_http()
        .build()?;
    let service = StreamService::new(api.clone(), async |headers: http::HeaderMap| {
        match headers.get("authorization").and_then(|value| value.to_str().ok()) {
            Some("Bearer of-acme") => {
                Caller::new("acme").audience("https://acme.example.com").scope(Scope::Manage).into()
            }
            Some(_) => Authentication::Invalid,
            None => Authentication::Missing,
        }
    });
    tokio::spawn(axum::serve(listener, axum::Router::new().fallback_service(service)).into_future());

    // The receiver: a plain HTTP client, without TLS on this machine.
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::new();
    let metadata: Value =
        client.get(format!("{issuer}/.well-known/ssf-configuration")).send().await?.json().await?;
    let endpoint = metadata["configuration_endpoint"].as_str().ok_or("no endpoint")?;
    let events = ["https://schemas.openid.net/secevent/caep/event-type/session-revoked"];
    let created = client
        .post(endpoint)
        .bearer_auth("of-acme")
        .json(&json!({ "events_requested": events }))
        .send()
        .await?
        .error_for_status()?;
    let stream: Value = created.json().await?;
    let poll = async |body: Value| -> Result<Value, Box<dyn Error>> {
        let url = stream["delivery"]["endpoint_url"].as_str().ok_or("no endpoint")?;
        let answer = client.post(url).bearer_auth("of-acme").json(&body).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    };

    // Something happens while the receiver waits.
    let publish = async {
        let event = caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost");
        api.publish(Entry::new(event, Subject::email("ada@example.com"))).await
    };
    let (polled, published) = tokio::join!(poll(json!({})), publish);
    let (polled, published) = (polled?, published?);
    let sets = polled["sets"].as_object().ok_or("no sets")?;
    assert_eq!(sets.keys().collect::<Vec<_>>(), published.jtis.iter().collect::<Vec<_>>());

    poll(json!({ "ack": published.jtis, "maxEvents": 0, "returnImmediately": true })).await?;
    assert_eq!(store.counts().await?.delivered, 1);

    // Without a token, nobody gets anything.
    let refused = client.get(endpoint).send().await?;
    assert_eq!(refused.status(), 401);
    Ok(())
}

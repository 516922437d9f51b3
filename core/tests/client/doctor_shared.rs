//! What a doctor checks once for all receivers, and of an outbox.

use std::collections::HashMap;

use crate::server::Server;
use serde_json::json;
use ssf_transmitter::{
    Dialect, Error, ErrorCode, KeyType, Receiver, SigningKey, Subject, Transmitter,
    client::{Check, Diagnosis, Outcome, Worker},
    event::caep,
    outbox::{Entry, MemoryStore, Outbox},
};

/// A server that publishes the documents of a transmitter, and the transmitter.
async fn transmitter() -> (Server, Transmitter) {
    let key = SigningKey::generate(KeyType::P256).unwrap().with_kid("2026-12").unwrap();
    let jwks = json!({ "keys": [key.public_key().to_jwk()] });
    let server = Server::start(move |seen, _| {
        let base = format!("http://{}", seen.header("host").unwrap());
        let body = match seen.path.as_str() {
            "/jwks.json" => jwks.clone(),
            _ => json!({ "spec_version": "1_0", "issuer": base, "jwks_uri": format!("{base}/jwks.json") }),
        };
        (200, vec![("content-type", "application/json".to_owned())], body.to_string().into_bytes())
    })
    .await;
    let transmitter = Transmitter::builder(&server.base, key).build().unwrap();
    (server, transmitter)
}

fn ids(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.checks().iter().map(|check| check.id).collect()
}

#[tokio::test]
async fn what_receivers_share_is_checked_once() {
    let (documents, transmitter) = transmitter().await;
    let receivers = [Server::always(202, &[], "").await, Server::always(202, &[], "").await];
    let receivers = receivers.map(|server| server.receiver());
    let shared = transmitter.doctor_shared(&receivers).await;
    let expected = [
        "key",
        "configuration-reachable",
        "configuration-content-type",
        "configuration-issuer",
        "configuration-conforms",
        "jwks-reachable",
        "jwks-content-type",
        "jwks-private",
        "jwks-valid",
        "signing-key",
        "proxy",
        "trust-store",
        "clock",
    ];
    assert_eq!(ids(&shared), expected);
    assert!(shared.is_healthy(), "{shared:#?}");
    assert_eq!(shared.check("key").unwrap().message, "SETs are signed with ES256, with the kid 2026-12");
    assert_eq!(documents.seen().len(), 2);

    for receiver in &receivers {
        let event = caep::SessionRevoked::new().with_reason_admin("en", "A test");
        let doctor = transmitter.doctor(event, Subject::email("ada@example.com"), receiver);
        let own = doctor.receiver_only().await;
        assert_eq!(ids(&own), ["proxy", "source-address", "tls-version", "token", "lint", "send"]);
    }
    assert_eq!(documents.seen().len(), 2, "no receiver asks for the documents again");

    transmitter.close().await;
    assert_eq!(ids(&transmitter.doctor_shared(&receivers).await), ["transmitter"]);
}

#[tokio::test]
async fn documents_that_no_receiver_reads_only_warn() {
    let (_documents, transmitter) = transmitter().await;
    let okta = Receiver::okta("https://acme.okta.com").build().unwrap();
    let server = Server::always(404, &[], "").await;
    let by_hand = Receiver::builder(server.url("/events"), "https://receiver.example.net")
        .dialect(&Dialect::built_in("govuk-one-login").unwrap())
        .bearer("t0ken")
        .allow_loopback()
        .build()
        .unwrap();
    let nowhere = server.url("/configuration");
    let outcome = async |receivers: &[Receiver]| {
        let shared = transmitter.doctor_shared(receivers).configuration_url(&nowhere).await;
        shared.check("configuration-reachable").unwrap().outcome
    };
    assert_eq!(outcome(std::slice::from_ref(&by_hand)).await, Outcome::Warning);
    assert_eq!(outcome(&[by_hand, okta]).await, Outcome::Failed);
}

#[tokio::test]
async fn an_outbox_says_what_waits_and_what_needs_a_person() {
    let outbox = Outbox::new(MemoryStore::new());
    let look = async || Check::outbox(async { Ok(outbox.clone()) }).await;
    let entry = || Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme");
    outbox.enqueue(entry()).await.unwrap();
    let check = look().await;
    assert_eq!((check.id, check.outcome), ("outbox", Outcome::Passed));
    assert!(check.message.starts_with("the outbox opens; waiting: 1 (the oldest since 2"), "{check:?}");

    let server = Server::always(400, &[], r#"{"err":"invalid_request"}"#).await;
    let (_documents, transmitter) = transmitter().await;
    let receivers = HashMap::from([("acme".to_owned(), server.receiver())]);
    Worker::new(outbox.clone(), transmitter, receivers).drain().await.unwrap();
    let check = look().await;
    assert_eq!(check.outcome, Outcome::Warning, "{check:?}");
    assert!(check.message.ends_with(", dead: 1") && !check.remedy.is_empty(), "{check:?}");
}

#[tokio::test]
async fn an_outbox_that_does_not_open_says_why() {
    let error = || Error::new(ErrorCode::OutboxUnavailable, "no such table");
    let check = Check::outbox(async { Err(error()) }).await;
    assert_eq!((check.outcome, check.message), (Outcome::Failed, error().to_string()));
    assert_eq!(check.remedy, error().remedy());
}

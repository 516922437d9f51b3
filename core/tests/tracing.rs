//! What `tracing` is told. In a program of its own: which events are wanted is remembered for the whole process, and a test beside
//! it may be the first to report one.

#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod server;

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use server::Server;
use ssf_transmitter::{
    KeyType, Receiver, SigningKey, Subject, Transmitter, delivery::RetryPolicy, event::caep,
};

/// Where `tracing` writes to in a test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn tracing_tells_what_happened_and_to_nobody_whom_it_is_about() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let body = r#"{ "err": "invalid_request", "description": "ada@example.com is unknown" }"#.as_bytes();
    let server = Server::start(move |_, before| match before {
        0 => (503, Vec::new(), Vec::new()),
        1 => (202, Vec::new(), Vec::new()),
        _ => (400, Vec::new(), body.to_vec()),
    })
    .await;
    let event = caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost by Ada");
    let receiver = Receiver::builder(server.url("/cap4bility"), "aud")
        .bearer("s3cret-token")
        .allow_loopback()
        .build()
        .unwrap();
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let policy = RetryPolicy::new().base(Duration::from_millis(1));
    let transmitter = Transmitter::builder("https://edr.example.com", key).retry(policy).build().unwrap();
    let delivered = transmitter
        .emit(event.clone(), Subject::email("ada@example.com"), &receiver)
        .txn("incident-4711")
        .await
        .unwrap();
    transmitter.emit(event.clone(), Subject::email("ada@example.com"), &receiver).await.unwrap_err();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let own: Vec<_> = log.lines().filter(|line| line.contains("ssf_transmitter")).collect();
    for expected in
        ["event=\"caep.session-revoked\"", "host=\"127.0.0.1\"", "attempts=2", "status=202", delivered.jti()]
    {
        assert!(
            own.iter().any(|line| line.contains("delivered") && line.contains(expected)),
            "{expected}: {own:#?}"
        );
    }
    assert!(
        own.iter().any(|line| line.contains("code=\"receiver_rejected\"") && line.contains("status=400"))
    );
    assert_eq!(own.iter().filter(|line| line.contains("attempt=")).count(), 3);
    for secret in ["ada@", "s3cret", "Laptop", "incident", "cap4bility", "eyJ"] {
        assert!(!own.iter().any(|line| line.contains(secret)), "{secret}: {own:#?}");
    }
}

//! What `tracing` is told. In a program of its own: which events are wanted is remembered for the whole process, and a test beside
//! it may be the first to report one.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    io,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use ssf_transmitter::{
    KeySet, KeyType, SigningKey,
    outbox::{MemoryStore, Seal},
    stream::{Caller, Scope, StreamApi},
};
use ssf_transmitter_tower::StreamService;
use tower_service::Service as _;
use tracing_subscriber::util::SubscriberInitExt as _;

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
async fn tracing_learns_why_there_is_no_answer_and_the_caller_does_not() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let _guard = subscriber.set_default();

    let store = MemoryStore::new();
    let sealed_with = |key: &str| {
        let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
        let seal = Seal::new([1; 32], key, [2; 32]).unwrap();
        let api =
            StreamApi::builder("https://tr.example.com", keys, store.clone()).seal(seal).build().unwrap();
        StreamService::new(api, async |_| Caller::new("acme").scope(Scope::Manage).into())
    };
    let request = |method: &str, body: &'static str| {
        let body = Full::<Bytes>::from(body);
        http::Request::builder().method(method).uri("/ssf/streams").body(body).unwrap()
    };
    let created =
        sealed_with("2026-11").call(request("POST", r#"{ "description": "of Ada" }"#)).await.unwrap();
    assert_eq!(created.status(), http::StatusCode::CREATED);

    // The key that the stream is sealed with is lost.
    let answer = sealed_with("2026-12").call(request("GET", "")).await.unwrap();
    assert_eq!(answer.status(), http::StatusCode::SERVICE_UNAVAILABLE);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(!String::from_utf8_lossy(&body).contains("key"), "{body:?}");
    let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let failures: Vec<_> = told.lines().filter(|line| line.contains("ERROR")).collect();
    let [failure] = failures[..] else { panic!("{told}") };
    for part in ["the stream API cannot answer", r#"operation="stream.read""#, r#"code="outbox_key_missing""#]
    {
        assert!(failure.contains(part), "{part}: {failure}");
    }
    assert!(!told.contains("Ada"), "{told}");
}

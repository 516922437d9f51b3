//! Deliveries when things go wrong: retries, rotation, isolation, many at once, and what is counted and told of it.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::server::{Seen, Server};
use axum::{Router, http::StatusCode, routing::post};
use ssf_transmitter::{
    ErrorCode, KeySet, KeyType, Network, Receiver, SigningKey, Subject, Timestamp, Transmitter,
    delivery::RetryPolicy, event::caep, set::DecodedSet,
};
use tokio::{net::TcpListener, sync::Barrier};

/// Retries without long waits.
fn quick() -> RetryPolicy {
    RetryPolicy::new().base(Duration::from_millis(1)).max_backoff(Duration::from_millis(5))
}

fn transmitter(keys: impl Into<KeySet>) -> Transmitter {
    Transmitter::builder("https://edr.example.com", keys).retry(quick()).build().unwrap()
}

fn key() -> SigningKey {
    SigningKey::generate(KeyType::Ed25519).unwrap()
}

fn event() -> caep::SessionRevoked {
    caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost by Ada")
}

/// A receiver that accepts connections and says nothing.
async fn silent() -> (Receiver, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    (Receiver::builder(url, "aud").allow_loopback().build().unwrap(), listener)
}

#[tokio::test]
async fn the_same_bytes_are_sent_until_the_receiver_takes_them() {
    let server = Server::start(|_, before| match before {
        0 => (503, Vec::new(), Vec::new()),
        1 => (429, vec![("retry-after", "0".to_owned())], Vec::new()),
        _ => (202, Vec::new(), Vec::new()),
    })
    .await;
    let receipt = transmitter(key()).emit(event(), Subject::opaque("1"), &server.receiver()).await.unwrap();
    assert_eq!(receipt.attempts(), 3);
    let bodies: HashSet<_> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn a_key_that_the_receiver_does_not_know_any_more_is_replaced_once() {
    let (old, new) = (key(), key());
    let current = new.kid().to_owned();
    let server = Server::start(move |seen: &Seen, _| {
        let kid = DecodedSet::parse(&seen.body).unwrap().header()["kid"].clone();
        let known = kid == current.as_str();
        let body = if known { "" } else { r#"{ "err": "invalid_key" }"# };
        (if known { 202 } else { 400 }, Vec::new(), body.as_bytes().to_vec())
    })
    .await;
    let keys = KeySet::new(old.clone());
    let transmitter = transmitter(keys.clone());
    let receiver = server.receiver();

    // Without another key there is nothing to do about it.
    let error = transmitter.emit(event(), Subject::opaque("1"), &receiver).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ReceiverKeyUnknown);

    let set = transmitter.prepare(event(), Subject::opaque("1"), &receiver).unwrap().sign(&old).unwrap();
    keys.stage(new, Timestamp::now()).unwrap();
    keys.rotate(Timestamp::now(), Duration::ZERO).unwrap();
    let receipt = transmitter.deliver(&set, &receiver).await.unwrap();
    assert_eq!((receipt.jti(), receipt.attempts()), (set.jti(), 2));
    let (before, after) = (set.decode().unwrap(), receipt.set().decode().unwrap());
    assert_eq!(before.claims(), after.claims());
    after.verify(&keys.jwks().unwrap()).unwrap();
}

#[tokio::test]
async fn a_silent_receiver_does_not_delay_another() {
    let server = Server::always(202, &[], "").await;
    let (dead, _listener) = silent().await;
    let live = server.receiver();
    let transmitter = transmitter(key());
    let hour = Duration::from_hours(1);
    let policy = quick().attempt_timeout(hour);
    // Twice the concurrency limit for the dead one, first.
    let emits: Vec<_> = (0..40)
        .map(|number| {
            transmitter.emit(event(), Subject::opaque("1"), if number < 32 { &dead } else { &live })
        })
        .map(|emit| emit.deadline(hour).retry(policy.clone()))
        .collect();
    let mut all = transmitter.emit_all(emits).concurrency(64);
    for _ in 0..8 {
        let emitted = all.next().await.unwrap();
        assert!(emitted.index >= 32 && emitted.result.is_ok(), "the living one comes first");
    }
    assert_eq!((all.progress().delivered, all.progress().failed, all.progress().in_flight()), (8, 0, 32));
}

/// A receiver that answers once `together` requests are there, and notes how many it has at once.
async fn counting(together: usize) -> (String, Arc<AtomicUsize>) {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (noted, barrier) = (most.clone(), Arc::new(Barrier::new(together)));
    let handler = move || {
        let (running, noted, barrier) = (running.clone(), noted.clone(), barrier.clone());
        async move {
            noted.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            barrier.wait().await;
            // Gives a request beyond the limit the time to come in.
            tokio::time::sleep(Duration::from_millis(5)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            StatusCode::ACCEPTED
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(handler))).await });
    (url, most)
}

#[tokio::test]
async fn a_receiver_has_no_more_at_once_than_its_concurrency() {
    let (url, most) = counting(3).await;
    let receiver = Receiver::builder(url, "aud").allow_loopback().concurrency(3).build().unwrap();
    let transmitter = transmitter(key());
    let emits: Vec<_> = (0..30).map(|_| transmitter.emit(event(), Subject::opaque("1"), &receiver)).collect();
    let mut all = transmitter.emit_all(emits);
    while let Some(emitted) = all.next().await {
        emitted.result.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn many_have_no_more_on_the_wire_than_their_concurrency_and_are_taken_as_there_is_room() {
    let (url, most) = counting(4).await;
    let receiver = Receiver::builder(url, "aud").allow_loopback().concurrency(100).build().unwrap();
    let transmitter = transmitter(key());
    let taken = Arc::new(AtomicUsize::new(0));
    let noted = taken.clone();
    let emits = {
        let (transmitter, receiver) = (transmitter.clone(), receiver.clone());
        (0..500).map(move |_| {
            noted.fetch_add(1, Ordering::SeqCst);
            transmitter.emit(event(), Subject::opaque("1"), &receiver)
        })
    };
    let mut all = transmitter.emit_all(emits).concurrency(4);
    let mut indexes = HashSet::new();
    let first = all.next().await.unwrap();
    indexes.insert(first.index);
    assert_eq!(taken.load(Ordering::SeqCst), 64, "a window of sixteen for each request");
    while let Some(emitted) = all.next().await {
        emitted.result.unwrap();
        assert!(indexes.insert(emitted.index), "each is told once");
    }
    assert_eq!(indexes, (0..500).collect());
    assert_eq!(most.load(Ordering::SeqCst), 4);
    assert_eq!(all.progress().delivered, 500);
}

#[tokio::test]
async fn the_counters_always_balance() {
    let server =
        Server::start(|_, before| (if before % 3 == 0 { 404 } else { 202 }, Vec::new(), Vec::new())).await;
    let (transmitter, receiver) = (transmitter(key()), server.receiver());
    let emits: Vec<_> = (0..60).map(|_| transmitter.emit(event(), Subject::opaque("1"), &receiver)).collect();
    let mut all = transmitter.emit_all(emits).concurrency(8);
    let balanced = || {
        let counters = transmitter.counters();
        assert_eq!(counters.enqueued, counters.delivered + counters.failed + counters.in_flight);
        assert_eq!(counters.failed, counters.failures.values().sum::<u64>());
        counters
    };
    while all.next().await.is_some() {
        balanced();
    }
    let counters = balanced();
    assert_eq!((counters.enqueued, counters.in_flight, counters.attempts), (60, 0, 60));
    assert_eq!(counters.failures["receiver_not_found"], 20);

    // What breaks a rule is counted, and so is what is given up.
    transmitter.emit(event(), Subject::email("no address"), &receiver).await.unwrap_err();
    let (dead, _listener) = silent().await;
    let emit = transmitter.emit(event(), Subject::opaque("1"), &dead).into_future();
    assert!(tokio::time::timeout(Duration::from_millis(20), emit).await.is_err());
    let counters = balanced();
    assert_eq!((counters.failures["subject_member_value"], counters.failures["abandoned"]), (1, 1));
    assert_eq!(counters.in_flight, 0);
}

#[tokio::test]
async fn addresses_of_ones_own_network_are_not_reached() {
    let transmitter = transmitter(key());
    for url in [
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:192.168.0.1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://localhost/",
    ] {
        let receiver = Receiver::builder(url, "aud").build().unwrap();
        let error = transmitter.emit(event(), Subject::opaque("1"), &receiver).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::AddressForbidden, "{url}");
    }
    assert_eq!(transmitter.counters().failures["address_forbidden"], 9);

    // Allowed, it gets as far as nobody being there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    drop(listener);
    let open = Transmitter::builder("https://edr.example.com", key())
        .retry(RetryPolicy::once())
        .network(Network::new().allow_network("127.0.0.0/8"))
        .build()
        .unwrap();
    let receiver = Receiver::builder(url, "aud").build().unwrap();
    let error = open.emit(event(), Subject::opaque("1"), &receiver).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConnectionFailed);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_as_such() {
    let transmitter =
        Transmitter::builder("https://edr.example.com", key()).retry(RetryPolicy::once()).build().unwrap();
    // RFC 6761 §6.4: never a name.
    let receiver = Receiver::builder("https://receiver.invalid/", "aud").build().unwrap();
    let error = transmitter.emit(event(), Subject::opaque("1"), &receiver).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DnsFailed);
    assert!(error.is_retryable());
}

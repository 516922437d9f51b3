//! An outbox is drained, and what it holds is not lost.

#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod server;

use std::{
    collections::{HashMap, HashSet},
    task::Poll,
};

use server::Server;
use ssf_transmitter::{
    ErrorCode, KeyType, Receiver, Result, SignedSet, SigningKey, Subject, Transmitter,
    client::{MemoryOutbox, Outbox, Settlement, Waiting},
    delivery::RetryPolicy,
    event::caep,
    key::BoxFuture,
};

fn transmitter() -> (Transmitter, SigningKey) {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let transmitter = Transmitter::builder("https://edr.example.com", key.clone())
        .retry(RetryPolicy::once())
        .build()
        .unwrap();
    (transmitter, key)
}

fn waiting(transmitter: &Transmitter, key: &SigningKey, name: &str, receiver: &Receiver) -> Waiting {
    let set = transmitter.prepare(caep::SessionRevoked::new(), Subject::opaque("1"), receiver).unwrap();
    Waiting { receiver: name.to_owned(), set: set.sign(key).unwrap() }
}

#[tokio::test]
async fn each_set_is_settled_by_what_became_of_it() {
    let up = Server::always(202, &[], "").await;
    let down = Server::start(|_, before| (if before == 0 { 503 } else { 202 }, Vec::new(), Vec::new())).await;
    let gone = Server::always(410, &[], "").await;
    let receivers =
        HashMap::from([("up", up.receiver()), ("down", down.receiver()), ("gone", gone.receiver())]);
    let (transmitter, key) = transmitter();

    let mut outbox = MemoryOutbox::default();
    for name in ["up", "down", "gone"] {
        outbox.put(waiting(&transmitter, &key, name, &receivers[name])).await.unwrap();
    }
    outbox.put(waiting(&transmitter, &key, "nobody", &receivers["up"])).await.unwrap();
    let receiver_of = |name: &str| receivers.get(name).cloned();
    let progress = transmitter.drain(&mut outbox, receiver_of).await.unwrap();
    assert_eq!((progress.started, progress.delivered, progress.failed), (4, 1, 3));
    assert!(outbox.is_empty());
    let mut failed: Vec<_> =
        outbox.failed().iter().map(|(waiting, error)| (waiting.receiver.as_str(), error.code())).collect();
    failed.sort_by_key(|(name, _)| *name);
    assert_eq!(failed, [("gone", ErrorCode::ReceiverNotFound), ("nobody", ErrorCode::ConfigurationInvalid)]);

    // Another time it is back, and gets the same bytes.
    assert_eq!(outbox.later().len(), 1);
    outbox.retry();
    let progress = transmitter.drain(&mut outbox, receiver_of).await.unwrap();
    assert_eq!((progress.delivered, progress.failed), (1, 0));
    assert_eq!(down.seen()[0].body, down.seen()[1].body);
}

#[tokio::test]
async fn a_drain_that_is_dropped_loses_nothing() {
    let server = Server::always(202, &[], "").await;
    let receiver = server.receiver();
    let (transmitter, key) = transmitter();
    let mut outbox = MemoryOutbox::default();
    for _ in 0..40 {
        outbox.put(waiting(&transmitter, &key, "a", &receiver)).await.unwrap();
    }
    // At its first step a drain takes as much as it sends at once. Then it is dropped.
    let receiver_of = |_: &str| Some(receiver.clone());
    let mut drained = Box::pin(transmitter.drain(&mut outbox, receiver_of));
    assert!(std::future::poll_fn(|context| Poll::Ready(drained.as_mut().poll(context))).await.is_pending());
    drop(drained);
    assert_eq!((outbox.len(), outbox.is_empty()), (40, false));

    let progress = transmitter.drain(&mut outbox, receiver_of).await.unwrap();
    assert_eq!((progress.started, progress.delivered, progress.failed), (40, 40, 0));
    assert!(outbox.is_empty());
    let delivered: HashSet<_> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(delivered.len(), 40);
}

#[tokio::test]
async fn what_the_receiver_has_already_is_delivered() {
    let server = Server::always(409, &[], "").await;
    let receiver = server.receiver();
    let (transmitter, key) = transmitter();
    let mut outbox = MemoryOutbox::default();
    outbox.put(waiting(&transmitter, &key, "a", &receiver)).await.unwrap();
    let progress = transmitter.drain(&mut outbox, |_| Some(receiver.clone())).await.unwrap();
    assert_eq!((progress.delivered, progress.failed), (1, 0));
}

/// An outbox as a table would be one: SETs are text, and a row is there until it is settled.
#[derive(Default)]
struct Table {
    rows: Vec<(String, String, bool)>,
}

impl Outbox for Table {
    fn put(&mut self, waiting: Waiting) -> BoxFuture<'_, Result<()>> {
        self.rows.push((waiting.receiver, waiting.set.as_str().to_owned(), false));
        Box::pin(std::future::ready(Ok(())))
    }

    fn take(&mut self) -> BoxFuture<'_, Result<Option<Waiting>>> {
        let row = self.rows.iter_mut().find(|(_, _, taken)| !taken);
        let waiting = row.map(|(receiver, set, taken)| {
            *taken = true;
            SignedSet::parse(set).map(|set| Waiting { receiver: receiver.clone(), set })
        });
        Box::pin(std::future::ready(waiting.transpose()))
    }

    fn settle(&mut self, waiting: Waiting, settlement: Settlement) -> BoxFuture<'_, Result<()>> {
        if !matches!(settlement, Settlement::Later(_)) {
            self.rows.retain(|(_, set, _)| set != waiting.set.as_str());
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test]
async fn a_crash_loses_nothing_and_a_repeat_is_recognized() {
    let server = Server::always(202, &[], "").await;
    let receiver = server.receiver();
    let (transmitter, key) = transmitter();
    let mut table = Table::default();
    for _ in 0..20 {
        table.put(waiting(&transmitter, &key, "a", &receiver)).await.unwrap();
    }
    // The process ends in the middle: what was taken is not settled.
    let receiver_of = |_: &str| Some(receiver.clone());
    let drained = transmitter.drain(&mut table, receiver_of);
    let crash = async {
        while server.seen().len() < 5 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = drained => {}
        () = crash => {}
    }
    // The next one starts with what is in the table.
    table.rows.iter_mut().for_each(|(_, _, taken)| *taken = false);
    transmitter.drain(&mut table, receiver_of).await.unwrap();
    assert!(table.rows.is_empty());
    let mut jtis: Vec<_> =
        server.seen().iter().map(|seen| SignedSet::parse(&seen.body).unwrap().jti().to_owned()).collect();
    jtis.sort();
    jtis.dedup();
    assert_eq!(jtis.len(), 20);
}

//! Several workers share an outbox.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it tells what it measured")]

mod common;
#[path = "workers/streams.rs"]
mod streams;

use std::{collections::HashMap, time::Duration};

use common::{claim, entry, outbox, server::shared, until, within_guard};
use ssf_emulator::{Config, Emulator, KeySource, Like};
use ssf_transmitter::{
    KeyType, Receiver, SigningKey, Transmitter,
    client::Worker,
    outbox::{Outbox, Store},
};

const ENTRIES: u64 = 2000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_deliver_each_entry_once() {
    let builder = outbox(&shared().url()).await;
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let transmitter = Transmitter::builder("https://edr.example.com", key).build().unwrap();
    let keys = KeySource::Jwks(transmitter.jwks().unwrap().to_json());
    let config = Config::new(Like::Rfc8935, "https://edr.example.com", keys, "https://receiver.example.net");
    let emulator = Emulator::start(config).await.unwrap();
    let receiver = Receiver::builder(emulator.push_url(), "https://receiver.example.net").allow_loopback();
    let receiver = receiver.build().unwrap();
    let names = (0..8).map(|number| format!("r{number}"));
    let receivers: HashMap<_, _> = names.map(|name| (name, receiver.clone())).collect();

    let mut running = Vec::new();
    let mut handles = Vec::new();
    for _ in 0..2 {
        let outbox = Outbox::new(builder.connect().await.unwrap());
        let worker =
            Worker::new(outbox, transmitter.clone(), receivers.clone()).poll(Duration::from_millis(20));
        handles.push(worker.handle());
        running.push(tokio::spawn(worker.run()));
    }
    let outbox = Outbox::new(builder.connect().await.unwrap());
    for hundred in 0..ENTRIES / 100 {
        let entries = (0..100).map(|one| entry(&format!("r{}", one % 8), &format!("{hundred}-{one}")));
        outbox.enqueue_many(entries).await.unwrap();
    }
    until(async || (outbox.counts().await.unwrap().delivered == ENTRIES).then_some(())).await;
    for handle in &handles {
        handle.stop();
    }
    for worker in running {
        worker.await.unwrap().unwrap();
    }
    let accepted = emulator.accepted();
    assert_eq!(accepted.len() as u64, ENTRIES);
    assert!(accepted.values().all(|times| *times == 1));
    assert!(outbox.counts().await.unwrap().is_balanced());
    emulator.stop().await;
}

#[tokio::test]
async fn a_change_by_another_process_is_heard() {
    let builder = outbox(&shared().url()).await;
    let (here, there) = (builder.connect().await.unwrap(), builder.connect().await.unwrap());
    // The first time, it ends when the database is listened to.
    within_guard(here.changed()).await;
    let changed = here.changed();
    // A store that is dropped tells nothing more.
    let there = Outbox::new(there);
    there.enqueue(entry("acme", "ada")).await.unwrap();
    within_guard(changed).await;
    assert_eq!(claim(&here, 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_at_once_share_no_delivery() {
    let builder = outbox(&shared().url()).await;
    let store = builder.connect().await.unwrap();
    let names = (0..200).map(|number| (format!("r{}", number % 20), number.to_string()));
    let entries = names.map(|(receiver, user)| entry(&receiver, &user));
    Outbox::new(store.clone()).enqueue_many(entries).await.unwrap();
    let mut claims = Vec::new();
    for _ in 0..4 {
        let store = builder.connect().await.unwrap();
        claims.push(tokio::spawn(async move {
            let mut jtis = Vec::new();
            // Those that are locked are left to the others.
            while store.counts().await.unwrap().waiting > 0 {
                jtis.extend(claim(&store, 7).await.into_iter().map(|claimed| claimed.lease.jti));
            }
            jtis
        }));
    }
    let mut jtis = Vec::new();
    for claim in claims {
        jtis.extend(claim.await.unwrap());
    }
    jtis.sort();
    jtis.dedup();
    assert_eq!(jtis.len(), 200);
    assert_eq!(store.counts().await.unwrap().in_flight, 200);
}

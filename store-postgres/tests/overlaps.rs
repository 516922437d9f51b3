//! Transactions that overlap: of other workers, of those who enqueue, and of programs that only read.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

mod common;

use std::collections::HashMap;

use common::{claim, entry, new_outbox, server::shared, settle_all, sql, until, within_guard};
use ssf_emulator::{Config, Emulator, KeySource, Like};
use ssf_transmitter::{
    KeyType, Receiver, SigningKey, Transmitter,
    client::Worker,
    outbox::{Outbox, Store},
};
use tokio_postgres::Client;

/// Blocks whoever enqueues for `slow`, after it has written everything and before it commits, until `pg_advisory_lock(4711)` is free.
const SLOW_COMMIT: &str = "
    CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(4711) FROM receivers WHERE id = NEW.receiver AND name LIKE 'slow%';
            RETURN NULL;
        END
    $$;
    CREATE CONSTRAINT TRIGGER wait_for_test AFTER INSERT ON deliveries DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION wait_for_test()";

async fn count(client: &Client, question: &str) -> i64 {
    client.query_one(question, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_waits_for_a_receiver_that_another_transaction_has_locked() {
    let url = shared().url();
    let (builder, schema) = new_outbox(&format!("{url}?application_name=drains")).await;
    let outbox = Outbox::new(builder.connect().await.unwrap());
    outbox.enqueue(entry("acme", "ada")).await.unwrap();
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let transmitter = Transmitter::builder("https://edr.example.com", key).build().unwrap();
    let keys = KeySource::Jwks(transmitter.jwks().unwrap().to_json());
    let config = Config::new(Like::Rfc8935, "https://edr.example.com", keys, "https://receiver.example.net");
    let emulator = Emulator::start(config).await.unwrap();
    let receiver = Receiver::builder(emulator.push_url(), "https://receiver.example.net").allow_loopback();
    let receivers = HashMap::from([("acme".to_owned(), receiver.build().unwrap())]);

    let (other, watcher) = (sql(&url, &schema).await, sql(&url, &schema).await);
    other.batch_execute("BEGIN; SELECT FROM receivers FOR UPDATE").await.unwrap();
    let began = count(&watcher, "SELECT last_value FROM turns").await;
    let draining = tokio::spawn(Worker::new(outbox.clone(), transmitter, receivers).drain());
    // The claim has found nothing that it may lock.
    let committed = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'drains' AND query LIKE '%parked_until IS NOT NULL)%'";
    until(async || (count(&watcher, committed).await > 0 || draining.is_finished()).then_some(())).await;
    assert_eq!(count(&watcher, "SELECT last_value FROM turns").await, began);
    other.batch_execute("COMMIT").await.unwrap();
    let drained = draining.await.unwrap().unwrap();
    assert_eq!((drained.delivered, drained.failed), (1, 0));
    emulator.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_commits_after_a_later_one_is_delivered() {
    let url = shared().url();
    let (builder, schema) = new_outbox(&url).await;
    let store = builder.connect().await.unwrap();
    let (outbox, gate) = (Outbox::new(store.clone()), sql(&url, &schema).await);
    gate.batch_execute(SLOW_COMMIT).await.unwrap();
    gate.batch_execute("SELECT pg_advisory_lock(4711)").await.unwrap();
    let first = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.enqueue(entry("slow", "ada")).await.unwrap().jtis.remove(0) }
    });
    let waiting =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 4711";
    until(async || (count(&gate, waiting).await == 1).then_some(())).await;
    let second = outbox.enqueue(entry("quick", "ada")).await.unwrap().jtis.remove(0);
    let third = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.enqueue(entry("slow", "grace")).await.unwrap().jtis.remove(0) }
    });

    let claimed = claim(&store, 10).await;
    assert_eq!(claimed.iter().map(|claimed| &claimed.lease.jti).collect::<Vec<_>>(), [&second]);
    settle_all(&store, claimed).await;
    assert!(!first.is_finished(), "nobody has opened the gate");
    gate.batch_execute("SELECT pg_advisory_unlock(4711)").await.unwrap();
    let (first, third) = (first.await.unwrap(), third.await.unwrap());
    let claimed = claim(&store, 10).await;
    // Within a receiver, the order is that of the commits.
    assert_eq!(claimed.iter().map(|claimed| &claimed.lease.jti).collect::<Vec<_>>(), [&first, &third]);
    settle_all(&store, claimed).await;
    assert_eq!(store.counts().await.unwrap().delivered, 3);
    let (first, second) = tokio::join!(number(&gate, &first), number(&gate, &second));
    assert!(first < second, "the first one has the lower number");
}

async fn number(client: &Client, jti: &str) -> i64 {
    client.query_one("SELECT seq FROM deliveries WHERE jti = $1", &[&jti]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_holds_a_snapshot_stops_nothing() {
    let url = shared().url();
    let (builder, schema) = new_outbox(&url).await;
    let store = builder.connect().await.unwrap();
    let outbox = Outbox::new(store.clone());
    let reader = sql(&url, &schema).await;
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    assert_eq!(count(&reader, "SELECT count(*) FROM deliveries").await, 0);
    let (rounds, each) = (20, 100);
    for round in 0..rounds {
        let entries =
            (0..each).map(|number| entry(&format!("r{}", number % 10), &format!("{round}-{number}")));
        outbox.enqueue_many(entries).await.unwrap();
        let mut jtis = Vec::new();
        while jtis.len() < each {
            let claimed = claim(&store, 30).await;
            assert!(!claimed.is_empty(), "{} of {each}", jtis.len());
            jtis.extend(claimed.iter().map(|claimed| claimed.lease.jti.clone()));
            settle_all(&store, claimed).await;
        }
        jtis.sort();
        jtis.dedup();
        assert_eq!(jtis.len(), each, "none twice");
    }
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.delivered, counts.waiting), ((rounds * each) as u64, 0));
    let oldest = store.health().await.unwrap().oldest_snapshot.unwrap();
    let began = "SELECT floor(extract(epoch FROM now()) * 1000)::bigint";
    assert!(oldest.as_unix_millis() <= count(&reader, began).await, "the alarm shows it");
    // It still sees nothing of this.
    assert_eq!(count(&reader, "SELECT count(*) FROM deliveries").await, 0);
    let began = count(&reader, began).await;
    within_guard(reader.batch_execute("COMMIT")).await.unwrap();
    // Others may have begun since.
    until(async || {
        let oldest = store.health().await.unwrap().oldest_snapshot;
        oldest.is_none_or(|oldest| oldest.as_unix_millis() > began).then_some(())
    })
    .await;
}

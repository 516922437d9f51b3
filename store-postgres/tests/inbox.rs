//! Entries of transactions of the host: committed and rolled back with them, and taken over by the rules of an enqueue.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

mod common;

use std::{collections::BTreeSet, collections::HashMap, time::Duration};

use common::{LEASE, claim, entry, outbox, server::shared, until};
use ssf_emulator::{Config, Emulator, KeySource, Like};
use ssf_transmitter::{
    ErrorCode, KeyType, Receiver, SigningKey, Subject, Transmitter,
    client::Worker,
    event::caep,
    outbox::{Claim, Entry, Filter, Outbox, Priority, Retention, Seal, State, Store},
};
use ssf_transmitter_postgres::{Builder, Inbox, ParamStyle, PostgresStore, Statement};
use tokio_postgres::{Client, NoTls};

/// A store with an empty outbox, and the host's connection to the same database.
async fn begin() -> (Builder, PostgresStore, Client) {
    let builder = outbox(&shared().url()).await;
    let store = builder.connect().await.unwrap();
    (builder, store, host("postgres").await)
}

async fn host(user: &str) -> Client {
    let url = shared().url().replace("postgres@", &format!("{user}@"));
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn statement(store: &PostgresStore, entry: &Entry) -> Statement {
    let outbox = Outbox::new(store.clone());
    store.inbox().statement(&outbox.to_message(entry).unwrap().0, ParamStyle::Numeric).unwrap()
}

async fn execute(client: &Client, statement: &Statement) {
    client.execute(&*statement.sql, &[&statement.parameters[0]]).await.unwrap();
}

/// Enqueues in a transaction of its own.
async fn insert(store: &PostgresStore, client: &Client, entry: &Entry) -> String {
    let mut statement = statement(store, entry);
    execute(client, &statement).await;
    statement.jtis.remove(0)
}

async fn jtis(store: &PostgresStore) -> Vec<String> {
    claim(store, 1000).await.into_iter().map(|claimed| claimed.lease.jti).collect()
}

/// The schema of a store, as it is in its statements.
fn schema(store: &PostgresStore) -> String {
    let sql = statement(store, &entry("acme", "ada")).sql;
    sql.split('"').nth(1).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_delivers_what_was_committed_and_nothing_else() {
    let (builder, store, mut client) = begin().await;
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let transmitter = Transmitter::builder("https://edr.example.com", key).build().unwrap();
    let keys = KeySource::Jwks(transmitter.jwks().unwrap().to_json());
    let config = Config::new(Like::Rfc8935, "https://edr.example.com", keys, "https://receiver.example.net");
    let emulator = Emulator::start(config).await.unwrap();
    let receiver = Receiver::builder(emulator.push_url(), "https://receiver.example.net").allow_loopback();
    let receivers = HashMap::from([("acme".to_owned(), receiver.build().unwrap())]);
    let seal = || Seal::new([1; 32], "one", [2; 32]).unwrap();
    let workers = Outbox::new(builder.connect().await.unwrap()).seal(seal());
    // The hint is enough: it looks at the store only once a minute.
    let worker = Worker::new(workers, transmitter, receivers).poll(Duration::from_mins(1));
    let handle = worker.handle();
    let running = tokio::spawn(worker.run());

    let sealed = Outbox::new(store.clone()).seal(seal());
    let statement = |user: &str| {
        let message = sealed.to_message(&entry("acme", user)).unwrap().0;
        store.inbox().statement(&message, ParamStyle::Numeric).unwrap()
    };
    client.batch_execute("CREATE TEMP TABLE own (name text)").await.unwrap();
    let (kept, gone) = (statement("ada"), statement("bob"));
    for (statement, commits) in [(&gone, false), (&kept, true)] {
        assert!(!statement.parameters[0].contains("ada"));
        let transaction = client.transaction().await.unwrap();
        transaction.execute("INSERT INTO own VALUES ('host')", &[]).await.unwrap();
        transaction.execute(&*statement.sql, &[&statement.parameters[0]]).await.unwrap();
        if commits { transaction.commit().await.unwrap() } else { transaction.rollback().await.unwrap() }
    }
    store.wake();
    until(async || (store.counts().await.unwrap().delivered == 1).then_some(())).await;
    handle.stop();
    running.await.unwrap().unwrap();
    assert_eq!(emulator.accepted().into_keys().collect::<Vec<_>>(), kept.jtis);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.enqueued, counts.delivered, counts.is_balanced()), (1, 1, true));
    emulator.stop().await;
}

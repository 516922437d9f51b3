//! Short ways to use a store.

#![allow(dead_code, reason = "each test uses a part of it")]

pub(crate) mod server;

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use ssf_transmitter::{
    Subject,
    event::caep,
    outbox::{Claim, Claimed, Entry, Outcome, Settlement, Store},
};
use ssf_transmitter_postgres::{Builder, PostgresStore};
use tokio_postgres::{Client, NoTls};

/// Long enough for any step on a busy machine; only a hang takes so long.
const GUARD: Duration = Duration::from_mins(10);
pub(crate) const LEASE: Duration = Duration::from_mins(1);

pub(crate) fn entry(receiver: &str, user: &str) -> Entry {
    Entry::new(caep::SessionRevoked::new(), Subject::opaque(user)).to(receiver)
}

/// Settings for an empty outbox, with a schema of its own.
pub(crate) async fn outbox(url: &str) -> Builder {
    new_outbox(url).await.0
}

/// The same, with the name of the schema.
pub(crate) async fn new_outbox(url: &str) -> (Builder, String) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let schema = format!("outbox_{}", COUNT.fetch_add(1, Ordering::SeqCst));
    let builder = PostgresStore::builder(url).schema(&schema).connections(4);
    builder.migrate().await.unwrap();
    (builder, schema)
}

/// A connection of the test's own.
pub(crate) async fn sql(url: &str, schema: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("SET search_path TO {schema}")).await.unwrap();
    client
}

pub(crate) async fn claim(store: &impl Store, deliveries: u32) -> Vec<Claimed> {
    store.claim(Claim::new(deliveries, deliveries, LEASE, 5)).await.unwrap().deliveries
}

/// Settles deliveries as delivered.
pub(crate) async fn settle_all(store: &impl Store, claimed: Vec<Claimed>) {
    let settlements = claimed.into_iter().map(|claimed| {
        let mut settlement = Settlement::released(claimed.lease);
        settlement.outcome = Outcome::Delivered;
        settlement
    });
    store.settle(settlements.collect()).await.unwrap();
}

/// Waits until a question has the expected answer.
pub(crate) async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within_guard(wait).await
}

/// Fails if it does not end.
pub(crate) async fn within_guard<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, future).await.unwrap()
}

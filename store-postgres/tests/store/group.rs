//! Calls that enqueue at the same time share a transaction, and nothing else.

use std::collections::HashMap;

use crate::common::{entry, outbox, server::Server, until};
use ssf_transmitter::{
    ErrorCode, Result,
    outbox::{Enqueued, Entry, Outbox, Store},
};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

/// A server with an outbox whose receiver `acme` another transaction has locked, so that calls come together.
struct Locked {
    _server: Server,
    outbox: Outbox,
    holder: Client,
    observer: Client,
}

async fn connect(server: &Server) -> Client {
    let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Locked {
    async fn new() -> Self {
        let server = Server::start(false);
        let builder = outbox(&server.url()).await.schema("grouped");
        builder.migrate().await.unwrap();
        let outbox = Outbox::new(builder.connect().await.unwrap());
        outbox.enqueue(entry("acme", "first").jti("known")).await.unwrap();
        let (holder, observer) = (connect(&server).await, connect(&server).await);
        holder.batch_execute("BEGIN; SELECT FROM grouped.receivers FOR UPDATE").await.unwrap();
        Self { _server: server, outbox, holder, observer }
    }

    /// A call in a task of its own.
    fn call(&self, entry: Entry) -> JoinHandle<Result<Enqueued>> {
        let outbox = self.outbox.clone();
        tokio::spawn(async move { outbox.enqueue(entry).await })
    }

    /// Calls that wait for the receiver: as many as there are transactions at once.
    async fn blocked(&self) -> Vec<JoinHandle<Result<Enqueued>>> {
        let mut calls = Vec::new();
        for number in 1..=2_i64 {
            calls.push(self.call(entry("acme", &number.to_string())));
            let waiting = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted";
            let ask = async || self.observer.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0);
            until(async || (ask().await == number).then_some(())).await;
        }
        calls
    }

    async fn unlock(&self) {
        self.holder.batch_execute("ROLLBACK").await.unwrap();
    }

    /// How many transactions have added deliveries.
    async fn transactions(&self) -> i64 {
        let count = "SELECT count(DISTINCT xmin::text) FROM grouped.events";
        self.observer.query_one(count, &[]).await.unwrap().get(0)
    }
}

/// Lets calls that were spawned reach the queue, on the one thread of the test.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn calls_at_once_share_a_commit_and_fail_alone() {
    let locked = Locked::new().await;
    let mut good = locked.blocked().await;
    good.extend((0..100).map(|number| locked.call(entry("acme", &format!("u{number}")))));
    let known = locked.call(entry("acme", "other").jti("known"));
    let twice: Vec<_> = (0..2).map(|n| locked.call(entry("acme", &format!("t{n}")).jti("twice"))).collect();
    let keyed: Vec<_> = (0..2).map(|_| locked.call(entry("acme", "k").idempotency_key("key"))).collect();
    let other = locked.call(entry("acme", "l").idempotency_key("key"));
    settle().await;
    locked.unlock().await;

    for call in good {
        assert!(!call.await.unwrap().unwrap().repeated);
    }
    let conflict = |answer: Result<Enqueued>| answer.unwrap_err().code() == ErrorCode::OutboxConflict;
    assert!(conflict(known.await.unwrap()) && conflict(other.await.unwrap()));
    let mut ends = Vec::new();
    for call in twice {
        ends.push(call.await.unwrap().is_ok());
    }
    assert_eq!(ends, [true, false]);
    let mut jtis = Vec::new();
    for call in keyed {
        jtis.push(call.await.unwrap().unwrap());
    }
    assert_eq!(jtis[0].jtis, jtis[1].jtis);
    assert_eq!((jtis[0].repeated, jtis[1].repeated), (false, true));
    assert_eq!(locked.outbox.counts().await.unwrap().waiting, 1 + 2 + 100 + 1 + 1);
    // The first entry, the two that were blocked, and what came meanwhile.
    assert!(locked.transactions().await <= 5, "{}", locked.transactions().await);
}

#[tokio::test]
async fn what_the_database_rejects_fails_alone() {
    let locked = Locked::new().await;
    let mut good = locked.blocked().await;
    good.extend((0..5).map(|number| locked.call(entry("acme", &format!("u{number}")))));
    let nul = locked.call(entry("a\0b", "ada"));
    good.extend((5..10).map(|number| locked.call(entry("acme", &format!("u{number}")))));
    settle().await;
    locked.unlock().await;
    assert_eq!(nul.await.unwrap().unwrap_err().code(), ErrorCode::OutboxEntryInvalid);
    for call in good {
        call.await.unwrap().unwrap();
    }
    assert_eq!(locked.outbox.counts().await.unwrap().waiting, 1 + 2 + 10);
}

#[tokio::test]
async fn a_caller_that_goes_takes_no_other_one_along() {
    let locked = Locked::new().await;
    let leaders = locked.blocked().await;
    let (gone, stays) = (locked.call(entry("acme", "gone")), locked.call(entry("acme", "stays")));
    settle().await;
    leaders.iter().chain([&gone]).for_each(JoinHandle::abort);
    settle().await;
    locked.unlock().await;
    stays.await.unwrap().unwrap();
    // What had begun is committed, what had not is left out.
    until(async || (locked.outbox.counts().await.unwrap().waiting == 4).then_some(())).await;
    locked.outbox.enqueue(entry("acme", "later")).await.unwrap();
    assert_eq!(locked.outbox.counts().await.unwrap().waiting, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_enqueue_the_same_keys_agree() {
    let server = Server::start(false);
    let builder = outbox(&server.url()).await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        let outbox = Outbox::new(builder.connect().await.unwrap());
        for number in 0..100 {
            let (outbox, key) = (outbox.clone(), number.to_string());
            let entry = entry(&format!("r{}", number % 7), &key).idempotency_key(&key);
            calls.push(tokio::spawn(async move { (key, outbox.enqueue(entry).await.unwrap()) }));
        }
    }
    let mut first = HashMap::new();
    for call in calls {
        let (key, enqueued) = call.await.unwrap();
        assert_eq!(*first.entry(key).or_insert_with(|| enqueued.jtis.clone()), enqueued.jtis);
    }
    let counts = builder.connect().await.unwrap().counts().await.unwrap();
    assert_eq!((first.len(), counts.enqueued), (100, 100));
}

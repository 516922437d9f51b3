//! A store that is closed and opened again has everything.

use std::time::Duration;

use crate::common::{Folder, LEASE, claim, enqueue, entry, settle, try_enqueue};
use ssf_transmitter::{
    ErrorCode, Timestamp,
    outbox::{
        Counts, Failure, Filter, Frozen, Outcome, Retention, Settled, State, Status, Store,
        suite::ManualClock,
    },
    time::Clock,
};
use ssf_transmitter_store::SqliteStore;

fn open(folder: &Folder, clock: &ManualClock) -> SqliteStore {
    SqliteStore::builder(folder.database()).clock(clock.clone()).open().unwrap()
}

fn clock() -> ManualClock {
    ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000))
}

#[tokio::test]
async fn deliveries_states_and_keys_are_kept() {
    let (folder, clock) = (Folder::new(), clock());
    let store = open(&folder, &clock);
    let flying = enqueue(&store, entry("a", "1")).await;
    let claimed = claim(&store, 1).await.remove(0);
    let frozen = Frozen::new(claimed.lease.clone(), b"{}".to_vec().into());
    assert_eq!(store.freeze(vec![frozen]).await.unwrap(), [true]);
    let keyed = enqueue(&store, entry("b", "1").idempotency_key("once")).await;
    let refused = enqueue(&store, entry("c", "1")).await;
    let of_c = claim(&store, 10).await.into_iter().find(|claimed| claimed.lease.jti == refused).unwrap();
    let failure = Failure::new(ErrorCode::ReceiverUnauthorized, "no").with_answer(
        Some(401),
        None,
        Some("who?".to_owned()),
    );
    settle(&store, &of_c, Outcome::Refused(failure.clone())).await;
    store.hold("d").await.unwrap();
    let counts = store.counts().await.unwrap();
    let list = store.list(Filter::new(), None, 100).await.unwrap();
    let receivers = store.receivers(None, 100).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(store.counts().await.unwrap_err().code(), ErrorCode::OutboxUnavailable);

    let store = open(&folder, &clock);
    assert_eq!(store.counts().await.unwrap(), counts);
    assert_eq!(store.list(Filter::new(), None, 100).await.unwrap(), list);
    assert_eq!(store.receivers(None, 100).await.unwrap(), receivers);
    let statuses: Vec<_> = receivers.iter().map(|receiver| receiver.state.status).collect();
    assert_eq!(statuses, [Status::Active, Status::Active, Status::Paused, Status::Held]);
    assert_eq!(receivers[2].state.failure, Some(failure));

    assert_eq!(enqueue(&store, entry("b", "1").idempotency_key("once")).await, keyed);
    let conflict = try_enqueue(&store, entry("b", "2").idempotency_key("once")).await;
    assert_eq!(conflict, Err(ErrorCode::OutboxConflict));
    // The lease outlives the process, and so does what was frozen.
    assert_eq!(claim(&store, 10).await.len(), 0);
    clock.advance(LEASE);
    let again = claim(&store, 10).await.into_iter().find(|claimed| claimed.lease.jti == flying).unwrap();
    assert!(again.uncertain && again.lease.token > claimed.lease.token);
    assert_eq!(again.frozen.unwrap().as_bytes(), b"{}");
    assert_eq!(settle(&store, &claimed, Outcome::Delivered).await, Settled::Lost);
}

#[tokio::test]
async fn the_counts_survive_pruning_and_the_file_shrinks() {
    let (folder, clock) = (Folder::new(), clock());
    let store = open(&folder, &clock);
    for batch in 0..20 {
        let user = |user: u32| crate::common::message(entry("a", &format!("{user:0>400}")));
        let messages = (0..200).map(|number| user(batch * 200 + number)).collect();
        store.enqueue(messages).await.unwrap();
    }
    store.discard(Filter::new(), false).await.unwrap();
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.enqueued, counts.removed), (4000, 4000));
    store.close().await.unwrap();
    let full = std::fs::metadata(folder.database()).unwrap().len();

    let store = open(&folder, &clock);
    clock.advance(Duration::from_hours(24 * 8));
    while store.prune(Retention::default()).await.unwrap().more {}
    for _ in 0..10 {
        store.prune(Retention::default()).await.unwrap();
    }
    assert_eq!(store.counts().await.unwrap(), counts);
    assert_eq!(store.list(Filter::new(), None, 10).await.unwrap(), []);
    store.close().await.unwrap();
    let shrunk = std::fs::metadata(folder.database()).unwrap().len();
    // A part stays for what comes next.
    assert!(shrunk < full.max(5 << 20), "{full} bytes became {shrunk}");
    assert!(!folder.file("outbox.db-wal").exists(), "the last one to close the file removes its log");
}

#[tokio::test]
async fn the_log_stays_short() {
    let (folder, clock) = (Folder::new(), clock());
    let store =
        SqliteStore::builder(folder.database()).clock(clock.clone()).wal_limit(256 << 10).open().unwrap();
    for batch in 0..30 {
        let messages =
            (0..100).map(|user| crate::common::message(entry("a", &format!("{batch}-{user}")))).collect();
        store.enqueue(messages).await.unwrap();
    }
    // The answer may come before the log is moved.
    store.hold("a").await.unwrap();
    store.hold("b").await.unwrap();
    let length = std::fs::metadata(folder.file("outbox.db-wal")).unwrap().len();
    assert!(length <= 512 << 10, "the log has {length} bytes");
}

#[tokio::test]
async fn what_is_delivered_is_not_given_out_again() {
    let (folder, clock) = (Folder::new(), clock());
    for round in 0..5 {
        let store = open(&folder, &clock);
        enqueue(&store, entry("a", &round.to_string())).await;
        let claimed = claim(&store, 10).await;
        assert_eq!(claimed.len(), 1);
        settle(&store, &claimed[0], Outcome::Delivered).await;
        drop(store);
        clock.advance(LEASE);
    }
    let store = open(&folder, &clock);
    let mut expected = Counts::default();
    (expected.enqueued, expected.delivered) = (5, 5);
    assert_eq!(store.counts().await.unwrap(), expected);
    let listed = store.list(Filter::new().state(State::Delivered), None, 10).await.unwrap();
    assert!(listed.iter().all(|record| record.ended_at.is_some_and(|time| time <= clock.now())));
}

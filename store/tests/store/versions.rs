//! Files of earlier versions, and of later ones.

use crate::common::{
    Folder, LEASE, acknowledge, claim, enqueue, entry, event, poll, publisher_at, settle, stream, try_enqueue,
};
use rusqlite::Connection;
use ssf_transmitter::{
    ErrorCode, Subject, Timestamp,
    outbox::{
        Discard, Filter, Outcome, Priority, STREAM_PREFIX, State, Status, Store, StreamStore, SubjectKeys,
        suite::ManualClock,
    },
};
use ssf_transmitter_store::SqliteStore;

/// What the version with this number has left, for the versions after it.
const FIXTURES: &[(u32, &str)] = &[
    (1, include_str!("fixtures/v1.sql")),
    (2, include_str!("fixtures/v2.sql")),
    (3, include_str!("fixtures/v3.sql")),
];

#[tokio::test]
async fn a_newer_version_is_refused() {
    let folder = Folder::new();
    SqliteStore::open(folder.database()).unwrap().close().await.unwrap();
    let newer = "UPDATE meta SET value = 99 WHERE name = 'version'";
    Connection::open(folder.database()).unwrap().execute_batch(newer).unwrap();
    let error = SqliteStore::open(folder.database()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutboxVersion);
    assert!(error.to_string().contains("version 99"), "{error}");
    let version: i64 = Connection::open(folder.database())
        .unwrap()
        .query_one("SELECT value FROM meta WHERE name = 'version'", (), |row| row.get(0))
        .unwrap();
    assert_eq!(version, 99, "it stays as it was");
}

#[tokio::test]
async fn a_file_of_each_earlier_version_goes_on() {
    for (version, sql) in FIXTURES {
        let folder = Folder::new();
        Connection::open(folder.database()).unwrap().execute_batch(sql).unwrap();
        let clock = ManualClock::at(Timestamp::from_unix_seconds(1_800_000_060));
        let store = SqliteStore::builder(folder.database()).clock(clock.clone()).open().unwrap();
        assert_eq!(store.check().await.unwrap(), Vec::<String>::new(), "version {version}");
        goes_on(&store, &clock).await;
        if *version >= 2 {
            streams_go_on(&store, clock).await;
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_file_of_version_1_keeps_streams_from_now_on() {
    let folder = Folder::new();
    let (_, sql) = FIXTURES[0];
    // How the library of version 1 begins a claim. It would claim what streams poll.
    let old =
        "SELECT seq FROM deliveries INDEXED BY deliveries_leased WHERE lease_until <= 0 ORDER BY lease_until";
    let claims = || Connection::open(folder.database()).unwrap().prepare(old).map(|_| ());
    Connection::open(folder.database()).unwrap().execute_batch(sql).unwrap();
    assert_eq!(claims(), Ok(()));
    let clock = ManualClock::at(Timestamp::from_unix_seconds(1_800_000_060));
    let store = SqliteStore::builder(folder.database()).clock(clock.clone()).open().unwrap();
    store.create_stream(stream("one"), 1).await.unwrap();
    let published = publisher_at(&store, clock).publish(event("ada").to("acme")).await.unwrap();
    assert_eq!((published.jtis.len(), published.streams), (2, 1));
    assert_eq!(poll(&store, "one", 10).await, published.jtis[1..]);
    assert_eq!(acknowledge(&store, "one", &published.jtis).await, 1);
    let counts = store.counts().await.unwrap();
    assert!(counts.is_balanced());
    assert_eq!((counts.enqueued, counts.delivered), (11, 2));
    store.close().await.unwrap();
    assert!(claims().is_err(), "a process with the old library claims nothing more");
}

async fn goes_on(store: &SqliteStore, clock: &ManualClock) {
    let counts = store.counts().await.unwrap();
    assert!(counts.is_balanced());
    assert_eq!((counts.enqueued, counts.waiting, counts.in_flight), (9, 3, 3));
    let record = async |jti: &str| store.history(jti).await.unwrap().unwrap();
    let delivered = record("delivered").await;
    assert_eq!(delivered.record.state, State::Delivered);
    assert_eq!(delivered.attempts[0].status, Some(202));
    let dead = record("dead").await;
    assert_eq!(dead.record.state, State::Dead);
    assert_eq!(dead.attempts[0].failure, dead.record.failure);
    assert_eq!(dead.record.failure.unwrap().receiver_error.as_deref(), Some("invalid_request"));
    let superseded = Some(Discard::Superseded { by: "newer".to_owned() });
    assert_eq!(record("older").await.record.discard, superseded);
    assert_eq!(record("second").await.record.priority, Priority::High);
    let mut receivers = store.receivers(None, 10).await.unwrap();
    receivers.retain(|receiver| !receiver.name.starts_with(STREAM_PREFIX));
    let statuses: Vec<_> = receivers.iter().map(|receiver| receiver.state.status).collect();
    assert_eq!(statuses, [Status::Active, Status::Paused, Status::Held]);
    let ada = || entry("acme", "ada");
    assert_eq!(enqueue(store, ada().ordered().idempotency_key("once")).await, "first");
    assert_eq!(
        try_enqueue(store, entry("acme", "bob").idempotency_key("once")).await,
        Err(ErrorCode::OutboxConflict)
    );

    // The leases have ended; what was frozen is sent again, and the second one follows the first one.
    let mut sent = Vec::new();
    for _ in 0..2 {
        for claimed in claim(store, 10).await {
            let frozen = claimed.frozen.as_ref().map(|claims| claims.as_bytes().to_vec());
            let wanted = (claimed.lease.jti == "in-flight").then(|| br#"{"jti":"in-flight"}"#.to_vec());
            assert_eq!(frozen, wanted);
            settle(store, &claimed, Outcome::Delivered).await;
            sent.push(claimed.lease.jti);
        }
    }
    sent.sort_unstable();
    assert_eq!(sent, ["first", "in-flight", "newer", "probe", "second"]);
    clock.advance(LEASE * 60);
    assert_eq!(claim(store, 10).await[0].lease.jti, "later");
    assert!(store.counts().await.unwrap().is_balanced());
    assert_eq!(store.list(Filter::new(), None, 100).await.unwrap().len(), 9);
}

async fn streams_go_on(store: &SqliteStore, clock: ManualClock) {
    let streams = store.streams_of("owner").await.unwrap();
    let told: Vec<_> = streams.iter().map(|stream| (stream.id.as_str(), stream.version)).collect();
    assert_eq!(told, [("one", 1), ("two", 2)]);
    assert_eq!(streams[1].configuration.as_bytes(), b"{}");
    let publisher = publisher_at(store, clock);
    let publish = async |user: &str| publisher.publish(event(user)).await.unwrap().streams;
    // One gets all but bob, and the other one only ada.
    assert_eq!([publish("ada").await, publish("bob").await, publish("eve").await], [2, 0, 1]);
    assert_eq!(poll(store, "one", 10).await.len(), 2);
    assert_eq!(poll(store, "two", 10).await.len(), 1);
    // Its subject counts.
    let eve = || SubjectKeys::of(None, &Subject::opaque("eve")).unwrap();
    let set = async |limit| store.set_subject("two", eve(), true, limit).await.unwrap();
    assert_eq!((set(1).await, set(2).await), (false, true));
}

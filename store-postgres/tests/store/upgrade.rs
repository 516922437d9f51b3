//! Tables that a newer version of the library changes while this one works with them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::common::{LEASE, claim, entry, new_outbox, server::shared, settle_all, sql, until};
use ssf_transmitter::{
    ErrorCode, KeySet, KeyType, SigningKey, Subject,
    event::caep,
    outbox::{Entry, Outbox, Poll, Store, StreamRecord, StreamStore},
    stream::StreamApi,
};
use tokio_postgres::error::SqlState;

/// How version 2 writes a receiver of which something is ready: it knows no `mode`.
const OLDER: &str = r#"
    UPDATE receivers SET state = '{"status":"active","failures":0,"probes":0}', turn = served, parked_until = 1
    WHERE name = 'stream:one'"#;

/// What a newer version may do: it adds, in one transaction.
const NEWER: &str = "
    BEGIN;
    ALTER TABLE deliveries ADD COLUMN later text, ADD COLUMN flag boolean NOT NULL DEFAULT false;
    ALTER TABLE receivers ADD COLUMN later text;
    ALTER TABLE events ADD COLUMN later bigint;
    CREATE TABLE further (id bigint PRIMARY KEY);
    CREATE INDEX deliveries_later ON deliveries (later) WHERE later IS NOT NULL;
    UPDATE meta SET value = value + 1 WHERE name = 'version';
    COMMIT";
/// What a newer version may do once no process of this one is left.
const INCOMPATIBLE: &str = "
    UPDATE meta SET value = (SELECT value FROM meta WHERE name = 'version') WHERE name = 'compatible'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newer_tables_are_used_until_they_say_that_this_version_may_not() {
    const ENOUGH: u64 = 200;
    let url = shared().url();
    let (builder, schema) = new_outbox(&url).await;
    let store = builder.connect().await.unwrap();
    let (outbox, enqueued) = (Outbox::new(store.clone()), Arc::new(AtomicU64::new(0)));
    let (stop, enqueued_all) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let enqueuing = tokio::spawn({
        let (outbox, enqueued, stop) = (outbox.clone(), Arc::clone(&enqueued), Arc::clone(&stop));
        async move {
            while !stop.load(Ordering::SeqCst) {
                let number = enqueued.fetch_add(1, Ordering::SeqCst);
                outbox.enqueue(entry(&format!("r{}", number % 5), &number.to_string())).await.unwrap();
            }
        }
    });
    let working = tokio::spawn({
        let (store, enqueued_all) = (builder.connect().await.unwrap(), Arc::clone(&enqueued_all));
        async move {
            let mut delivered = 0;
            while !enqueued_all.load(Ordering::SeqCst) || store.counts().await.unwrap().waiting > 0 {
                let claimed = claim(&store, 10).await;
                delivered += claimed.len() as u64;
                settle_all(&store, claimed).await;
            }
            delivered
        }
    });
    let passed = async |count| until(async || (enqueued.load(Ordering::SeqCst) >= count).then_some(())).await;
    passed(ENOUGH).await;
    let client = sql(&url, &schema).await;
    // Its locks may come in another order than those of a transaction: then it begins again, as `migrate` does.
    while let Err(error) = client.batch_execute(NEWER).await {
        assert_eq!(error.code(), Some(&SqlState::T_R_DEADLOCK_DETECTED));
        client.batch_execute("ROLLBACK").await.unwrap();
    }
    passed(enqueued.load(Ordering::SeqCst) + ENOUGH).await;

    // A process of this version starts again in the middle of an update.
    builder.connect().await.unwrap();
    builder.migrate().await.unwrap();
    sql(&url, &schema).await.batch_execute(INCOMPATIBLE).await.unwrap();
    let error = builder.connect().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutboxVersion);
    assert!(error.to_string().contains("this library knows"), "{error}");
    assert_eq!(builder.migrate().await.unwrap_err().code(), ErrorCode::OutboxVersion);
    stop.store(true, Ordering::SeqCst);
    enqueuing.await.unwrap();
    enqueued_all.store(true, Ordering::SeqCst);
    let delivered = working.await.unwrap();
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.enqueued, counts.delivered), (delivered, delivered));
    assert_eq!(delivered, enqueued.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_of_an_older_version_leave_alone_what_receivers_poll() {
    let url = shared().url();
    let (builder, schema) = new_outbox(&url).await;
    let (store, client) = (builder.connect().await.unwrap(), sql(&url, &schema).await);
    let mut record = StreamRecord::new("one", "acme");
    record.events = vec!["https://schemas.openid.net/secevent/caep/event-type/session-revoked".to_owned()];
    store.create_stream(record, 1).await.unwrap();
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let api = StreamApi::builder("https://tr.example.com", keys, store.clone()).build().unwrap();
    let event = Entry::new(caep::SessionRevoked::new(), Subject::opaque("ada"));
    assert_eq!(api.publish(event).await.unwrap().streams, 1);
    assert_eq!(client.execute(OLDER, &[]).await.unwrap(), 1);
    // Its claims take what has a turn, and what is parked until a time that has come.
    let given = "SELECT count(*) FROM receivers WHERE turn IS NOT NULL OR parked_until IS NOT NULL";
    assert_eq!(client.query_one(given, &[]).await.unwrap().get::<_, i64>(0), 0);
    assert!(claim(&store, 10).await.is_empty());
    assert_eq!(store.poll(Poll::new("one", 10, LEASE)).await.unwrap().deliveries.len(), 1);
}

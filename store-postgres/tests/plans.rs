//! What a claim promises does not depend on the plans that PostgreSQL chooses, and what it costs does not depend on how much waits.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]
#![allow(clippy::print_stdout, reason = "it tells what it measured")]

mod common;
#[path = "../../tests/end_to_end/support/rounds.rs"]
mod rounds;

use std::collections::{BTreeMap, BTreeSet};

use common::{
    LEASE, entry, new_outbox, outbox,
    server::{Server, shared},
    sql, until,
};
use rounds::rounds;
use ssf_transmitter::{
    KeySet, KeyType, SigningKey, Subject,
    event::caep,
    outbox::{Acknowledgement, Claim, Entry, Outbox, Poll, Store, StreamRecord, StreamStore, suite},
    stream::StreamApi,
};
use ssf_transmitter_postgres::PostgresStore;
use tokio_postgres::Client;

const EVENT: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// Settings that leave the planner little choice.
const PLANS: &[&[&str]] = &[
    // Sequential scans.
    &["enable_indexscan=off", "enable_indexonlyscan=off", "enable_bitmapscan=off"],
    // Bitmaps, which have no order.
    &["enable_seqscan=off", "enable_indexscan=off", "enable_indexonlyscan=off"],
    // Indexes, and loops over them.
    &["enable_seqscan=off", "enable_bitmapscan=off", "enable_hashjoin=off", "enable_mergejoin=off"],
    // Hashes.
    &["enable_nestloop=off", "enable_mergejoin=off", "enable_sort=off"],
    // Merges.
    &["enable_nestloop=off", "enable_hashjoin=off", "enable_material=off", "enable_hashagg=off"],
];

/// The URL of a server that makes such plans. What it is told to avoid looks so expensive that it would compile each statement. Statements
/// are not prepared: their plans would be those for lists of any length.
fn planned(settings: &[&str]) -> String {
    let options: Vec<_> = settings
        .iter()
        .chain(&["jit=off"])
        .map(|setting| format!("-c%20{}", setting.replace('=', "%3D")))
        .collect();
    format!("{}?prepared_statements=false&options={}", shared().url(), options.join("%20"))
}

#[tokio::test]
async fn the_suite_finds_no_violation_whatever_the_plan() {
    // Each takes half a minute: `cargo xtask stress outbox` runs all.
    for settings in PLANS.iter().take(rounds(1) as usize) {
        let url = planned(settings);
        let violations = suite::run(async |clock| {
            let store = outbox(&url).await.clock(clock).connect().await?;
            Ok(Box::new(store) as Box<dyn Store>)
        });
        assert_eq!(violations.await, [], "{settings:?}");
        let violations = suite::streams::run(async |clock| {
            let store = outbox(&url).await.clock(clock).connect().await?;
            Ok(Box::new(store) as Box<dyn StreamStore>)
        });
        assert_eq!(violations.await, [], "{settings:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_claim_exceeds_its_limits_whatever_the_plan() {
    const RECEIVERS: usize = 40;
    const DELIVERIES: usize = 1200;
    for settings in PLANS {
        let builder = outbox(&planned(settings)).await;
        let store = builder.connect().await.unwrap();
        let entries =
            (0..DELIVERIES).map(|number| entry(&format!("r{}", number % RECEIVERS), &number.to_string()));
        Outbox::new(store.clone()).enqueue_many(entries).await.unwrap();
        let mut claimers = Vec::new();
        for _ in 0..3 {
            let store = builder.connect().await.unwrap();
            claimers.push(tokio::spawn(async move {
                let mut jtis = Vec::new();
                loop {
                    let claims = store.claim(Claim::new(17, 3, LEASE * 60, 5)).await.unwrap();
                    assert!(claims.deliveries.len() <= 17, "{} deliveries", claims.deliveries.len());
                    let mut by_receiver = BTreeMap::new();
                    for claimed in claims.deliveries {
                        *by_receiver.entry(claimed.receiver).or_insert(0) += 1;
                        jtis.push(claimed.lease.jti);
                    }
                    assert!(by_receiver.values().all(|count| *count <= 3), "{by_receiver:?}");
                    if by_receiver.is_empty() && !claims.more {
                        return jtis;
                    }
                }
            }));
        }
        let mut jtis = Vec::new();
        for claimer in claimers {
            jtis.extend(claimer.await.unwrap());
        }
        assert_eq!(jtis.len(), DELIVERIES, "{settings:?}");
        assert_eq!(jtis.into_iter().collect::<BTreeSet<_>>().len(), DELIVERIES, "none twice");
    }
}

/// So many deliveries to so many receivers, as copies of one.
fn crowd(deliveries: u32, receivers: u32) -> String {
    let each = deliveries / receivers;
    format!(
        "INSERT INTO receivers (name, enqueued, waiting, ready, turn)
            SELECT 'crowd-' || n, {each}, {each}, {each}, 0 FROM generate_series(1, {receivers}) AS n;
        INSERT INTO events (id, kept, event, fingerprint, payload)
            SELECT 1000000 + n, 1, event, fingerprint, payload FROM events CROSS JOIN generate_series(1, {deliveries}) AS n;
        INSERT INTO deliveries (jti, event, receiver, state, wait, priority, enqueued_at, max_age, expires_at)
            SELECT 'jti-' || n, 1000000 + n, r.id, d.state, wait, priority, enqueued_at, max_age, expires_at
            FROM deliveries d CROSS JOIN generate_series(1, {deliveries}) AS n
            JOIN receivers r ON r.name = 'crowd-' || (1 + n % {receivers});"
    )
}

/// The rows of tables and indexes that were read in this schema.
async fn rows_read(watcher: &Client, schema: &str) -> i64 {
    let question = "
        SELECT (SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables WHERE schemaname = $1)
            + (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE schemaname = $1)";
    watcher.query_one(question, &[&schema]).await.unwrap().get(0)
}

/// Waits until connections with this name have ended: then they have told their statistics.
async fn gone(watcher: &Client, application: &str) {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    until(async || {
        let left: i64 = watcher.query_one(count, &[&application]).await.unwrap().get(0);
        (left == 0).then_some(())
    })
    .await;
}

/// How many rows a claim of 50 reads, on average, while so many deliveries wait.
async fn rows_per_claim(url: &str, deliveries: u32, analyzed: bool) -> i64 {
    const CLAIMS: i64 = 20;
    let (builder, schema) = new_outbox(url).await;
    let watcher = sql(url, &schema).await;
    // It would change plans and counts in the middle.
    for table in ["receivers", "events", "deliveries"] {
        let off = format!("ALTER TABLE {table} SET (autovacuum_enabled = false)");
        watcher.batch_execute(&off).await.unwrap();
    }
    let store = builder.connect().await.unwrap();
    Outbox::new(store.clone()).enqueue(entry("acme", "ada")).await.unwrap();
    store.close().await.unwrap();
    watcher.batch_execute(&crowd(deliveries, 20_000.min(deliveries / 10))).await.unwrap();
    if analyzed {
        watcher.batch_execute("VACUUM (ANALYZE) receivers, events, deliveries").await.unwrap();
    }
    watcher.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    let before = rows_read(&watcher, &schema).await;

    // One connection, with a name by which it is found.
    let named = PostgresStore::builder(format!("{url}?application_name={schema}")).schema(&schema);
    let store = named.connections(1).connect().await.unwrap();
    for _ in 0..CLAIMS {
        assert_eq!(store.claim(Claim::new(50, 5, LEASE, 5)).await.unwrap().deliveries.len(), 50);
    }
    store.close().await.unwrap();
    gone(&watcher, &schema).await;
    (rows_read(&watcher, &schema).await - before) / CLAIMS
}

/// So many deliveries to so many streams: some wait, some are due, some are lent and their leases have ended.
fn crowd_of_streams(deliveries: u32, streams: u32) -> String {
    format!(
        "{crowd}
        UPDATE receivers SET name = 'stream:' || name, mode = 'polled', turn = NULL WHERE name LIKE 'crowd-%';
        UPDATE deliveries SET wait = CASE seq % 3 WHEN 0 THEN 0 WHEN 1 THEN 1 ELSE 3 END, state = (seq % 3 = 2)::int,
            due_at = CASE seq % 3 WHEN 1 THEN 1 END, lease_until = CASE seq % 3 WHEN 2 THEN 1 END
            WHERE jti LIKE 'jti-%'",
        crowd = crowd(deliveries, streams)
    )
}

/// How many rows a poll reads that returns 20 SETs, and the acknowledgement of them, while others have so many.
async fn rows_per_poll(url: &str, deliveries: u32, analyzed: bool) -> i64 {
    const POLLS: i64 = 20;
    const EVENTS: u32 = 20;
    let (builder, schema) = new_outbox(&format!("{url}?application_name=fills")).await;
    let watcher = sql(url, &schema).await;
    for table in ["receivers", "events", "deliveries", "attempts", "streams", "stream_events"] {
        let off = format!("ALTER TABLE {table} SET (autovacuum_enabled = false)");
        watcher.batch_execute(&off).await.unwrap();
    }
    let store = builder.connect().await.unwrap();
    Outbox::new(store.clone()).enqueue(entry("acme", "ada")).await.unwrap();
    watcher.batch_execute(&crowd_of_streams(deliveries, 20_000.min(deliveries / 10))).await.unwrap();
    let mut record = StreamRecord::new("one", "acme");
    record.events = vec![EVENT.to_owned()];
    store.create_stream(record, 1).await.unwrap();
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let api = StreamApi::builder("https://tr.example.com", keys, store.clone()).build().unwrap();
    for number in 0..POLLS * i64::from(EVENTS) {
        let event = Entry::new(caep::SessionRevoked::new(), Subject::opaque(number.to_string()));
        api.publish(event).await.unwrap();
    }
    store.close().await.unwrap();
    if analyzed {
        watcher
            .batch_execute("VACUUM (ANALYZE) receivers, events, deliveries, streams, stream_events")
            .await
            .unwrap();
    }
    watcher.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    gone(&watcher, "fills").await;
    let before = rows_read(&watcher, &schema).await;

    let named = PostgresStore::builder(format!("{url}?application_name={schema}")).schema(&schema);
    let store = named.connections(1).connect().await.unwrap();
    for _ in 0..POLLS {
        let polled = store.poll(Poll::new("one", EVENTS, LEASE)).await.unwrap();
        let mut said = Acknowledgement::new("one");
        said.accepted = polled.deliveries.into_iter().map(|claimed| claimed.lease.jti).collect();
        assert_eq!(store.acknowledge(said).await.unwrap(), u64::from(EVENTS));
    }
    store.close().await.unwrap();
    gone(&watcher, &schema).await;
    (rows_read(&watcher, &schema).await - before) / POLLS
}

#[tokio::test]
async fn a_poll_reads_as_many_rows_however_much_others_have() {
    let server = Server::start(false);
    for analyzed in [false, true] {
        let few = rows_per_poll(&server.url(), 10_000, analyzed).await;
        let many = rows_per_poll(&server.url(), 200_000, analyzed).await;
        println!(
            "\nplans: rows that a poll of 20 reads, analyzed {analyzed}: {few} of 10,000, {many} of 200,000"
        );
        assert!(many <= few + few / 4, "{few} rows of 10,000, {many} rows of 200,000; analyzed: {analyzed}");
    }
}

#[tokio::test]
async fn a_claim_reads_as_many_rows_however_much_waits() {
    // Of its own: transactions of other tests keep rows that are dead, and reading those counts.
    let server = Server::start(false);
    let most = if rounds(1) > 1 { 1_000_000 } else { 200_000 };
    for analyzed in [false, true] {
        let few = rows_per_claim(&server.url(), 10_000, analyzed).await;
        let many = rows_per_claim(&server.url(), most, analyzed).await;
        println!(
            "\nplans: rows that a claim of 50 reads, analyzed {analyzed}: {few} of 10,000, {many} of {most}"
        );
        assert!(many <= few + few / 4, "{few} rows of 10,000, {many} rows of {most}; analyzed: {analyzed}");
    }
}

//! A claim costs what it returns, however much waits.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may fail")]

mod common;

use common::{Folder, LEASE, claim, entry, message, settle};
use rusqlite::{Connection, StatementStatus, types::Value};
use ssf_transmitter::{
    ErrorCode, Timestamp,
    outbox::{Failure, Outcome, Store, suite::ManualClock},
};
use ssf_transmitter_store::{SqliteStore, claim_statements};

const START: i64 = 1_800_000_000;

async fn paused(folder: &Folder, waiting: u32) -> SqliteStore {
    let clock = ManualClock::at(Timestamp::from_unix_seconds(START));
    let store = SqliteStore::builder(folder.database()).clock(clock).open().unwrap();
    let messages =
        (0..waiting).map(|number| message(entry("down", &number.to_string()).supersedes(number.to_string())));
    store.enqueue(messages.collect()).await.unwrap();
    let first = claim(&store, 1).await.remove(0);
    let failure = Failure::new(ErrorCode::ReceiverUnauthorized, "the receiver refuses");
    settle(&store, &first, Outcome::Refused(failure)).await;
    let up = (0..20).map(|number| message(entry(&format!("up-{}", number % 4), &number.to_string())));
    store.enqueue(up.collect()).await.unwrap();
    store
}

/// How many steps of SQLite's machine all statements of a claim take.
fn steps(connection: &Connection) -> i32 {
    connection.execute_batch("BEGIN").unwrap();
    let mut steps = 0;
    for sql in claim_statements() {
        let mut statement = connection.prepare(sql).unwrap();
        // A time, an id or a limit: any number does.
        let times = sql.contains("_at <= ?1") || sql.contains("until <= ?1");
        for parameter in 1..=statement.parameter_count() {
            let value = match parameter {
                1 if times => Value::Integer(START * 1000 + 1),
                2 if sql.contains("supersedes = ?2") || sql.contains("ordered = ?2") => {
                    Value::Blob(vec![1; 16])
                }
                _ => Value::Integer(1),
            };
            statement.raw_bind_parameter(parameter, value).unwrap();
        }
        let mut rows = statement.raw_query();
        while rows.next().unwrap().is_some() {}
        drop(rows);
        assert_eq!(statement.get_status(StatementStatus::FullscanStep), 0, "{sql}");
        assert_eq!(statement.get_status(StatementStatus::Sort), 0, "{sql}");
        steps += statement.get_status(StatementStatus::VmStep);
    }
    connection.execute_batch("ROLLBACK").unwrap();
    steps
}

#[tokio::test]
async fn every_statement_of_a_claim_uses_an_index() {
    let folder = Folder::new();
    paused(&folder, 10).await.close().await.unwrap();
    let connection = Connection::open(folder.database()).unwrap();
    for sql in claim_statements() {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        for parameter in 1..=explain.parameter_count() {
            explain.raw_bind_parameter(parameter, 1).unwrap();
        }
        let mut rows = explain.raw_query();
        let mut plan = String::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push_str(&row.get::<_, String>(3).unwrap());
            plan.push('\n');
        }
        let indexed = plan.lines().all(|line| line.contains("USING") && !line.contains("TEMP B-TREE"));
        // A scan of a partial index sees only the rows that the question is about.
        let partial = ["_due", "_leased", "_expiring", "_parked", "_turn"];
        let scans = plan.lines().filter(|line| line.starts_with("SCAN"));
        let bounded = scans.into_iter().all(|line| partial.iter().any(|index| line.ends_with(index)));
        assert!(indexed && bounded, "{sql}\n{plan}");
    }
}

#[tokio::test]
async fn what_waits_for_a_paused_receiver_does_not_slow_a_claim() {
    let (few, many) = (Folder::new(), Folder::new());
    paused(&few, 100).await.close().await.unwrap();
    let store = paused(&many, 20_000).await;
    let claimed = claim(&store, 100).await;
    assert_eq!(claimed.len(), 20);
    assert!(claimed.iter().all(|claimed| claimed.receiver.starts_with("up-")));
    let released =
        claimed.into_iter().map(|claimed| ssf_transmitter::outbox::Settlement::released(claimed.lease));
    store.settle(released.collect()).await.unwrap();
    store.renew(Vec::new(), LEASE).await.unwrap();
    store.close().await.unwrap();
    let few = steps(&Connection::open(few.database()).unwrap());
    let many = steps(&Connection::open(many.database()).unwrap());
    assert!(many <= few + few / 10, "{few} steps with 100 waiting, {many} with 20,000");
}

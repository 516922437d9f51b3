//! A claim or a poll costs what it returns, however much waits.

use crate::common::{Folder, LEASE, claim, entry, event, message, poll, publisher_at, settle, stream};
use rusqlite::{Connection, StatementStatus, types::Value};
use ssf_transmitter::{
    ErrorCode, Subject, Timestamp,
    outbox::{Failure, Outcome, Store, StreamStore, SubjectKeys, suite::ManualClock},
};
use ssf_transmitter_store::{SqliteStore, claim_statements, poll_statements, publish_statements};

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

/// A store with so many deliveries of one stream in flight, as many that wait for a time, and as many subjects of other streams.
async fn crowded(folder: &Folder, many: i64) -> SqliteStore {
    let clock = ManualClock::at(Timestamp::from_unix_seconds(START));
    let store = SqliteStore::builder(folder.database()).clock(clock.clone()).open().unwrap();
    let publisher = publisher_at(&store, clock);
    store.create_stream(stream("one"), u32::MAX).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..many {
        let (store, publisher, user) = (store.clone(), publisher.clone(), number.to_string());
        tasks.push(tokio::spawn(async move {
            let later = event(&user).not_before(Timestamp::from_unix_seconds(START + 600 + number));
            publisher.publish(later).await.unwrap();
            publisher.publish(event(&format!("now-{user}"))).await.unwrap();
            let mut other = stream(&format!("other-{user}"));
            other.all_subjects = false;
            store.create_stream(other, u32::MAX).await.unwrap();
            let subject = SubjectKeys::of(None, &Subject::opaque(format!("other-{user}"))).unwrap();
            store.set_subject(&format!("other-{user}"), subject, true, 1).await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(poll(&store, "one", u32::MAX).await.len(), usize::try_from(many).unwrap());
    store
}

/// How many steps of SQLite's machine these statements take.
fn steps(connection: &Connection, statements: Vec<&str>) -> i32 {
    connection.execute_batch("BEGIN").unwrap();
    let mut steps = 0;
    for sql in statements {
        let mut statement = connection.prepare(sql).unwrap();
        // A time, an id or a limit: any number does.
        let times = sql.contains("_at <= ?1") || sql.contains("until <= ?1");
        for parameter in 1..=statement.parameter_count() {
            let value = match parameter {
                1 if sql.contains("shape = ?1") => Value::Text(String::new()),
                2 if sql.contains("until <= ?2") || sql.contains("_at <= ?2") => {
                    Value::Integer(START * 1000 + 1)
                }
                2 if sql.contains("key = ?2") => Value::Blob(vec![1; 16]),
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
        // A recursive statement reads its own rows.
        let own = sql.contains("RECURSIVE");
        assert!(own || statement.get_status(StatementStatus::FullscanStep) == 0, "{sql}");
        assert_eq!(statement.get_status(StatementStatus::Sort), 0, "{sql}");
        steps += statement.get_status(StatementStatus::VmStep);
    }
    connection.execute_batch("ROLLBACK").unwrap();
    steps
}

#[tokio::test]
async fn every_statement_uses_an_index() {
    let folder = Folder::new();
    paused(&folder, 10).await.close().await.unwrap();
    let connection = Connection::open(folder.database()).unwrap();
    for sql in [claim_statements(), poll_statements(), publish_statements()].concat() {
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
        let mut reads = plan.lines().filter(|line| line.starts_with("SEARCH") || line.starts_with("SCAN"));
        // A recursive statement reads its own rows.
        let own = ["SCAN CONSTANT ROW", "SCAN shapes"];
        let indexed = reads.all(|line| line.contains("USING") || own.contains(&line));
        let indexed = indexed && !plan.contains("TEMP B-TREE");
        // A scan of a partial index sees only the rows that the question is about.
        let partial = ["_due", "_lent", "_expiring", "_parked", "_turn"];
        let scans = plan.lines().filter(|line| line.starts_with("SCAN") && !own.contains(line));
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
    let few = steps(&Connection::open(few.database()).unwrap(), claim_statements());
    let many = steps(&Connection::open(many.database()).unwrap(), claim_statements());
    assert!(many <= few + few / 10, "{few} steps with 100 waiting, {many} with 20,000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_streams_have_does_not_slow_polls_and_publications() {
    let (few, many) = (Folder::new(), Folder::new());
    crowded(&few, 20).await.close().await.unwrap();
    crowded(&many, 2000).await.close().await.unwrap();
    for statements in [poll_statements, publish_statements] {
        let few = steps(&Connection::open(few.database()).unwrap(), statements());
        let many = steps(&Connection::open(many.database()).unwrap(), statements());
        assert!(many <= few + few / 10, "{few} steps with 20 of each, {many} with 2,000");
    }
}

//! Entries of transactions of the host: committed and rolled back with them, and taken over by the rules of an enqueue.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use crate::common::{LEASE, claim, entry, outbox, server::shared, until, within_guard};
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
    let (kept, gone) = (statement("ada-lovelace"), statement("bob"));
    for (statement, commits) in [(&gone, false), (&kept, true)] {
        assert!(!statement.parameters[0].contains("ada-lovelace"));
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

#[tokio::test]
async fn the_rules_of_an_enqueue_hold_and_nothing_blocks_the_rest() {
    let (_, store, client) = begin().await;
    let first = insert(&store, &client, &entry("acme", "1").idempotency_key("key")).await;
    let known = Outbox::new(store.clone()).enqueue(entry("acme", "2").jti("known")).await.unwrap().jtis;
    assert_eq!(jtis(&store).await, [known[0].as_str(), &first]);
    // A repeat, one with other content, a known id, and what is not an entry.
    insert(&store, &client, &entry("acme", "1").idempotency_key("key")).await;
    let conflict = insert(&store, &client, &entry("acme", "3").idempotency_key("key")).await;
    insert(&store, &client, &entry("acme", "4").jti("known")).await;
    for text in ["", "{}", "\\", r#"{"version":1,"deliveries":[["a\\u0000","b"]]}"#] {
        let mut garbage = statement(&store, &entry("acme", "5"));
        garbage.parameters = vec![text.to_owned()];
        execute(&client, &garbage).await;
    }
    let last = insert(&store, &client, &entry("acme", "6")).await;
    assert_eq!(store.health().await.unwrap().refused, Some(0));
    assert!(store.health().await.unwrap().oldest_waiting.is_some());

    assert_eq!(jtis(&store).await, [last.as_str()]);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.enqueued, counts.in_flight, counts.is_balanced()), (3, 3, true));
    let health = store.health().await.unwrap();
    assert_eq!((health.refused, health.oldest_waiting), (Some(6), None));
    let refused = store.refused(None, 3).await.unwrap();
    assert_eq!(refused[0].message.as_ref().unwrap().deliveries[0].jti, conflict);
    let more = store.refused(Some(refused[2].id), 10).await.unwrap();
    let codes: Vec<_> = refused.iter().chain(&more).map(|refused| refused.code).collect();
    let (conflict, invalid) = (ErrorCode::OutboxConflict, ErrorCode::OutboxEntryInvalid);
    assert_eq!(codes, [conflict, conflict, invalid, invalid, invalid, invalid]);
    // They are kept like dead deliveries.
    store.prune(Retention::default()).await.unwrap();
    assert_eq!(store.health().await.unwrap().refused, Some(6));
    let mut retention = Retention::default();
    retention.dead = Duration::ZERO;
    store.prune(retention).await.unwrap();
    assert_eq!(store.health().await.unwrap().refused, Some(0));
}

#[tokio::test]
async fn entries_keep_their_options() {
    let (_, store, client) = begin().await;
    let ordered =
        |user: &str| Entry::new(caep::SessionRevoked::new(), Subject::opaque(user)).to("acme").ordered();
    let old = insert(&store, &client, &entry("acme", "1").supersedes("risk")).await;
    let new = insert(&store, &client, &entry("acme", "1").supersedes("risk").priority(Priority::Low)).await;
    let (first, second) = (ordered("2"), ordered("2"));
    let (first, _) = (insert(&store, &client, &first).await, insert(&store, &client, &second).await);
    let urgent = insert(&store, &client, &entry("acme", "3").priority(Priority::High)).await;
    let many = statement(&store, &entry("globex", "4").to("initech"));
    execute(&client, &many).await;
    assert_eq!(many.jtis.len(), 2);

    let mut claimed = jtis(&store).await;
    claimed.retain(|jti| !many.jtis.contains(jti));
    assert_eq!(claimed, [urgent, first, new]);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.enqueued, counts.superseded, counts.waiting, counts.in_flight), (7, 1, 1, 5));
    let found = store.list(Filter::new().state(State::Discarded), None, 10).await.unwrap();
    assert_eq!(found[0].jti, old);
}

#[tokio::test]
async fn the_maximum_age_counts_from_the_insert() {
    let (_, store, client) = begin().await;
    insert(&store, &client, &entry("acme", "ada").max_age(Duration::from_mins(30))).await;
    let kept = insert(&store, &client, &entry("acme", "bob").max_age(Duration::from_hours(2))).await;
    let earlier = format!("UPDATE {}.inbox SET at = at - 3600000", schema(&store));
    client.batch_execute(&earlier).await.unwrap();
    assert_eq!(jtis(&store).await, [kept.as_str()]);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.enqueued, counts.expired, counts.in_flight), (2, 1, 1));
    let record = store.history(&kept).await.unwrap().unwrap().record;
    let left = record.expires_at.since(record.enqueued_at);
    assert!(left < Duration::from_mins(61) && left > Duration::from_mins(59), "{left:?}");
}

#[tokio::test]
async fn a_role_that_may_only_insert_is_enough() {
    let (_, store, client) = begin().await;
    let name = schema(&store);
    let grants = format!(
        "CREATE ROLE host LOGIN; GRANT USAGE ON SCHEMA {name} TO host; GRANT INSERT (entry) ON {name}.inbox TO host"
    );
    client.batch_execute(&grants).await.unwrap();
    let host = host("host").await;
    host.batch_execute("CREATE TEMP TABLE inbox (other text); SET search_path TO pg_temp").await.unwrap();
    let jti = insert(&store, &host, &entry("acme", "ada")).await;
    assert_eq!(jtis(&store).await, [jti.as_str()]);
    for forbidden in ["SELECT entry FROM {}.inbox", "DELETE FROM {}.inbox", "SELECT jti FROM {}.deliveries"] {
        let error = host.batch_execute(&forbidden.replace("{}", &name)).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{forbidden}");
    }
}

#[tokio::test]
async fn an_open_transaction_of_the_host_stops_nothing() {
    let (_, store, mut client) = begin().await;
    let other = host("postgres").await;
    let open = client.transaction().await.unwrap();
    let early = statement(&store, &entry("acme", "ada"));
    open.execute(&*early.sql, &[&early.parameters[0]]).await.unwrap();
    let late = insert(&store, &other, &entry("acme", "bob")).await;
    assert_eq!(jtis(&store).await, [late.as_str()]);
    Outbox::new(store.clone()).enqueue(entry("acme", "cyd")).await.unwrap();
    assert_eq!(jtis(&store).await.len(), 1);
    open.commit().await.unwrap();
    assert_eq!(jtis(&store).await, early.jtis);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_at_once_take_each_entry_over_once() {
    let (builder, store, client) = begin().await;
    let mut expected = BTreeSet::new();
    client.batch_execute("BEGIN").await.unwrap();
    for number in 0..1200 {
        let receiver = format!("r{}", number % 5);
        expected.insert(insert(&store, &client, &entry(&receiver, &number.to_string())).await);
    }
    client.batch_execute("COMMIT").await.unwrap();
    let mut workers = Vec::new();
    for _ in 0..3 {
        let store = builder.connect().await.unwrap();
        workers.push(tokio::spawn(async move {
            let mut jtis = Vec::new();
            loop {
                let claims = store.claim(Claim::new(100, 100, LEASE, 5)).await.unwrap();
                let found = !claims.deliveries.is_empty();
                jtis.extend(claims.deliveries.into_iter().map(|claimed| claimed.lease.jti));
                match claims.next.filter(|next| *next < LEASE / 2) {
                    _ if found => {}
                    Some(next) => tokio::time::sleep(next).await,
                    None => break,
                }
            }
            jtis
        }));
    }
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(within_guard(worker).await.unwrap());
    }
    assert_eq!(claimed.len(), 1200);
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(store.counts().await.unwrap().enqueued, 1200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_ends_while_it_takes_over_loses_nothing() {
    let (builder, store, mut client) = begin().await;
    Outbox::new(store.clone()).enqueue(entry("acme", "first")).await.unwrap();
    assert_eq!(jtis(&store).await.len(), 1);
    let observer = host("postgres").await;
    // The take-over waits for the receiver.
    let lock = client.transaction().await.unwrap();
    let name = schema(&store);
    lock.execute(&format!("SELECT FROM {name}.receivers FOR UPDATE"), &[]).await.unwrap();
    let holder: i32 = lock.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let waiting =
        "SELECT pid FROM pg_locks WHERE NOT granted AND pg_blocking_pids(pid) && $1 AND pid <> ALL ($1)";
    // The next one that waits for these.
    let taker = async |others: &[i32]| {
        until(async || observer.query(waiting, &[&others]).await.unwrap().first().map(|row| row.get(0))).await
    };
    let jti = insert(&store, &observer, &entry("acme", "ada")).await;

    let worker = builder.connect().await.unwrap();
    let work = tokio::spawn(async move { claim(&worker, 10).await });
    let first: i32 = taker(&[holder]).await;
    // Its connection is lost: the transaction is repeated on another one.
    observer.execute("SELECT pg_terminate_backend($1)", &[&first]).await.unwrap();
    taker(&[holder, first]).await;
    // Its process ends.
    work.abort();
    lock.rollback().await.unwrap();
    let found = async || Some(jtis(&store).await).filter(|jtis| !jtis.is_empty());
    assert_eq!(until(found).await, [jti]);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.enqueued, counts.in_flight), (2, 2));
}

#[tokio::test]
async fn statements_suit_their_drivers() {
    let message =
        entry("acme", "100 % ada").to_message(None, ssf_transmitter::Timestamp::from_unix_millis(0)).unwrap();
    // A name of a schema may be a word of SQL.
    let inbox = Inbox::new("select").unwrap();
    let parameters = ["$1", "%s", ":entry", "%(entry)s"];
    for (style, parameter) in ParamStyle::ALL.iter().zip(parameters) {
        let statement = inbox.statement(&message, *style).unwrap();
        let sql = format!(r#"INSERT INTO "select"."inbox" (entry) VALUES (CAST({parameter} AS text))"#);
        assert_eq!((&statement.sql, statement.parameters.len()), (&sql, 1));
        assert_eq!(statement.names.len(), usize::from(style.is_named()));
        assert_eq!(ParamStyle::by_name(style.as_str()), Some(*style));
        assert!(!format!("{statement:?}").contains("100 % ada"));
    }
    let builder = PostgresStore::builder(shared().url()).schema("select");
    builder.migrate().await.unwrap();
    let store = builder.connect().await.unwrap();
    let jti = insert(&store, &host("postgres").await, &entry("acme", "ada")).await;
    assert_eq!(jtis(&store).await, [jti.as_str()]);

    let nul = entry("a\0b", "ada").to_message(None, ssf_transmitter::Timestamp::from_unix_millis(0)).unwrap();
    assert_eq!(inbox.statement(&nul, ParamStyle::Numeric).unwrap_err().code(), ErrorCode::OutboxEntryInvalid);
    assert_eq!(Inbox::new("Robert'); DROP").unwrap_err().code(), ErrorCode::ConfigurationInvalid);
}

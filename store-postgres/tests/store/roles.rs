//! What each role may do, and what not.

use std::time::Duration;

use crate::common::{claim, entry, server::shared};
use ssf_transmitter::{
    ErrorCode, KeySet, KeyType, SigningKey, Subject,
    outbox::{
        Acknowledgement, Created, Filter, Outbox, Outcome, Poll, Replay, Retention, Settlement, Store,
        StreamRecord, StreamStore, SubjectKeys, fresh_jti,
    },
    stream::StreamApi,
};
use ssf_transmitter_postgres::PostgresStore;
use tokio_postgres::{Client, NoTls, error::SqlState};

async fn client(user: &str) -> Client {
    let url = shared().url().replace("postgres@", &format!("{user}@"));
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Tables in this schema, and an account for each role: `SCHEMA_e`, `SCHEMA_w` and `SCHEMA_r`.
async fn accounts(schema: &str) -> [PostgresStore; 3] {
    PostgresStore::builder(shared().url()).schema(schema).migrate().await.unwrap();
    let roles = PostgresStore::roles_sql(schema).unwrap();
    let owner = client("postgres").await;
    owner.batch_execute(&roles).await.unwrap();
    // Once more after each migration.
    owner.batch_execute(&roles).await.unwrap();
    let mut stores = Vec::new();
    for role in ["enqueue", "work", "read"] {
        let account = format!("{schema}_{}", &role[..1]);
        owner.batch_execute(&format!("CREATE ROLE {account} LOGIN IN ROLE {schema}_{role}")).await.unwrap();
        let url = shared().url().replace("postgres@", &format!("{account}@"));
        stores.push(PostgresStore::builder(url).schema(schema).connect().await.unwrap());
    }
    stores.try_into().unwrap_or_else(|_| panic!("three"))
}

/// Fails unless the database refuses each statement.
async fn refused(user: &str, statements: &[&str]) {
    let client = client(user).await;
    for statement in statements {
        let error = client.batch_execute(statement).await.expect_err(statement);
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{statement}");
    }
}

#[tokio::test]
async fn who_enqueues_cannot_read_what_entries_say() {
    let [enqueues, works, _] = accounts("roles_e").await;
    let (accepting, outbox) = (Outbox::new(enqueues.clone()), Outbox::new(works.clone()));
    let first = entry("acme", "ada").supersedes("state").ordered().idempotency_key("one");
    accepting.enqueue(first.clone()).await.unwrap();
    assert!(accepting.enqueue(first).await.unwrap().repeated);
    // One that was rendered and comes back, and one that waits for it.
    accepting.enqueue(entry("acme", "ada").ordered()).await.unwrap();
    let claimed = claim(&works, 1).await.remove(0);
    let frozen = ssf_transmitter::outbox::Frozen::new(claimed.lease.clone(), b"claims".to_vec().into());
    assert_eq!(works.freeze(vec![frozen]).await.unwrap(), [true]);
    works.settle(vec![Settlement::released(claimed.lease)]).await.unwrap();
    accepting.enqueue(entry("acme", "ada").supersedes("state")).await.unwrap();
    assert_eq!(outbox.counts().await.unwrap().superseded, 1);

    let error = enqueues.claim(ssf_transmitter::outbox::Claim::new(1, 1, Duration::from_mins(1), 5)).await;
    assert_eq!(error.unwrap_err().code(), ErrorCode::OutboxUnavailable);
    refused(
        "roles_e_e",
        &[
            "SELECT payload FROM roles_e.events",
            "SELECT claims FROM roles_e.deliveries",
            "SELECT * FROM roles_e.events",
            "COPY roles_e.events TO STDOUT",
            "UPDATE roles_e.deliveries SET failure = claims::text",
            "UPDATE roles_e.events SET payload = ''",
            "DELETE FROM roles_e.deliveries",
            "CREATE TABLE roles_e.mine ()",
        ],
    )
    .await;
}

#[tokio::test]
async fn who_enqueues_publishes_to_streams_and_cannot_read_them() {
    let [enqueues, works, reads] = accounts("roles_s").await;
    let mut record = StreamRecord::new("one", "acme");
    let event = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    record.events = vec![event.to_owned()];
    record.configuration = b"credential".to_vec().into();
    assert_eq!(works.create_stream(record, 1).await.unwrap(), Created::Yes);
    let subject = SubjectKeys::of(None, &Subject::opaque("eve")).unwrap();
    works.set_subject("one", subject, false, 1).await.unwrap();
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let api =
        StreamApi::builder("https://tr.example.com", keys, enqueues.clone()).max_waiting(2).build().unwrap();
    let publish = async |user: &str| {
        let entry =
            entry("acme", user).supersedes(user).idempotency_key(format!("{user} {}", fresh_jti().unwrap()));
        api.publish(entry).await.unwrap()
    };
    assert_eq!(publish("eve").await.streams, 0, "nobody wants her");
    // The second one supersedes, the fourth one takes the place of the oldest.
    for user in ["ada", "ada", "bob", "carl"] {
        assert_eq!(publish(user).await.streams, 1);
    }
    let counts = reads.counts().await.unwrap();
    assert_eq!((counts.superseded, counts.is_balanced()), (3, true), "{counts:?}");
    let minute = Duration::from_mins(1);
    let polled = works.poll(Poll::new("one", 10, minute)).await.unwrap();
    assert_eq!(polled.deliveries.len(), 2);
    let mut said = Acknowledgement::new("one");
    said.accepted = polled.deliveries.iter().map(|claimed| claimed.lease.jti.clone()).collect();
    assert_eq!(works.acknowledge(said).await.unwrap(), 2);
    let mut record = works.stream("one").await.unwrap().unwrap();
    record.polled = false;
    assert!(works.update_stream(record).await.unwrap());
    assert_eq!(works.delete_stream("one").await.unwrap(), Some(0));
    publish("ada").await;
    assert_eq!(enqueues.stream("one").await.unwrap_err().code(), ErrorCode::OutboxUnavailable);
    for user in ["roles_s_e", "roles_s_r"] {
        refused(
            user,
            &[
                "SELECT configuration FROM roles_s.streams",
                "INSERT INTO roles_s.stream_events VALUES ('x', true, 1)",
                "UPDATE roles_s.streams SET owner = 'mine'",
                "DELETE FROM roles_s.stream_subjects",
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn who_works_cannot_change_the_schema() {
    let [enqueues, works, _] = accounts("roles_w").await;
    Outbox::new(enqueues).enqueue(entry("acme", "ada")).await.unwrap();
    let outbox = Outbox::new(works.clone());
    let claimed = claim(&works, 1).await.remove(0);
    let mut settlement = Settlement::released(claimed.lease);
    settlement.outcome = Outcome::Delivered;
    works.settle(vec![settlement]).await.unwrap();
    outbox.replay(Replay::new(Filter::new().state(ssf_transmitter::outbox::State::Delivered))).await.unwrap();
    let host = client("postgres").await;
    let (message, _) = outbox.to_message(&entry("acme", "bob")).unwrap();
    let statement = works.inbox().statement(&message, ssf_transmitter_postgres::ParamStyle::Numeric).unwrap();
    host.batch_execute("SET ROLE roles_w_host").await.unwrap();
    host.execute(&*statement.sql, &[&statement.parameters[0]]).await.unwrap();
    while !claim(&works, 10).await.iter().any(|claimed| claimed.lease.jti == statement.jtis[0]) {}
    assert_eq!(works.refused(None, 10).await.unwrap().len(), 0);
    let error = host.batch_execute("SELECT entry FROM roles_w.inbox").await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    outbox.hold("acme").await.unwrap();
    outbox.release("acme").await.unwrap();
    outbox.discard(Filter::new()).await.unwrap();
    let mut retention = Retention::default();
    retention.discarded = Duration::ZERO;
    outbox.prune(retention).await.unwrap();
    refused(
        "roles_w_w",
        &[
            "CREATE TABLE roles_w.mine ()",
            "ALTER TABLE roles_w.events ADD mine text",
            "DROP TABLE roles_w.attempts",
            "TRUNCATE roles_w.deliveries",
            "UPDATE roles_w.meta SET value = 99",
        ],
    )
    .await;
}

#[tokio::test]
async fn who_looks_cannot_change_anything() {
    let [enqueues, _, reads] = accounts("roles_r").await;
    let jtis = Outbox::new(enqueues).enqueue(entry("acme", "ada")).await.unwrap().jtis;
    let outbox = Outbox::new(reads.clone());
    assert_eq!(outbox.counts().await.unwrap().waiting, 1);
    assert!(outbox.health().await.unwrap().oldest_waiting.is_some());
    assert_eq!(outbox.receivers(None, 10).await.unwrap().len(), 1);
    assert_eq!(outbox.list(Filter::new(), None, 10).await.unwrap().len(), 1);
    assert!(outbox.history(&jtis[0]).await.unwrap().is_some());
    assert_eq!(outbox.count_discardable(Filter::new()).await.unwrap(), 1);
    assert_eq!(outbox.hold("acme").await.unwrap_err().code(), ErrorCode::OutboxUnavailable);
    refused(
        "roles_r_r",
        &[
            "SELECT payload FROM roles_r.events",
            "SELECT claims FROM roles_r.deliveries",
            "SELECT entry FROM roles_r.inbox",
            "UPDATE roles_r.receivers SET waiting = 0",
            "UPDATE roles_r.deliveries SET state = 3",
            "INSERT INTO roles_r.receivers (name) VALUES ('x')",
            "DELETE FROM roles_r.events",
            "SELECT nextval('roles_r.turns')",
            "SELECT FROM roles_r.receivers FOR UPDATE",
            "CREATE TABLE roles_r.mine ()",
        ],
    )
    .await;
}

#[test]
fn a_name_too_long_for_roles_is_refused() {
    let schema = "a".repeat(56);
    assert_eq!(PostgresStore::roles_sql(&*schema).unwrap_err().code(), ErrorCode::ConfigurationInvalid);
}

//! Tables of other versions, names of schemas, and what errors say.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use crate::common::{claim, entry, server::shared};
use ssf_transmitter::{
    ErrorCode,
    outbox::{Outbox, Store},
};
use ssf_transmitter_postgres::PostgresStore;
use tokio_postgres::{Client, NoTls};

async fn client() -> Client {
    let (client, connection) = tokio_postgres::connect(&shared().url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn tables_must_be_there_and_not_newer() {
    let builder = PostgresStore::builder(shared().url()).schema("versions");
    let missing = builder.connect().await.unwrap_err();
    assert_eq!(missing.code(), ErrorCode::OutboxUnavailable);
    assert!(missing.to_string().contains("migrate the outbox first"), "{missing}");
    // Several processes may start at the same time.
    let (one, other) = tokio::join!(builder.migrate(), builder.migrate());
    assert_eq!((one.is_ok(), other.is_ok()), (true, true));
    builder.migrate().await.unwrap();
    builder.connect().await.unwrap();
    let client = client().await;
    // A newer version may leave everything as it was for this one.
    client.batch_execute("UPDATE versions.meta SET value = 99 WHERE name = 'version'").await.unwrap();
    builder.connect().await.unwrap();
    builder.migrate().await.unwrap();
    client.batch_execute("UPDATE versions.meta SET value = 99 WHERE name = 'compatible'").await.unwrap();
    assert_eq!(builder.connect().await.unwrap_err().code(), ErrorCode::OutboxVersion);
    assert_eq!(builder.migrate().await.unwrap_err().code(), ErrorCode::OutboxVersion);
}

/// Columns of the tables of a schema: what the statements of a version depend on.
async fn columns(client: &Client, schema: &str) -> BTreeSet<String> {
    let columns = "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, is_identity) \
                   FROM information_schema.columns WHERE table_schema = $1";
    let rows = client.query(columns, &[&schema]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn version_1_is_extended_and_goes_on_beside_this_one() {
    let client = client().await;
    let first = include_str!("../../src/schema.sql");
    let create = format!("BEGIN; CREATE SCHEMA first; SET LOCAL search_path TO first; {first} COMMIT;");
    client.batch_execute(&create).await.unwrap();
    let before = columns(&client, "first").await;
    let builder = PostgresStore::builder(shared().url()).schema("first");
    let error = builder.connect().await.unwrap_err();
    assert!(error.to_string().contains("migrate the outbox first"), "{error}");
    builder.migrate().await.unwrap();
    let after = columns(&client, "first").await;
    assert!(after.is_superset(&before));
    let new_tables = [
        "inbox ",
        "streams ",
        "stream_events ",
        "stream_subjects ",
        "receivers mode ",
        "receivers deleted_at ",
    ];
    let is_new = |column: &&String| new_tables.iter().any(|table| column.starts_with(table));
    assert!(after.difference(&before).all(|column| is_new(&column)), "{after:?}");
    let outbox = Outbox::new(builder.connect().await.unwrap());
    outbox.enqueue(entry("acme", "ada")).await.unwrap();

    // Back to version 1 with what it has kept, as after a failed update, and forward again.
    let back = "DROP TABLE first.inbox, first.streams, first.stream_events, first.stream_subjects;
        DROP FUNCTION first.keep_from_workers CASCADE; ALTER TABLE first.receivers DROP COLUMN mode, DROP COLUMN deleted_at;
        DROP INDEX first.deliveries_polled, first.deliveries_due_of;
        DELETE FROM first.meta WHERE name = 'compatible'; UPDATE first.meta SET value = 1";
    client.batch_execute(back).await.unwrap();
    assert_eq!(columns(&client, "first").await, before);
    builder.migrate().await.unwrap();
    let store = builder.connect().await.unwrap();
    assert_eq!(claim(&store, 10).await.len(), 1);
}

#[tokio::test]
async fn the_printed_statements_create_the_tables() {
    let sql = PostgresStore::schema_sql("printed").unwrap();
    client().await.batch_execute(&format!("BEGIN; {sql} COMMIT;")).await.unwrap();
    let store = PostgresStore::builder(shared().url()).schema("printed").connect().await.unwrap();
    Outbox::new(store.clone()).enqueue(entry("acme", "ada")).await.unwrap();
    assert_eq!(store.counts().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn settings_are_checked_and_never_shown() {
    for schema in ["", "Upper", "a b", "quo\"te", "pg_own"] {
        let error = PostgresStore::builder(shared().url()).schema(schema).migrate().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid, "{schema}");
    }
    let urls = [
        "postgresql://ada:hunter2@127.0.0.1:port/app",
        "postgresql://ada:hunter2@127.0.0.1/app?sslmode=prefer",
        "postgresql://ada:hunter2@127.0.0.1/app?hunter2=hunter2",
        "postgresql://ada:hunter2@127.0.0.1/app?sslcert=/hunter2",
    ];
    for url in urls {
        let builder = PostgresStore::builder(url);
        assert!(!format!("{builder:?}").contains("hunter2"));
        let error = builder.connect().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigurationInvalid, "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn each_connection_asks_for_the_password_of_the_moment() {
    let admin = client().await;
    let roles = "CREATE ROLE checked; CREATE ROLE token LOGIN PASSWORD 'first' IN ROLE checked; GRANT CREATE ON DATABASE postgres TO token";
    admin.batch_execute(roles).await.unwrap();
    let current = Arc::new(Mutex::new("first".to_owned()));
    let url = shared().url().replace("postgres@", "token@");
    let builder = PostgresStore::builder(&url).schema("passwords").connections(1).migrate_first();
    let asking = builder.clone().password({
        let current = Arc::clone(&current);
        move || std::future::ready(Ok(current.lock().unwrap().clone()))
    });
    let store = asking.connect().await.unwrap();
    // A token of yesterday opens no new connection.
    admin.batch_execute("ALTER ROLE token PASSWORD 'second'").await.unwrap();
    store.counts().await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'token'";
    admin.batch_execute(end).await.unwrap();
    let error = store.counts().await.unwrap_err();
    assert!(error.to_string().contains("rejects the user or the password"), "{error}");
    "second".clone_into(&mut current.lock().unwrap());
    store.counts().await.unwrap();
    let failing = builder.password(async || {
        Err(ssf_transmitter::Error::new(ErrorCode::OutboxUnavailable, "no token at the moment"))
    });
    assert!(failing.connect().await.unwrap_err().to_string().contains("no token at the moment"));
}

#[tokio::test]
async fn a_name_that_the_database_cannot_keep_is_the_fault_of_the_entry() {
    let builder = PostgresStore::builder(shared().url()).schema("nul");
    builder.migrate().await.unwrap();
    let outbox = Outbox::new(builder.connect().await.unwrap());
    let error = outbox.enqueue(entry("a\0b", "ada")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutboxEntryInvalid);
    assert_eq!(outbox.counts().await.unwrap().enqueued, 0);
}

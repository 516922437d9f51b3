//! Tables of other versions, names of schemas, and what errors say.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

mod common;

use common::{entry, server::shared};
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
    client().await.batch_execute("UPDATE versions.meta SET value = 99 WHERE name = 'version'").await.unwrap();
    assert_eq!(builder.connect().await.unwrap_err().code(), ErrorCode::OutboxVersion);
    assert_eq!(builder.migrate().await.unwrap_err().code(), ErrorCode::OutboxVersion);
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
async fn each_connection_asks_for_its_password() {
    let builder = PostgresStore::builder(shared().url()).schema("passwords");
    builder.migrate().await.unwrap();
    let failing = builder.clone().password(async || {
        Err(ssf_transmitter::Error::new(ErrorCode::OutboxUnavailable, "no token at the moment"))
    });
    assert!(failing.connect().await.unwrap_err().to_string().contains("no token at the moment"));
    builder.password(async || Ok("token".to_owned())).connect().await.unwrap();
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

//! An entry in a transaction of sqlx is committed and rolled back with it.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

#[path = "../../../store-postgres/tests/common/server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod server;

use std::time::Duration;

use server::Server;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgTransaction};
use ssf_transmitter::{
    Subject,
    event::caep,
    outbox::{Claim, Entry, Outbox, Store},
};
use ssf_transmitter_postgres::{ParamStyle, PostgresStore, Statement};

/// Writes to a table of the host, and enqueues.
async fn report(transaction: &mut PgTransaction<'_>, statement: &Statement) {
    sqlx::query("INSERT INTO devices VALUES ('lost')").execute(&mut **transaction).await.unwrap();
    // It contains no input: the name of the schema is checked, and all else is a parameter.
    let query = sqlx::query(AssertSqlSafe(statement.sql.as_str()));
    let query = statement.parameters.iter().fold(query, sqlx::query::Query::bind);
    query.execute(&mut **transaction).await.unwrap();
}

#[tokio::test]
async fn an_entry_is_committed_and_rolled_back_with_the_transaction() {
    let server = Server::start(false);
    let builder = PostgresStore::builder(server.url());
    builder.migrate().await.unwrap();
    let store = builder.connect().await.unwrap();
    let outbox = Outbox::new(store.clone());
    let statement = |user: &str| {
        let entry = Entry::new(caep::SessionRevoked::new(), Subject::email(user)).to("acme");
        let (message, _) = outbox.to_message(&entry).unwrap();
        store.inbox().statement(&message, ParamStyle::Numeric).unwrap()
    };
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    sqlx::query("CREATE TABLE devices (state text)").execute(&mut connection).await.unwrap();

    let (gone, kept) = (statement("bob@example.com"), statement("ada@example.com"));
    let mut transaction = connection.begin().await.unwrap();
    report(&mut transaction, &gone).await;
    transaction.rollback().await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    report(&mut transaction, &kept).await;
    transaction.commit().await.unwrap();

    let claims = store.claim(Claim::new(10, 10, Duration::from_mins(1), 5)).await.unwrap();
    let claimed: Vec<_> = claims.deliveries.into_iter().map(|claimed| claimed.lease.jti).collect();
    assert_eq!(claimed, kept.jtis);
}

//! Which statements are prepared, and what happens when they are lost.

use crate::{
    common::{claim, entry, new_outbox, server::Server, settle_all, sql, until},
    pgbouncer::pool,
};
use ssf_transmitter::{
    ErrorCode,
    outbox::{Outbox, Store},
};
use ssf_transmitter_postgres::{Builder, PostgresStore};

/// Prepared statements have names.
const PREPARED: &str = "execute s";

/// A server that logs each statement.
fn server() -> Server {
    let access = ("pg_hba.conf", "host all all 127.0.0.1/32 trust\n");
    Server::configured(false, &[access], &["log_statement=all", "log_line_prefix="])
}

/// Enqueues, claims and settles.
async fn use_store(store: &PostgresStore, times: usize) {
    let outbox = Outbox::new(store.clone());
    for user in 0..times {
        outbox.enqueue(entry("acme", &user.to_string())).await.unwrap();
        settle_all(store, claim(store, 1).await).await;
    }
}

/// One connection, so that a statement is used on it again.
async fn connect(builder: &Builder) -> PostgresStore {
    builder.clone().connections(1).connect().await.unwrap()
}

/// Waits until a store has used a prepared statement.
pub(crate) async fn prepares(server: &Server, builder: &Builder) {
    let store = connect(builder).await;
    // Plans are soon forgotten: on a busy machine, two uses may be too far apart.
    until(async || {
        use_store(&store, 2).await;
        (server.said(PREPARED) > 0).then_some(())
    })
    .await;
}

/// Waits until the log has all that the server has said before.
async fn log_is_read(server: &Server, mark: &str) {
    sql(&server.url(), "public").await.batch_execute(&format!("SELECT '{mark}'")).await.unwrap();
    until(async || (server.said(mark) > 0).then_some(())).await;
}

#[tokio::test]
async fn connections_to_the_server_itself_prepare_statements() {
    let server = server();
    let (builder, schema) = new_outbox(&server.url()).await;
    use_store(&connect(&builder.clone().prepared_statements(false)).await, 4).await;
    let url = format!("{}?prepared_statements=false", server.url());
    use_store(&connect(&PostgresStore::builder(url).schema(schema)).await, 4).await;
    log_is_read(&server, "first").await;
    assert_eq!(server.said(PREPARED), 0);

    prepares(&server, &builder).await;
}

#[tokio::test]
async fn an_entry_for_a_known_receiver_is_one_statement() {
    let server = server();
    let (builder, _) = new_outbox(&server.url()).await;
    let store = connect(&builder).await;
    let outbox = Outbox::new(store.clone());
    use_store(&store, 1).await;
    log_is_read(&server, "first").await;
    let transactions = server.said("BEGIN");
    for user in 0..10 {
        outbox.enqueue(entry("acme", &user.to_string())).await.unwrap();
    }
    log_is_read(&server, "second").await;
    assert_eq!(server.said("BEGIN"), transactions);
    let claimed = claim(&store, 20).await;
    assert_eq!(claimed.len(), 10);
    settle_all(&store, claimed).await;

    // One that is refused, one that a key repeats, and one for a receiver that is held.
    outbox.enqueue(entry("acme", "ada").jti("known")).await.unwrap();
    let known = outbox.enqueue(entry("acme", "ada").jti("known")).await.unwrap_err();
    assert_eq!(known.code(), ErrorCode::OutboxConflict);
    for repeated in [false, true] {
        let entry = entry("acme", "ada").idempotency_key("key");
        assert_eq!(outbox.enqueue(entry).await.unwrap().repeated, repeated);
    }
    settle_all(&store, claim(&store, 20).await).await;
    outbox.hold("acme").await.unwrap();
    outbox.enqueue(entry("acme", "ada")).await.unwrap();
    assert_eq!(claim(&store, 20).await.len(), 0);
    outbox.release("acme").await.unwrap();
    assert_eq!(claim(&store, 20).await.len(), 1);
}

#[tokio::test]
async fn poolers_keep_no_prepared_statements() {
    let server = server();
    let (builder, _) = new_outbox(&pool(&server)).await;
    use_store(&connect(&builder).await, 10).await;
    log_is_read(&server, "pooled").await;
    assert_eq!(server.said(PREPARED), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_that_a_pooler_loses_are_not_needed() {
    let server = server();
    let url = pool(&server);
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (builder, _) = new_outbox(&url).await;
        let store = connect(&builder.prepared_statements(true)).await;
        tasks.push(tokio::spawn(async move {
            use_store(&store, 20).await;
            store.counts().await.unwrap().delivered
        }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap(), 20);
    }
}

#[tokio::test]
async fn a_statement_whose_columns_have_changed_is_prepared_again() {
    let server = server();
    let (builder, schema) = new_outbox(&server.url()).await;
    let store = connect(&builder).await;
    let client = sql(&server.url(), &schema).await;
    for (round, to) in ["varchar", "text"].into_iter().cycle().enumerate() {
        use_store(&store, 2).await;
        client.batch_execute(&format!("ALTER TABLE receivers ALTER COLUMN state TYPE {to}")).await.unwrap();
        use_store(&store, 1).await;
        assert_eq!(store.counts().await.unwrap().delivered, 3 * (round as u64 + 1));
        if server.said("cached plan must not change result type") > 0 {
            break;
        }
    }
}

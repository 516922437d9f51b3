//! What another program costs that holds a snapshot: nothing that was changed since can be removed.

use std::time::Instant;

use ssf_transmitter::outbox::Store;
use ssf_transmitter_postgres::PostgresStore;
use tokio_postgres::{Client, NoTls};

use crate::{BATCH, database, message, rate, server::Server, work};

const ROUNDS: u32 = 5;

/// Enqueues batches and works them off, without and with a snapshot that is held.
pub(crate) async fn measure(server: &Server) {
    for held in [false, true] {
        let url = database(server).await;
        let builder = PostgresStore::builder(&url);
        builder.migrate().await.unwrap();
        let store = builder.connect().await.unwrap();
        let (reader, watcher) = (sql(&url).await, sql(&url).await);
        if held {
            let hold = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM ssf_outbox.deliveries";
            reader.batch_execute(hold).await.unwrap();
        }
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            store.enqueue((0..BATCH).map(message).collect()).await.unwrap();
            let began = Instant::now();
            assert_eq!(work(store.clone()).await, BATCH);
            rates.push(format!("{:.0}/s", rate(BATCH, began)));
        }
        store.close().await.unwrap();
        println!("worked off, snapshot held {held}: {}; {}", rates.join(", "), dead(&watcher).await);
    }
}

async fn sql(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The dead rows of the tables.
async fn dead(watcher: &Client) -> String {
    let question =
        "SELECT relname, n_dead_tup FROM pg_stat_user_tables WHERE n_dead_tup > 0 ORDER BY relname";
    let rows = watcher.query(question, &[]).await.unwrap();
    let each = rows.iter().map(|row| format!("{} {}", row.get::<_, &str>(0), row.get::<_, i64>(1)));
    format!("dead rows: {}", each.collect::<Vec<_>>().join(", "))
}

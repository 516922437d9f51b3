//! What was acknowledged is there, whatever crashes.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::common::{entry, outbox, server::Server, until};
use ssf_transmitter::{
    ErrorCode,
    outbox::{Entry, Filter, Outbox},
};
use tokio_postgres::NoTls;

const CALLERS: u32 = 4;
const EACH: u32 = 100;

/// Repeats an enqueue until it succeeds: what happened to one that failed is unknown.
async fn enqueue(outbox: &Outbox, entry: Entry) -> String {
    loop {
        match outbox.enqueue(entry.clone()).await {
            Ok(mut enqueued) => return enqueued.jtis.remove(0),
            Err(error) => assert_eq!(error.code(), ErrorCode::OutboxUnavailable, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Enqueues while something is done to the server, and looks for what was acknowledged.
async fn nothing_is_lost(server: &Server, harm: impl AsyncFn()) {
    let outbox = Outbox::new(outbox(&server.url()).await.connect().await.unwrap());
    let acknowledged = Arc::new(AtomicU32::new(0));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (outbox, acknowledged) = (outbox.clone(), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let mut jtis = Vec::new();
                for number in 0..EACH {
                    let key = format!("{caller}-{number}");
                    jtis.push(enqueue(&outbox, entry("acme", &key).idempotency_key(&key)).await);
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                jtis
            })
        })
        .collect();
    for times in 1..=3 {
        let enough = times * CALLERS * EACH / 4;
        until(async || (acknowledged.load(Ordering::SeqCst) >= enough).then_some(())).await;
        harm().await;
    }
    let mut jtis = BTreeSet::new();
    for caller in callers {
        jtis.extend(caller.await.unwrap());
    }
    assert_eq!(jtis.len(), (CALLERS * EACH) as usize);
    let listed = outbox.list(Filter::new(), None, 10_000).await.unwrap();
    assert_eq!(listed.into_iter().map(|record| record.jti).collect::<BTreeSet<_>>(), jtis);
    let counts = outbox.counts().await.unwrap();
    assert_eq!((counts.enqueued, counts.waiting), (u64::from(CALLERS * EACH), u64::from(CALLERS * EACH)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_server_ends_lose_nothing() {
    let server = Server::start(true);
    nothing_is_lost(&server, async || {
        let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        client.batch_execute(others).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_loses_nothing() {
    let server = Server::start(true);
    nothing_is_lost(&server, async || tokio::task::block_in_place(|| server.crash())).await;
}

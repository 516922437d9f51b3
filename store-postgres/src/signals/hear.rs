//! What other processes tell, and what the database says when nobody tells.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use deadpool::managed::Pool;
use ssf_transmitter::outbox::{Notifier, STREAM_PREFIX, StreamNotifiers, stream_receiver};
use tokio_postgres::AsyncMessage;

use super::tell::Hint;
use crate::{failed::Done, manager::Manager, values::each};

/// How long a lost connection is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// How often those who wait for a stream are looked up in the database, whatever was told.
const WATCH: Duration = Duration::from_millis(1500);
/// So many milliseconds later at most, so that many servers do not look at the same moments.
const SPREAD: u64 = 500;

/// Who waits in this process.
pub(super) struct Waiting {
    /// Workers.
    pub(super) ready: Arc<Notifier>,
    /// Receivers that poll.
    pub(super) streams: StreamNotifiers,
    /// Identifies the hints of this store, which has woken them already.
    pub(super) own: Arc<str>,
}

/// Listens on a connection of its own, and makes another one when it is lost.
pub(super) async fn listen(pool: Pool<Manager>, waiting: Arc<Waiting>) {
    loop {
        drop(hear(&pool, &waiting).await);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Wakes those who wait whenever the database tells something. Returns when the connection is lost.
async fn hear(pool: &Pool<Manager>, waiting: &Waiting) -> Done<()> {
    let (client, mut connection) = pool.manager().open().await?;
    let statement = format!("LISTEN \"{}\"", pool.manager().schema.name());
    let (told, mut crowds) = tokio::sync::mpsc::unbounded_channel();
    let listening = async {
        client.batch_execute(&statement).await?;
        // What happened before was not heard.
        waiting.ready.notify();
        loop {
            drop(look(pool, waiting).await);
            crowds.recv().await;
        }
    };
    let messages = async {
        loop {
            match std::future::poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(hint))) => {
                    if !heed(hint.payload(), waiting) {
                        told.send(()).ok();
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            }
        }
    };
    tokio::select! {
        failed = listening => failed,
        ended = messages => ended,
    }
}

/// Wakes those whom a hint concerns. Returns whether it says who that is.
fn heed(payload: &str, waiting: &Waiting) -> bool {
    if payload.is_empty() {
        waiting.ready.notify();
        return true;
    }
    // A newer version may tell more.
    let Ok(Hint { from, streams }) = serde_json::from_str(payload) else { return false };
    if *from == *waiting.own {
        return true;
    }
    let Some(streams) = streams else { return false };
    waiting.streams.notify(streams.iter().map(String::as_str));
    true
}

/// Asks the database from time to time for those who wait for a stream: a hint may get lost, and some poolers pass none on.
pub(super) async fn watch(pool: Pool<Manager>, waiting: Arc<Waiting>) {
    loop {
        let spread = RandomState::new().hash_one(()) % SPREAD;
        tokio::time::sleep(WATCH + Duration::from_millis(spread)).await;
        drop(look(&pool, &waiting).await);
    }
}

/// Wakes those who wait for a stream in which something is ready.
async fn look(pool: &Pool<Manager>, waiting: &Waiting) -> Done<()> {
    let receivers: Vec<_> = waiting.streams.awaited().iter().map(|stream| stream_receiver(stream)).collect();
    if receivers.is_empty() {
        return Ok(());
    }
    let Ok(connection) = pool.get().await else { return Ok(()) };
    let statement = format!(
        "SELECT name FROM \"{}\".receivers WHERE name = ANY($1) AND ready > 0 AND mode = 'polled'",
        pool.manager().schema.name()
    );
    let rows = connection.client.query_typed(&statement, &[each(&receivers)]).await?;
    let names = rows.iter().filter_map(|row| row.try_get::<_, &str>(0).ok());
    waiting.streams.notify(names.filter_map(|name| name.strip_prefix(STREAM_PREFIX)));
    Ok(())
}

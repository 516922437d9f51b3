//! What other processes are told.
//!
//! A `NOTIFY` in a transaction would make all commits of the database wait for each other. So it is sent afterwards, once for all that has
//! happened meanwhile.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool::managed::Pool;
use serde::{Deserialize, Serialize};
use ssf_transmitter::outbox::fresh_jti;
use tokio::{sync::Notify, time::timeout};

use crate::{manager::Manager, values::one};

/// How long the next hint to other processes waits after one.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// How long the last hint may take.
pub(super) const LAST: Duration = Duration::from_secs(2);
/// PostgreSQL takes shorter payloads only.
const PAYLOAD: usize = 8000;

pub(super) struct News {
    /// Identifies this store among those that tell.
    own: Arc<str>,
    /// Whether there is some for workers.
    pub(super) any: AtomicBool,
    /// Streams in which something may be ready.
    streams: Mutex<BTreeSet<String>>,
    /// Whether there will be no more.
    pub(super) last: AtomicBool,
    /// Wakes who tells.
    pub(super) tell: Notify,
    /// Interrupts the pause after a hint.
    pub(super) hurry: Notify,
    /// Told to the end.
    pub(super) told: Notify,
}

/// A hint that concerns streams. One for workers has no payload.
#[derive(Deserialize, Serialize)]
pub(super) struct Hint {
    /// Who tells it.
    pub(super) from: String,
    /// The streams; `None` for more than a payload can name.
    pub(super) streams: Option<BTreeSet<String>>,
}

impl News {
    pub(super) fn new() -> Self {
        Self {
            // Without one, it also hears itself, which is harmless.
            own: fresh_jti().unwrap_or_default().into(),
            any: AtomicBool::default(),
            streams: Mutex::default(),
            last: AtomicBool::default(),
            tell: Notify::new(),
            hurry: Notify::new(),
            told: Notify::new(),
        }
    }

    pub(super) fn own(&self) -> Arc<str> {
        Arc::clone(&self.own)
    }

    pub(super) fn add(&self, streams: BTreeSet<String>) {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).extend(streams);
    }

    /// What is to be told of streams, as a payload.
    fn payload(&self) -> Option<String> {
        let streams = std::mem::take(&mut *self.streams.lock().unwrap_or_else(PoisonError::into_inner));
        if streams.is_empty() {
            return None;
        }
        let write = |streams| serde_json::to_string(&Hint { from: self.own.to_string(), streams }).ok();
        write(Some(streams)).filter(|payload| payload.len() < PAYLOAD).or_else(|| write(None))
    }
}

pub(super) async fn tell_others(pool: Pool<Manager>, news: Arc<News>) {
    let channel = pool.manager().schema.name().to_owned();
    loop {
        news.tell.notified().await;
        let last = news.last.load(Ordering::Acquire);
        let any = news.any.swap(false, Ordering::AcqRel).then(String::new);
        for payload in any.into_iter().chain(news.payload()) {
            if let Ok(connection) = pool.get().await {
                // The next one may arrive.
                let values = [one(&channel), one(&payload)];
                drop(connection.client.query_typed("SELECT pg_notify($1, $2)::text", &values).await);
            }
        }
        if last {
            return news.told.notify_one();
        }
        drop(timeout(DEBOUNCE, news.hurry.notified()).await);
    }
}

//! Hints that something may be ready, within the process and from other ones. They may get lost: workers look at the store anyway.
//!
//! A `NOTIFY` in a transaction would make all commits of the database wait for each other. So it is sent afterwards, once for all that has
//! happened meanwhile.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadpool::managed::Pool;
use ssf_transmitter::outbox::{Changed, Notifier};
use tokio::{runtime::Handle, sync::Notify, task::JoinHandle, time::timeout};
use tokio_postgres::AsyncMessage;

use crate::{failed::Done, manager::Manager};

/// How long the next hint to other processes waits after one.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// How long a lost connection is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the last hint may take.
const LAST: Duration = Duration::from_secs(2);

pub(crate) struct Signals {
    pool: Pool<Manager>,
    /// Wakes those who wait in this process.
    ready: Arc<Notifier>,
    /// What other processes are to be told.
    news: Arc<News>,
    /// Only who changes something tells, and only who waits listens.
    teller: OnceLock<Task>,
    listener: OnceLock<Task>,
}

#[derive(Default)]
struct News {
    /// Whether there is some.
    any: AtomicBool,
    /// Whether there will be no more.
    last: AtomicBool,
    /// Wakes who tells.
    tell: Notify,
    /// Interrupts the pause after a hint.
    hurry: Notify,
    /// Told to the end.
    told: Notify,
}

/// Ends with its owner.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Signals {
    pub(crate) fn new(pool: Pool<Manager>) -> Self {
        let (teller, listener) = Default::default();
        Self { pool, ready: Arc::default(), news: Arc::default(), teller, listener }
    }

    /// Something may be ready for the workers of this process.
    pub(crate) fn wake(&self) {
        self.ready.notify();
    }

    /// Something may be ready for all workers.
    pub(crate) fn wake_all(&self) {
        self.wake();
        // Without a runtime, nobody tells.
        if let Ok(runtime) = Handle::try_current() {
            let tell = || Task(runtime.spawn(tell_others(self.pool.clone(), Arc::clone(&self.news))));
            self.teller.get_or_init(tell);
        }
        self.news.any.store(true, Ordering::Release);
        self.news.tell.notify_one();
    }

    /// Ends when something may have become ready since this call.
    pub(crate) fn changed(&self) -> Changed {
        let changed = self.ready.changed();
        if let Ok(runtime) = Handle::try_current() {
            let listen = || Task(runtime.spawn(listen(self.pool.clone(), Arc::clone(&self.ready))));
            self.listener.get_or_init(listen);
        }
        changed
    }

    /// Tells what is not told yet, and tells and hears nothing more.
    pub(crate) async fn close(&self) {
        if let Some(listener) = self.listener.get() {
            listener.0.abort();
        }
        if let Some(teller) = self.teller.get() {
            if !self.news.last.swap(true, Ordering::AcqRel) {
                self.news.tell.notify_one();
                self.news.hurry.notify_one();
                drop(timeout(LAST, self.news.told.notified()).await);
            }
            teller.0.abort();
        }
    }
}

async fn tell_others(pool: Pool<Manager>, news: Arc<News>) {
    let statement = format!("NOTIFY \"{}\"", pool.manager().schema.name());
    loop {
        news.tell.notified().await;
        let last = news.last.load(Ordering::Acquire);
        if news.any.swap(false, Ordering::AcqRel)
            && let Ok(client) = pool.get().await
        {
            // The next one may arrive.
            drop(client.batch_execute(&statement).await);
        }
        if last {
            return news.told.notify_one();
        }
        drop(timeout(DEBOUNCE, news.hurry.notified()).await);
    }
}

/// Listens on a connection of its own, and makes another one when it is lost.
async fn listen(pool: Pool<Manager>, ready: Arc<Notifier>) {
    loop {
        drop(hear(pool.manager(), &ready).await);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Wakes those who wait whenever the database tells something. Returns when the connection is lost.
async fn hear(manager: &Manager, ready: &Notifier) -> Done<()> {
    let (client, mut connection) = manager.open().await?;
    let statement = format!("LISTEN \"{}\"", manager.schema.name());
    let listening = async {
        client.batch_execute(&statement).await?;
        // What happened before was not heard.
        ready.notify();
        std::future::pending::<Done<()>>().await
    };
    let messages = async {
        loop {
            match std::future::poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(_))) => ready.notify(),
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

//! Hints that something may be ready, within the process and from other ones. They may get lost: workers look at the store anyway, and
//! [`hear`] looks for those who wait for streams.

mod hear;
mod tell;

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock, atomic::Ordering},
};

use deadpool::managed::Pool;
use ssf_transmitter::outbox::{Changed, Notifier, StreamNotifiers};
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};

use crate::manager::Manager;
use hear::Waiting;
use tell::{LAST, News};

pub(crate) struct Signals {
    pool: Pool<Manager>,
    /// Who waits in this process.
    waiting: Arc<Waiting>,
    /// What other processes are to be told.
    news: Arc<News>,
    /// Only who changes something tells, and only who waits listens and looks.
    teller: OnceLock<Task>,
    listener: OnceLock<Task>,
    watcher: OnceLock<Task>,
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
        let news = Arc::new(News::new());
        let waiting = Waiting {
            ready: Arc::<Notifier>::default(),
            streams: StreamNotifiers::default(),
            own: news.own(),
        };
        let (teller, listener, watcher) = Default::default();
        Self { pool, waiting: Arc::new(waiting), news, teller, listener, watcher }
    }

    /// Something may be ready for the workers of this process.
    pub(crate) fn wake(&self) {
        self.waiting.ready.notify();
    }

    /// Something may be ready for all workers.
    pub(crate) fn wake_all(&self) {
        self.wake();
        self.news.any.store(true, Ordering::Release);
        self.tell();
    }

    /// Something may be ready in these streams.
    pub(crate) fn wake_streams(&self, streams: BTreeSet<String>) {
        if streams.is_empty() {
            return;
        }
        self.waiting.streams.notify(streams.iter().map(String::as_str));
        self.news.add(streams);
        self.tell();
    }

    fn tell(&self) {
        // Without a runtime, nobody tells.
        if let Ok(runtime) = Handle::try_current() {
            let tell = || Task(runtime.spawn(tell::tell_others(self.pool.clone(), Arc::clone(&self.news))));
            self.teller.get_or_init(tell);
        }
        self.news.tell.notify_one();
    }

    /// Ends when something may have become ready since this call.
    pub(crate) fn changed(&self) -> Changed {
        let changed = self.waiting.ready.changed();
        self.listen();
        changed
    }

    /// Ends when something may have become ready in a stream since this call.
    pub(crate) fn stream_changed(&self, stream: &str) -> Changed {
        let changed = self.waiting.streams.changed(stream);
        self.listen();
        if let Ok(runtime) = Handle::try_current() {
            let watch = || Task(runtime.spawn(hear::watch(self.pool.clone(), Arc::clone(&self.waiting))));
            self.watcher.get_or_init(watch);
        }
        changed
    }

    fn listen(&self) {
        if let Ok(runtime) = Handle::try_current() {
            let listen = || Task(runtime.spawn(hear::listen(self.pool.clone(), Arc::clone(&self.waiting))));
            self.listener.get_or_init(listen);
        }
    }

    /// Tells what is not told yet, and tells and hears nothing more.
    pub(crate) async fn close(&self) {
        for task in [&self.listener, &self.watcher].into_iter().filter_map(OnceLock::get) {
            task.0.abort();
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

//! Wakes futures that wait for a change, without a runtime.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// Wakes those who wait for a change: what a store needs for [`Store::changed`](super::Store::changed).
///
/// ```
/// use std::sync::Arc;
/// use ssf_transmitter::outbox::Notifier;
///
/// # async fn example() {
/// let notifier = Arc::new(Notifier::default());
/// let changed = notifier.changed();
/// notifier.notify();
/// changed.await;
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Notifier {
    inner: Mutex<Inner>,
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct Inner {
    changes: u64,
    wakers: Vec<Waker>,
}

impl Notifier {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a change.
    pub fn notify(&self) {
        let mut inner = self.inner();
        inner.changes += 1;
        let woken = std::mem::take(&mut inner.wakers);
        drop(inner);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Whether anybody waits.
    pub fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Ends when something has changed since this call.
    pub fn changed(self: &Arc<Self>) -> Changed {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Changed { seen: self.inner().changes, notifier: Arc::clone(self) }
    }
}

/// Waits for a change; from [`Notifier::changed`].
#[derive(Debug)]
#[must_use = "it waits only where it is awaited"]
pub struct Changed {
    seen: u64,
    notifier: Arc<Notifier>,
}

impl Future for Changed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.notifier.inner();
        if inner.changes != self.seen {
            return Poll::Ready(());
        }
        if !inner.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            inner.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        self.notifier.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// From so many streams on, those are dropped that nobody waits for any more.
const SWEEP: usize = 1024;

/// Wakes those who wait for a change in one stream: what a store needs for
/// [`StreamStore::stream_changed`](super::StreamStore::stream_changed).
///
/// ```
/// use ssf_transmitter::outbox::StreamNotifiers;
///
/// # async fn example() {
/// let notifiers = StreamNotifiers::default();
/// let changed = notifiers.changed("one");
/// notifiers.notify(["one"]);
/// changed.await;
/// # }
/// ```
#[derive(Debug, Default)]
pub struct StreamNotifiers {
    /// Only streams that somebody waits for are in here.
    streams: Mutex<HashMap<String, Arc<Notifier>>>,
}

impl StreamNotifiers {
    fn streams(&self) -> MutexGuard<'_, HashMap<String, Arc<Notifier>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends when this stream has changed since this call.
    pub fn changed(&self, stream: &str) -> Changed {
        let mut streams = self.streams();
        // Those that were cancelled leave their place, as long as nothing happens in their stream.
        if streams.len() >= SWEEP && streams.len().is_power_of_two() {
            streams.retain(|_, notifier| notifier.is_awaited());
        }
        streams.entry(stream.to_owned()).or_default().changed()
    }

    /// Notes a change in these streams.
    pub fn notify<'a>(&self, changed: impl IntoIterator<Item = &'a str>) {
        let mut streams = self.streams();
        let woken: Vec<_> = changed.into_iter().filter_map(|stream| streams.remove(stream)).collect();
        drop(streams);
        for notifier in woken {
            notifier.notify();
        }
    }

    /// Notes a change in all streams.
    pub fn notify_all(&self) {
        let woken = std::mem::take(&mut *self.streams());
        for notifier in woken.values() {
            notifier.notify();
        }
    }

    /// The streams that somebody waits for.
    pub fn awaited(&self) -> Vec<String> {
        let mut streams = self.streams();
        streams.retain(|_, notifier| notifier.is_awaited());
        streams.keys().cloned().collect()
    }

    /// Whether anybody waits.
    pub fn is_awaited(&self) -> bool {
        let mut streams = self.streams();
        let awaited = streams.values().any(|notifier| notifier.is_awaited());
        if !awaited {
            streams.clear();
        }
        awaited
    }
}

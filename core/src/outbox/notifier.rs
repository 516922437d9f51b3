//! Wakes futures that wait for a change, without a runtime.

use std::{
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

//! Wakes futures that wait for a change, without a runtime.

use std::{
    future::{Future, poll_fn},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Poll, Waker},
};

/// Wakes those who wait for a change.
#[derive(Debug, Default)]
pub(super) struct Notifier {
    changes: AtomicU64,
    wakers: Mutex<Vec<Waker>>,
}

impl Notifier {
    /// Notes a change.
    pub(super) fn notify(&self) {
        let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::SeqCst);
        let woken = std::mem::take(&mut *wakers);
        drop(wakers);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Ends when something has changed since this call.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + Send {
        let seen = self.changes.load(Ordering::SeqCst);
        poll_fn(move |context| {
            let mut wakers = self.wakers.lock().unwrap_or_else(PoisonError::into_inner);
            if self.changes.load(Ordering::SeqCst) != seen {
                return Poll::Ready(());
            }
            if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                wakers.push(context.waker().clone());
            }
            Poll::Pending
        })
    }
}

//! Tasks without a thread of their own: the thread that calls begins them, and the one that wakes them goes on.
//!
//! A task of the runtime has to wait for a thread of it twice, when it begins and when its answer is there. Those threads give way to
//! others, and an entry that is alone would wait for them longer than for the disk.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
};

use tokio::runtime::Runtime;

/// A task whose steps are short: they run on threads that have other things to do.
pub struct Direct {
    runtime: &'static Runtime,
    /// Empty once it has ended.
    work: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    /// How often it was woken since a thread looked. The one that raises it from zero works.
    woken: AtomicUsize,
}

impl Direct {
    /// A task that begins when it is woken.
    pub fn new(runtime: &'static Runtime, work: impl Future<Output = ()> + Send + 'static) -> Arc<Self> {
        Arc::new(Self { runtime, work: Mutex::new(Some(Box::pin(work))), woken: AtomicUsize::new(0) })
    }

    /// Abandons it.
    pub fn abort(&self) {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(work);
    }

    fn step(self: &Arc<Self>) {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(future) = work.as_mut() else { return };
        let waker = Waker::from(self.clone());
        // What panics has ended; the thread has other things to do.
        let stepped = catch_unwind(AssertUnwindSafe(|| {
            let _inside = self.runtime.enter();
            future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        }));
        if stepped.unwrap_or(true) {
            let ended = work.take();
            drop(work);
            drop(ended);
        }
    }
}

impl Wake for Direct {
    fn wake(self: Arc<Self>) {
        if self.woken.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let mut seen = 1;
        loop {
            self.step();
            let before = self.woken.fetch_sub(seen, Ordering::AcqRel);
            if before == seen {
                return;
            }
            seen = before - seen;
        }
    }
}

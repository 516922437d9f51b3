//! The gate between our work and a `fork()`.
//!
//! A child has only the thread that forked, but every lock in the state it was in: a lock that another thread held, in OpenSSL
//! for example, stays locked for good. So a fork waits until no thread of ours is at work. Code that runs with the GIL needs
//! no gate, because the forking thread holds the GIL; all other code runs inside the gate. See docs/adr/0009.

use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    task::{Context, Poll},
    thread,
    time::Duration,
};

use pyo3::prelude::*;

use crate::{host, process::Own};

/// The number of threads inside, and in the upper half the number of forks that wait or are in progress.
static GATE: AtomicU64 = AtomicU64::new(0);
const FORK: u64 = 1 << 32;

/// The number of forks between the process that loaded the library and this one.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// The pause between two looks at the gate. A condition variable would itself be in use at the fork.
const PAUSE: Duration = Duration::from_micros(50);

thread_local! {
    /// How many times this thread has entered: entries nest.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Dropped when the thread ends.
    static END: End = const { End };
}

/// What OpenSSL keeps for a thread is freed when the thread ends, and that takes locks.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        inside(host::free_openssl_of_thread);
    }
}

/// The number of forks between the process that loaded the library and this one.
pub(crate) fn count() -> u32 {
    FORKS.load(Ordering::Acquire)
}

/// Runs work that no fork may interrupt. It must not wait for the GIL, for the network, or for a name lookup.
pub(crate) fn inside<T>(work: impl FnOnce() -> T) -> T {
    let _inside = Inside::enter();
    work()
}

/// Runs such work without the GIL.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    py.detach(|| inside(work))
}

struct Inside;

impl Inside {
    fn enter() -> Self {
        let depth = DEPTH.get();
        DEPTH.set(depth + 1);
        if depth == 0 {
            // From now on the end of the thread is inside, too. At that end itself it is gone.
            let _ = END.try_with(|_| ());
            while GATE.fetch_add(1, Ordering::AcqRel) >= FORK {
                GATE.fetch_sub(1, Ordering::AcqRel);
                while GATE.load(Ordering::Acquire) >= FORK {
                    thread::sleep(PAUSE);
                }
            }
        }
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let depth = DEPTH.get() - 1;
        DEPTH.set(depth);
        if depth == 0 {
            GATE.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// A future that is polled and dropped inside the gate. A child never drops the futures of its parent.
pub(crate) struct Guarded<F>(Own<Pin<Box<F>>>);

impl<F: Future> Guarded<F> {
    pub(crate) fn new(work: F) -> Self {
        Self(Own::new(Box::pin(work)))
    }
}

impl<F: Future> Future for Guarded<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.0.get_mut() {
            Some(work) => inside(|| work.as_mut().poll(context)),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Guarded<F> {
    fn drop(&mut self) {
        inside(|| self.0.discard());
    }
}

#[cfg(unix)]
pub(crate) use handlers::watch;

#[cfg(unix)]
mod handlers {
    use std::{
        io,
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use super::{DEPTH, FORK, FORKS, GATE, PAUSE};
    use crate::host;

    /// How many times a fork looks at the gate, which takes a few seconds, before it goes ahead. Work inside takes
    /// milliseconds, except for generating a long RSA key, which takes seconds and spends nearly all of them without a lock.
    const LOOKS: u32 = 50_000;

    /// Makes forks wait from now on.
    pub(crate) fn watch() -> io::Result<()> {
        static WATCHED: AtomicBool = AtomicBool::new(false);
        if WATCHED.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        // After a failure the next call tries again.
        host::at_fork(before, in_parent, in_child).inspect_err(|_| WATCHED.store(false, Ordering::Release))
    }

    /// 1 if the forking thread itself is inside: it leaves later, in both processes.
    fn own() -> u64 {
        DEPTH.get().min(1).into()
    }

    extern "C" fn before() {
        GATE.fetch_add(FORK, Ordering::AcqRel);
        for _ in 0..LOOKS {
            if GATE.load(Ordering::Acquire) % FORK <= own() {
                break;
            }
            thread::sleep(PAUSE);
        }
    }

    extern "C" fn in_parent() {
        GATE.fetch_sub(FORK, Ordering::AcqRel);
    }

    extern "C" fn in_child() {
        GATE.store(own(), Ordering::Release);
        FORKS.fetch_add(1, Ordering::AcqRel);
    }
}

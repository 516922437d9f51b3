//! Threads of ours that call into the interpreter, and its end.
//!
//! An interpreter that ends terminates threads that want to run in it, in the middle of whatever they do. So before it ends
//! it waits until ours are out, and they do not enter again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use pyo3::prelude::*;

use crate::process::PerProcess;

/// Held by a thread of ours that is in the interpreter; whether the interpreter ends.
static DOOR: PerProcess<Mutex<bool>> = PerProcess::new();

/// Calls `work` on a thread of ours, unless the interpreter ends.
pub(crate) fn enter(work: impl FnOnce(Python<'_>)) {
    if let Some(_open) = door().filter(|ends| !**ends) {
        Python::try_attach(work);
    }
}

/// Runs `work` outside of the interpreter, but with a state of this thread in it, which each [`enter`] uses. Otherwise each makes a state
/// and deletes it, under a lock of the interpreter without which the child of a fork hangs in Python 3.10.
pub(crate) fn stay(work: impl FnOnce() + Send) {
    if let Some(open) = door().filter(|ends| !**ends) {
        Python::try_attach(|py| {
            drop(open);
            py.detach(work);
        });
    }
}

/// Calls `work`, which must be short, on a thread for such calls, unless the interpreter ends: for threads that must not wait for the
/// interpreter, because a fork would wait for them.
pub(crate) fn later(work: impl FnOnce(Python<'_>) + Send + 'static) {
    type Work = Box<dyn FnOnce(Python<'_>) + Send>;
    static CALLER: PerProcess<mpsc::Sender<Work>> = PerProcess::new();
    let start = || {
        let (sender, receiver) = mpsc::channel::<Work>();
        let thread = thread::Builder::new().name("ssf-transmitter-wake".to_owned());
        thread.spawn(move || stay(|| receiver.into_iter().for_each(enter)))?;
        Ok::<_, std::io::Error>(sender)
    };
    if let Ok(caller) = CALLER.get(start) {
        // It lives as long as the process.
        let _ = caller.send(Box::new(work));
    }
}

/// Called by `atexit`.
#[pyfunction]
pub(crate) fn leave(py: Python<'_>) {
    // Whoever is in there needs the interpreter to come out.
    py.detach(|| {
        if let Some(mut ends) = door() {
            *ends = true;
        }
    });
}

fn door() -> Option<MutexGuard<'static, bool>> {
    let door = DOOR.get(|| Ok::<_, ()>(Mutex::new(false))).ok()?;
    Some(door.lock().unwrap_or_else(PoisonError::into_inner))
}

//! Threads of ours that call into the interpreter, and its end.
//!
//! An interpreter that ends terminates threads that want to run in it, in the middle of whatever they do. So before it ends
//! it waits until ours are out, and they do not enter again.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;

use crate::process::PerProcess;

/// Held by a thread of ours that is in the interpreter; whether the interpreter ends.
static DOOR: PerProcess<Mutex<bool>> = PerProcess::new();

/// Calls `work` on a thread of ours, unless the interpreter ends.
pub(crate) fn enter(work: impl FnOnce(Python<'_>)) {
    with_door(|ends| {
        if !*ends {
            Python::try_attach(work);
        }
    });
}

/// Called by `atexit`.
#[pyfunction]
pub(crate) fn leave(py: Python<'_>) {
    // Whoever is in there needs the interpreter to come out.
    py.detach(|| with_door(|ends| *ends = true));
}

fn with_door(work: impl FnOnce(&mut bool)) {
    if let Ok(door) = DOOR.get(|| Ok::<_, ()>(Mutex::new(false))) {
        work(&mut door.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

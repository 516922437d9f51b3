//! Which processes have an outbox open, so that a fork does not open one, too.
//!
//! SQLite keeps books about its locks by file and process. A fork inherits the books, but not the locks: a connection of its own would
//! rely on locks that it does not have. It also inherits SQLite's mutexes as they are: one that a thread of the parent holds is never
//! released. What the fork has inherited cannot be closed either, since that would undo what the parent does at the moment.

use std::sync::{Mutex, PoisonError, TryLockError};

use ssf_transmitter::{Error, ErrorCode, Result};

/// The process that opened it, for each open file.
static OPEN: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// An outbox that this process has open. It is dropped when SQLite has closed the file.
pub(crate) struct Registration(());

/// What an operation fails with in a fork.
pub(crate) fn forked() -> Error {
    let message =
        "the process was forked while an outbox was open; open it after the fork, or in a new process";
    Error::new(ErrorCode::OutboxUnavailable, message)
}

/// Fails if an outbox was open in the parent at the fork.
pub(crate) fn register() -> Result<Registration> {
    for _ in 0..1000 {
        let mut open = match OPEN.try_lock() {
            Ok(open) => open,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(std::time::Duration::from_millis(1));
                continue;
            }
        };
        if open.iter().any(|process| *process != std::process::id()) {
            return Err(forked());
        }
        open.push(std::process::id());
        return Ok(Registration(()));
    }
    // Another thread of the parent held the lock at the fork.
    Err(forked())
}

impl Drop for Registration {
    fn drop(&mut self) {
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).pop();
    }
}

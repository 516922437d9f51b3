//! Which files this process has open, so that a fork of it does not open them once more.
//!
//! SQLite keeps books about its locks by file and process. A fork inherits the books, but not the locks: a connection of its own would
//! rely on locks that it does not have. What the fork has inherited cannot be closed either, since that would undo what the parent
//! does at the moment.

use std::sync::{Mutex, PoisonError, TryLockError};

use ssf_transmitter::{Error, ErrorCode, Result};

use crate::identity::Id;

static OPEN: Mutex<Vec<(Id, u32)>> = Mutex::new(Vec::new());

/// A file that this process has open. It is dropped when SQLite has closed the file.
pub(crate) struct Registration(Id);

/// Fails if the file was open in the parent at the fork.
pub(crate) fn register(file: Id) -> Result<Registration> {
    let process = std::process::id();
    let inherited = || {
        let message =
            "the process was forked while the outbox was open; open it after the fork, or in a new process";
        Error::new(ErrorCode::OutboxUnavailable, message)
    };
    for _ in 0..1000 {
        let mut open = match OPEN.try_lock() {
            Ok(open) => open,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(std::time::Duration::from_millis(1));
                continue;
            }
        };
        if open.iter().any(|(other, owner)| *other == file && *owner != process) {
            return Err(inherited());
        }
        open.push((file, process));
        return Ok(Registration(file));
    }
    // Another thread of the parent held the lock at the fork.
    Err(inherited())
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = (self.0, std::process::id());
        if let Some(place) = open.iter().position(|entry| *entry == mine) {
            open.swap_remove(place);
        }
    }
}

//! A lock on a file of its own, beside the outbox: shared by those who have the outbox open.
//!
//! It is independent of SQLite's locks, which do not work on a damaged file. The system releases it when a process ends.

use std::{
    fs::{File, OpenOptions},
    path::Path,
};

use ssf_transmitter::{Error, ErrorCode, Result};

use crate::place::beside;

/// Released when it is dropped.
pub(crate) struct Lock {
    _file: File,
    /// Whether nobody else had the outbox open.
    pub(crate) was_alone: bool,
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(beside(path, "-lock")).map_err(failed)
}

fn failed<E>(_: E) -> Error {
    Error::new(ErrorCode::OutboxUnavailable, "the lock file of the outbox cannot be used")
}

impl Lock {
    /// For one who opens the outbox. Waits while another one repairs it.
    pub(crate) fn shared(path: &Path) -> Result<Self> {
        let file = open(path)?;
        let was_alone = file.try_lock().is_ok();
        if was_alone {
            file.unlock().map_err(failed)?;
        }
        file.lock_shared().map_err(failed)?;
        Ok(Self { _file: file, was_alone })
    }

    /// For one who repairs it. Fails if it is open.
    pub(crate) fn exclusive(path: &Path) -> Result<Self> {
        let file = open(path)?;
        file.try_lock().map_err(|_| Error::new(ErrorCode::OutboxUnavailable, "the outbox is open"))?;
        Ok(Self { _file: file, was_alone: true })
    }
}

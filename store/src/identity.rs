//! Whether the files are still those that were opened. A commit into a file without a name is lost.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use ssf_transmitter::{Error, ErrorCode, Result};

use crate::place::beside;

/// What identifies a file: device and inode. On Windows, an open file cannot be removed.
type Id = (u64, u64);

/// The files of an open outbox.
///
/// They are only looked up by name. Opening and closing one of them would drop the locks that SQLite has on it: POSIX locks belong to
/// the process.
pub(crate) struct Identity {
    database: Watched,
    log: Watched,
    /// It has the locks: who opens another one with its name does not see ours.
    shared: Watched,
}

struct Watched {
    path: PathBuf,
    id: OnceLock<Id>,
}

impl Identity {
    /// The files at this path. Those beside it are noted at the first [`check`](Self::check), which must follow a write.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let watched = |path| Watched { path, id: OnceLock::new() };
        let database = watched(path.to_owned());
        database.check()?;
        Ok(Self { database, log: watched(beside(path, "-wal")), shared: watched(beside(path, "-shm")) })
    }

    /// Fails if a file was removed or replaced. Returns the length of `-wal`.
    pub(crate) fn check(&self) -> Result<u64> {
        self.database.check()?;
        self.shared.check()?;
        self.log.check()
    }
}

impl Watched {
    /// Returns the length of the file.
    fn check(&self) -> Result<u64> {
        let (id, length) = look_up(&self.path)?;
        if id == *self.id.get_or_init(|| id) { Ok(length) } else { Err(replaced()) }
    }
}

fn replaced() -> Error {
    Error::new(ErrorCode::OutboxReplaced, "the file of the outbox was removed or replaced while it was open")
}

fn look_up(path: &Path) -> Result<(Id, u64)> {
    let metadata = std::fs::metadata(path).map_err(|_| replaced())?;
    #[cfg(unix)]
    let id = {
        use std::os::unix::fs::MetadataExt;
        (metadata.dev(), metadata.ino())
    };
    #[cfg(not(unix))]
    let id = (0, 0);
    Ok((id, metadata.len()))
}

//! Whether the files are still those that were opened. A commit into a file without a name is lost.

use std::{
    collections::BTreeSet,
    fs::Metadata,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use ssf_transmitter::{Error, ErrorCode, Result};

use crate::place::beside;

/// What identifies a file: device and inode. On Windows, an open file cannot be removed.
pub(crate) type Id = (u64, u64);

/// The files that this process never opens again.
static GIVEN_UP: Mutex<BTreeSet<Id>> = Mutex::new(BTreeSet::new());

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
        let given_up = GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner);
        if database.id.get().is_some_and(|id| given_up.contains(id)) {
            return Err(replaced());
        }
        Ok(Self { database, log: watched(beside(path, "-wal")), shared: watched(beside(path, "-shm")) })
    }

    /// Fails if a file was removed or replaced. Returns the length of `-wal`.
    pub(crate) fn check(&self) -> Result<u64> {
        self.database.check()?;
        self.shared.check()?;
        self.log.check()
    }

    /// Keeps this process from opening the file again: SQLite still has it open, with the `-wal` and the `-shm` that were replaced.
    pub(crate) fn give_up(&self) {
        if cfg!(unix) {
            GIVEN_UP.lock().unwrap_or_else(PoisonError::into_inner).extend(self.database.id.get());
        }
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
    Ok((id_of(&metadata), metadata.len()))
}

/// Always the same on Windows.
pub(crate) fn id_of(metadata: &Metadata) -> Id {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (metadata.dev(), metadata.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        (0, 0)
    }
}

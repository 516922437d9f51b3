//! Keeps another copy of SQLite in this process from taking an open outbox for its own.
//!
//! POSIX locks belong to the process: whoever closes one of the files drops all that SQLite has on it, and another copy of SQLite does
//! not see those that are left. It would take itself for the last one with the file, and remove the log. Locks of an open file
//! description stay, and it respects them.

use std::{
    collections::BTreeMap,
    fs::File,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, fcntl},
    libc::{F_RDLCK, F_UNLCK, SEEK_SET, c_int, flock},
};
use ssf_transmitter::{Error, ErrorCode, Result};

use crate::{
    connection::PATIENCE,
    identity::{Id, id_of},
    place::beside,
};

/// Where SQLite locks a file: whoever removes the log locks all of it. See `os.h` of SQLite.
const IN_USE: (i64, i64) = (0x4000_0002, 510);
/// Where it locks `-shm`: the first one to open it locks this byte, and empties it. See `os_unix.c`.
const INDEX_IN_USE: (i64, i64) = (128, 1);
const PAUSE: Duration = Duration::from_millis(20);

/// The files that this process guards. To close a descriptor would drop SQLite's locks, so stores with the same file share them.
static GUARDED: Mutex<BTreeMap<Id, Files>> = Mutex::new(BTreeMap::new());

struct Files {
    database: File,
    shared: File,
    /// So many stores have them open.
    stores: usize,
    /// So many of them need the locks.
    locked: usize,
}

/// The locks for one store. Drop it after SQLite has closed the file.
pub(crate) struct Guard {
    id: Id,
    is_locked: bool,
}

impl Guard {
    /// For a file that SQLite has open.
    pub(crate) fn lock(path: &Path) -> Result<Self> {
        let shared = beside(path, "-shm");
        let mut guard = Self::open(path, &shared).map_err(failed)?;
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            if guard.try_lock() {
                return Ok(guard);
            }
            // Another copy removes the log at this moment.
            std::thread::sleep(PAUSE);
        }
        Err(failed(()))
    }

    fn open(path: &Path, shared: &Path) -> std::io::Result<Self> {
        let mut guarded = guarded();
        let id = id_of(&path.metadata()?);
        if let Some(files) = guarded.get_mut(&id) {
            // A store that is being closed has removed its own.
            if id_of(&files.shared.metadata()?) != id_of(&shared.metadata()?) {
                files.shared = File::open(shared)?;
            }
            files.stores += 1;
        } else {
            let files =
                Files { database: File::open(path)?, shared: File::open(shared)?, stores: 1, locked: 0 };
            guarded.insert(id, files);
        }
        Ok(Self { id, is_locked: false })
    }

    fn try_lock(&mut self) -> bool {
        let mut guarded = guarded();
        let Some(files) = guarded.get_mut(&self.id) else { return true };
        self.is_locked = files.set(F_RDLCK);
        files.locked += usize::from(self.is_locked);
        self.is_locked
    }

    /// Lets SQLite remove the log, if no other store has the file open.
    pub(crate) fn unlock(&mut self) {
        let mut guarded = guarded();
        let Some(files) = guarded.get_mut(&self.id) else { return };
        files.locked -= usize::from(std::mem::take(&mut self.is_locked));
        if files.locked == 0 {
            // A child of a fork shares the locks, and loses them, too.
            files.set(F_UNLCK);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.unlock();
        let mut guarded = guarded();
        let Some(files) = guarded.get_mut(&self.id) else { return };
        files.stores -= 1;
        if files.stores == 0 {
            guarded.remove(&self.id);
        }
    }
}

impl Files {
    /// Whether nobody is in the way. A system without such locks has no guard.
    fn set(&self, kind: c_int) -> bool {
        [(&self.database, IN_USE), (&self.shared, INDEX_IN_USE)].into_iter().all(|(file, (start, length))| {
            #[allow(clippy::cast_possible_truncation, reason = "the constants are small")]
            let lock = flock {
                l_type: kind as i16,
                l_whence: SEEK_SET as i16,
                l_start: start,
                l_len: length,
                l_pid: 0,
            };
            !matches!(fcntl(file, FcntlArg::F_OFD_SETLK(&lock)), Err(Errno::EAGAIN | Errno::EACCES))
        })
    }
}

fn guarded() -> MutexGuard<'static, BTreeMap<Id, Files>> {
    GUARDED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed<E>(_: E) -> Error {
    Error::new(ErrorCode::OutboxUnavailable, "another program uses the file of the outbox")
}

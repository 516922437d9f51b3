//! The settings of a store.

use std::{
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
};

use ssf_transmitter::{
    Error, ErrorCode, Result,
    outbox::{Notifier, StreamNotifiers},
    time::{Clock, SystemClock},
};

use crate::{
    connection, guard::Guard, identity::Identity, lock::Lock, place, process, reader::Reader, room::Room,
    store::SqliteStore, writer::Writer,
};

/// The length of the log that the store lets pass.
const LOG_LIMIT: u64 = 64 << 20;
/// So many times this length, and nothing is accepted any more.
const LONGEST_LOG: u64 = 16;
/// What is left on the disk for those who settle and prune.
const DISK_RESERVE: u64 = 16 << 20;

/// Runs a piece of work.
pub type Around = fn(&mut dyn FnMut());

/// The settings of a [`SqliteStore`].
///
/// ```no_run
/// use ssf_transmitter_store::SqliteStore;
///
/// # fn example() -> Result<(), ssf_transmitter::Error> {
/// let store = SqliteStore::builder("outbox.db").wal_limit(16 << 20).open()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it opens the store"]
pub struct Builder {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    log_limit: u64,
    disk_reserve: u64,
    around: Around,
}

impl Builder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            clock: Arc::new(SystemClock),
            log_limit: LOG_LIMIT,
            disk_reserve: DISK_RESERVE,
            around: |work| work(),
        }
    }

    /// Sets the clock that waits, leases and ages go by. By default, it is the system's. All processes with the same file need clocks
    /// that agree.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the length of the write-ahead log, in bytes, above which the store moves all of it into the file: 64 MiB by default.
    ///
    /// The log cannot be moved as long as somebody reads what is in it. When it is 16 times as long, an enqueue fails with
    /// [`ErrorCode::OutboxFull`]; deliveries are still settled and removed.
    pub fn wal_limit(mut self, bytes: u64) -> Self {
        self.log_limit = bytes;
        self
    }

    /// Sets how many bytes of the disk an enqueue leaves free, so that deliveries can still be settled and removed when the disk fills
    /// up: 16 MiB by default. Below that, it fails with [`ErrorCode::OutboxFull`].
    pub fn disk_reserve(mut self, bytes: u64) -> Self {
        self.disk_reserve = bytes;
        self
    }

    /// Sets what runs the work of the store's threads, piece by piece: for hosts that fork and must know when no thread is at work. By
    /// default, it is just run. Waiting for work is not part of a piece.
    pub fn around(mut self, around: Around) -> Self {
        self.around = around;
        self
    }

    /// Opens the file, and creates it if it does not exist. The folder must exist. Blocks while it reads and writes.
    ///
    /// Errors are [`ErrorCode::OutboxPlaceInvalid`], [`ErrorCode::OutboxVersion`], [`ErrorCode::OutboxCorrupt`] and
    /// [`ErrorCode::OutboxUnavailable`].
    pub fn open(self) -> Result<SqliteStore> {
        connection::check_library(rusqlite::version_number())?;
        let path = place::resolve(&self.path)?;
        let registration = process::register()?;
        let lock = Lock::shared(&path)?;
        place::create(&path)?;
        // SQLite removes its log when the last one closes the file.
        let crashed = std::fs::metadata(place::beside(&path, "-wal")).is_ok_and(|log| log.len() > 0);
        let identity = Identity::of(&path)?;
        let connection = connection::writer(&path, self.log_limit, crashed && lock.was_alone)?;
        let second = connection::reader(&path)?;
        let guard = Guard::lock(&path)?;
        identity.check()?;

        let identity = Arc::new(identity);
        let (ready, streams) = (Arc::new(Notifier::default()), Arc::new(StreamNotifiers::default()));
        let ((to_writer, for_writer), (to_reader, for_reader)) = (mpsc::channel(), mpsc::channel());
        let thread = Reader {
            connection: second,
            messages: for_reader,
            clock: Arc::clone(&self.clock),
            identity: Arc::clone(&identity),
            around: self.around,
        };
        let reading = start("ssf-outbox-read", move || thread.run())?;
        let thread = Writer {
            connection,
            messages: for_writer,
            clock: self.clock,
            identity,
            ready: Arc::clone(&ready),
            streams: Arc::clone(&streams),
            log_limit: self.log_limit,
            reader: reading,
            guard,
            lock,
            around: self.around,
            registration,
        };
        start("ssf-outbox-write", move || thread.run())?;
        let room = Room::new(&path, self.disk_reserve, self.log_limit.saturating_mul(LONGEST_LOG));
        Ok(SqliteStore::new(path, to_writer, to_reader, (ready, streams), room))
    }
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>> {
    let failed =
        |_| Error::new(ErrorCode::OutboxUnavailable, "the system does not start a thread for the outbox");
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(failed)
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Builder").field("path", &self.path).finish_non_exhaustive()
    }
}

//! The thread that writes. It commits once for all operations that have arrived meanwhile: the disk is the slowest part.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::Duration,
};

use futures_channel::oneshot::Sender;
use rusqlite::Connection;
use ssf_transmitter::{
    Error, Result,
    outbox::{Notifier, StreamNotifiers},
    time::Clock,
};

use crate::{
    builder::Around,
    connection::PATIENCE,
    failed::{Done, Failed},
    guard::Guard,
    identity::Identity,
    job::Job,
    ledger::{Ledger, Woken},
    lock::Lock,
    process::Registration,
};

/// So many operations share a commit at most.
const GROUP: usize = 256;
/// How long the thread waits for the next operation of those who waited for the last commit: they come back at about the same time, and
/// another commit takes longer than all of them.
const GATHER: Duration = Duration::from_micros(100);
/// How often the thread looks for changes by other processes while somebody waits for one.
const LOOK: Duration = Duration::from_millis(200);

/// So many groups pass after a reader kept the log in place: each attempt to move it waits for the reader.
const BLOCKED: u32 = 15;

/// What a thread is told.
pub(crate) enum Message {
    Run(Box<dyn Job>),
    /// Somebody waits for a change.
    Watch,
    /// Ends the thread.
    Close(Sender<()>),
}

pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) messages: Receiver<Message>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) ready: Arc<Notifier>,
    pub(crate) streams: Arc<StreamNotifiers>,
    pub(crate) log_limit: u64,
    pub(crate) reader: JoinHandle<()>,
    pub(crate) guard: Guard,
    pub(crate) lock: Lock,
    pub(crate) around: Around,
    pub(crate) registration: Registration,
}

/// Why nothing was committed.
enum Rollback {
    /// An operation cannot be done.
    Operation(Failed),
    /// Nothing can be, as the file is.
    File(Failed),
}

impl From<Failed> for Rollback {
    fn from(failed: Failed) -> Self {
        Self::File(failed)
    }
}

/// What the thread has seen of the file.
struct Seen {
    /// How many operations the last commit was for.
    group: usize,
    /// Changes with each commit by another connection.
    version: Option<i64>,
    /// Why nothing is acknowledged any more.
    replaced: Option<Error>,
    /// So many groups pass before the log is moved again, because a reader was in the way.
    blocked: u32,
}

impl Writer {
    /// Serves until the store is closed or dropped.
    pub(crate) fn run(self) {
        let mut seen = Seen { group: 0, version: None, replaced: None, blocked: 0 };
        (self.around)(&mut || seen.version = self.version());
        let closed = loop {
            let first = match self.next() {
                Ok(Some(message)) => message,
                Ok(None) => Message::Watch,
                Err(()) => break None,
            };
            let mut first = Some(first);
            let mut closed = None;
            (self.around)(&mut || closed = first.take().and_then(|first| self.turn(first, &mut seen)));
            if closed.is_some() {
                break closed;
            }
        };
        // The last connection to be closed removes `-wal`, and only the writer can.
        let Self { connection, identity, around, guard, lock, reader, registration, .. } = self;
        drop(reader.join());
        let mut open = Some((connection, guard, registration));
        around(&mut || {
            if let Some((_, guard, _)) = &mut open {
                guard.unlock();
            }
            if seen.replaced.is_none() && identity.check().is_ok() {
                drop(open.take());
            }
        });
        if open.is_some() {
            // SQLite would remove the log by its name, which belongs to another file now.
            identity.give_up();
            std::mem::forget(open);
        }
        drop(lock);
        closed.map(|closed| closed.send(()));
    }

    /// Serves what has arrived, and looks for changes. Returns whom to tell if the store is to be closed.
    fn turn(&self, first: Message, seen: &mut Seen) -> Option<Sender<()>> {
        let (group, closed) = self.group(first, seen.group);
        if !group.is_empty() {
            seen.group = group.len();
            self.serve(group, seen);
        }
        if closed.is_none() && self.is_awaited() {
            let before = std::mem::replace(&mut seen.version, self.version());
            if before != seen.version {
                self.ready.notify();
                self.wake_ready_streams();
            }
        }
        closed
    }

    fn is_awaited(&self) -> bool {
        self.ready.is_awaited() || self.streams.is_awaited()
    }

    /// Wakes the polls that would find what another process has changed.
    fn wake_ready_streams(&self) {
        let awaited = self.streams.awaited();
        let ready = Ledger::new(&self.connection, self.clock.now()).ready_streams(&awaited);
        // If they cannot be found, all look for themselves.
        self.streams.notify(ready.as_ref().unwrap_or(&awaited).iter().map(String::as_str));
    }

    /// Waits for a message. While somebody waits for a change, it returns without one from time to time.
    fn next(&self) -> Result<Option<Message>, ()> {
        if !self.is_awaited() {
            return self.messages.recv().map(Some).map_err(drop);
        }
        match self.messages.recv_timeout(LOOK) {
            Ok(message) => Ok(Some(message)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(()),
        }
    }

    /// Grows when another connection has committed.
    fn version(&self) -> Option<i64> {
        let version = self.connection.prepare_cached("PRAGMA data_version");
        version.and_then(|mut version| version.query_one((), |row| row.get(0))).ok()
    }

    /// All operations that have arrived. If they are fewer than the last time, others may be about to arrive.
    fn group(&self, first: Message, last: usize) -> (Vec<Box<dyn Job>>, Option<Sender<()>>) {
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Run(job) => group.push(job),
                Message::Watch => {}
                Message::Close(closed) => return (group, Some(closed)),
            }
            next = match group.len() {
                GROUP.. => None,
                count if count < last => self.messages.recv_timeout(GATHER).ok(),
                _ => self.messages.try_recv().ok(),
            };
        }
        (group, None)
    }

    fn serve(&self, mut group: Vec<Box<dyn Job>>, seen: &mut Seen) {
        let (mut length, mut woken) = (0, Woken::default());
        if seen.replaced.is_none() {
            self.commit(&mut group, &mut woken);
            match self.identity.check() {
                Ok(log) => length = log,
                Err(error) => {
                    self.identity.give_up();
                    seen.replaced = Some(error);
                }
            }
        }
        if let Some(error) = &seen.replaced {
            fail_all(&mut group, error);
        }
        // Before the answers: what a caller waits for afterwards is not what it has done itself.
        self.streams.notify(woken.streams.iter().map(String::as_str));
        group.into_iter().for_each(Job::answer);
        if woken.workers {
            self.ready.notify();
        }
        if length <= self.log_limit {
            seen.blocked = 0;
        } else if seen.blocked > 0 {
            seen.blocked -= 1;
        } else if !self.truncate_log() {
            seen.blocked = BLOCKED;
        }
    }

    /// Runs the group in one transaction. If an operation fails, each half gets a transaction of its own, until what fails is alone: the
    /// failure of an operation is only its own. Failures are rare, and savepoints would cost each operation a copy of the pages that it
    /// changes.
    fn commit(&self, group: &mut [Box<dyn Job>], woken: &mut Woken) {
        match self.transaction(group) {
            Ok(more) => woken.extend(more),
            Err(Rollback::Operation(_)) if group.len() > 1 => {
                let (first, second) = group.split_at_mut(group.len() / 2);
                self.commit(first, woken);
                self.commit(second, woken);
            }
            Err(Rollback::Operation(error) | Rollback::File(error)) => fail_all(group, &Error::from(&error)),
        }
    }

    /// Fails if nothing was committed.
    fn transaction(&self, group: &mut [Box<dyn Job>]) -> Result<Vec<Woken>, Rollback> {
        self.execute("BEGIN IMMEDIATE")?;
        let steps = group.chunk_by_mut(|one, next| one.adds() && next.adds());
        let woken = steps.map(|step| self.step(step)).collect::<Done<_>>();
        // SQLite has rolled back itself if the file failed.
        let of_operation = woken.is_err() && !self.connection.is_autocommit();
        let committed = woken.and_then(|woken| self.execute("COMMIT").map(|()| woken));
        if committed.is_err() && !self.connection.is_autocommit() {
            self.execute("ROLLBACK")?;
        }
        committed.map_err(|error| {
            // The disk may have room for some of them.
            if of_operation || error.is_full() { Rollback::Operation(error) } else { Rollback::File(error) }
        })
    }

    fn step(&self, jobs: &mut [Box<dyn Job>]) -> Done<Woken> {
        let mut ledger = Ledger::new(&self.connection, self.clock.now());
        jobs.iter_mut().try_for_each(|job| job.run(&mut ledger))?;
        ledger.finish()
    }

    fn execute(&self, statement: &str) -> Done<()> {
        self.connection.prepare_cached(statement)?.execute(())?;
        Ok(())
    }

    /// Moves the whole log into the file, unless a reader is in the way.
    fn truncate_log(&self) -> bool {
        let moved = || -> Done<bool> {
            self.connection.busy_timeout(Duration::from_millis(20))?;
            let pragma = "PRAGMA wal_checkpoint(TRUNCATE)";
            let blocked: bool = self.connection.query_one(pragma, (), |row| row.get(0))?;
            Ok(!blocked)
        };
        // The operations are answered, and do not depend on it.
        let moved = moved().unwrap_or(false);
        drop(self.connection.busy_timeout(PATIENCE));
        moved
    }
}

fn fail_all(group: &mut [Box<dyn Job>], error: &Error) {
    for job in group {
        job.fail(error.clone());
    }
}

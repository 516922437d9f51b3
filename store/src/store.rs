//! The store as its users see it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc::Sender},
    time::Duration,
};

use futures_channel::oneshot;
use ssf_transmitter::{
    Error, ErrorCode, Result,
    key::BoxFuture,
    outbox::{
        Claim, Claims, Counts, Cursor, Enqueued, Filter, Frozen, History, Lease, Message, Notifier, Pruned,
        ReceiverRecord, Record, Replay, Retention, Settled, Settlement, Store, StoreHealth, StreamNotifiers,
    },
};

use crate::{
    Builder, Salvaged,
    backup::Backup,
    failed::Done,
    job::{Effect, job},
    ledger::Ledger,
    place, process,
    room::Room,
    salvage, writer,
};

/// Keeps deliveries in an SQLite file: what [`enqueue`](Store::enqueue) has accepted is on the disk. Cheap to clone; clones share the
/// file.
///
/// Several processes may use the same file on one machine. Open it after a fork: a child of a process that has an outbox open can
/// neither use nor open one, and gets [`ErrorCode::OutboxUnavailable`].
#[derive(Clone)]
pub struct SqliteStore {
    /// `None` only while it is dropped.
    inner: Option<Arc<Inner>>,
    process: u32,
}

pub(crate) struct Inner {
    path: PathBuf,
    pub(crate) writer: Sender<writer::Message>,
    reader: Sender<writer::Message>,
    ready: Arc<Notifier>,
    pub(crate) streams: Arc<StreamNotifiers>,
    room: Room,
}

impl SqliteStore {
    /// Opens the file with the default settings, and creates it if it does not exist: see [`Builder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).open()
    }

    /// Settings for a store in this file.
    pub fn builder(path: impl AsRef<Path>) -> Builder {
        Builder::new(path.as_ref().to_owned())
    }

    /// Puts a damaged file aside, as `<name>.corrupt-<time>`, and copies what can be read of it into a new one. Blocks meanwhile.
    ///
    /// Call it when [`open`](Self::open) or an operation fails with [`ErrorCode::OutboxCorrupt`], and tell a person what it returns.
    /// It fails with [`ErrorCode::OutboxUnavailable`] while a process has the outbox open.
    pub fn salvage(path: impl AsRef<Path>) -> Result<Salvaged> {
        salvage::salvage(path.as_ref())
    }

    pub(crate) fn new(
        path: PathBuf,
        writer: Sender<writer::Message>,
        reader: Sender<writer::Message>,
        (ready, streams): (Arc<Notifier>, Arc<StreamNotifiers>),
        room: Room,
    ) -> Self {
        let inner = Inner { path, writer, reader, ready, streams, room };
        Self { inner: Some(Arc::new(inner)), process: std::process::id() }
    }

    /// Reads the whole file, and tells what is damaged; nothing if it is whole. Takes as long as reading takes.
    pub async fn check(&self) -> Result<Vec<String>> {
        self.read(|ledger| ledger.check()).await
    }

    /// Copies the outbox into a new file, as it is at one moment, while workers go on. Takes as long as reading and writing take.
    ///
    /// A worker that runs on the copy sends again what was delivered since, with the same `jti`. Errors are
    /// [`ErrorCode::OutboxPlaceInvalid`] if the file exists or its folder does not, and [`ErrorCode::OutboxUnavailable`].
    pub async fn backup(&self, target: impl AsRef<Path>) -> Result<()> {
        let backup = Arc::new(Backup::to(target.as_ref())?);
        let (path, writing) = (backup.path()?, Arc::clone(&backup));
        self.read(move |ledger| {
            let _until_written = &writing;
            ledger.copy_into(&path)
        })
        .await?;
        backup.complete()
    }

    /// Fails in a process that is not the one that opened the store: its threads are not there.
    pub(crate) fn inner(&self) -> Result<&Arc<Inner>> {
        let here = self.inner.as_ref().filter(|_| self.process == std::process::id());
        here.ok_or_else(process::forked)
    }

    fn send<T: Send + 'static>(
        &self,
        to: fn(&Inner) -> &Sender<writer::Message>,
        effect: Effect,
        operation: impl FnMut(&mut Ledger<'_>) -> Done<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T>> {
        let sent = self.inner().and_then(|inner| {
            let (job, result) = job(effect, operation);
            to(inner).send(writer::Message::Run(job)).map_err(|_| closed())?;
            Ok(result)
        });
        Box::pin(async move { sent?.await.unwrap_or_else(|_| Err(closed())) })
    }

    pub(crate) fn room(&self) -> Option<Room> {
        self.inner.as_ref().map(|inner| inner.room.clone())
    }

    pub(crate) fn write<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut Ledger<'_>) -> Done<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T>> {
        self.send(|inner| &inner.writer, Effect::default(), operation)
    }

    /// Writes what may make something ready.
    fn change<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut Ledger<'_>) -> Done<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T>> {
        self.send(|inner| &inner.writer, Effect { wakes: true, adds: false }, operation)
    }

    pub(crate) fn read<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut Ledger<'_>) -> Done<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T>> {
        self.send(|inner| &inner.reader, Effect::default(), operation)
    }
}

fn closed() -> Error {
    Error::new(ErrorCode::OutboxUnavailable, "the outbox is closed")
}

impl Store for SqliteStore {
    fn enqueue(&self, messages: Vec<Message>) -> BoxFuture<'_, Result<Vec<Enqueued>>> {
        let room = self.room();
        self.send(
            |inner| &inner.writer,
            Effect { wakes: true, adds: true },
            move |ledger| {
                ledger.check_room(room.as_ref())?;
                ledger.enqueue(&messages)
            },
        )
    }

    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claims>> {
        self.write(move |ledger| ledger.claim(&claim))
    }

    fn freeze(&self, frozen: Vec<Frozen>) -> BoxFuture<'_, Result<Vec<bool>>> {
        self.write(move |ledger| ledger.freeze(&frozen))
    }

    fn renew(&self, leases: Vec<Lease>, by: Duration) -> BoxFuture<'_, Result<Vec<bool>>> {
        self.write(move |ledger| ledger.renew(&leases, by))
    }

    fn settle(&self, settlements: Vec<Settlement>) -> BoxFuture<'_, Result<Vec<Settled>>> {
        self.change(move |ledger| ledger.settle(&settlements))
    }

    fn replay(&self, replay: Replay) -> BoxFuture<'_, Result<u64>> {
        self.change(move |ledger| ledger.replay(&replay))
    }

    fn discard(&self, filter: Filter, dry_run: bool) -> BoxFuture<'_, Result<u64>> {
        if dry_run {
            return self.read(move |ledger| ledger.discard(&filter, true));
        }
        self.change(move |ledger| ledger.discard(&filter, false))
    }

    fn hold(&self, receiver: &str) -> BoxFuture<'_, Result<()>> {
        let receiver = receiver.to_owned();
        self.change(move |ledger| ledger.hold(&receiver))
    }

    fn release(&self, receiver: &str) -> BoxFuture<'_, Result<()>> {
        let receiver = receiver.to_owned();
        self.change(move |ledger| ledger.release(&receiver))
    }

    fn prune(&self, retention: Retention) -> BoxFuture<'_, Result<Pruned>> {
        self.write(move |ledger| ledger.prune(&retention))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts>> {
        self.read(|ledger| ledger.counts())
    }

    fn health(&self) -> BoxFuture<'_, Result<StoreHealth>> {
        Box::pin(async {
            let mut health = self.read(|ledger| ledger.health()).await?;
            let path = &self.inner()?.path;
            let length = |path: &Path| std::fs::metadata(path).ok().map(|file| file.len());
            health.file_bytes = length(path);
            health.log_bytes = Some(length(&place::beside(path, "-wal")).unwrap_or_default());
            Ok(health)
        })
    }

    fn receivers(&self, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Vec<ReceiverRecord>>> {
        self.read(move |ledger| ledger.receivers(after.as_deref(), limit))
    }

    fn list(&self, filter: Filter, after: Option<Cursor>, limit: u32) -> BoxFuture<'_, Result<Vec<Record>>> {
        self.read(move |ledger| ledger.list(&filter, after.as_ref(), limit))
    }

    fn history(&self, jti: &str) -> BoxFuture<'_, Result<Option<History>>> {
        let jti = jti.to_owned();
        self.read(move |ledger| ledger.history(&jti))
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        let Ok(inner) = self.inner() else { return Box::pin(std::future::pending()) };
        let changed = inner.ready.changed();
        // While somebody waits, the writer also looks for changes by other processes. If the store is closed, nothing changes any more.
        let _ = inner.writer.send(writer::Message::Watch);
        Box::pin(changed)
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let inner = self.inner()?;
            for sender in [&inner.reader, &inner.writer] {
                let (closed, end) = oneshot::channel();
                // It fails if the store is closed already.
                if sender.send(writer::Message::Close(closed)).is_ok() {
                    let _ = end.await;
                }
            }
            Ok(())
        })
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // What a fork has inherited is the parent's: to drop it would take locks that nobody releases, and close the parent's file.
        if self.process != std::process::id() {
            std::mem::forget(self.inner.take());
        }
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.inner.as_ref().map(|inner| &inner.path);
        formatter.debug_struct("SqliteStore").field("path", &path).finish_non_exhaustive()
    }
}

//! A store in the memory of this process.

mod directory;
mod ledger;
mod streams;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ledger::Ledger;

use super::{
    Claim, Claims, Counts, Cursor, Enqueued, Filter, Frozen, History, Lease, Message, Notifier, Pruned,
    ReceiverRecord, Record, Replay, Retention, Settled, Settlement, Store, StoreHealth, StreamNotifiers,
};
use crate::{
    error::{Error, ErrorCode, Result},
    key::BoxFuture,
    time::{Clock, SystemClock, Timestamp},
};

/// How many deliveries a memory store has room for, by default.
const CAPACITY: usize = 100_000;

/// What a full store does with an entry.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum WhenFull {
    /// Fails with [`ErrorCode::OutboxFull`].
    #[default]
    Refuse,
    /// Waits until there is room.
    Wait,
}

/// Keeps deliveries in the memory of this process: they survive an outage of a receiver, but not the process. Cheap to clone; clones
/// share the deliveries.
///
/// It has room for a limited number of deliveries that have not ended, and keeps as many that have.
///
/// ```
/// use ssf_transmitter::outbox::{MemoryStore, WhenFull};
///
/// let store = MemoryStore::new().capacity(10_000).when_full(WhenFull::Wait);
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
    capacity: usize,
    when_full: WhenFull,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Shared {
    ledger: Mutex<Ledger>,
    /// Something may be ready.
    ready: Arc<Notifier>,
    /// There may be room.
    room: Arc<Notifier>,
    /// Something of a stream may be ready.
    streams: StreamNotifiers,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store with room for 100,000 deliveries.
    pub fn new() -> Self {
        Self {
            shared: Arc::default(),
            capacity: CAPACITY,
            when_full: WhenFull::Refuse,
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets how many deliveries the store has room for.
    pub fn capacity(mut self, deliveries: usize) -> Self {
        self.capacity = deliveries;
        self
    }

    /// Sets what happens to an entry for which there is no room.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// Sets the clock. By default, it is the system's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.shared.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an operation after which something may be ready, and there may be room.
    fn change<T>(&self, operation: impl FnOnce(&mut Ledger, Timestamp) -> T) -> BoxFuture<'_, Result<T>>
    where
        T: Send + 'static,
    {
        let result = operation(&mut self.ledger(), self.now());
        self.shared.ready.notify();
        self.shared.room.notify();
        Box::pin(std::future::ready(Ok(result)))
    }

    /// Wakes those who wait for one of these streams.
    fn wake(&self, streams: &[String]) {
        self.shared.streams.notify(streams.iter().map(String::as_str));
    }

    /// Runs an operation that changes nothing that others wait for.
    fn ask<T>(&self, operation: impl FnOnce(&mut Ledger, Timestamp) -> T) -> BoxFuture<'_, Result<T>>
    where
        T: Send + 'static,
    {
        let result = operation(&mut self.ledger(), self.now());
        Box::pin(std::future::ready(Ok(result)))
    }
}

impl Store for MemoryStore {
    fn enqueue(&self, messages: Vec<Message>) -> BoxFuture<'_, Result<Vec<Enqueued>>> {
        Box::pin(async move {
            let wanted: usize = messages.iter().map(|message| message.deliveries.len()).sum();
            loop {
                let room = self.shared.room.changed();
                {
                    let mut ledger = self.ledger();
                    let plan = ledger.plan(&messages)?;
                    if ledger.live() + plan.deliveries() <= self.capacity {
                        let enqueued = ledger.enqueue(messages, plan, self.now());
                        ledger.keep_ended(self.capacity);
                        drop(ledger);
                        self.shared.ready.notify();
                        return Ok(enqueued);
                    }
                }
                if self.when_full == WhenFull::Refuse || wanted > self.capacity {
                    let message = format!("the outbox has room for {} deliveries", self.capacity);
                    return Err(Error::new(ErrorCode::OutboxFull, message));
                }
                room.await;
            }
        })
    }

    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claims>> {
        // Expired deliveries make room.
        let claims = self.ledger().claim(&claim, self.now());
        self.shared.room.notify();
        Box::pin(std::future::ready(Ok(claims)))
    }

    fn freeze(&self, frozen: Vec<Frozen>) -> BoxFuture<'_, Result<Vec<bool>>> {
        self.ask(|ledger, _| frozen.into_iter().map(|frozen| ledger.freeze(frozen)).collect())
    }

    fn renew(&self, leases: Vec<Lease>, by: Duration) -> BoxFuture<'_, Result<Vec<bool>>> {
        self.ask(|ledger, now| leases.iter().map(|lease| ledger.renew(lease, now.plus(by))).collect())
    }

    fn settle(&self, settlements: Vec<Settlement>) -> BoxFuture<'_, Result<Vec<Settled>>> {
        let streams = self.ledger().streams_of(settlements.iter().map(|settlement| &settlement.lease));
        let settled = self.change(|ledger, now| {
            settlements.into_iter().map(|settlement| ledger.settle(settlement, now)).collect()
        });
        self.wake(&streams);
        settled
    }

    fn replay(&self, replay: Replay) -> BoxFuture<'_, Result<u64>> {
        let replayed = self.ledger().replay(&replay, self.now());
        self.shared.ready.notify();
        self.shared.streams.notify_all();
        Box::pin(std::future::ready(replayed))
    }

    fn discard(&self, filter: Filter, dry_run: bool) -> BoxFuture<'_, Result<u64>> {
        let discarded = self.change(move |ledger, now| ledger.discard(&filter, dry_run, now));
        self.shared.streams.notify_all();
        discarded
    }

    fn hold(&self, receiver: &str) -> BoxFuture<'_, Result<()>> {
        self.change(|ledger, now| ledger.change_receiver(receiver, now, |state| state.hold(now)))
    }

    fn release(&self, receiver: &str) -> BoxFuture<'_, Result<()>> {
        let released =
            self.change(|ledger, now| ledger.change_receiver(receiver, now, |state| state.release(now)));
        self.shared.streams.notify_all();
        released
    }

    fn prune(&self, retention: Retention) -> BoxFuture<'_, Result<Pruned>> {
        self.ask(move |ledger, now| ledger.prune(&retention, now))
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts>> {
        self.ask(|ledger, _| ledger.counts())
    }

    fn health(&self) -> BoxFuture<'_, Result<StoreHealth>> {
        self.ask(|ledger, now| ledger.health(now))
    }

    fn receivers(&self, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Vec<ReceiverRecord>>> {
        self.ask(move |ledger, _| ledger.receivers(after, limit as usize))
    }

    fn list(&self, filter: Filter, after: Option<Cursor>, limit: u32) -> BoxFuture<'_, Result<Vec<Record>>> {
        self.ask(move |ledger, _| ledger.list(&filter, after.as_ref(), limit as usize))
    }

    fn history(&self, jti: &str) -> BoxFuture<'_, Result<Option<History>>> {
        self.ask(|ledger, _| ledger.history(jti))
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.shared.ready.changed())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MemoryStore")
            .field("capacity", &self.capacity)
            .field("when_full", &self.when_full)
            .finish_non_exhaustive()
    }
}

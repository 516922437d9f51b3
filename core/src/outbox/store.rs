//! What an outbox needs of a store.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use super::{
    Alert, Counts, Cursor, Filter, History, Next, Priority, Pruned, ReceiverRecord, Record, Replay,
    Retention, Settlement, State, StoreHealth, Tag,
};
use crate::{error::Result, finding::Finding, key::BoxFuture, random, retry::Bounds, time::Timestamp};

/// Twice as long, a delivery waits at most that was lost for the second time; doubled with each further attempt.
const LOST_BASE: Duration = Duration::from_secs(1);
/// The longest wait of a delivery that was lost.
const LOST_BACKOFF: Duration = Duration::from_mins(1);

/// Keeps deliveries until they end, and for a while after.
///
/// Each operation takes a batch, is one transaction, and happens completely or not at all. What it has reported stays, also
/// through a crash, as far as the store promises that. A store goes by its own clock: the requests contain durations, and the
/// points in time that an entry names.
///
/// The rules are in [`suite`](super::suite): it checks a store in all of the above. In short:
///
/// * A delivery waits until it is due, then it is ready. Ready deliveries are claimed by receiver: the receiver that was served
///   longest ago goes first, and gets a limited number. Within a receiver, a higher priority goes first, then what was
///   enqueued first. [`ReceiverState::may_claim`](super::ReceiverState::may_claim) limits the number. The probes of a paused receiver
///   go round in this order: each is the one after the last probe, so an event that alone cannot be delivered does not keep the
///   receiver paused.
/// * A claim gives a lease with a new token, and counts as an attempt. An operation with an old token changes nothing. When the
///   lease ends, it is uncertain whether the receiver has the delivery, and [`ReceiverState::lost`](super::ReceiverState::lost) says
///   what happens to it: it is ready again, or waits for a while if that was not the first time; with no attempt left it is dead.
/// * An ordered delivery is ready only when no earlier ordered one with the same receiver and subject waits or is in flight.
/// * A new delivery that supersedes discards those that wait with the same receiver and key. One that comes back from a worker
///   is discarded if a newer one exists that waits, is in flight or was delivered.
/// * A delivery that waits past its age limit is discarded.
pub trait Store: Send + Sync {
    /// Accepts messages: all of them, or none.
    ///
    /// A message whose idempotency key is known returns the first one, or [`ErrorCode::OutboxConflict`](crate::ErrorCode::OutboxConflict)
    /// if its fingerprint differs; so does a `jti` that the store has. A full store waits or fails with
    /// [`ErrorCode::OutboxFull`](crate::ErrorCode::OutboxFull); it drops nothing.
    fn enqueue(&self, messages: Vec<Message>) -> BoxFuture<'_, Result<Vec<Enqueued>>>;

    /// Gives out deliveries that are ready. It first frees those whose lease has ended, and discards those that have expired.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claims>>;

    /// Keeps the claims of SETs from now on: an attempt sends what an earlier attempt has sent. Tells of each whether the
    /// lease was still valid.
    fn freeze(&self, frozen: Vec<Frozen>) -> BoxFuture<'_, Result<Vec<bool>>>;

    /// Extends leases, so that each ends `by` from now. Tells of each whether it was still valid.
    fn renew(&self, leases: Vec<Lease>, by: Duration) -> BoxFuture<'_, Result<Vec<bool>>>;

    /// Ends claims: notes the outcome in the state of the receiver ([`ReceiverState::note`](super::ReceiverState::note)), and does
    /// with the delivery what follows ([`Outcome::next`](super::Outcome::next)).
    fn settle(&self, settlements: Vec<Settlement>) -> BoxFuture<'_, Result<Vec<Settled>>>;

    /// Lets deliveries wait again that have ended, with all attempts and their full age; claims are rendered anew. Returns how many.
    fn replay(&self, replay: Replay) -> BoxFuture<'_, Result<u64>>;

    /// Discards deliveries that wait, and returns how many. With `dry_run` it only counts them.
    fn discard(&self, filter: Filter, dry_run: bool) -> BoxFuture<'_, Result<u64>>;

    /// Holds a receiver's deliveries. The receiver need not be known yet.
    fn hold(&self, receiver: &str) -> BoxFuture<'_, Result<()>>;

    /// Lets the deliveries of a held or paused receiver go.
    fn release(&self, receiver: &str) -> BoxFuture<'_, Result<()>>;

    /// Removes deliveries that ended long enough ago.
    fn prune(&self, retention: Retention) -> BoxFuture<'_, Result<Pruned>>;

    /// The ledger in numbers, over all receivers that there are. Those of deleted streams are removed some time.
    fn counts(&self) -> BoxFuture<'_, Result<Counts>>;

    /// What to watch of the store.
    fn health(&self) -> BoxFuture<'_, Result<StoreHealth>>;

    /// Receivers by name, those after `after`.
    fn receivers(&self, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Vec<ReceiverRecord>>>;

    /// Deliveries in the order in which they were enqueued, those after `after`.
    fn list(&self, filter: Filter, after: Option<Cursor>, limit: u32) -> BoxFuture<'_, Result<Vec<Record>>>;

    /// A delivery and its attempts.
    fn history(&self, jti: &str) -> BoxFuture<'_, Result<Option<History>>>;

    /// Ends when a delivery may have become ready since the last call, as far as the store learns of it. By default it never ends;
    /// workers look at the store from time to time.
    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Ends the use of the store, after all operations that were called before: later ones fail. By default nothing happens.
    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// An entry that is checked, and fixed in all that does not depend on the receiver's settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Message {
    /// One delivery for each receiver.
    pub deliveries: Vec<MessageDelivery>,
    /// The event, by its id in the catalogue or its URI.
    pub event: String,
    /// What the SET says, sealed if a [`Seal`](super::Seal) is set. Only the worker reads it.
    pub payload: Payload,
    /// `iat`, and when it was enqueued.
    pub issued_at: Timestamp,
    /// Identifies the subject.
    pub subject: Option<Tag>,
    /// Identifies the idempotency key.
    pub idempotency: Option<Tag>,
    /// Identifies the content, to compare two messages with one idempotency key.
    pub fingerprint: Tag,
    /// Not sent before this time.
    pub not_before: Option<Timestamp>,
    /// How long a delivery may wait, from `not_before` or from enqueueing.
    pub max_age: Duration,
    /// Which deliveries go first.
    pub priority: Priority,
    /// Identifies what it supersedes.
    pub supersedes: Option<Tag>,
    /// Whether it waits for earlier ordered ones with its subject.
    pub ordered: bool,
}

/// One delivery of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MessageDelivery {
    /// The id of the SET.
    pub jti: String,
    /// The name of the receiver.
    pub receiver: String,
}

impl MessageDelivery {
    /// A SET with this id, to this receiver.
    pub fn new(jti: impl Into<String>, receiver: impl Into<String>) -> Self {
        Self { jti: jti.into(), receiver: receiver.into() }
    }
}

/// Bytes that are not shown.
#[derive(Clone, Eq, PartialEq)]
pub struct Payload(Arc<[u8]>);

impl Payload {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Payload({} bytes)", self.0.len())
    }
}

/// What was accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Enqueued {
    /// The ids of the SETs, in the order of the receivers.
    pub jtis: Vec<String>,
    /// Whether an earlier entry with the same idempotency key is meant.
    pub repeated: bool,
    /// What lint reports, if the outbox [lints](super::Outbox::lint_with). A store leaves it empty.
    pub findings: Vec<Finding>,
}

impl Enqueued {
    /// Deliveries with these ids.
    pub fn new(jtis: Vec<String>, repeated: bool) -> Self {
        Self { jtis, repeated, findings: Vec::new() }
    }
}

/// A request for deliveries.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Claim {
    /// How many at most.
    pub deliveries: u32,
    /// How many at most to one receiver.
    pub per_receiver: u32,
    /// How long the leases are.
    pub lease: Duration,
    /// A delivery with so many attempts whose lease ended is dead.
    pub max_attempts: u32,
}

impl Claim {
    /// A claim of so many deliveries, at most `per_receiver` to each receiver, for so long.
    pub fn new(deliveries: u32, per_receiver: u32, lease: Duration, max_attempts: u32) -> Self {
        Self { deliveries, per_receiver, lease, max_attempts }
    }

    /// What happens to a delivery whose lease ended after so many attempts, if a worker sends to its receiver. A store asks
    /// [`ReceiverState::lost`](super::ReceiverState::lost), which knows how deliveries go.
    ///
    /// After the first attempt, it is ready again. After a further one, it may be what crashes its workers, or it was claimed together
    /// with that: each such delivery waits for a time of its own, so that they are claimed apart.
    pub fn next(&self, jti: &str, attempts: u32, now: Timestamp) -> Next {
        if attempts >= self.max_attempts {
            return Next::Ends(State::Dead);
        }
        let until = (attempts > 1).then(|| now.plus(lost_wait(jti, attempts)));
        Next::Waits { until, spends_attempt: true }
    }
}

/// How long a delivery waits that was lost more than once. It depends on nothing else, so that all stores tell the same.
fn lost_wait(jti: &str, attempts: u32) -> Duration {
    let bounds = Bounds { base: LOST_BASE, max_backoff: LOST_BACKOFF, ..Bounds::default() };
    let mut hasher = DefaultHasher::new();
    (jti, attempts).hash(&mut hasher);
    // In milliseconds, as a database keeps them.
    let millis = bounds.wait(attempts, None, hasher.finish()).as_millis();
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// What a claim got.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Claims {
    /// The deliveries.
    pub deliveries: Vec<Claimed>,
    /// How long it is until another one is due, or a lease or a pause ends; `None` if nothing waits for a time.
    pub next: Option<Duration>,
    /// Whether deliveries may be ready that this claim has left: there were more than its limits allow, or another transaction had
    /// locked them.
    pub more: bool,
}

impl Claims {
    /// These deliveries, and how long it is until another one may be ready.
    pub fn new(deliveries: Vec<Claimed>, next: Option<Duration>) -> Self {
        Self { deliveries, next, more: false }
    }

    /// Tells whether deliveries may be ready that this claim has left.
    pub fn with_more(mut self, more: bool) -> Self {
        self.more = more;
        self
    }
}

/// A delivery for the time of a lease.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Claimed {
    /// The lease.
    pub lease: Lease,
    /// The name of the receiver.
    pub receiver: String,
    /// What the SET says.
    pub payload: Payload,
    /// The claims that an earlier attempt fixed.
    pub frozen: Option<Payload>,
    /// `iat`.
    pub issued_at: Timestamp,
    /// How many attempts there were, with this one.
    pub attempts: u32,
    /// Whether an earlier attempt may have brought the SET to the receiver.
    pub uncertain: bool,
}

impl Claimed {
    /// A delivery from what a store keeps of it.
    #[allow(clippy::too_many_arguments, reason = "one for each column")]
    pub fn new(
        lease: Lease,
        receiver: String,
        payload: Payload,
        frozen: Option<Payload>,
        issued_at: Timestamp,
        attempts: u32,
        uncertain: bool,
    ) -> Self {
        Self { lease, receiver, payload, frozen, issued_at, attempts, uncertain }
    }
}

/// The right to settle a delivery.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Lease {
    /// The id of the delivery.
    pub jti: String,
    /// Grows with each claim of the delivery.
    pub token: u64,
}

impl Lease {
    /// The lease of a delivery with this token.
    pub fn new(jti: impl Into<String>, token: u64) -> Self {
        Self { jti: jti.into(), token }
    }
}

/// Claims that are fixed from now on.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Frozen {
    /// The lease.
    pub lease: Lease,
    /// The claims, sealed like the payload.
    pub claims: Payload,
}

impl Frozen {
    /// The claims of a delivery.
    pub fn new(lease: Lease, claims: Payload) -> Self {
        Self { lease, claims }
    }
}

/// What a settlement did.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Settled {
    /// It holds, and may have changed the status of the receiver.
    Applied(Option<Alert>),
    /// The lease had ended and another worker has the delivery, or it has ended: nothing changed.
    Lost,
}

/// A new id for a SET: the time in milliseconds and 80 random bits, so that stores keep the ids of a moment together.
pub fn fresh_jti() -> Result<String> {
    random::identifier_at(Timestamp::now().as_unix_millis())
}

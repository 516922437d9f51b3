//! What a store tells of its deliveries.

use std::{fmt, time::Duration};

use super::{Failure, Priority, ReceiverState, Tag};
use crate::time::Timestamp;

/// Where a delivery is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// It waits to be sent.
    Waiting,
    /// A worker has it.
    InFlight,
    /// The receiver has it.
    Delivered,
    /// It failed for good.
    Dead,
    /// It was given up before it was sent.
    Discarded,
}

impl State {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Waiting, Self::InFlight, Self::Delivered, Self::Dead, Self::Discarded];

    /// Its name, such as `in_flight`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InFlight => "in_flight",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }

    /// The state with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == name)
    }

    /// Whether the delivery has ended.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Delivered | Self::Dead | Self::Discarded)
    }
}

/// Why a delivery was discarded.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Discard {
    /// It waited longer than the maximum age of its entry.
    Expired,
    /// A newer one with the same key replaced it: its `jti`.
    Superseded {
        /// The `jti` of the newer delivery.
        by: String,
    },
    /// A person removed it.
    Removed,
}

/// One attempt to deliver a SET, in the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The key that signed, by its `kid`.
    pub kid: Option<String>,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

impl Attempt {
    /// An attempt that began at this time and took this long.
    pub fn new(at: Timestamp, duration: Duration) -> Self {
        Self { at, duration, kid: None, status: None, failure: None }
    }

    /// Sets the key that signed.
    pub fn with_kid(mut self, kid: Option<String>) -> Self {
        self.kid = kid;
        self
    }

    /// Sets the status of the answer.
    pub fn with_status(mut self, status: Option<u16>) -> Self {
        self.status = status;
        self
    }

    /// Sets why it failed.
    pub fn with_failure(mut self, failure: Option<Failure>) -> Self {
        self.failure = failure;
        self
    }
}

/// A delivery as a store lists it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// The id of its SET.
    pub jti: String,
    /// The name of its receiver.
    pub receiver: String,
    /// The event, by its id in the catalogue or its URI.
    pub event: String,
    /// Where it is.
    pub state: State,
    /// When it was enqueued, which is the `iat` of its SET.
    pub enqueued_at: Timestamp,
    /// Its priority.
    pub priority: Priority,
    /// How many attempts it has spent.
    pub attempts: u32,
    /// Not sent before this time, if it waits for one.
    pub due_at: Option<Timestamp>,
    /// Discarded at this time if it has not been sent.
    pub expires_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why the last attempt failed, or why it is dead.
    pub failure: Option<Failure>,
    /// Why it was discarded.
    pub discard: Option<Discard>,
}

impl Record {
    /// A waiting delivery.
    pub fn new(
        jti: impl Into<String>,
        receiver: impl Into<String>,
        event: impl Into<String>,
        enqueued_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        Self {
            jti: jti.into(),
            receiver: receiver.into(),
            event: event.into(),
            state: State::Waiting,
            enqueued_at,
            priority: Priority::Normal,
            attempts: 0,
            due_at: None,
            expires_at,
            ended_at: None,
            failure: None,
            discard: None,
        }
    }
}

/// A delivery and all its attempts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct History {
    /// The delivery.
    pub record: Record,
    /// Its attempts, the first one first.
    pub attempts: Vec<Attempt>,
}

impl History {
    /// The history of a delivery.
    pub fn new(record: Record, attempts: Vec<Attempt>) -> Self {
        Self { record, attempts }
    }
}

/// Which deliveries: those for which every condition holds.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Filter {
    /// In one of these states; in any if there is none.
    pub states: Vec<State>,
    /// To this receiver.
    pub receiver: Option<String>,
    /// With this event, by its id or URI.
    pub event: Option<String>,
    /// Whose last failure has this code.
    pub code: Option<String>,
    /// With one of these ids; with any if there is none.
    pub jtis: Vec<String>,
    /// About this subject: see [`Seal::subject_tag`](super::Seal::subject_tag).
    pub subject: Option<Tag>,
    /// Enqueued at this time or later.
    pub since: Option<Timestamp>,
    /// Enqueued before this time.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// All deliveries.
    pub fn new() -> Self {
        Self::default()
    }

    /// In this state, or in another one that is set.
    pub fn state(mut self, state: State) -> Self {
        self.states.push(state);
        self
    }

    /// To this receiver.
    pub fn receiver(mut self, name: impl Into<String>) -> Self {
        self.receiver = Some(name.into());
        self
    }

    /// With this event, by its id or URI.
    pub fn event(mut self, event: impl Into<String>) -> Self {
        self.event = Some(event.into());
        self
    }

    /// Whose last failure has this code, such as `receiver_rejected`.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// With this id, or with another one that is set.
    pub fn jti(mut self, jti: impl Into<String>) -> Self {
        self.jtis.push(jti.into());
        self
    }

    /// About this subject.
    pub fn subject(mut self, subject: Tag) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Enqueued at this time or later.
    pub fn since(mut self, time: impl Into<Timestamp>) -> Self {
        self.since = Some(time.into());
        self
    }

    /// Enqueued before this time.
    pub fn until(mut self, time: impl Into<Timestamp>) -> Self {
        self.until = Some(time.into());
        self
    }

    /// Whether the filter selects this delivery.
    pub fn selects(&self, record: &Record, subject: Option<&Tag>) -> bool {
        let is = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        let code = record.failure.as_ref().map_or("", |failure| failure.code.as_str());
        (self.states.is_empty() || self.states.contains(&record.state))
            && is(&self.receiver, &record.receiver)
            && is(&self.event, &record.event)
            && is(&self.code, code)
            && (self.jtis.is_empty() || self.jtis.contains(&record.jti))
            && (self.subject.is_none() || self.subject.as_ref() == subject)
            && self.since.is_none_or(|since| record.enqueued_at >= since)
            && self.until.is_none_or(|until| record.enqueued_at < until)
    }
}

/// Where a list goes on: after this delivery.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Cursor {
    /// When the delivery was enqueued.
    pub enqueued_at: Timestamp,
    /// Its id.
    pub jti: String,
}

impl Cursor {
    /// After this delivery.
    pub fn after(record: &Record) -> Self {
        Self { enqueued_at: record.enqueued_at, jti: record.jti.clone() }
    }
}

/// Deliveries that have ended, and wait again.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Replay {
    /// Which ones. Without a state, it is the dead ones; those that have not ended are never selected.
    pub filter: Filter,
    /// Counts them, and changes nothing.
    pub dry_run: bool,
    /// Gives each a new `jti`, so that a receiver that has it already takes it as another SET.
    pub fresh_jti: bool,
}

impl Replay {
    /// Replays the deliveries that the filter selects.
    pub fn new(filter: Filter) -> Self {
        Self { filter, dry_run: false, fresh_jti: false }
    }

    /// Counts them, and changes nothing.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Gives each a new `jti`.
    pub fn fresh_jti(mut self) -> Self {
        self.fresh_jti = true;
        self
    }

    /// Whether a delivery is replayed.
    pub fn selects(&self, record: &Record, subject: Option<&Tag>) -> bool {
        let wanted = if self.filter.states.is_empty() {
            record.state == State::Dead
        } else {
            record.state.has_ended()
        };
        wanted && self.filter.selects(record, subject)
    }
}

/// How long deliveries are kept after they ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Retention {
    /// Those that were delivered; a day by default.
    pub delivered: Duration,
    /// Those that are dead; 30 days by default.
    pub dead: Duration,
    /// Those that were discarded; seven days by default.
    pub discarded: Duration,
    /// How many are removed at once at most.
    pub limit: u32,
}

impl Default for Retention {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self { delivered: day, dead: day * 30, discarded: day * 7, limit: 1000 }
    }
}

impl Retention {
    /// How long a delivery in this state is kept; `None` if it has not ended.
    pub fn of(&self, state: State) -> Option<Duration> {
        match state {
            State::Delivered => Some(self.delivered),
            State::Dead => Some(self.dead),
            State::Discarded => Some(self.discarded),
            State::Waiting | State::InFlight => None,
        }
    }
}

/// What a store removed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pruned {
    /// Deliveries that had ended.
    pub deliveries: u64,
    /// Whether there may be more to remove.
    pub more: bool,
}

impl Pruned {
    /// So many deliveries, and whether there may be more.
    pub fn new(deliveries: u64, more: bool) -> Self {
        Self { deliveries, more }
    }
}

/// The ledger in numbers. Those of the past include deliveries that were pruned.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// Deliveries that were accepted.
    pub enqueued: u64,
    /// Those that wait.
    pub waiting: u64,
    /// Those that a worker has.
    pub in_flight: u64,
    /// Those that receivers have.
    pub delivered: u64,
    /// Those that failed for good.
    pub dead: u64,
    /// Discarded because they waited too long.
    pub expired: u64,
    /// Discarded because a newer one replaced them.
    pub superseded: u64,
    /// Discarded by a person.
    pub removed: u64,
}

impl Counts {
    /// Those that were discarded, for any reason.
    pub fn discarded(&self) -> u64 {
        self.expired + self.superseded + self.removed
    }

    /// Whether every delivery that was accepted is accounted for.
    pub fn is_balanced(&self) -> bool {
        let Self { enqueued, waiting, in_flight, delivered, dead, .. } = *self;
        enqueued == waiting + in_flight + delivered + dead + self.discarded()
    }

    /// Adds those of another receiver.
    pub fn add(&mut self, other: &Self) {
        let Self { enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed } = *other;
        self.enqueued += enqueued;
        self.waiting += waiting;
        self.in_flight += in_flight;
        self.delivered += delivered;
        self.dead += dead;
        self.expired += expired;
        self.superseded += superseded;
        self.removed += removed;
    }

    /// The count that a delivery in this state belongs to.
    pub fn of(&mut self, state: State, discard: Option<&Discard>) -> &mut u64 {
        match (state, discard) {
            (State::Waiting, _) => &mut self.waiting,
            (State::InFlight, _) => &mut self.in_flight,
            (State::Delivered, _) => &mut self.delivered,
            (State::Dead, _) => &mut self.dead,
            (State::Discarded, Some(Discard::Expired)) => &mut self.expired,
            (State::Discarded, Some(Discard::Superseded { .. })) => &mut self.superseded,
            (State::Discarded, Some(Discard::Removed) | None) => &mut self.removed,
        }
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed } = self;
        write!(
            formatter,
            "{enqueued} enqueued = {waiting} waiting + {in_flight} in flight + {delivered} delivered + {dead} dead + \
             {expired} expired + {superseded} superseded + {removed} removed"
        )
    }
}

/// A receiver as a store lists it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReceiverRecord {
    /// Its name.
    pub name: String,
    /// Whether deliveries to it go, and why not.
    pub state: ReceiverState,
    /// Its deliveries.
    pub counts: Counts,
    /// When the oldest delivery that waits was enqueued.
    pub oldest_waiting: Option<Timestamp>,
}

impl ReceiverRecord {
    /// A receiver with this name.
    pub fn new(
        name: impl Into<String>,
        state: ReceiverState,
        counts: Counts,
        oldest_waiting: Option<Timestamp>,
    ) -> Self {
        Self { name: name.into(), state, counts, oldest_waiting }
    }
}

//! What is put into an outbox.

use std::{collections::HashSet, fmt, time::Duration};

use super::{Content, Message, STREAM_PREFIX, Seal, store::MessageDelivery, store::fresh_jti};
use crate::{
    error::{Error, ErrorCode, Result},
    event::Event,
    set::SetBuilder,
    subject::Subject,
    time::Timestamp,
};

/// How long a delivery may wait if the entry does not say it.
const MAX_AGE: Duration = Duration::from_hours(24);
/// How long a delivery may wait at most.
const LONGEST_MAX_AGE: Duration = Duration::from_hours(14 * 24);
/// The longest name of a receiver, and the longest key, in bytes.
const MAX_NAME: usize = 255;

/// Which deliveries to a receiver go first. Those of equal priority go in the order in which they were enqueued.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Priority {
    /// After all others: backfills, for example.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Before all others.
    High,
}

impl Priority {
    /// All priorities, the lowest first.
    pub const ALL: &[Self] = &[Self::Low, Self::Normal, Self::High];

    /// Its name, such as `normal`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// A number that grows with the priority, for a column of a table.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Low => 0,
            Self::Normal => 1,
            Self::High => 2,
        }
    }

    /// The priority with this [`rank`](Self::rank).
    pub fn by_rank(rank: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|priority| priority.rank() == rank)
    }
}

/// An event to deliver: what happened, to whom, and the names of the receivers.
///
/// ```
/// use ssf_transmitter::{Subject, event::caep, outbox::{Entry, Priority}};
///
/// let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com"))
///     .to("acme")
///     .to("globex")
///     .txn("incident-4711")
///     .priority(Priority::High);
/// ```
#[derive(Clone)]
#[must_use = "an entry does nothing until it is enqueued"]
pub struct Entry {
    pub(super) content: Content,
    pub(super) receivers: Vec<String>,
    pub(super) jti: Option<String>,
    pub(super) idempotency_key: Option<String>,
    pub(super) not_before: Option<Timestamp>,
    pub(super) max_age: Duration,
    pub(super) priority: Priority,
    pub(super) supersedes: Option<String>,
    pub(super) ordered: bool,
}

impl Entry {
    /// An entry for this event. The subject may be `None` if the event contains it, as in the examples of some receivers.
    pub fn new(event: impl Into<Event>, subject: impl Into<Option<Subject>>) -> Self {
        Self {
            content: Content::new(event.into(), subject.into()),
            receivers: Vec::new(),
            jti: None,
            idempotency_key: None,
            not_before: None,
            max_age: MAX_AGE,
            priority: Priority::Normal,
            supersedes: None,
            ordered: false,
        }
    }

    /// Adds a receiver by its name. The worker looks up the receiver when it sends, so its settings and credentials never enter
    /// the store.
    pub fn to(mut self, receiver: impl Into<String>) -> Self {
        self.receivers.push(receiver.into());
        self
    }

    /// Adds several receivers.
    pub fn to_all(mut self, receivers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.receivers.extend(receivers.into_iter().map(Into::into));
        self
    }

    /// Adds an event to the same SET, for receivers that accept companions.
    pub fn companion(mut self, event: impl Into<Event>) -> Self {
        self.content.events.push(event.into());
        self
    }

    /// Sets the transaction: the same value in all SETs with the same cause (SSF 1.0 §4.1.9).
    pub fn txn(mut self, txn: impl Into<String>) -> Self {
        self.content.txn = Some(txn.into());
        self
    }

    /// Sets the time of the event, `toe` (RFC 8417 §2.2).
    pub fn toe(mut self, toe: impl Into<Timestamp>) -> Self {
        self.content.toe = Some(toe.into());
        self
    }

    /// Sets the id of the SET, for an entry with a single receiver. Without it, each delivery gets a random one.
    pub fn jti(mut self, jti: impl Into<String>) -> Self {
        self.jti = Some(jti.into());
        self
    }

    /// Makes a second enqueue with the same key return the first entry, for as long as the store keeps it. The same key with other
    /// content is an error ([`ErrorCode::OutboxConflict`]).
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Sets the time before which nothing is sent.
    pub fn not_before(mut self, time: impl Into<Timestamp>) -> Self {
        self.not_before = Some(time.into());
        self
    }

    /// Sets how long a delivery may wait, from [`not_before`](Self::not_before) or from now on, before it is discarded as expired:
    /// 24 hours by default, 14 days at most.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Sets which deliveries go first.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Discards deliveries to the same receiver with the same key that are not sent yet: a newer risk level replaces an older one.
    pub fn supersedes(mut self, key: impl Into<String>) -> Self {
        self.supersedes = Some(key.into());
        self
    }

    /// Keeps the order among ordered entries with the same receiver and subject: this one is sent when the earlier ones have
    /// ended.
    pub fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }

    /// The event and its companions.
    pub fn events(&self) -> &[Event] {
        &self.content.events
    }

    /// The subject, if it is not inside the event.
    pub fn subject(&self) -> Option<&Subject> {
        self.content.subject.as_ref()
    }

    /// The names of the receivers.
    pub fn receivers(&self) -> &[String] {
        &self.receivers
    }

    /// Its SET for a receiver, of which this is the beginning.
    pub(super) fn set(&self, template: SetBuilder) -> SetBuilder {
        let template = self.jti.iter().fold(template, SetBuilder::jti);
        self.content.clone().put_into(template)
    }

    /// Checks the entry and fixes `jti`, `iat` and everything else that a store keeps of it.
    pub fn to_message(&self, seal: Option<&Seal>, now: Timestamp) -> Result<Message> {
        self.check()?;
        self.message(seal, now)
    }

    /// The same for an entry that goes to streams, too: it may name no receiver.
    pub(crate) fn to_published(&self, seal: Option<&Seal>, now: Timestamp) -> Result<Message> {
        self.check_content()?;
        self.message(seal, now)
    }

    fn message(&self, seal: Option<&Seal>, now: Timestamp) -> Result<Message> {
        let tag = |purpose, text: &str| Seal::tag(seal, purpose, text.as_bytes());
        let tag_of =
            |purpose, text: &Option<String>| text.as_ref().map(|text| tag(purpose, text)).transpose();
        let subject = tag_of("subject", &self.content.canonical_subject())?;
        if self.ordered && subject.is_none() {
            return Err(invalid("an ordered entry needs a subject"));
        }
        let plain = self.content.to_json()?;
        let fingerprint = Seal::tag(seal, "content", &fingerprint(&plain, &self.receivers))?;
        let deliveries = self.receivers.iter().map(|receiver| {
            let jti = self.jti.clone().map_or_else(fresh_jti, Ok)?;
            Ok(MessageDelivery { jti, receiver: receiver.clone() })
        });
        Ok(Message {
            deliveries: deliveries.collect::<Result<_>>()?,
            event: self.content.event_name(),
            payload: Seal::seal(seal, "payload", plain)?.into(),
            issued_at: now,
            subject,
            idempotency: tag_of("idempotency", &self.idempotency_key)?,
            fingerprint,
            not_before: self.not_before,
            max_age: self.max_age,
            priority: self.priority,
            supersedes: tag_of("supersedes", &self.supersedes)?,
            ordered: self.ordered,
        })
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.receivers.is_empty() {
            return Err(invalid("the entry names no receiver"));
        }
        self.check_content()
    }

    fn check_content(&self) -> Result<()> {
        let mut names = HashSet::new();
        for name in &self.receivers {
            check_text("the name of a receiver", name)?;
            if name.starts_with(STREAM_PREFIX) {
                let message = format!("names of receivers that begin with {STREAM_PREFIX} belong to streams");
                return Err(invalid(message));
            }
            if !names.insert(name) {
                return Err(invalid("the entry names a receiver twice"));
            }
        }
        if self.jti.is_some() && self.receivers.len() > 1 {
            return Err(invalid("a jti is for an entry with a single receiver"));
        }
        let texts = [
            ("the jti", &self.jti),
            ("the txn", &self.content.txn),
            ("the idempotency key", &self.idempotency_key),
            ("the key to supersede", &self.supersedes),
        ];
        for (what, text) in texts {
            text.as_ref().map_or(Ok(()), |text| check_text(what, text))?;
        }
        if self.max_age.is_zero() || self.max_age > LONGEST_MAX_AGE {
            return Err(invalid("the maximum age must be more than zero and at most 14 days"));
        }
        self.content.check()
    }
}

/// What must be equal for two entries with one idempotency key.
fn fingerprint(plain: &[u8], receivers: &[String]) -> Vec<u8> {
    let mut all = plain.to_vec();
    for receiver in receivers {
        all.push(0);
        all.extend_from_slice(receiver.as_bytes());
    }
    all
}

pub(super) fn check_text(what: &str, text: &str) -> Result<()> {
    match text.len() {
        0 => Err(invalid(format!("{what} is empty"))),
        1..=MAX_NAME => Ok(()),
        _ => Err(invalid(format!("{what} is longer than {MAX_NAME} bytes"))),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::OutboxEntryInvalid, message)
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Entry")
            .field("events", &self.content.events)
            .field("receivers", &self.receivers)
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}

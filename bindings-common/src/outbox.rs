//! The outbox: its store, its entries, what selects deliveries, and a worker that asks its language.

#[cfg(feature = "postgres")]
mod password;
mod place;
#[cfg(feature = "postgres")]
mod refused;
#[cfg(feature = "postgres")]
mod statement;

use std::{collections::HashMap, sync::Arc, time::Duration};

use ssf_transmitter::{
    Error, ErrorCode, Event, Receiver, Result, SignedSet, Subject, Timestamp, Transmitter, UnsignedSet,
    client::{CachedReceivers, Receivers, StreamReceivers, Worker},
    config::Config,
    key::{BoxFuture, ExternalKey},
    outbox::{
        Alert, Cursor, Entry, Filter, Outbox, Priority, Record, Replay, Retention, Schedule, Seal, State,
    },
    stream::StreamApi,
};
pub use ssf_transmitter_store::Salvaged;
use tokio::sync::{mpsc, oneshot};

pub use self::place::{Kept, Place, salvage};
#[cfg(feature = "postgres")]
pub use self::{
    password::{Password, PasswordQuestion},
    place::DatabaseSettings,
    refused::Refused,
};

use crate::{invalid, set};

/// How long a worker keeps a receiver that its language found.
const RECEIVER_AGE: Duration = Duration::from_mins(5);

/// Where the entries of an outbox are kept, and whether they are sealed.
#[derive(Clone)]
pub struct OutboxSettings {
    /// Where.
    pub place: Place,
    /// Seals what entries say.
    pub seal: Option<Seal>,
    /// For whom entries are linted before they are accepted.
    pub lint: Option<Lint>,
    /// Runs what the store of a file does at a time, for hosts that must know.
    pub around: Option<fn(&mut dyn FnMut())>,
}

/// The issuer and the receivers of entries.
#[derive(Clone)]
pub struct Lint {
    /// The issuer.
    pub issuer: String,
    /// The receivers by name.
    pub receivers: HashMap<String, Receiver>,
}

impl Lint {
    /// What lints, if both are given.
    pub fn given(
        issuer: Option<String>,
        receivers: Option<HashMap<String, Receiver>>,
    ) -> Result<Option<Self>> {
        match (issuer, receivers) {
            (Some(issuer), Some(receivers)) => Ok(Some(Self { issuer, receivers })),
            (None, None) => Ok(None),
            _ => Err(invalid("an outbox lints entries with an issuer and receivers: set both, or neither")),
        }
    }

    /// The issuer in a file of settings, if receivers are given beside it.
    pub fn issuer<R>(config: &Config, receivers: Option<&R>) -> Result<Option<String>> {
        receivers.map(|_| config.required_issuer().map(str::to_owned)).transpose()
    }
}

impl OutboxSettings {
    /// Opens the outbox, and returns what it is kept in. A database is connected to by the first operation.
    pub fn open(&self) -> Result<(Outbox, Kept)> {
        let (outbox, kept) = self.place.open(self.around)?;
        Ok((self.checks(outbox), kept))
    }

    /// Makes an outbox seal and lint.
    fn checks(&self, outbox: Outbox) -> Outbox {
        let outbox = set(outbox, self.seal.clone(), Outbox::seal);
        set(outbox, self.lint.clone(), |outbox, Lint { issuer, receivers }| {
            outbox.lint_for(issuer, receivers)
        })
    }
}

/// Where a list goes on: after the delivery with this `jti`, which was enqueued at this time.
pub fn cursor(jti: String, enqueued_at: Timestamp) -> Cursor {
    Cursor::after(&Record::new(jti, "", "", enqueued_at, enqueued_at))
}

/// A seal of keys with 32 bytes each: one to index by, and those that open, of which the first one seals.
pub fn seal(index_key: &[u8], keys: Vec<(String, Vec<u8>)>) -> Result<Seal> {
    let sized = |key: &[u8]| {
        <[u8; 32]>::try_from(key).map_err(|_| invalid("a sealing key and an index key must have 32 bytes"))
    };
    let mut keys = keys.into_iter();
    let (id, first) = keys.next().ok_or_else(|| invalid("a seal needs a key"))?;
    let seal = Seal::new(sized(index_key)?, id, sized(&first)?)?;
    keys.try_fold(seal, |seal, (id, key)| seal.also_opens(id, sized(&key)?))
}

/// What can be set of an entry.
#[derive(Default)]
pub struct EntryOptions {
    /// The names of the receivers.
    pub to: Vec<String>,
    /// The transaction.
    pub txn: Option<String>,
    /// The time of the event.
    pub toe: Option<Timestamp>,
    /// The id of the SET.
    pub jti: Option<String>,
    /// Events that travel beside the first.
    pub companions: Vec<Event>,
    /// Makes a repeat return the first entry.
    pub idempotency_key: Option<String>,
    /// Not sent before this time.
    pub not_before: Option<Timestamp>,
    /// How long a delivery may wait.
    pub max_age: Option<Duration>,
    /// `high`, `normal` or `low`.
    pub priority: Option<String>,
    /// The key of what it replaces.
    pub supersedes: Option<String>,
    /// Whether it waits for earlier ones about its subject.
    pub ordered: bool,
}

impl EntryOptions {
    /// An entry with them.
    pub fn entry(self, event: Event, subject: Option<Subject>) -> Result<Entry> {
        let priority = self.priority.as_deref().map(priority).transpose()?;
        let entry = self.companions.into_iter().fold(Entry::new(event, subject), Entry::companion);
        let entry = set(entry.to_all(self.to), self.txn, Entry::txn);
        let entry = set(entry, self.toe, Entry::toe);
        let entry = set(entry, self.jti, Entry::jti);
        let entry = set(entry, self.idempotency_key, Entry::idempotency_key);
        let entry = set(entry, self.not_before, Entry::not_before);
        let entry = set(entry, self.max_age, Entry::max_age);
        let entry = set(entry, priority, Entry::priority);
        let entry = set(entry, self.supersedes, Entry::supersedes);
        Ok(if self.ordered { entry.ordered() } else { entry })
    }
}

fn priority(name: &str) -> Result<Priority> {
    let known = Priority::ALL.iter().copied().find(|priority| priority.as_str() == name);
    known.ok_or_else(|| invalid("a priority is one of high, normal and low"))
}

/// What selects deliveries.
#[derive(Default)]
pub struct FilterOptions {
    /// Names of states.
    pub states: Vec<String>,
    /// The name of the receiver.
    pub receiver: Option<String>,
    /// The id or the URI of the event.
    pub event: Option<String>,
    /// The code of the last failure.
    pub code: Option<String>,
    /// Ids of SETs.
    pub jtis: Vec<String>,
    /// Whom the event is about.
    pub subject: Option<Subject>,
    /// Enqueued at this time or later.
    pub since: Option<Timestamp>,
    /// Enqueued before this time.
    pub until: Option<Timestamp>,
}

impl FilterOptions {
    /// The filter, for an outbox.
    pub fn filter(self, outbox: &Outbox) -> Result<Filter> {
        let mut filter = Filter::new();
        for name in &self.states {
            let known = State::by_name(name);
            filter = filter.state(known.ok_or_else(|| {
                invalid("a state is one of waiting, in_flight, delivered, dead and discarded")
            })?);
        }
        let subject = self.subject.map(|subject| outbox.subject_tag(&subject)).transpose()?;
        let filter = self.jtis.into_iter().fold(filter, Filter::jti);
        let filter = set(filter, self.receiver, Filter::receiver);
        let filter = set(filter, self.event, Filter::event);
        let filter = set(filter, self.code, Filter::code);
        let filter = set(filter, subject, Filter::subject);
        let filter = set(filter, self.since, Filter::since);
        Ok(set(filter, self.until, Filter::until))
    }

    /// A replay of what they select.
    pub fn replay(self, outbox: &Outbox, dry_run: bool, fresh_jti: bool) -> Result<Replay> {
        let replay = Replay::new(self.filter(outbox)?);
        let replay = if dry_run { replay.dry_run() } else { replay };
        Ok(if fresh_jti { replay.fresh_jti() } else { replay })
    }
}

/// How long deliveries are kept after they ended, by default as long as the core keeps them.
pub fn retention(
    delivered: Option<Duration>,
    dead: Option<Duration>,
    discarded: Option<Duration>,
) -> Retention {
    let mut retention = Retention::default();
    retention.delivered = delivered.unwrap_or(retention.delivered);
    retention.dead = dead.unwrap_or(retention.dead);
    retention.discarded = discarded.unwrap_or(retention.discarded);
    retention
}

/// How a worker works.
#[derive(Clone, Default)]
pub struct WorkerSettings {
    /// Deliveries in flight at once.
    pub concurrency: Option<u32>,
    /// Deliveries to one receiver that are claimed at once.
    pub per_receiver: Option<u32>,
    /// How long a claim holds.
    pub lease: Option<Duration>,
    /// How long deliveries may take to end.
    pub grace: Option<Duration>,
    /// How often the store is looked at.
    pub poll: Option<Duration>,
    /// How often a delivery is attempted.
    pub max_attempts: Option<u32>,
    /// The longest wait before the second attempt.
    pub base: Option<Duration>,
    /// The longest wait.
    pub max_backoff: Option<Duration>,
    /// How long deliveries are kept that were delivered.
    pub keep_delivered: Option<Duration>,
    /// How long deliveries are kept that are dead.
    pub keep_dead: Option<Duration>,
    /// How long deliveries are kept that were discarded.
    pub keep_discarded: Option<Duration>,
}

impl WorkerSettings {
    /// A worker that asks its language for receivers and signatures, and what it asks. It finds the receivers of push streams itself.
    pub fn worker(
        &self,
        outbox: Outbox,
        transmitter: Transmitter,
        streams: Option<StreamApi>,
    ) -> (Worker, Questions) {
        let (sender, questions) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk(sender));
        let (signing, alerting) = (desk.clone(), desk.clone());
        let retention = retention(self.keep_delivered, self.keep_dead, self.keep_discarded);
        let schedule = set(Schedule::new(), self.max_attempts, Schedule::max_attempts);
        let schedule = set(schedule, self.base, Schedule::base);
        let schedule = set(schedule, self.max_backoff, Schedule::max_backoff);
        let named = CachedReceivers::new(Asking(desk), RECEIVER_AGE);
        let worker = match streams {
            Some(api) => Worker::new(outbox, transmitter, StreamReceivers::new(api, named)),
            None => Worker::new(outbox, transmitter, named),
        };
        let worker = worker
            .schedule(schedule)
            .retention(retention)
            .sign_by(move |key, set| {
                let desk = signing.clone();
                async move { desk.ask(|reply| Question::Sign { key, set, reply }).await }
            })
            .on_alert(move |receiver, alert| {
                let (receiver, alert) = (receiver.to_owned(), alert.clone());
                drop(alerting.0.send(Question::Alert { receiver, alert }));
            });
        let worker = set(worker, self.concurrency, Worker::concurrency);
        let worker = set(worker, self.per_receiver, Worker::per_receiver);
        let worker = set(worker, self.lease, Worker::lease);
        let worker = set(worker, self.grace, Worker::grace);
        let worker = set(worker, self.poll, Worker::poll);
        (worker, Questions(questions))
    }
}

/// What a worker asks its language. No callback crosses the boundary: the language takes questions, and answers them.
#[derive(Debug)]
#[non_exhaustive]
pub enum Question {
    /// The receiver with this name, or `None`.
    Receiver {
        /// The name.
        name: String,
        /// Where the answer goes.
        reply: Reply<Option<Receiver>>,
    },
    /// A signature.
    Sign {
        /// The key that must sign.
        key: ExternalKey,
        /// What is signed.
        set: UnsignedSet,
        /// Where the answer goes.
        reply: Reply<SignedSet>,
    },
    /// No question: a receiver was paused or resumed.
    Alert {
        /// The name of the receiver.
        receiver: String,
        /// What happened.
        alert: Alert,
    },
}

/// Where an answer goes. Dropped, it is a failure.
#[derive(Debug)]
pub struct Reply<T>(oneshot::Sender<Result<T>>);

impl<T> Reply<T> {
    /// Answers.
    pub fn answer(self, answer: Result<T>) {
        // The worker may have ended meanwhile.
        drop(self.0.send(answer));
    }
}

/// The questions of a worker.
#[derive(Debug)]
pub struct Questions(mpsc::UnboundedReceiver<Question>);

impl Questions {
    /// The next one; `None` when the worker has ended. Dropping the future loses none.
    pub async fn next(&mut self) -> Option<Question> {
        self.0.recv().await
    }
}

struct Desk(mpsc::UnboundedSender<Question>);

impl Desk {
    async fn ask<T>(&self, question: impl FnOnce(Reply<T>) -> Question) -> Result<T> {
        let unanswered = || Error::new(ErrorCode::Internal, "the worker's question was not answered");
        let (reply, answer) = oneshot::channel();
        self.0.send(question(Reply(reply))).map_err(|_| unanswered())?;
        answer.await.map_err(|_| unanswered())?
    }
}

struct Asking(Arc<Desk>);

impl Receivers for Asking {
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Receiver>>> {
        Box::pin(self.0.ask(move |reply| Question::Receiver { name: name.to_owned(), reply }))
    }
}

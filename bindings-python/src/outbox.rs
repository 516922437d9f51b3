//! The outbox. Its store belongs to one process: a child opens its own.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyString};
use ssf_bindings::outbox::{EntryOptions, FilterOptions, Lint, OutboxSettings};
use ssf_transmitter::{
    self as sdk,
    outbox::{Discard, Enqueued, Retention, State},
};

use crate::{
    arguments::{Moment, Span, datetime},
    emission::{AnyEvent, AnySubject},
    errors::Result,
    fork::inside,
    futures::{Mailbox, Task},
    json,
    lint::Findings,
    process::PerProcess,
    receiver::Receiver,
    runtime::wait_parked,
};

/// Encrypts what entries say.
#[pyclass(frozen, subclass, module = "ssf_transmitter._native")]
pub(crate) struct Seal(sdk::outbox::Seal);

#[pymethods]
impl Seal {
    #[new]
    fn new(index_key: &[u8], keys: Vec<(String, Vec<u8>)>) -> Result<Self> {
        Ok(Self(ssf_bindings::outbox::seal(index_key, keys)?))
    }
}

/// An event for receivers that are named.
#[pyclass(frozen, subclass, module = "ssf_transmitter._native")]
pub(crate) struct Entry(Arc<sdk::outbox::Entry>);

#[pymethods]
impl Entry {
    #[new]
    #[pyo3(signature = (
        event, subject, to, txn, toe, jti, companions, idempotency_key, not_before, max_age, priority, supersedes, ordered, /
    ))]
    #[allow(clippy::too_many_arguments, reason = "what an entry can be given")]
    fn new(
        event: AnyEvent,
        subject: Option<AnySubject>,
        to: Vec<String>,
        txn: Option<Bound<'_, PyString>>,
        toe: Option<Moment>,
        jti: Option<Bound<'_, PyString>>,
        companions: Vec<AnyEvent>,
        idempotency_key: Option<String>,
        not_before: Option<Moment>,
        max_age: Option<Span>,
        priority: Option<String>,
        supersedes: Option<String>,
        ordered: bool,
    ) -> Result<Self> {
        let options = EntryOptions {
            to,
            txn: txn.map(|txn| json::text(&txn, "/txn")).transpose()?,
            toe: toe.map(|toe| toe.0),
            jti: jti.map(|jti| json::text(&jti, "/jti")).transpose()?,
            companions: companions.into_iter().map(|companion| companion.0).collect(),
            idempotency_key,
            not_before: not_before.map(|time| time.0),
            max_age: max_age.map(|age| age.0),
            priority,
            supersedes,
            ordered,
        };
        let entry = options.entry(event.0, subject.map(|subject| subject.0))?;
        Ok(Self(Arc::new(entry)))
    }

    fn to_json(&self) -> Result<String> {
        Ok(self.0.to_json()?)
    }
}

/// An outbox.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Outbox {
    settings: OutboxSettings,
    /// Empty after a close.
    core: PerProcess<Mutex<Option<sdk::outbox::Outbox>>>,
}

#[pymethods]
impl Outbox {
    #[new]
    #[pyo3(signature = (path, capacity, waits, seal, issuer, receivers, /))]
    fn new(
        path: Option<PathBuf>,
        capacity: Option<usize>,
        waits: bool,
        seal: Option<&Seal>,
        issuer: Option<String>,
        receivers: Option<HashMap<String, Bound<'_, Receiver>>>,
    ) -> Result<Self> {
        let seal = seal.map(|seal| seal.0.clone());
        let core = |(name, receiver): (_, Bound<'_, Receiver>)| Ok((name, receiver.get().core()?.clone()));
        let receivers = receivers.map(|all| all.into_iter().map(core).collect::<Result<_>>()).transpose()?;
        let lint = Lint::given(issuer, receivers)?;
        let settings = OutboxSettings { path, capacity, waits, seal, lint, around: Some(guarded) };
        // The file is opened where it is first used: a server that forks its workers must not open it before.
        Ok(Self { settings, core: PerProcess::new() })
    }

    /// Does something.
    fn call(&self, py: Python<'_>, operation: &Operation) -> Result<Answer> {
        let outbox = self.core()?;
        let operation = operation.take()?;
        Ok(wait_parked(py, perform(outbox, operation))??)
    }

    fn call_async(&self, operation: &Operation, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        mailbox.spawn(future, perform(self.core()?, operation.take()?), |answer| answer)
    }

    /// Closes the store of this process, after all calls before.
    fn close(&self, py: Python<'_>) -> Result<()> {
        let slot = self.core.here();
        match slot.and_then(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).take()) {
            Some(outbox) => Ok(wait_parked(py, outbox.close())??),
            None => Ok(()),
        }
    }
}

impl Outbox {
    /// The outbox of this process.
    pub(crate) fn core(&self) -> Result<sdk::outbox::Outbox> {
        let slot = self.core.get(|| self.settings.open().map(|outbox| Mutex::new(Some(outbox))))?;
        let outbox = slot.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(outbox.ok_or_else(|| PyRuntimeError::new_err("the outbox is closed"))?)
    }
}

/// Runs what the store does at a time where no fork interrupts it.
fn guarded(work: &mut dyn FnMut()) {
    inside(work);
}

/// Something to do with an outbox, for a thread or for asyncio.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Operation(Mutex<Option<Call>>);

enum Call {
    Enqueue(Vec<Arc<sdk::outbox::Entry>>),
    EnqueueJson(Vec<String>),
    Counts,
    Receivers(Option<String>, u32),
    List(FilterOptions, Option<sdk::outbox::Cursor>, u32),
    History(String),
    Replay(FilterOptions, bool, bool),
    Discard(FilterOptions, bool),
    Hold(String),
    Release(String),
    Prune(Retention),
}

/// What selects deliveries: states, receiver, event, code, ids, subject, since, until.
#[derive(FromPyObject)]
struct FilterArgument(
    Vec<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Vec<String>,
    Option<AnySubject>,
    Option<Moment>,
    Option<Moment>,
);

impl From<FilterArgument> for FilterOptions {
    fn from(given: FilterArgument) -> Self {
        let FilterArgument(states, receiver, event, code, jtis, subject, since, until) = given;
        Self {
            states,
            receiver,
            event,
            code,
            jtis,
            subject: subject.map(|subject| subject.0),
            since: since.map(|time| time.0),
            until: until.map(|time| time.0),
        }
    }
}

#[pymethods]
impl Operation {
    #[staticmethod]
    fn enqueue(entries: Vec<PyRef<'_, Entry>>) -> Self {
        Self::of(Call::Enqueue(entries.into_iter().map(|entry| Arc::clone(&entry.0)).collect()))
    }

    #[staticmethod]
    fn enqueue_json(texts: Vec<String>) -> Self {
        Self::of(Call::EnqueueJson(texts))
    }

    #[staticmethod]
    fn counts() -> Self {
        Self::of(Call::Counts)
    }

    #[staticmethod]
    fn receivers(after: Option<String>, limit: u32) -> Self {
        Self::of(Call::Receivers(after, limit))
    }

    #[staticmethod]
    fn list(filter: FilterArgument, after: Option<&Delivery>, limit: u32) -> Self {
        Self::of(Call::List(filter.into(), after.map(|after| after.cursor.clone()), limit))
    }

    #[staticmethod]
    fn history(jti: String) -> Self {
        Self::of(Call::History(jti))
    }

    #[staticmethod]
    fn replay(filter: FilterArgument, dry_run: bool, fresh_jti: bool) -> Self {
        Self::of(Call::Replay(filter.into(), dry_run, fresh_jti))
    }

    #[staticmethod]
    fn discard(filter: FilterArgument, dry_run: bool) -> Self {
        Self::of(Call::Discard(filter.into(), dry_run))
    }

    #[staticmethod]
    fn hold(receiver: String) -> Self {
        Self::of(Call::Hold(receiver))
    }

    #[staticmethod]
    fn release(receiver: String) -> Self {
        Self::of(Call::Release(receiver))
    }

    #[staticmethod]
    fn prune(delivered: Option<Span>, dead: Option<Span>, discarded: Option<Span>) -> Self {
        let mut retention = Retention::default();
        retention.delivered = delivered.map_or(retention.delivered, |span| span.0);
        retention.dead = dead.map_or(retention.dead, |span| span.0);
        retention.discarded = discarded.map_or(retention.discarded, |span| span.0);
        Self::of(Call::Prune(retention))
    }
}

impl Operation {
    fn of(call: Call) -> Self {
        Self(Mutex::new(Some(call)))
    }

    fn take(&self) -> PyResult<Call> {
        let call = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        call.ok_or_else(|| PyRuntimeError::new_err("the operation was done"))
    }
}

/// What an operation returns.
#[derive(IntoPyObject)]
pub(crate) enum Answer {
    Enqueued(Vec<(Vec<String>, bool, Findings)>),
    Counts(OutboxCounts),
    Receivers(Vec<OutboxReceiver>),
    List(Vec<Delivery>),
    /// One or none.
    History(Vec<(Delivery, Vec<Attempt>)>),
    Number(u64),
    Nothing(Option<u8>),
}

async fn perform(outbox: sdk::outbox::Outbox, call: Call) -> sdk::Result<Answer> {
    Ok(match call {
        Call::Enqueue(entries) => enqueued(outbox.enqueue_many(entries).await?),
        Call::EnqueueJson(texts) => enqueued(outbox.enqueue_json(texts).await?),
        Call::Counts => Answer::Counts(outbox.counts().await?.into()),
        Call::Receivers(after, limit) => {
            let receivers = outbox.receivers(after.as_deref(), limit).await?;
            Answer::Receivers(receivers.into_iter().map(Into::into).collect())
        }
        Call::List(filter, after, limit) => {
            let filter = filter.filter(&outbox)?;
            let records = outbox.store().list(filter, after, limit).await?;
            Answer::List(records.into_iter().map(Into::into).collect())
        }
        Call::History(jti) => {
            let history = outbox.history(&jti).await?.into_iter();
            let history = history.map(|history| {
                (history.record.into(), history.attempts.into_iter().map(Into::into).collect())
            });
            Answer::History(history.collect())
        }
        Call::Replay(filter, dry_run, fresh_jti) => {
            let replay = filter.replay(&outbox, dry_run, fresh_jti)?;
            Answer::Number(outbox.replay(replay).await?)
        }
        Call::Discard(filter, dry_run) => {
            let filter = filter.filter(&outbox)?;
            Answer::Number(outbox.store().discard(filter, dry_run).await?)
        }
        Call::Hold(receiver) => nothing(outbox.hold(&receiver).await?),
        Call::Release(receiver) => nothing(outbox.release(&receiver).await?),
        Call::Prune(retention) => Answer::Number(outbox.prune(retention).await?.deliveries),
    })
}

fn enqueued(all: Vec<Enqueued>) -> Answer {
    Answer::Enqueued(all.into_iter().map(|one| (one.jtis, one.repeated, Findings(one.findings))).collect())
}

fn nothing((): ()) -> Answer {
    Answer::Nothing(None)
}

/// The ledger of an outbox in numbers. Those of the past include deliveries that were removed since.
///
/// `enqueued` is always `waiting + in_flight + delivered + dead + expired + superseded + removed`.
#[pyclass(frozen, eq, get_all, module = "ssf_transmitter")]
#[derive(PartialEq)]
pub(crate) struct OutboxCounts {
    /// Deliveries that were accepted.
    enqueued: u64,
    /// Those that wait.
    waiting: u64,
    /// Those that a worker has.
    in_flight: u64,
    /// Those that receivers have.
    delivered: u64,
    /// Those that failed for good.
    dead: u64,
    /// Discarded because they waited too long.
    expired: u64,
    /// Discarded because a newer one replaced them.
    superseded: u64,
    /// Discarded by a person.
    removed: u64,
}

impl From<sdk::outbox::Counts> for OutboxCounts {
    fn from(counts: sdk::outbox::Counts) -> Self {
        let sdk::outbox::Counts {
            enqueued,
            waiting,
            in_flight,
            delivered,
            dead,
            expired,
            superseded,
            removed,
            ..
        } = counts;
        Self { enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed }
    }
}

#[pymethods]
impl OutboxCounts {
    fn __repr__(&self) -> String {
        let Self { enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed } = self;
        format!(
            "<OutboxCounts enqueued={enqueued} waiting={waiting} in_flight={in_flight} delivered={delivered} dead={dead} \
             expired={expired} superseded={superseded} removed={removed}>"
        )
    }
}

/// Why a delivery failed.
#[pyclass(frozen, eq, get_all, module = "ssf_transmitter")]
#[derive(Clone, PartialEq)]
pub(crate) struct Failure {
    /// The stable code, which `docs/errors.md` explains.
    code: &'static str,
    /// What went wrong, in one sentence.
    message: String,
    /// How to fix it, in one sentence.
    remedy: &'static str,
    /// The HTTP status of the answer, if there was one.
    status: Option<u16>,
    /// The error code that the receiver gave.
    receiver_error: Option<String>,
    /// The receiver's words.
    receiver_description: Option<String>,
}

impl From<sdk::outbox::Failure> for Failure {
    fn from(failure: sdk::outbox::Failure) -> Self {
        Self {
            code: failure.code.as_str(),
            message: failure.message,
            remedy: failure.code.remedy(),
            status: failure.status,
            receiver_error: failure.receiver_error,
            receiver_description: failure.description,
        }
    }
}

#[pymethods]
impl Failure {
    fn __repr__(&self) -> String {
        format!("<Failure {}>", self.code)
    }
}

/// One attempt to deliver a SET.
#[pyclass(frozen, eq, get_all, module = "ssf_transmitter")]
#[derive(PartialEq)]
pub(crate) struct Attempt {
    /// When it began.
    at: SystemTime,
    /// How long it took.
    duration: std::time::Duration,
    /// The key that signed, by its `kid`.
    kid: Option<String>,
    /// The HTTP status of the answer, if there was one.
    status: Option<u16>,
    /// Why it failed, if it did.
    failure: Option<Failure>,
}

impl From<sdk::outbox::Attempt> for Attempt {
    fn from(attempt: sdk::outbox::Attempt) -> Self {
        Self {
            at: datetime(attempt.at),
            duration: attempt.duration,
            kid: attempt.kid,
            status: attempt.status,
            failure: attempt.failure.map(Into::into),
        }
    }
}

#[pymethods]
impl Attempt {
    fn __repr__(&self) -> String {
        let outcome = self.failure.as_ref().map_or("delivered", |failure| failure.code);
        format!("<Attempt {outcome}>")
    }
}

/// A delivery in an outbox: one event to one receiver.
#[pyclass(frozen, eq, module = "ssf_transmitter")]
#[derive(PartialEq)]
pub(crate) struct Delivery {
    cursor: sdk::outbox::Cursor,
    /// The id of its SET.
    #[pyo3(get)]
    jti: String,
    /// The name of its receiver.
    #[pyo3(get)]
    receiver: String,
    /// The event, by its id in the catalogue or its URI.
    #[pyo3(get)]
    event: String,
    /// `waiting`, `in_flight`, `delivered`, `dead` or `discarded`.
    #[pyo3(get)]
    state: &'static str,
    /// When it was enqueued, which is the `iat` of its SET.
    #[pyo3(get)]
    enqueued_at: SystemTime,
    /// `high`, `normal` or `low`.
    #[pyo3(get)]
    priority: &'static str,
    /// How many attempts it has spent.
    #[pyo3(get)]
    attempts: u32,
    /// Not sent before this time, if it waits for one.
    #[pyo3(get)]
    due_at: Option<SystemTime>,
    /// Discarded at this time if it has not been sent.
    #[pyo3(get)]
    expires_at: SystemTime,
    /// When it ended.
    #[pyo3(get)]
    ended_at: Option<SystemTime>,
    /// Why the last attempt failed, or why it is dead.
    #[pyo3(get)]
    failure: Option<Failure>,
    /// Why it was discarded: `expired`, `superseded` or `removed`.
    #[pyo3(get)]
    discard: Option<&'static str>,
    /// The `jti` of the delivery that replaced it.
    #[pyo3(get)]
    superseded_by: Option<String>,
}

impl From<sdk::outbox::Record> for Delivery {
    fn from(record: sdk::outbox::Record) -> Self {
        let cursor = sdk::outbox::Cursor::after(&record);
        let (discard, superseded_by) = match record.discard {
            Some(Discard::Expired) => (Some("expired"), None),
            Some(Discard::Superseded { by }) => (Some("superseded"), Some(by)),
            Some(_) => (Some("removed"), None),
            None => (None, None),
        };
        Self {
            cursor,
            jti: record.jti,
            receiver: record.receiver,
            event: record.event,
            state: State::as_str(record.state),
            enqueued_at: datetime(record.enqueued_at),
            priority: record.priority.as_str(),
            attempts: record.attempts,
            due_at: record.due_at.map(datetime),
            expires_at: datetime(record.expires_at),
            ended_at: record.ended_at.map(datetime),
            failure: record.failure.map(Into::into),
            discard,
            superseded_by,
        }
    }
}

#[pymethods]
impl Delivery {
    fn __repr__(&self) -> String {
        format!("<Delivery {} {}>", self.jti, self.state)
    }
}

/// A receiver of an outbox.
#[pyclass(frozen, eq, get_all, module = "ssf_transmitter")]
#[derive(PartialEq)]
pub(crate) struct OutboxReceiver {
    /// Its name.
    name: String,
    /// `active`, `paused`, or `held` by a person.
    status: &'static str,
    /// Since when; `None` if the status never changed.
    since: Option<SystemTime>,
    /// Nothing is sent before this time: the next probe, or the time that the receiver asked for.
    resume_at: Option<SystemTime>,
    /// Why the last delivery failed, since the last success.
    failure: Option<Failure>,
    /// When a delivery succeeded last.
    delivered_at: Option<SystemTime>,
    /// When a delivery failed last.
    failed_at: Option<SystemTime>,
    /// When the oldest delivery that waits was enqueued.
    oldest_waiting: Option<SystemTime>,
    /// Deliveries that were accepted.
    enqueued: u64,
    /// Those that wait.
    waiting: u64,
    /// Those that a worker has.
    in_flight: u64,
    /// Those that the receiver has.
    delivered: u64,
    /// Those that failed for good.
    dead: u64,
    /// Those that were discarded.
    discarded: u64,
}

impl From<sdk::outbox::ReceiverRecord> for OutboxReceiver {
    fn from(receiver: sdk::outbox::ReceiverRecord) -> Self {
        let (state, counts) = (receiver.state, receiver.counts);
        Self {
            name: receiver.name,
            status: state.status.as_str(),
            since: state.since.map(datetime),
            resume_at: state.resume_at.map(datetime),
            failure: state.failure.map(Into::into),
            delivered_at: state.delivered_at.map(datetime),
            failed_at: state.failed_at.map(datetime),
            oldest_waiting: receiver.oldest_waiting.map(datetime),
            enqueued: counts.enqueued,
            waiting: counts.waiting,
            in_flight: counts.in_flight,
            delivered: counts.delivered,
            dead: counts.dead,
            discarded: counts.discarded(),
        }
    }
}

#[pymethods]
impl OutboxReceiver {
    fn __repr__(&self) -> String {
        format!("<OutboxReceiver {} {}>", self.name, self.status)
    }
}

//! What an outbox tells: its ledger, its health, deliveries, attempts, receivers.

use std::time::SystemTime;

use pyo3::{prelude::*, types::PyTuple};
use ssf_transmitter::{
    self as sdk,
    catalogue::Language,
    outbox::{Discard, State},
};

use crate::arguments::datetime;

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

/// How an outbox is: what to watch, and to alert on.
#[pyclass(frozen, eq, get_all, module = "ssf_transmitter")]
#[derive(PartialEq)]
pub(crate) struct OutboxHealth {
    /// When the oldest of the deliveries that wait was enqueued.
    oldest_waiting: Option<SystemTime>,
    /// Deliveries that ended as delivered in the last minute, as far as the outbox still has them.
    delivered_in_last_minute: u64,
    /// Receivers that are paused.
    paused: u64,
    /// Entries of transactions that could not be taken over; `None` without PostgreSQL.
    refused: Option<u64>,
    /// When the oldest transaction began that keeps the database from removing old rows, as far as the outbox may see it; `None`
    /// without PostgreSQL.
    oldest_snapshot: Option<SystemTime>,
    /// The length of the file; `None` in memory.
    file_bytes: Option<u64>,
    /// The length of the write-ahead log beside it; `None` in memory.
    log_bytes: Option<u64>,
}

impl From<sdk::outbox::StoreHealth> for OutboxHealth {
    fn from(health: sdk::outbox::StoreHealth) -> Self {
        let sdk::outbox::StoreHealth {
            oldest_waiting,
            delivered_in_last_minute,
            paused,
            refused,
            oldest_snapshot,
            file_bytes,
            log_bytes,
            ..
        } = health;
        Self {
            oldest_waiting: oldest_waiting.map(datetime),
            delivered_in_last_minute,
            paused,
            refused,
            oldest_snapshot: oldest_snapshot.map(datetime),
            file_bytes,
            log_bytes,
        }
    }
}

#[pymethods]
impl OutboxHealth {
    fn __repr__(&self) -> String {
        let Self { delivered_in_last_minute, paused, .. } = self;
        format!("<OutboxHealth delivered_in_last_minute={delivered_in_last_minute} paused={paused}>")
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
    remedy: String,
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
            message: Language::Python.text(&failure.message),
            remedy: Language::Python.text(failure.code.remedy()),
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
    pub(crate) cursor: sdk::outbox::Cursor,
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

/// An entry of a transaction that could not be taken over.
#[pyclass(frozen, eq, module = "ssf_transmitter")]
#[derive(PartialEq)]
#[allow(clippy::struct_field_names, reason = "its users know it by this name")]
pub(crate) struct Refused {
    /// Its number.
    #[pyo3(get)]
    id: i64,
    /// When the transaction inserted it.
    #[pyo3(get)]
    enqueued_at: SystemTime,
    /// When a worker refused it.
    #[pyo3(get)]
    refused_at: SystemTime,
    /// Why, as a stable code: `outbox_conflict` for a known `jti`, or an idempotency key that belongs to other content;
    /// `outbox_entry_invalid` for what is not an entry.
    #[pyo3(get)]
    code: &'static str,
    /// The event, by its id in the catalogue or its URI; `None` for what is not an entry.
    #[pyo3(get)]
    event: Option<String>,
    jtis: Vec<String>,
    receivers: Vec<String>,
}

impl From<ssf_bindings::outbox::Refused> for Refused {
    fn from(refused: ssf_bindings::outbox::Refused) -> Self {
        Self {
            id: refused.id,
            enqueued_at: datetime(refused.enqueued_at),
            refused_at: datetime(refused.refused_at),
            code: refused.code.as_str(),
            event: refused.event,
            jtis: refused.jtis,
            receivers: refused.receivers,
        }
    }
}

#[pymethods]
impl Refused {
    /// The ids of the SETs, in the order of the receivers.
    #[getter]
    fn jtis<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.jtis)
    }

    /// The names of the receivers.
    #[getter]
    fn receivers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.receivers)
    }

    fn __repr__(&self) -> String {
        format!("<Refused {} {}>", self.id, self.code)
    }
}

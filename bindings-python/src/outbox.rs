//! The outbox. Its store belongs to one process: a child opens its own.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyString};
use ssf_bindings::outbox::{
    DatabaseSettings, EntryOptions, FilterOptions, Kept, Lint, OutboxSettings, Place,
};
use ssf_transmitter::{
    self as sdk,
    outbox::{Enqueued, Retention},
    secret::Secret,
};

use crate::{
    arguments::{Moment, Span},
    config::Config,
    emission::{AnyEvent, AnySubject},
    errors::Result,
    fork::{detached, inside},
    futures::{Mailbox, Task},
    json,
    lint::Findings,
    outbox_records::{Attempt, Delivery, OutboxCounts, OutboxHealth, OutboxReceiver, Refused},
    password::PasswordArgument,
    process::PerProcess,
    receiver::Receiver,
    runtime::{wait, wait_parked},
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

impl Entry {
    pub(crate) fn core(&self) -> sdk::outbox::Entry {
        (*self.0).clone()
    }
}

/// An outbox, and what it is kept in.
type Open = (sdk::outbox::Outbox, Kept);

/// SQL, parameters, their names, ids, findings.
type StatementTuple = (String, Vec<String>, Vec<&'static str>, Vec<String>, Findings);

/// What can be set of a database: schema, connections, migration, CA bundles, client certificate, password.
#[derive(FromPyObject)]
struct DatabaseArgument(
    Option<String>,
    Option<usize>,
    bool,
    Vec<Vec<u8>>,
    Option<(Vec<u8>, Vec<u8>)>,
    Option<PasswordArgument>,
);

impl From<DatabaseArgument> for DatabaseSettings {
    fn from(given: DatabaseArgument) -> Self {
        let DatabaseArgument(schema, connections, migrates, ca_bundles, client_certificate, password) = given;
        Self {
            schema,
            connections,
            migrates,
            ca_bundles,
            client_certificate: client_certificate.map(|(chain, key)| (chain, Secret::new(key))),
            password: password.map(Into::into),
        }
    }
}

/// Receivers by name.
type Receivers<'py> = HashMap<String, Bound<'py, Receiver>>;

fn known(receivers: Option<Receivers<'_>>) -> Result<Option<HashMap<String, sdk::Receiver>>> {
    let core = |(name, receiver): (_, Bound<'_, Receiver>)| Ok((name, receiver.get().core()?.clone()));
    receivers.map(|all| all.into_iter().map(core).collect()).transpose()
}

/// An outbox.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Outbox {
    settings: OutboxSettings,
    /// Empty after a close.
    core: PerProcess<Mutex<Option<Open>>>,
}

#[pymethods]
impl Outbox {
    #[new]
    #[pyo3(signature = (place, capacity, waits, database, seal, issuer, receivers, /))]
    fn new(
        place: Option<PathBuf>,
        capacity: Option<usize>,
        waits: bool,
        database: Option<DatabaseArgument>,
        seal: Option<&Seal>,
        issuer: Option<String>,
        receivers: Option<Receivers<'_>>,
    ) -> Result<Self> {
        let place = match place {
            Some(place) => Place::named(place, database.map(Into::into).unwrap_or_default())?,
            None => Place::Memory { capacity, waits },
        };
        Ok(Self::of(place, seal, Lint::given(issuer, known(receivers)?)?))
    }

    /// The outbox that a file of settings describes. It waits for the command that prints the URL of a database.
    #[staticmethod]
    fn from_config(
        py: Python<'_>,
        config: &Config,
        database: DatabaseArgument,
        seal: Option<&Seal>,
        receivers: Option<Receivers<'_>>,
    ) -> Result<Self> {
        let place = py.detach(|| config.0.required_outbox())?;
        let issuer = Lint::issuer(&config.0, receivers.as_ref())?;
        let place = Place::described(place, database.into())?;
        Ok(Self::of(place, seal, Lint::given(issuer, known(receivers)?)?))
    }

    /// Where entries are kept, without secrets.
    fn shown(&self) -> String {
        self.settings.place.shown()
    }

    /// The statement that enqueues an entry on a connection of the host: SQL, parameters, their names, ids, findings.
    fn statement(&self, entry: &Entry, style: &str) -> Result<StatementTuple> {
        let (statement, findings) = self.settings.statement(&entry.0, style)?;
        Ok((
            statement.sql,
            statement.parameters,
            statement.names.to_vec(),
            statement.jtis,
            Findings(findings),
        ))
    }

    /// Does something.
    fn call(&self, py: Python<'_>, operation: &Operation) -> Result<Answer> {
        let (outbox, kept) = self.open()?;
        let operation = operation.take()?;
        Ok(self.wait(py, perform(outbox, kept, operation))??)
    }

    fn call_async(&self, operation: &Operation, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let (outbox, kept) = self.open()?;
        mailbox.spawn(future, perform(outbox, kept, operation.take()?), |answer| answer)
    }

    /// Closes the store of this process, after all calls before.
    fn close(&self, py: Python<'_>) -> Result<()> {
        let slot = self.core.here();
        match slot.and_then(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).take()) {
            Some((outbox, _)) => Ok(self.wait(py, outbox.close())??),
            None => Ok(()),
        }
    }

    /// Puts a damaged file aside. Returns how many deliveries were kept, how many are lost, and where the file is.
    #[staticmethod]
    fn salvage(py: Python<'_>, path: PathBuf) -> Result<(u64, u64, PathBuf)> {
        let saved = detached(py, move || ssf_bindings::outbox::salvage(&path))?;
        Ok((saved.kept, saved.lost, saved.moved_to))
    }
}

impl Outbox {
    /// The file is opened where it is first used: a server that forks its workers must not open it before.
    fn of(place: Place, seal: Option<&Seal>, lint: Option<Lint>) -> Self {
        let seal = seal.map(|seal| seal.0.clone());
        let settings = OutboxSettings { place, seal, lint, around: Some(guarded) };
        Self { settings, core: PerProcess::new() }
    }

    /// The outbox of this process.
    pub(crate) fn core(&self) -> Result<sdk::outbox::Outbox> {
        Ok(self.open()?.0)
    }

    /// What it is kept in, in this process.
    pub(crate) fn kept(&self) -> Result<Kept> {
        Ok(self.open()?.1)
    }

    pub(crate) fn settings(&self) -> &OutboxSettings {
        &self.settings
    }

    fn wait<T: Send>(&self, py: Python<'_>, work: impl Future<Output = T> + Send) -> Result<T> {
        if self.settings.place.needs_runtime() { wait(py, work) } else { wait_parked(py, work) }
    }

    fn open(&self) -> Result<Open> {
        let slot = self.core.get(|| self.settings.open().map(|open| Mutex::new(Some(open))))?;
        let open = slot.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(open.ok_or_else(|| PyRuntimeError::new_err("the outbox is closed"))?)
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
    EnqueueOne(Arc<sdk::outbox::Entry>),
    Enqueue(Vec<Arc<sdk::outbox::Entry>>),
    EnqueueJson(Vec<String>),
    Counts,
    Health,
    Receivers(Option<String>, u32),
    List(FilterOptions, Option<sdk::outbox::Cursor>, u32),
    History(String),
    Refused(Option<i64>, u32),
    Replay(FilterOptions, bool, bool),
    Discard(FilterOptions, bool),
    Hold(String),
    Release(String),
    Wake,
    Prune(Retention),
    Check,
    Backup(PathBuf),
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
    fn enqueue_one(entry: &Entry) -> Self {
        Self::of(Call::EnqueueOne(Arc::clone(&entry.0)))
    }

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
    fn health() -> Self {
        Self::of(Call::Health)
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
    fn refused(after: Option<i64>, limit: u32) -> Self {
        Self::of(Call::Refused(after, limit))
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
    fn wake() -> Self {
        Self::of(Call::Wake)
    }

    #[staticmethod]
    fn prune(delivered: Option<Span>, dead: Option<Span>, discarded: Option<Span>) -> Self {
        let span = |span: Option<Span>| span.map(|span| span.0);
        let retention = ssf_bindings::outbox::retention(span(delivered), span(dead), span(discarded));
        Self::of(Call::Prune(retention))
    }

    #[staticmethod]
    fn check() -> Self {
        Self::of(Call::Check)
    }

    #[staticmethod]
    fn backup(target: PathBuf) -> Self {
        Self::of(Call::Backup(target))
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
    Health(OutboxHealth),
    Receivers(Vec<OutboxReceiver>),
    List(Vec<Delivery>),
    /// One or none.
    History(Vec<(Delivery, Vec<Attempt>)>),
    Refused(Vec<Refused>),
    Number(u64),
    Damage(Vec<String>),
    Nothing(Option<u8>),
}

async fn perform(outbox: sdk::outbox::Outbox, kept: Kept, call: Call) -> sdk::Result<Answer> {
    Ok(match call {
        Call::EnqueueOne(entry) => enqueued(vec![outbox.enqueue(entry).await?]),
        Call::Enqueue(entries) => enqueued(outbox.enqueue_many(entries).await?),
        Call::EnqueueJson(texts) => enqueued(outbox.enqueue_json(texts).await?),
        Call::Counts => Answer::Counts(outbox.counts().await?.into()),
        Call::Health => Answer::Health(outbox.health().await?.into()),
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
        Call::Refused(after, limit) => {
            Answer::Refused(kept.refused(after, limit).await?.into_iter().map(Into::into).collect())
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
        Call::Wake => {
            kept.wake();
            nothing(())
        }
        Call::Prune(retention) => Answer::Number(outbox.prune(retention).await?.deliveries),
        Call::Check => Answer::Damage(kept.check().await?),
        Call::Backup(target) => nothing(kept.backup(target).await?),
    })
}

fn enqueued(all: Vec<Enqueued>) -> Answer {
    Answer::Enqueued(all.into_iter().map(|one| (one.jtis, one.repeated, Findings(one.findings))).collect())
}

fn nothing((): ()) -> Answer {
    Answer::Nothing(None)
}

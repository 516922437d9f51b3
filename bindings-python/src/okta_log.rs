//! Okta's System Log, and what it says of a SET.

use std::{sync::Arc, time::SystemTime};

use pyo3::{
    Borrowed,
    exceptions::{PyRuntimeError, PyTypeError},
    prelude::*,
};
use ssf_bindings::{okta::LogOptions, policy};
use ssf_transmitter::{
    self as sdk,
    okta::{Cause, Certainty, LogEntity, LogEvent, Reception, Sent},
};
use tokio::sync::Mutex;

use crate::{
    arguments::{Moment, Span, datetime},
    errors::Result,
    futures::{Mailbox, Task},
    process::Own,
    runtime::{FORKED, wait_directly},
    sets::{Receipt, SignedSet},
};

type Text = Option<String>;
/// Id, type, alternate id and name for people.
type EntityTuple = (Text, Text, Text, Text);
/// Id, time, type, severity, message, result, reason; actor and targets; debug data and all of it as JSON.
pub(crate) type EventTuple = (
    String,
    Option<SystemTime>,
    String,
    Text,
    Text,
    Text,
    Text,
    Option<EntityTuple>,
    Vec<EntityTuple>,
    Text,
    String,
);
/// Id, whether it is certain, what it is, what to do.
type CauseTuple = (&'static str, bool, &'static str, &'static str);
/// Outcome, certainty, entries, causes.
pub(crate) type ReceptionTuple = (&'static str, Option<&'static str>, Vec<EventTuple>, Vec<CauseTuple>);

/// A SET to look for: a receipt, or a SET and the time of the answer.
pub(crate) struct SentArgument(Sent);

impl<'py> FromPyObject<'_, 'py> for SentArgument {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(receipt) = given.cast::<Receipt>() {
            return Ok(Self(Sent::from(&receipt.get().0)));
        }
        let given = given.extract::<(PyRef<'_, SignedSet>, Moment)>();
        let (signed, answered_at) = given.map_err(|_| PyTypeError::new_err(EXPECTED))?;
        Ok(Self(Sent::new(&signed.0, answered_at.0)))
    }
}

const EXPECTED: &str = "expected a receipt, or a signed SET and the time of its answer with a time zone";

/// Looks for a SET.
pub(crate) async fn received(
    providers: sdk::OktaProviders,
    sent: SentArgument,
    deadline: Option<Span>,
) -> sdk::error::Result<ReceptionTuple> {
    let received = policy::received(&providers, sent.0, deadline.map(|deadline| deadline.0));
    Ok(reception(&received.await?))
}

/// The entries of a log.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct LogPager(Own<Arc<Mutex<sdk::client::LogPager>>>);

#[pymethods]
impl LogPager {
    /// The next entry; `None` at the end.
    fn next(&self, py: Python<'_>) -> Result<Option<EventTuple>> {
        Ok(wait_directly(py, next(self.here()?))??)
    }

    fn next_async(&self, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        mailbox.spawn(future, next(self.here()?), |result| result)
    }
}

impl LogPager {
    pub(crate) fn new(
        providers: &sdk::OktaProviders,
        since: Moment,
        until: Option<Moment>,
        event_types: Option<Vec<String>>,
        page_size: u16,
        follow: Option<Span>,
    ) -> Self {
        let options = LogOptions {
            since: since.0,
            until: until.map(|until| until.0),
            event_types,
            page_size,
            follow: follow.map(|pause| pause.0),
        };
        let log = options.open(providers);
        Self(Own::new(Arc::new(Mutex::new(log))))
    }

    fn here(&self) -> PyResult<Arc<Mutex<sdk::client::LogPager>>> {
        self.0.get().map(Arc::clone).ok_or_else(|| PyRuntimeError::new_err(FORKED))
    }
}

async fn next(log: Arc<Mutex<sdk::client::LogPager>>) -> sdk::error::Result<Option<EventTuple>> {
    Ok(log.lock().await.next().await?.as_ref().map(event))
}

fn reception(reception: &Reception) -> ReceptionTuple {
    (
        reception.outcome().as_str(),
        reception.certainty().map(Certainty::as_str),
        reception.events().iter().map(event).collect(),
        reception.causes().iter().map(|cause| cause_tuple(*cause)).collect(),
    )
}

fn cause_tuple(cause: Cause) -> CauseTuple {
    let kind = cause.kind();
    (kind.as_str(), cause.is_certain(), kind.meaning(), kind.remedy())
}

fn event(event: &LogEvent) -> EventTuple {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    (
        event.uuid().to_owned(),
        event.published().map(datetime),
        event.event_type().to_owned(),
        text(event.severity()),
        text(event.display_message()),
        text(event.result()),
        text(event.reason()),
        event.actor().map(entity),
        event.targets().map(entity).collect(),
        event.debug_data().map(|data| json(serde_json::to_string(data))),
        json(serde_json::to_string(event)),
    )
}

fn entity(entity: LogEntity<'_>) -> EntityTuple {
    let text = |text: Option<&str>| text.map(str::to_owned);
    (text(entity.id()), text(entity.kind()), text(entity.alternate_id()), text(entity.display_name()))
}

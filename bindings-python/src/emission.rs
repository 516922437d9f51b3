//! What is to be sent: event, subject, receiver, and what goes with them.

use pyo3::{Borrowed, prelude::*, types::PyString};
use serde_json::Value;
use ssf_transmitter::{self as sdk, Event, Subject, client::Emit};

use crate::{
    arguments::{Moment, Span},
    batch::RequestLimit,
    errors::{Failure, Result},
    json,
    lint::Lint,
    receiver::Receiver,
    transmitter::Policy,
};

/// An event for a subject to a receiver. Event and subject are checked when it is made.
#[pyclass(frozen, subclass, module = "ssf_transmitter._native")]
pub(crate) struct Emission {
    event: Event,
    companions: Vec<Event>,
    subject: Subject,
    receiver: Py<Receiver>,
    txn: Option<String>,
    toe: Option<sdk::Timestamp>,
    jti: Option<String>,
    lint: Option<Lint>,
    policy: Policy,
}

#[pymethods]
impl Emission {
    #[new]
    #[pyo3(signature = (event, subject, to, txn, toe, jti, companions, lint, deadline, retry, /))]
    #[allow(clippy::too_many_arguments, reason = "what an emit can be given")]
    fn new(
        event: ValidEvent,
        subject: ValidSubject,
        to: Py<Receiver>,
        txn: Option<Bound<'_, PyString>>,
        toe: Option<Moment>,
        jti: Option<Bound<'_, PyString>>,
        companions: Vec<ValidEvent>,
        lint: Option<Lint>,
        deadline: Option<Span>,
        retry: Option<Policy>,
    ) -> PyResult<Self> {
        Ok(Self {
            event: event.0,
            companions: companions.into_iter().map(|companion| companion.0).collect(),
            subject: subject.0,
            receiver: to,
            txn: txn.map(|txn| json::text(&txn, "/txn")).transpose()?,
            toe: toe.map(|toe| toe.0),
            jti: jti.map(|jti| json::text(&jti, "/jti")).transpose()?,
            lint,
            policy: retry.unwrap_or_default().within(deadline),
        })
    }
}

impl Emission {
    /// Ready to be sent by this transmitter, whose own policy is `default`.
    pub(crate) fn by(
        &self,
        transmitter: &sdk::Transmitter,
        default: &Policy,
        limit: Option<&RequestLimit>,
    ) -> Result<Emit> {
        let receiver = self.receiver.get().core()?;
        let mut emit = transmitter.emit(self.event.clone(), self.subject.clone(), receiver);
        for companion in &self.companions {
            emit = emit.companion(companion.clone());
        }
        if let Some(txn) = &self.txn {
            emit = emit.txn(txn);
        }
        if let Some(toe) = self.toe {
            emit = emit.toe(toe);
        }
        if let Some(jti) = &self.jti {
            emit = emit.jti(jti);
        }
        if let Some(lint) = &self.lint {
            emit = emit.lint(lint.0.clone());
        }
        if let Some(limit) = limit {
            emit = emit.limited_by(&limit.0);
        }
        Ok(match self.policy.over(default) {
            Some(policy) => emit.retry(policy),
            None => emit,
        })
    }
}

/// An event as it comes: for lint, where what breaks its definition is to be found, not refused, and for what checks it later.
pub(crate) struct AnyEvent(pub(crate) Event);

impl<'py> FromPyObject<'_, 'py> for AnyEvent {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let event = Event::from_value(Value::Object(json::object(&given, json::EVENT)?));
        event.map(Self).map_err(|error| Failure::from(error).into())
    }
}

/// An event that keeps to its definition.
pub(crate) struct ValidEvent(pub(crate) Event);

impl<'py> FromPyObject<'_, 'py> for ValidEvent {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let AnyEvent(event) = given.extract()?;
        event.validate().map_err(Failure::from)?;
        Ok(Self(event))
    }
}

/// A subject as it comes: the object, and whether private formats are meant in it.
pub(crate) struct AnySubject(pub(crate) Subject);

impl<'py> FromPyObject<'_, 'py> for AnySubject {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (object, private): (Bound<'_, PyAny>, bool) = given.extract()?;
        let subject = Subject::from_members(json::object(&object, json::SUBJECT)?);
        Ok(Self(if private { subject.with_private_formats() } else { subject }))
    }
}

/// A subject that keeps to its format.
pub(crate) struct ValidSubject(pub(crate) Subject);

impl<'py> FromPyObject<'_, 'py> for ValidSubject {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let AnySubject(subject) = given.extract()?;
        subject.validate().map_err(Failure::from)?;
        Ok(Self(subject))
    }
}

/// Checks an event.
#[pyfunction]
#[pyo3(signature = (event, /))]
#[allow(clippy::needless_pass_by_value, reason = "reading it was the check")]
pub(crate) fn check_event(event: ValidEvent) {
    let ValidEvent(_) = event;
}

/// Checks a subject.
#[pyfunction]
#[pyo3(signature = (subject, /))]
#[allow(clippy::needless_pass_by_value, reason = "reading it was the check")]
pub(crate) fn check_subject(subject: ValidSubject) {
    let ValidSubject(_) = subject;
}

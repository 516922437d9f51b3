//! What is to be sent: event, subject, receiver, and what goes with them.

use std::sync::{Mutex, PoisonError};

use pyo3::{Borrowed, exceptions::PyRuntimeError, prelude::*, types::PyString};
use serde_json::Value;
use ssf_bindings::emission::EmitOptions;
use ssf_transmitter::{self as sdk, Event, Subject, client::Emit};

use crate::{
    arguments::{Moment, Span},
    errors::{Failure, Result},
    json,
    lint::Lint,
    policy::{Retry, policy},
    receiver::Receiver,
};

/// An event for a subject to a receiver. Event and subject are read here, and checked when a SET is prepared of them. Without a
/// subject, the event has it inside.
#[pyclass(frozen, subclass, module = "ssf_transmitter._native")]
pub(crate) struct Emission {
    receiver: Py<Receiver>,
    /// `None` once it was taken.
    content: Mutex<Option<Content>>,
}

#[derive(Clone)]
struct Content {
    event: Event,
    subject: Option<Subject>,
    options: EmitOptions,
}

#[pymethods]
impl Emission {
    #[new]
    #[pyo3(signature = (event, subject, to, txn, toe, jti, companions, lint, deadline, retry, /))]
    #[allow(clippy::too_many_arguments, reason = "what an emit can be given")]
    fn new(
        event: AnyEvent,
        subject: Option<AnySubject>,
        to: Py<Receiver>,
        txn: Option<Bound<'_, PyString>>,
        toe: Option<Moment>,
        jti: Option<Bound<'_, PyString>>,
        companions: Vec<AnyEvent>,
        lint: Option<Lint>,
        deadline: Option<Span>,
        retry: Option<Retry>,
    ) -> PyResult<Self> {
        let options = EmitOptions {
            txn: txn.map(|txn| json::text(&txn, "/txn")).transpose()?,
            toe: toe.map(|toe| toe.0),
            jti: jti.map(|jti| json::text(&jti, "/jti")).transpose()?,
            companions: companions.into_iter().map(|companion| companion.0).collect(),
            policy: Some(policy(deadline, retry)),
            lint: lint.map(|lint| lint.0),
            limit: None,
        };
        let content = Content { event: event.0, subject: subject.map(|subject| subject.0), options };
        Ok(Self { receiver: to, content: Mutex::new(Some(content)) })
    }
}

impl Emission {
    /// Ready to be sent by this transmitter. It can be sent again.
    pub(crate) fn by(
        &self,
        transmitter: &sdk::Transmitter,
        limit: Option<&sdk::client::RequestLimit>,
    ) -> Result<Emit> {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.emit(content, transmitter, limit)
    }

    /// The same for one that nobody else has: its content is not copied.
    pub(crate) fn once(
        &self,
        transmitter: &sdk::Transmitter,
        limit: Option<&sdk::client::RequestLimit>,
    ) -> Result<Emit> {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.emit(content, transmitter, limit)
    }

    fn emit(
        &self,
        content: Option<Content>,
        transmitter: &sdk::Transmitter,
        limit: Option<&sdk::client::RequestLimit>,
    ) -> Result<Emit> {
        let taken = || PyRuntimeError::new_err("the emission was sent");
        let Content { event, subject, options } = content.ok_or_else(taken)?;
        let emit = transmitter.emit(event, subject, self.receiver.get().core()?);
        Ok(EmitOptions { limit: limit.cloned(), ..options }.apply(emit))
    }
}

/// An event as it comes, or why it cannot be read: for lint, to which that is a finding.
pub(crate) struct ReadEvent(pub(crate) sdk::Result<Event>);

impl<'py> FromPyObject<'_, 'py> for ReadEvent {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let members = read(json::object(&given, json::EVENT))?;
        Ok(Self(members.and_then(|members| Event::from_value(Value::Object(members)))))
    }
}

/// What cannot be read is for whoever looks at it; what reading it raised is not.
fn read<T>(value: Result<T>) -> PyResult<sdk::Result<T>> {
    match value {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Core(error)) => Ok(Err(error)),
        Err(Failure::Python(raised)) => Err(raised),
    }
}

/// An event that can be read. What its definition says is checked later.
pub(crate) struct AnyEvent(pub(crate) Event);

impl<'py> FromPyObject<'_, 'py> for AnyEvent {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let ReadEvent(event) = given.extract()?;
        event.map(Self).map_err(|error| Failure::from(error).into())
    }
}

/// A subject as it comes, or why it cannot be read: the object, and whether private formats are meant in it.
pub(crate) struct ReadSubject(pub(crate) sdk::Result<Subject>);

impl<'py> FromPyObject<'_, 'py> for ReadSubject {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (object, private): (Bound<'_, PyAny>, bool) = given.extract()?;
        let subject = read(json::object(&object, json::SUBJECT))?.map(Subject::from_members);
        Ok(Self(subject.map(|subject| if private { subject.with_private_formats() } else { subject })))
    }
}

/// A subject that can be read. What its format says is checked later.
pub(crate) struct AnySubject(pub(crate) Subject);

impl<'py> FromPyObject<'_, 'py> for AnySubject {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let ReadSubject(subject) = given.extract()?;
        subject.map(Self).map_err(|error| Failure::from(error).into())
    }
}

/// Checks an event.
#[pyfunction]
#[pyo3(signature = (event, /))]
pub(crate) fn check_event(event: ReadEvent) -> Result<()> {
    Ok(event.0?.validate()?)
}

/// Checks a subject.
#[pyfunction]
#[pyo3(signature = (subject, /))]
pub(crate) fn check_subject(subject: ReadSubject) -> Result<()> {
    Ok(subject.0?.validate()?)
}

//! What is to be sent: event, subject, receiver, and what goes with them.

use pyo3::{Borrowed, prelude::*, types::PyString};
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
    event: Event,
    subject: Option<Subject>,
    receiver: Py<Receiver>,
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
        Ok(Self {
            event: event.0,
            subject: subject.map(|subject| subject.0),
            receiver: to,
            options: EmitOptions {
                txn: txn.map(|txn| json::text(&txn, "/txn")).transpose()?,
                toe: toe.map(|toe| toe.0),
                jti: jti.map(|jti| json::text(&jti, "/jti")).transpose()?,
                companions: companions.into_iter().map(|companion| companion.0).collect(),
                policy: Some(policy(deadline, retry)),
                lint: lint.map(|lint| lint.0),
                limit: None,
            },
        })
    }
}

impl Emission {
    /// Ready to be sent by this transmitter.
    pub(crate) fn by(
        &self,
        transmitter: &sdk::Transmitter,
        limit: Option<&sdk::client::RequestLimit>,
    ) -> Result<Emit> {
        let receiver = self.receiver.get().core()?;
        let emit = transmitter.emit(self.event.clone(), self.subject.clone(), receiver);
        let options = EmitOptions { limit: limit.cloned(), ..self.options.clone() };
        Ok(options.apply(emit))
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

//! What is to be sent: event, subject, receiver, and what goes with them.

use pyo3::{Borrowed, prelude::*};
use serde_json::{Map, Value};
use ssf_transmitter::{self as sdk, CustomEvent, Event, Subject, client::Emit};

use crate::{
    arguments::{Moment, Span},
    batch::RequestLimit,
    errors::{Failure, Result},
    lint::Lint,
    receiver::Receiver,
    transmitter::Policy,
};

/// An event for a subject to a receiver. Event and subject are read from JSON, and checked, when it is made.
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
        event: &str,
        subject: About,
        to: Py<Receiver>,
        txn: Option<String>,
        toe: Option<Moment>,
        jti: Option<String>,
        companions: Companions,
        lint: Option<Lint>,
        deadline: Option<Span>,
        retry: Option<Policy>,
    ) -> Result<Self> {
        Ok(Self {
            event: Event::from_json(event)?,
            companions: companions.0,
            subject: subject.0,
            receiver: to,
            txn,
            toe: toe.map(|toe| toe.0),
            jti,
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

/// Events as a list of JSON texts.
pub(crate) struct Companions(pub(crate) Vec<Event>);

impl<'py> FromPyObject<'_, 'py> for Companions {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let texts: Vec<String> = given.extract()?;
        let events: sdk::error::Result<_> = texts.iter().map(|text| Event::from_json(text)).collect();
        events.map(Self).map_err(|error| Failure::from(error).into())
    }
}

/// A subject: its JSON text, and whether private formats are meant in it.
pub(crate) struct About(pub(crate) Subject);

impl<'py> FromPyObject<'_, 'py> for About {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (json, private): (String, bool) = given.extract()?;
        let subject = if private { Subject::custom_from_json(&json) } else { Subject::from_json(&json) };
        subject.map(Self).map_err(|error| Failure::from(error).into())
    }
}

/// An event as it comes, for lint: what breaks its definition is to be found, not refused.
pub(crate) struct AnyEvent(pub(crate) Event);

impl FromPyObject<'_, '_> for AnyEvent {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let json: &str = given.extract()?;
        let mut members = object(json).into_iter().flatten();
        if let (Some((uri, Value::Object(members))), None) = (members.next(), members.next()) {
            return Ok(Self(CustomEvent::new(uri, members).into()));
        }
        // It is no event at all.
        Event::from_json(json).map(Self).map_err(|error| Failure::from(error).into())
    }
}

/// A subject as it comes, for lint.
pub(crate) struct AnySubject(pub(crate) Subject);

impl<'py> FromPyObject<'_, 'py> for AnySubject {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (json, private): (String, bool) = given.extract()?;
        let Some(members) = object(&json) else {
            return Subject::from_json(&json).map(Self).map_err(|error| Failure::from(error).into());
        };
        let format = members.get("format").and_then(Value::as_str).map(ToOwned::to_owned);
        Ok(Self(match format {
            Some(format) if private => Subject::custom(format, members),
            _ => Subject::from_members(members),
        }))
    }
}

/// A JSON object, if it is one.
fn object(json: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(json).ok()
}

/// Checks an event in its JSON form.
#[pyfunction]
#[pyo3(signature = (json, /))]
pub(crate) fn check_event(json: &str) -> Result<()> {
    Ok(Event::from_json(json).map(|_| ())?)
}

/// Checks a subject in its JSON form.
#[pyfunction]
#[pyo3(signature = (subject, /))]
#[allow(clippy::needless_pass_by_value, reason = "reading it was the check")]
pub(crate) fn check_subject(subject: About) {
    let About(_) = subject;
}

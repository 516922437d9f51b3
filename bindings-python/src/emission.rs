//! What is to be sent: event, subject, receiver, and what goes with them.

use pyo3::{Borrowed, prelude::*};
use ssf_transmitter::{self as sdk, Event, Subject, client::Emit};

use crate::{
    arguments::{Moment, Span},
    batch::RequestLimit,
    errors::{Failure, Result},
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
    policy: Policy,
}

#[pymethods]
impl Emission {
    #[new]
    #[pyo3(signature = (event, subject, to, txn, toe, jti, companions, deadline, retry, /))]
    #[allow(clippy::too_many_arguments, reason = "what an emit can be given")]
    fn new(
        event: &str,
        subject: About,
        to: Py<Receiver>,
        txn: Option<String>,
        toe: Option<Moment>,
        jti: Option<String>,
        companions: Companions,
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

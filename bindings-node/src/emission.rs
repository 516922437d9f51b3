//! What is to be sent: events, a subject, and what goes with them.

use napi::bindgen_prelude::{ClassInstance, Either};
use napi_derive::napi;
use ssf_transmitter::{self as sdk, Event, Subject, client::Emit};

use crate::{
    failure::{ErrorParts, Result},
    key::moment,
    policy::{Findings, Policy},
    receiver::Receiver,
};

/// A bound on the requests on the wire.
#[napi]
pub struct RequestLimit(pub(crate) sdk::client::RequestLimit);

#[napi]
impl RequestLimit {
    #[napi(constructor)]
    pub fn new(requests: u32) -> Self {
        Self(sdk::client::RequestLimit::new(requests as usize))
    }
}

/// What can be set of an emit.
#[napi(object, object_to_js = false)]
pub struct EmitOptions<'a> {
    pub txn: Option<String>,
    /// In milliseconds since 1970.
    pub toe: Option<f64>,
    pub jti: Option<String>,
    pub companions: Option<Vec<String>>,
    pub policy: Option<Policy>,
    pub lint: Option<Findings>,
    pub limit: Option<ClassInstance<'a, RequestLimit>>,
}

/// An emit, ready to be sent by this transmitter.
pub(crate) fn emit(
    transmitter: &sdk::Transmitter,
    event: &str,
    subject: Option<&str>,
    private: bool,
    to: &Receiver,
    options: Option<EmitOptions<'_>>,
) -> Result<Emit> {
    let subject = subject.map(|subject| subject_of(subject, private)).transpose()?;
    let mut emit = transmitter.emit(event_of(event)?, subject, &to.0);
    let Some(options) = options else { return Ok(emit) };
    for companion in options.companions.unwrap_or_default() {
        emit = emit.companion(event_of(&companion)?);
    }
    if let Some(txn) = options.txn {
        emit = emit.txn(txn);
    }
    if let Some(toe) = options.toe {
        emit = emit.toe(moment(toe));
    }
    if let Some(jti) = options.jti {
        emit = emit.jti(jti);
    }
    if let Some(own) = options.policy {
        emit = emit.retry(own.retry()?);
        if let Some(deadline) = own.deadline()? {
            emit = emit.deadline(deadline);
        }
    }
    if let Some(lint) = options.lint {
        emit = emit.lint(lint.policy()?);
    }
    if let Some(limit) = options.limit {
        emit = emit.limited_by(&limit.0);
    }
    Ok(emit)
}

/// An event from its JSON text. It is not checked here: preparing a SET does that, and lint finds all that is wrong at once.
pub(crate) fn event_of(json: &str) -> sdk::Result<Event> {
    Event::parse(json)
}

/// A subject from its JSON text, in which private formats may be meant. Like an event, it is checked when a SET is prepared.
pub(crate) fn subject_of(json: &str, private: bool) -> sdk::Result<Subject> {
    let subject = Subject::parse(json)?;
    Ok(if private { subject.with_private_formats() } else { subject })
}

/// JSON text, or why there is none.
pub(crate) type Written = Either<String, ErrorParts>;

/// An event to be looked at, whatever is wrong with it.
pub(crate) fn any_event(written: Written) -> sdk::Result<Event> {
    match written {
        Either::A(json) => event_of(&json),
        Either::B(error) => Err(error.into()),
    }
}

/// A subject to be looked at, whatever is wrong with it.
pub(crate) fn any_subject(written: Written, private: bool) -> sdk::Result<Subject> {
    match written {
        Either::A(json) => subject_of(&json, private),
        Either::B(error) => Err(error.into()),
    }
}

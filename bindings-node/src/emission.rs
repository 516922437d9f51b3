//! What is to be sent: events, a subject, and what goes with them.

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;
use ssf_transmitter::{self as sdk, Event, Subject, client::Emit, delivery::RetryPolicy};

use crate::{
    failure::Result,
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

/// An emit, ready to be sent by this transmitter, whose own policy is `policy`.
pub(crate) fn emit(
    transmitter: &sdk::Transmitter,
    policy: &RetryPolicy,
    event: &str,
    subject: &str,
    private: bool,
    to: &Receiver,
    options: Option<EmitOptions<'_>>,
) -> Result<Emit> {
    let mut emit = transmitter.emit(event_of(event)?, subject_of(subject, private)?, &to.0);
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
        emit = emit.retry(own.over(policy)?);
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
pub(crate) fn event_of(json: &str) -> Result<Event> {
    Ok(Event::parse(json)?)
}

/// A subject from its JSON text, in which private formats may be meant. It is checked: places in its errors are those inside it.
pub(crate) fn subject_of(json: &str, private: bool) -> Result<Subject> {
    let subject = any_subject(json, private)?;
    subject.validate()?;
    Ok(subject)
}

/// The same, not checked: to be looked at by lint, whatever is wrong with it.
pub(crate) fn any_subject(json: &str, private: bool) -> Result<Subject> {
    let subject = Subject::parse(json)?;
    Ok(if private { subject.with_private_formats() } else { subject })
}

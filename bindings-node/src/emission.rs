//! What is to be sent: events, a subject, and what goes with them.

use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;
use serde_json::{Map, Value};
use ssf_transmitter::{self as sdk, CustomEvent, Event, Subject, client::Emit, delivery::RetryPolicy};

use crate::{
    failure::{Failure, Result},
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
    let mut emit = transmitter.emit(Event::from_json(event)?, subject_of(subject, private)?, &to.0);
    let Some(options) = options else { return Ok(emit) };
    for companion in options.companions.unwrap_or_default() {
        emit = emit.companion(Event::from_json(&companion)?);
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

/// A subject from its JSON text, in which private formats may be meant.
pub(crate) fn subject_of(json: &str, private: bool) -> Result<Subject> {
    Ok(if private { Subject::custom_from_json(json)? } else { Subject::from_json(json)? })
}

/// The same, not checked: to be looked at by lint, whatever is wrong with it.
pub(crate) fn unchecked_subject(json: &str, private: bool) -> Result<Subject> {
    if private {
        return subject_of(json, private);
    }
    let members: Map<String, Value> = serde_json::from_str(json)
        .map_err(|_| Failure::of(sdk::ErrorCode::JsonInvalid, "a subject identifier is a JSON object"))?;
    Ok(Subject::from_members(members))
}

/// An event from its JSON text, not checked: to be looked at by lint, whatever is wrong with it.
pub(crate) fn unchecked_event(json: &str) -> Result<Event> {
    let invalid = || {
        let message = "an event is an object with one member, named by the event type URI";
        Failure::of(sdk::ErrorCode::JsonInvalid, message)
    };
    let object: Map<String, Value> = serde_json::from_str(json).map_err(|_| invalid())?;
    match object.into_iter().next() {
        Some((uri, Value::Object(members))) => Ok(CustomEvent::new(uri, members).into()),
        _ => Err(invalid()),
    }
}

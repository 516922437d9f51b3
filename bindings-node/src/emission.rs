//! What is to be sent: events, a subject, and what goes with them.

use napi::bindgen_prelude::{ClassInstance, Either};
use napi_derive::napi;
use ssf_bindings::emission;
use ssf_transmitter::{self as sdk, Event, Subject, client::Emit};

use crate::{
    key::moment,
    policy::{Findings, Policy},
    receiver::Receiver,
    records::ErrorParts,
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

    /// Maximum number of pending deliveries.
    #[napi(getter)]
    #[allow(clippy::cast_possible_truncation, reason = "it is at most 16,384")]
    pub fn window(&self) -> u32 {
        self.0.window() as u32
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
) -> sdk::Result<Emit> {
    let subject = subject.map(|json| emission::subject(json, private)).transpose()?;
    let emit = transmitter.emit(emission::event(event)?, subject, &to.0);
    Ok(match options {
        Some(options) => options.read()?.apply(emit),
        None => emit,
    })
}

impl EmitOptions<'_> {
    fn read(self) -> sdk::Result<emission::EmitOptions> {
        let companions = self.companions.unwrap_or_default();
        Ok(emission::EmitOptions {
            txn: self.txn,
            toe: self.toe.map(moment),
            jti: self.jti,
            companions: companions.iter().map(|json| emission::event(json)).collect::<sdk::Result<_>>()?,
            policy: self.policy.map(Policy::read).transpose()?,
            lint: self.lint.map(|lint| lint.policy()).transpose()?,
            limit: self.limit.map(|limit| limit.0.clone()),
        })
    }
}

/// JSON text, or why there is none.
pub(crate) type JsonOrError = Either<String, ErrorParts>;

/// An event to be looked at, whatever is wrong with it.
pub(crate) fn any_event(written: JsonOrError) -> sdk::Result<Event> {
    match written {
        Either::A(json) => emission::event(&json),
        Either::B(error) => Err(error.into()),
    }
}

/// A subject to be looked at, whatever is wrong with it.
pub(crate) fn any_subject(written: JsonOrError, private: bool) -> sdk::Result<Subject> {
    match written {
        Either::A(json) => emission::subject(&json, private),
        Either::B(error) => Err(error.into()),
    }
}

//! What is to be sent: events, a subject, and what goes with them.

use std::sync::Arc;

use ssf_bindings::emission;
use ssf_transmitter::{self as sdk, Event};

use crate::{
    failure::Result,
    policy::{Findings, Policy, moment_of},
    records::ErrorParts,
};

/// A bound on the requests on the wire.
#[derive(uniffi::Object)]
pub struct RequestLimit(pub(crate) sdk::client::RequestLimit);

#[uniffi::export]
impl RequestLimit {
    #[uniffi::constructor]
    pub fn new(requests: i64) -> Arc<Self> {
        let requests = usize::try_from(requests.max(1)).unwrap_or(usize::MAX);
        Arc::new(Self(sdk::client::RequestLimit::new(requests)))
    }

    /// Maximum number of pending deliveries.
    #[allow(clippy::cast_possible_wrap, reason = "it is at most 16,384")]
    pub fn window(&self) -> i64 {
        self.0.window() as i64
    }
}

/// A subject in its JSON form, in which private formats may be meant.
#[derive(uniffi::Record)]
pub struct Subject {
    pub json: String,
    pub private_formats: bool,
}

impl Subject {
    /// It is not checked here: building a SET does that, and lint finds all that is wrong at once.
    pub(crate) fn core(&self) -> sdk::Result<sdk::Subject> {
        emission::subject(&self.json, self.private_formats)
    }
}

/// An event in its JSON form, or why it has none: to lint that is a finding.
#[derive(uniffi::Enum)]
pub enum WrittenEvent {
    Json { json: String },
    Refused { error: ErrorParts },
}

impl WrittenEvent {
    pub(crate) fn core(self) -> sdk::Result<Event> {
        match self {
            Self::Json { json } => emission::event(&json),
            Self::Refused { error } => Err(error.into()),
        }
    }
}

/// The same for a subject.
#[derive(uniffi::Enum)]
pub enum WrittenSubject {
    Json { subject: Subject },
    Refused { error: ErrorParts },
}

impl WrittenSubject {
    pub(crate) fn core(self) -> sdk::Result<sdk::Subject> {
        match self {
            Self::Json { subject } => subject.core(),
            Self::Refused { error } => Err(error.into()),
        }
    }
}

/// What can be set of an emit.
#[derive(uniffi::Record)]
pub struct EmitOptions {
    pub txn: Option<String>,
    /// In seconds since 1970.
    pub toe: Option<f64>,
    pub jti: Option<String>,
    /// Events in their JSON form.
    pub companions: Vec<String>,
    pub policy: Option<Policy>,
    pub lint: Option<Findings>,
    pub limit: Option<Arc<RequestLimit>>,
}

impl EmitOptions {
    pub(crate) fn read(self) -> sdk::Result<emission::EmitOptions> {
        Ok(emission::EmitOptions {
            txn: self.txn,
            toe: self.toe.map(moment_of).transpose()?,
            jti: self.jti,
            companions: self
                .companions
                .iter()
                .map(|json| emission::event(json))
                .collect::<sdk::Result<_>>()?,
            policy: self.policy.map(Policy::read).transpose()?,
            lint: self.lint.map(|lint| lint.policy()).transpose()?,
            limit: self.limit.map(|limit| limit.0.clone()),
        })
    }
}

/// Checks an event in its JSON form.
#[uniffi::export]
pub fn check_event(json: String) -> Result<()> {
    Event::from_json(&json)?;
    Ok(())
}

/// Checks a subject.
#[uniffi::export]
pub fn check_subject(subject: Subject) -> Result<()> {
    Ok(subject.core()?.validate()?)
}

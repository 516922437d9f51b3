//! What is to be sent: events, a subject, and what goes with them.

use std::sync::Arc;

use ssf_transmitter::{self as sdk, Event, client::Emit};

use crate::{
    failure::{ErrorParts, Result},
    policy::{Findings, Policy, moment_of},
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
        let subject = sdk::Subject::parse(&self.json)?;
        Ok(if self.private_formats { subject.with_private_formats() } else { subject })
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
            Self::Json { json } => event_of(&json),
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
    /// Sets what is set of an emit.
    pub(crate) fn apply(self, mut emit: Emit) -> Result<Emit> {
        for companion in self.companions {
            emit = emit.companion(event_of(&companion)?);
        }
        if let Some(txn) = self.txn {
            emit = emit.txn(txn);
        }
        if let Some(toe) = self.toe {
            emit = emit.toe(moment_of(toe)?);
        }
        if let Some(jti) = self.jti {
            emit = emit.jti(jti);
        }
        if let Some(own) = self.policy {
            emit = emit.retry(own.retry()?);
            if let Some(deadline) = own.deadline()? {
                emit = emit.deadline(deadline);
            }
        }
        if let Some(lint) = self.lint {
            emit = emit.lint(lint.policy()?);
        }
        if let Some(limit) = self.limit {
            emit = emit.limited_by(&limit.0);
        }
        Ok(emit)
    }
}

/// An event from its JSON form. It is not checked here: building a SET does that, and lint finds all that is wrong at once.
pub(crate) fn event_of(json: &str) -> sdk::Result<Event> {
    Event::parse(json)
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

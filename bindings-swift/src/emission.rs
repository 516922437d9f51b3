//! What is to be sent: events, a subject, and what goes with them.

use std::sync::Arc;

use ssf_transmitter::{self as sdk, Event, client::Emit, delivery};

use crate::{
    failure::Result,
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
    pub(crate) fn core(&self) -> Result<sdk::Subject> {
        let read =
            if self.private_formats { sdk::Subject::custom_from_json } else { sdk::Subject::from_json };
        Ok(read(&self.json)?)
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
    /// Sets what is set of an emit by a transmitter whose own policy is `policy`.
    pub(crate) fn apply(self, mut emit: Emit, policy: &delivery::RetryPolicy) -> Result<Emit> {
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
            emit = emit.retry(own.over(policy)?);
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
pub(crate) fn event_of(json: &str) -> Result<Event> {
    Ok(Event::parse(json)?)
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
    subject.core().map(|_| ())
}

//! Events and subjects in their JSON form, and what goes with them.

use ssf_transmitter::{
    Event, Result, Subject, Timestamp,
    client::{Emit, RequestLimit},
    lint::LintPolicy,
};

use crate::{policy::Policy, set};

/// Reads an event. What its definition says is checked when a SET is prepared, and by lint, which finds all that is wrong
/// at once.
pub fn event(json: &str) -> Result<Event> {
    Event::parse(json)
}

/// Reads a subject, in which private formats may be meant. It is checked when a SET is prepared, as an event is.
pub fn subject(json: &str, private_formats: bool) -> Result<Subject> {
    let subject = Subject::parse(json)?;
    Ok(if private_formats { subject.with_private_formats() } else { subject })
}

/// What a call can set of an emit.
#[derive(Clone, Default)]
pub struct EmitOptions {
    /// The transaction.
    pub txn: Option<String>,
    /// The time of the event.
    pub toe: Option<Timestamp>,
    /// The id of the SET.
    pub jti: Option<String>,
    /// Events that travel beside the first.
    pub companions: Vec<Event>,
    /// How often and how long it is tried.
    pub policy: Option<Policy>,
    /// What happens with findings.
    pub lint: Option<LintPolicy>,
    /// A bound on the requests on the wire.
    pub limit: Option<RequestLimit>,
}

impl EmitOptions {
    /// Sets them.
    pub fn apply(self, emit: Emit) -> Emit {
        let emit = self.companions.into_iter().fold(emit, Emit::companion);
        let emit = set(emit, self.txn, Emit::txn);
        let emit = set(emit, self.toe, Emit::toe);
        let emit = set(emit, self.jti, Emit::jti);
        let emit = set(emit, self.policy, |emit, policy| policy.bind(emit));
        let emit = set(emit, self.lint, Emit::lint);
        set(emit, self.limit.as_ref(), Emit::limited_by)
    }
}

//! What a receiver would refuse, drop or misread, told before it is sent; and what its answer means, told after.
//!
//! A [`Finding`] names a [`Rule`], the place, and what is wrong there. [`Linter`] looks at an event, at a SET, or at a token
//! that something else made; [`jwks`] at published keys. `emit` does the same by itself: see [`LintPolicy`]. All rules are
//! in `docs/rules.md`.

mod answers;
mod claims;
mod events;
mod explain;
mod finding;
mod header;
mod jwks;
mod linter;
mod policy;
mod rules;
mod subject;
mod text;
mod values;

pub use explain::{Cause, Explanation};
pub use finding::{Effect, Finding, Rule, Severity};
pub use jwks::jwks;
pub use linter::Linter;
pub use policy::LintPolicy;
pub use rules::RULES;

use finding::Report;
use serde_json::{Map, Value};

use crate::{dialect::Dialect, error::Error, jose::Jwks, set::Audience, time::Timestamp};

/// What a SET is judged by.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) dialect: &'a Dialect,
    /// The time, where times in the future are to be found.
    pub(crate) now: Option<Timestamp>,
    /// The issuer that is registered, if it is known.
    pub(crate) issuer: Option<&'a str>,
    /// The audience that the receiver expects, if it is known.
    pub(crate) audience: Option<&'a Audience>,
    /// The published keys, if they are known.
    pub(crate) jwks: Option<&'a Jwks>,
}

impl<'a> Context<'a> {
    /// By the dialect alone.
    pub(crate) fn of(dialect: &'a Dialect) -> Self {
        Self { dialect, now: None, issuer: None, audience: None, jwks: None }
    }
}

/// What is to be found in a SET, by its claims and, if there is one yet, its header.
pub(crate) fn check(
    context: Context<'_>,
    header: Option<&Map<String, Value>>,
    claims: &Map<String, Value>,
) -> Vec<Finding> {
    let mut report = Report::new(context);
    if let Some(header) = header {
        header::check(&mut report, header);
    }
    claims::check(&mut report, claims);
    events::check(&mut report, claims);
    values::check(&mut report, claims);
    report.into_findings()
}

/// What is to be found where a SET could not be put together.
pub(crate) fn findings_of(context: Context<'_>, errors: &[Error]) -> Vec<Finding> {
    let mut report = Report::new(context);
    for error in errors {
        report.add_error("", error);
    }
    report.into_findings()
}

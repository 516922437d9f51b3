//! The rules of lint for a SET, by its header and claims, before and after it is signed.

mod claims;
mod events;
mod header;
mod policy;
mod report;
mod subject;
mod values;

pub use policy::LintPolicy;
pub(crate) use report::Report;
pub(crate) use values::integer_too_large;

use serde_json::{Map, Value};

use crate::{
    audience::Audience, dialect::Dialect, error::Error, finding::Finding, jose::Jwks, time::Timestamp,
};

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
        check_header(&mut report, header);
    }
    check_claims(&mut report, claims);
    report.into_findings()
}

/// The same for the header alone.
pub(crate) fn check_header(report: &mut Report<'_>, header: &Map<String, Value>) {
    header::check(report, header);
}

/// The same for the claims alone.
pub(crate) fn check_claims(report: &mut Report<'_>, claims: &Map<String, Value>) {
    claims::check(report, claims);
    events::check(report, claims);
    values::check(report, claims);
}

/// What is to be found where a SET could not be put together.
pub(crate) fn findings_of(context: Context<'_>, errors: &[Error]) -> Vec<Finding> {
    let mut report = Report::new(context);
    for error in errors {
        report.add_error("", error);
    }
    report.into_findings()
}

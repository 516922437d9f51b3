//! What happens with findings, and what a linter knows.

use ssf_transmitter::{
    Dialect, Jwks, Result, Timestamp,
    key::SigningHeader,
    lint::{LintPolicy, Linter, Severity},
    set::Audience,
};

use crate::{invalid, set};

/// A policy for findings by the names of severities: `note`, `warning`, `error`, or `never`.
pub fn policy(refuse: Option<&str>, report: Option<&str>, allow: &[String]) -> Result<LintPolicy> {
    let read = |name: &str| {
        severity(name).ok_or_else(|| invalid("a severity must be note, warning, error or never"))
    };
    let policy = set(LintPolicy::new(), refuse.map(read).transpose()?, LintPolicy::refuse);
    let policy = set(policy, report.map(read).transpose()?, LintPolicy::report);
    allow.iter().try_fold(policy, |policy, rule| policy.allow(rule))
}

/// The severity of this name, which may be `never`.
pub fn severity(name: &str) -> Option<Option<Severity>> {
    let known = [Severity::Note, Severity::Warning, Severity::Error];
    match name {
        "never" => Some(None),
        _ => known.into_iter().find(|severity| severity.as_str() == name).map(Some),
    }
}

/// What a linter knows of a setup.
#[derive(Default)]
pub struct Setup {
    /// The shape that SETs are to have.
    pub dialect: Dialect,
    /// The `iss` that they are to have.
    pub issuer: Option<String>,
    /// The `aud` that they are to have.
    pub audience: Option<Audience>,
    /// The published keys.
    pub jwks: Option<Jwks>,
    /// The time to judge by.
    pub now: Option<Timestamp>,
    /// What the header of a SET will say.
    pub header: Option<SigningHeader>,
    /// The content type that a SET was sent with.
    pub sent_as: Option<String>,
}

impl Setup {
    /// A linter that knows it.
    pub fn linter(self) -> Linter {
        let linter = set(Linter::new(&self.dialect), self.issuer, Linter::issuer);
        let linter = set(linter, self.audience, Linter::audience);
        let linter = set(linter, self.jwks, Linter::jwks);
        let linter = set(linter, self.now, Linter::now);
        let linter = set(linter, self.header, Linter::header);
        set(linter, self.sent_as, Linter::sent_as)
    }
}

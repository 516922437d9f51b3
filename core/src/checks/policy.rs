//! What `emit` does about findings.

use crate::{
    catalogue::{RULES, Rule, Severity},
    error::{Error, ErrorCode, Result},
    finding::Finding,
    near,
};

/// How findings are handled when a SET is prepared: by default, errors block the send, and warnings are returned on the
/// receipt.
///
/// A SET that violates the definition of an event, a subject or a claim is always rejected.
///
/// ```
/// use ssf_transmitter::lint::{LintPolicy, Severity};
///
/// // Warnings block the send too, except this one.
/// let strict = LintPolicy::new().refuse(Some(Severity::Warning)).allow("txn-missing")?;
/// // Everything is sent and everything is told.
/// let lenient = LintPolicy::new().refuse(None).report(Some(Severity::Note));
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LintPolicy {
    refuse: Option<Severity>,
    report: Option<Severity>,
    allowed: Vec<&'static str>,
}

impl LintPolicy {
    /// Errors are refused, warnings reported.
    pub fn new() -> Self {
        Self { refuse: Some(Severity::Error), report: Some(Severity::Warning), allowed: Vec::new() }
    }

    /// Sets from which severity on a SET is not sent; `None`: it always is.
    pub fn refuse(mut self, from: Option<Severity>) -> Self {
        self.refuse = from;
        self
    }

    /// Sets the minimum severity of findings on the receipt; `None`: no findings.
    pub fn report(mut self, from: Option<Severity>) -> Self {
        self.report = from;
        self
    }

    /// Neither refuses nor reports the findings of one rule.
    pub fn allow(mut self, rule: &str) -> Result<Self> {
        let Some(rule) = Rule::by_id(rule) else {
            let suggestion = near::did_you_mean(rule, RULES.iter().map(|rule| rule.id));
            let message = format!("unknown lint rule{suggestion}");
            return Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        };
        self.allowed.push(rule.id);
        Ok(self)
    }

    /// The findings to report; an error, with all of them, if one of them is to be refused.
    pub(crate) fn apply(&self, mut findings: Vec<Finding>) -> Result<Vec<Finding>> {
        findings.retain(|finding| !self.allowed.contains(&finding.rule().id));
        let refused = |finding: &&Finding| self.refuse.is_some_and(|from| finding.severity() >= from);
        // The worst first, and the first of those.
        let worst = findings.iter().filter(refused).rev().max_by_key(|finding| finding.severity());
        if let Some(worst) = worst {
            let error = Error::from(worst);
            return Err(error.with_findings(findings));
        }
        findings.retain(|finding| self.report.is_some_and(|from| finding.severity() >= from));
        Ok(findings)
    }
}

impl Default for LintPolicy {
    fn default() -> Self {
        Self::new()
    }
}

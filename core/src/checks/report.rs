//! What collects findings.

use super::Context;
use crate::{
    catalogue::{RULES, Rule},
    error::Error,
    finding::Finding,
};

/// Collects findings.
pub(crate) struct Report<'a> {
    pub(crate) context: Context<'a>,
    findings: Vec<Finding>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(context: Context<'a>) -> Self {
        Self { context, findings: Vec::new() }
    }

    /// Notes that `rule` is broken at `pointer`, unless the receiver does not care.
    pub(crate) fn add(
        &mut self,
        rule: &'static Rule,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) {
        if let Some(severity) = self.context.dialect.severity(rule) {
            let (pointer, message) = (pointer.into(), message.into());
            self.findings.push(Finding::new(rule, severity, pointer, message));
        }
    }

    /// Notes what a check of the catalogue found below `place`: its rule has the name of its code, or else that code.
    pub(crate) fn add_error(&mut self, place: &str, error: &Error) {
        let id = error.code().as_str().replace('_', "-");
        let of_code = || RULES.iter().find(|rule| rule.code == error.code()).copied();
        if let Some(rule) = Rule::by_id(&id).or_else(of_code) {
            let pointer = error.pointer().unwrap_or_default();
            self.add(rule, format!("{place}{pointer}"), error.message());
        }
    }

    pub(crate) fn found(&self, rule: &Rule) -> bool {
        self.findings.iter().any(|finding| finding.rule() == rule)
    }

    /// Whether something was found at this place.
    pub(crate) fn found_at(&self, pointer: &str) -> bool {
        self.findings.iter().any(|finding| finding.pointer() == pointer)
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

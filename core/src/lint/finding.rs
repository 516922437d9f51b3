//! Rules, findings, and what collects them.

use std::fmt;

use super::{Context, rules::RULES};
use crate::error::{Error, ErrorCode};

/// A rule for SETs. Its id is stable.
///
/// ```
/// use ssf_transmitter::lint::{Effect, Rule, Severity};
///
/// let rule = Rule::by_id("user-not-found").unwrap();
/// assert_eq!((rule.severity, rule.effect), (Severity::Warning, Effect::Drops));
/// ```
#[derive(Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Rule {
    /// Its name, such as `iat-future`.
    pub id: &'static str,
    /// How bad it is, unless the receiver's dialect says otherwise.
    pub severity: Severity,
    /// What the receiver does.
    pub effect: Effect,
    /// The error of `emit` where the finding keeps a SET from being sent.
    pub code: ErrorCode,
    /// The code of RFC 8935 §2.4 with which a receiver answers, where one fits.
    pub err: Option<&'static str>,
    /// Where the rule comes from.
    pub source: &'static str,
    /// What is wrong, in plain words.
    pub doc: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Some receivers will not use the SET, or not as it is meant.
    Warning,
    /// The receiver will not use the SET.
    Error,
}

/// What a receiver does about it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// It answers with an error.
    Refuses,
    /// It answers that all is well, and does nothing.
    Drops,
    /// It takes the SET for something else than what is meant.
    Misreads,
}

/// Something that is wrong with a SET: which rule, where, what.
///
/// It is safe to log: no value of the SET is in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    rule: &'static Rule,
    severity: Severity,
    pointer: String,
    message: String,
}

impl Rule {
    /// The rule with this id.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.id == id).copied()
    }
}

impl Severity {
    /// Its name: `note`, `warning` or `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Effect {
    /// Its name: `refuses`, `drops` or `misreads`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuses => "refuses",
            Self::Drops => "drops",
            Self::Misreads => "misreads",
        }
    }
}

impl Finding {
    /// The rule.
    pub fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// How bad it is for this receiver.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Where, as a JSON pointer (RFC 6901): into the header for `alg`, `kid`, `typ` and `crit`, else into the claims, or
    /// into the document that was given. Empty for the whole.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What is wrong, in one sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        self.rule.remedy
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.severity.as_str(), self.message)?;
        if !self.pointer.is_empty() {
            write!(formatter, " (at {})", self.pointer)?;
        }
        write!(formatter, " [{}]", self.rule.id)
    }
}

/// What keeps a SET from being sent.
impl From<&Finding> for Error {
    fn from(finding: &Finding) -> Self {
        Self::new(finding.rule.code, finding.message.as_str()).at(finding.pointer.as_str())
    }
}

/// Collects findings.
pub(super) struct Report<'a> {
    pub(super) context: Context<'a>,
    findings: Vec<Finding>,
}

impl<'a> Report<'a> {
    pub(super) fn new(context: Context<'a>) -> Self {
        Self { context, findings: Vec::new() }
    }

    /// Notes that `rule` is broken at `pointer`, unless the receiver does not care.
    pub(super) fn add(
        &mut self,
        rule: &'static Rule,
        pointer: impl Into<String>,
        message: impl Into<String>,
    ) {
        if let Some(severity) = self.context.dialect.severity(rule) {
            let (pointer, message) = (pointer.into(), message.into());
            self.findings.push(Finding { rule, severity, pointer, message });
        }
    }

    /// Notes what a check of the catalogue found below `place`: its rule has the name of its code, or else that code.
    pub(super) fn add_error(&mut self, place: &str, error: &Error) {
        let id = error.code().as_str().replace('_', "-");
        let of_code = || RULES.iter().find(|rule| rule.code == error.code()).copied();
        if let Some(rule) = Rule::by_id(&id).or_else(of_code) {
            let pointer = error.pointer().unwrap_or_default();
            self.add(rule, format!("{place}{pointer}"), error.message());
        }
    }

    pub(super) fn found(&self, rule: &Rule) -> bool {
        self.findings.iter().any(|finding| finding.rule == rule)
    }

    /// Whether something was found at this place.
    pub(super) fn found_at(&self, pointer: &str) -> bool {
        self.findings.iter().any(|finding| finding.pointer == pointer)
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

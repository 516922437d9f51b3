//! The rules of lint, as far as they are data.

use super::{ErrorCode, RULES};

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
    /// How to fix it.
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

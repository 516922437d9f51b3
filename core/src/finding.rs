//! What is wrong with a SET: which rule, where.

use std::fmt;

use crate::catalogue::{Effect, ErrorCode, Rule, Severity};

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

impl Finding {
    pub(crate) fn new(rule: &'static Rule, severity: Severity, pointer: String, message: String) -> Self {
        Self { rule, severity, pointer, message }
    }

    /// The rule.
    pub fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// The severity for this receiver.
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

    /// What the receiver does.
    pub fn effect(&self) -> Effect {
        self.rule.effect
    }

    /// The code of the error if the finding blocks the send.
    pub fn code(&self) -> ErrorCode {
        self.rule.code
    }

    /// What the rule checks.
    pub fn doc(&self) -> &'static str {
        self.rule.doc
    }

    /// Where the rule comes from.
    pub fn source(&self) -> &'static str {
        self.rule.source
    }

    /// How to fix it.
    pub fn remedy(&self) -> &'static str {
        self.rule.remedy
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.severity.as_str(), self.message)?;
        if !self.pointer.is_empty() {
            write!(formatter, " (at {})", printable(&self.pointer))?;
        }
        write!(formatter, " [{}]", self.rule.id)
    }
}

/// A pointer for people: names of members come from elsewhere, and may steer a terminal or go on for ever.
pub(crate) fn printable(pointer: &str) -> String {
    const LONGEST: usize = 300;
    let mut shown = String::with_capacity(pointer.len());
    for letter in pointer.chars().take(LONGEST) {
        if letter.is_control() {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    if pointer.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

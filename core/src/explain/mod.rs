//! What the answer of a receiver means: one cause, one remedy.

mod answers;
mod exchange;
mod linter;

use std::fmt;

pub(crate) use exchange::Exchange;

use crate::{catalogue::Language, error::Error, finding::Finding};

/// An explanation of a receiver's answer.
///
/// Its texts contain no value of the SET. The receiver's own text is separate, in [`said`](Self::said).
#[derive(Clone)]
#[non_exhaustive]
pub struct Explanation {
    delivered: bool,
    reason: String,
    cause: Cause,
    possible: Vec<Cause>,
    findings: Vec<Finding>,
    said: Option<String>,
}

/// A possible cause, and how to fix it: one sentence each.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Cause {
    /// What has happened, in plain words.
    pub cause: String,
    /// What to do.
    pub remedy: String,
}

impl Cause {
    pub(crate) fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { cause: cause.into(), remedy: remedy.into() }
    }

    fn of(finding: &Finding) -> Self {
        Self::new(sentence(finding.message()), finding.remedy())
    }
}

impl fmt::Debug for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Explanation")
            .field("delivered", &self.delivered)
            .field("reason", &self.reason)
            .field("cause", &self.cause)
            .field("possible", &self.possible)
            .field("findings", &self.findings)
            // What was said may quote the SET.
            .finish_non_exhaustive()
    }
}

impl Explanation {
    /// There was no answer: the error says what there is to say.
    pub(crate) fn of_error(error: &Error) -> Self {
        Self {
            delivered: false,
            reason: error.code().as_str().to_owned(),
            cause: Cause::new(sentence(error.message()), error.remedy()),
            possible: Vec::new(),
            findings: error.findings().to_vec(),
            said: None,
        }
    }

    /// Whether the receiver accepted the SET.
    pub fn is_delivered(&self) -> bool {
        self.delivered
    }

    /// A stable name for the cause: the id of a rule, the code of the answer (`invalid_key`), `content-type`, or the code
    /// of an error (`receiver_unavailable`); `delivered` if all is well.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// What happened.
    pub fn cause(&self) -> &str {
        &self.cause.cause
    }

    /// How to fix it.
    pub fn remedy(&self) -> &str {
        &self.cause.remedy
    }

    /// Other possible causes; after an accepted SET, reasons why nothing may happen.
    pub fn possible(&self) -> &[Cause] {
        &self.possible
    }

    /// The findings in the SET.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The same explanation, with the names that settings have in a language.
    pub fn in_language(mut self, language: Language) -> Self {
        for Cause { cause, remedy } in self.possible.iter_mut().chain([&mut self.cause]) {
            *cause = language.text(cause);
            *remedy = language.text(remedy);
        }
        self
    }

    /// The receiver's own message, from any of the usual error objects, plain text, or the title of an HTML page. Quotes
    /// of the SET or its subject are replaced by `[redacted]`.
    pub fn said(&self) -> Option<&str> {
        self.said.as_deref()
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

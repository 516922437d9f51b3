//! What was checked, and the outcomes.

use std::time::Duration;

use crate::{
    catalogue::Language,
    error::Error,
    time::{Clock as _, SteadyClock},
};

/// What was checked, with the outcomes.
#[derive(Clone, Debug)]
pub struct Diagnosis(pub(super) Vec<Check>);

/// One check.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// A stable name, such as `jwks-reachable`.
    pub id: &'static str,
    /// The outcome.
    pub outcome: Outcome,
    /// The result, in one sentence. It contains no token, key, subject or payload.
    pub message: String,
    /// How to fix it; empty if no action is needed.
    pub remedy: String,
    /// How long it took, in whole milliseconds: zero for what needs no answer from elsewhere.
    pub duration: Duration,
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// All is well.
    Passed,
    /// It may work, or not with every receiver.
    Warning,
    /// It does not work.
    Failed,
    /// It was not checked; the message says why.
    Skipped,
}

impl Diagnosis {
    /// All checks, in the order in which things are needed.
    pub fn checks(&self) -> &[Check] {
        &self.0
    }

    /// The check with this id.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.0.iter().find(|check| check.id == id)
    }

    /// The same checks, with the names that settings have in a language.
    pub fn in_language(mut self, language: Language) -> Self {
        self.0 = self.0.into_iter().map(|check| check.in_language(language)).collect();
        self
    }

    /// Whether nothing failed.
    pub fn is_healthy(&self) -> bool {
        self.0.iter().all(|check| check.outcome != Outcome::Failed)
    }
}

impl FromIterator<Check> for Diagnosis {
    fn from_iter<I: IntoIterator<Item = Check>>(checks: I) -> Self {
        Self(checks.into_iter().collect())
    }
}

impl Outcome {
    /// Its name: `passed`, `warning`, `failed` or `skipped`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl Check {
    pub(super) fn new(
        id: &'static str,
        outcome: Outcome,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { id, outcome, message: message.into(), remedy: remedy.into(), duration: Duration::ZERO }
    }

    pub(crate) fn passed(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Outcome::Passed, message, "")
    }

    pub(super) fn failed(id: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(id, Outcome::Failed, message, remedy)
    }

    pub(super) fn warning(id: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(id, Outcome::Warning, message, remedy)
    }

    pub(super) fn skipped(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Outcome::Skipped, message, "")
    }

    /// A failed check, for what a program looks at beside a doctor.
    ///
    /// ```
    /// use ssf_transmitter::{Receiver, client::{Check, Outcome}};
    ///
    /// let error = Receiver::okta("acme").build().unwrap_err();
    /// let check = Check::of_error("settings", &error);
    /// assert_eq!((check.outcome, check.remedy.as_str()), (Outcome::Failed, error.remedy()));
    /// ```
    pub fn of_error(id: &'static str, error: &Error) -> Self {
        Self::failed(id, error.to_string(), error.remedy())
    }

    /// The same check, with the names that settings have in a language.
    pub fn in_language(mut self, language: Language) -> Self {
        self.message = language.text(&self.message);
        self.remedy = language.text(&self.remedy);
        self
    }

    /// The same, with how long it took.
    pub(super) fn took(mut self, duration: Duration) -> Self {
        self.duration = duration;
        self
    }
}

/// Does the work, and says how long it took, whatever the clock of the transmitter is.
pub(super) async fn timed<T>(work: impl IntoFuture<Output = T>) -> (T, Duration) {
    let clock = SteadyClock::start();
    let began = clock.now();
    let done = work.await;
    (done, clock.now().since(began))
}

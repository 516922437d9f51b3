//! Why a request is refused.

use std::time::Duration;

use serde_json::json;

use super::{Answer, route::Operation};
use crate::{
    denial::Denial,
    error::{Error, ErrorCode, ErrorKind},
    outbox::Failure,
};

/// Why a request is refused: status, a code for programs, a text for people.
#[derive(Debug)]
pub(super) struct Problem {
    status: u16,
    err: &'static str,
    description: String,
    challenge: Option<String>,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
    failure: Option<Box<Failure>>,
}

impl Problem {
    fn new(status: u16, err: &'static str, description: impl Into<String>) -> Self {
        let description = description.into();
        Self { status, err, description, challenge: None, retry_after: None, allow: None, failure: None }
    }

    pub(super) fn invalid(description: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", description)
    }

    /// The value of a member is not what it should be.
    pub(super) fn member(name: &str, what: &str) -> Self {
        Self::invalid(format!("{name}: {what}"))
    }

    /// A caller that is not let in (RFC 6750 §3).
    pub(super) fn denied(denial: &Denial) -> Self {
        Self {
            challenge: denial.www_authenticate(),
            retry_after: denial.retry_after(),
            ..Self::new(denial.status(), denial.err(), denial.description())
        }
    }

    /// There is nothing at this path.
    pub(super) fn no_such_path() -> Self {
        Self::new(404, "not_found", "there is nothing at this path")
    }

    /// The caller has no stream with this id, whoever else may have one.
    pub(super) fn no_such_stream() -> Self {
        Self::new(404, "not_found", "there is no such stream")
    }

    pub(super) fn method(allow: &'static str) -> Self {
        let problem = Self::new(405, "method_not_allowed", format!("the methods here are {allow}"));
        Self { allow: Some(allow), ..problem }
    }

    /// The caller may not have more subjects. SSF 1.0 §8.1.3 has 403 for what a receiver is not allowed to add, and no 409.
    pub(super) fn limit_reached(description: impl Into<String>) -> Self {
        Self::new(403, "limit_reached", description)
    }

    pub(super) fn conflict(description: impl Into<String>) -> Self {
        Self::new(409, "conflict", description)
    }

    pub(super) fn too_large(limit: usize) -> Self {
        Self::new(413, "invalid_request", format!("the body is longer than {limit} bytes"))
    }

    pub(super) fn too_slow() -> Self {
        Self::new(408, "invalid_request", "the body did not come in time")
    }

    pub(super) fn media_type() -> Self {
        Self::new(415, "invalid_request", "the body must be application/json")
    }

    pub(super) fn too_many(retry_after: Duration, description: impl Into<String>) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(429, "too_many_requests", description) }
    }

    /// The code for programs.
    pub(super) fn err(&self) -> &'static str {
        self.err
    }

    /// Tells `tracing` why the transmitter cannot answer, if that is so.
    #[cfg(feature = "tracing")]
    pub(super) fn trace(&self, operation: &Operation) {
        let Some(failure) = &self.failure else { return };
        let (operation, code, reason) = (operation.name(), failure.code.as_str(), failure.message.as_str());
        tracing::error!(name: "ssf.stream_api_failed", operation, code, reason, "the stream API cannot answer");
    }

    #[cfg(not(feature = "tracing"))]
    #[allow(clippy::unused_self, reason = "there is nobody to tell")]
    pub(super) fn trace(&self, _: &Operation) {}

    /// The answer to a request that failed, which `tracing` is told if that is the transmitter's fault.
    pub(super) fn failed(self, operation: &Operation) -> Answer {
        self.trace(operation);
        self.answer()
    }

    pub(super) fn answer(self) -> Answer {
        let body = json!({ "err": self.err, "description": self.description });
        let mut answer = Answer::json(self.status, &body)
            .with("content-language", "en")
            .failed(self.failure.map(|failure| *failure));
        if let Some(challenge) = self.challenge {
            answer = answer.with("www-authenticate", challenge);
        }
        if let Some(wait) = self.retry_after {
            // Whole seconds, and never too early (RFC 9110 §10.2.3).
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            answer = answer.with("retry-after", seconds.max(1).to_string());
        }
        match self.allow {
            Some(allow) => answer.with("allow", allow),
            None => answer,
        }
    }
}

/// A store or a key that cannot be used now: the receiver tries again, and reads nothing of the inside.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let busy = matches!(error.kind(), ErrorKind::Outbox | ErrorKind::Signing | ErrorKind::Deadline);
        let problem = if busy || error.code() == ErrorCode::SignerFailed {
            let busy = Self::new(503, "temporarily_unavailable", "the transmitter cannot answer now");
            Self { retry_after: Some(Duration::from_secs(5)), ..busy }
        } else {
            Self::new(500, "internal_error", "the transmitter has an internal error")
        };
        Self { failure: Some(Box::new(Failure::from(&error))), ..problem }
    }
}

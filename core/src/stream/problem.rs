//! Why a request is refused.

use std::time::Duration;

use serde_json::json;

use super::{Answer, Scope};
use crate::error::{Error, ErrorCode, ErrorKind};

/// Why a request is refused: status, a code for programs, a text for people.
#[derive(Debug)]
pub(super) struct Problem {
    status: u16,
    err: &'static str,
    description: String,
    challenge: Option<String>,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
}

impl Problem {
    fn new(status: u16, err: &'static str, description: impl Into<String>) -> Self {
        let description = description.into();
        Self { status, err, description, challenge: None, retry_after: None, allow: None }
    }

    pub(super) fn invalid(description: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", description)
    }

    /// The value of a member is not what it should be.
    pub(super) fn member(name: &str, what: &str) -> Self {
        Self::invalid(format!("{name}: {what}"))
    }

    /// No credentials: which ones to show (RFC 6750 §3).
    pub(super) fn unauthenticated(resource_metadata: Option<&str>) -> Self {
        let problem = Self::new(401, "authentication_failed", "the request has no credentials");
        problem.challenged("", resource_metadata)
    }

    /// Credentials that are not valid (RFC 6750 §3.1).
    pub(super) fn not_authenticated(resource_metadata: Option<&str>) -> Self {
        let problem = Self::new(401, "authentication_failed", "the credentials are not valid");
        problem.challenged(r#"error="invalid_token""#, resource_metadata)
    }

    /// A caller without the scope (RFC 6750 §3.1).
    pub(super) fn forbidden(scope: Scope, resource_metadata: Option<&str>) -> Self {
        let name = scope.as_str();
        let problem = Self::new(403, "access_denied", format!("the scope {name} is required"));
        problem.challenged(&format!(r#"error="insufficient_scope", scope="{name}""#), resource_metadata)
    }

    fn challenged(mut self, parameters: &str, resource_metadata: Option<&str>) -> Self {
        // RFC 9728 §5.1.
        let metadata = resource_metadata.map(|url| format!(r#"resource_metadata="{url}""#));
        let all: Vec<_> =
            Some(parameters.to_owned()).filter(|text| !text.is_empty()).into_iter().chain(metadata).collect();
        self.challenge = Some(format!("Bearer {}", all.join(", ")).trim_end().to_owned());
        self
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

    pub(super) fn answer(&self) -> Answer {
        let body = json!({ "err": self.err, "description": self.description });
        let mut answer = Answer::json(self.status, &body);
        if let Some(challenge) = &self.challenge {
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
            Self::new(503, "temporarily_unavailable", "the transmitter cannot answer now")
        } else {
            return Self::new(500, "internal_error", "the transmitter has an internal error");
        };
        Self { retry_after: Some(Duration::from_secs(5)), ..problem }
    }
}

//! Okta's error object.

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::random;

/// Why a request to the API is not done.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    summary: String,
    causes: Vec<String>,
    /// The methods that there are, where it is the method.
    allowed: Option<&'static str>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, summary: impl Into<String>) -> Self {
        Self { status, code, summary: summary.into(), causes: Vec::new(), allowed: None }
    }

    pub(crate) fn validation(causes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let causes = causes.into_iter().map(Into::into).collect();
        Self { causes, ..Self::new(StatusCode::BAD_REQUEST, "E0000001", "Api validation failed: provider") }
    }

    /// Status and code are chosen: neither is documented.
    pub(crate) fn conflict(cause: &str) -> Self {
        Self { status: StatusCode::CONFLICT, ..Self::validation([cause]) }
    }

    pub(crate) fn invalid_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "E0000011", "Invalid token provided")
    }

    pub(crate) fn forbidden() -> Self {
        let summary = "You do not have permission to perform the requested action";
        Self::new(StatusCode::FORBIDDEN, "E0000006", summary)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        let summary = format!("Not found: Resource not found: {what} (SecurityEventsProvider)");
        Self::new(StatusCode::NOT_FOUND, "E0000007", summary)
    }

    pub(crate) fn invalid_search() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "E0000031", "Invalid search criteria.")
    }

    pub(crate) fn method_not_allowed(allowed: &'static str) -> Self {
        let summary = "The endpoint does not support the provided HTTP method";
        let error = Self::new(StatusCode::METHOD_NOT_ALLOWED, "E0000022", summary);
        Self { allowed: Some(allowed), ..error }
    }

    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "E0000009", "Internal Server Error")
    }

    pub(crate) fn answer(self) -> Answer {
        let body = object(self.code, &self.summary, &self.causes);
        let mut answer = Answer::json(self.status, &body);
        answer.notes.err = Some(self.code.to_owned());
        let parts = std::iter::once(self.summary).chain(self.causes);
        answer.notes.description = Some(parts.collect::<Vec<_>>().join("; "));
        match self.allowed {
            Some(allowed) => answer.with(header::ALLOW, HeaderValue::from_static(allowed)),
            None => answer,
        }
    }

    /// The error object of an answer that a script asks for, with what the script says of it.
    pub(crate) fn scripted(status: StatusCode, code: Option<&str>, summary: Option<&str>) -> Value {
        let usual = match status {
            StatusCode::UNAUTHORIZED => Self::invalid_token(),
            StatusCode::FORBIDDEN => Self::forbidden(),
            StatusCode::NOT_FOUND => Self::not_found(""),
            StatusCode::TOO_MANY_REQUESTS => {
                let summary = "API call exceeded rate limit due to too many requests.";
                Self::new(status, "E0000047", summary)
            }
            status if status.is_server_error() => Self::internal(),
            _ => Self::validation([""; 0]),
        };
        object(code.unwrap_or(usual.code), summary.unwrap_or(&usual.summary), &[])
    }
}

fn object(code: &str, summary: &str, causes: &[String]) -> Value {
    let causes: Vec<_> = causes.iter().map(|cause| json!({ "errorSummary": cause })).collect();
    json!({
        "errorCode": code,
        "errorSummary": summary,
        "errorLink": code,
        // Without random bytes it is one that many have.
        "errorId": random::identifier("oae").unwrap_or_else(|_| "oae".to_owned()),
        "errorCauses": causes,
    })
}

//! Answers, and what is noted about them.

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::ledger::Dropped;

/// The error codes of RFC 8935 §2.4 that a receiver of SETs answers with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ErrorCode {
    InvalidRequest,
    InvalidKey,
    InvalidIssuer,
    InvalidAudience,
    AuthenticationFailed,
}

impl ErrorCode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidKey => "invalid_key",
            Self::InvalidIssuer => "invalid_issuer",
            Self::InvalidAudience => "invalid_audience",
            Self::AuthenticationFailed => "authentication_failed",
        }
    }
}

/// Why a SET is not accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    pub(crate) description: String,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }

    pub(crate) fn request(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }
}

/// What an answer says about a SET, for the ledger.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) err: Option<String>,
    pub(crate) description: Option<String>,
    /// The SET was taken.
    pub(crate) accepted: bool,
    pub(crate) dropped: Option<Dropped>,
    pub(crate) header: Option<Value>,
    pub(crate) claims: Option<Value>,
}

/// An answer before it is put into HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: String,
    pub(crate) notes: Notes,
}

impl Answer {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), notes: Notes::default() }
    }

    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self { body: body.to_string(), ..Self::empty(status) }
            .with(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// The method is not the one the resource has (RFC 9110 §15.5.6).
    pub(crate) fn method_not_allowed(allowed: &'static str) -> Self {
        Self::empty(StatusCode::METHOD_NOT_ALLOWED).with(header::ALLOW, HeaderValue::from_static(allowed))
    }

    /// The error answer of RFC 8935 §2.3: `err` and `description`, and the language of the latter.
    pub(crate) fn rfc8935_error(refusal: &Refusal) -> Self {
        let body = json!({ "err": refusal.code.as_str(), "description": refusal.description });
        Self::json(StatusCode::BAD_REQUEST, &body)
            .with(header::CONTENT_LANGUAGE, HeaderValue::from_static("en"))
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn with_body(mut self, body: String) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn noted(mut self, err: Option<&'static str>, description: impl Into<String>) -> Self {
        self.notes.err = err.map(str::to_owned);
        self.notes.description = Some(description.into());
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        self.respond(Body::from)
    }

    pub(crate) fn text(&self) -> &str {
        &self.body
    }

    pub(crate) fn body_length(&self) -> usize {
        self.body.len()
    }

    /// With the way its body ends.
    pub(crate) fn respond(self, shape: impl FnOnce(Bytes) -> Body) -> Response<Body> {
        let mut response = Response::new(shape(self.body.into()));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

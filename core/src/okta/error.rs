//! Okta's error object, and the meaning of an unsuccessful answer.

use std::fmt;

use serde::Deserialize;

use crate::{
    error::{Error, ErrorCode, is_code},
    http::Response,
    reason::{Reason, Redaction},
    time::Timestamp,
};

/// Okta's error object: the [`source`](std::error::Error::source) of the error.
///
/// ```
/// use std::error::Error as _;
/// use ssf_transmitter::{Timestamp, http::Response, okta::{ApiError, ProvidersApi}};
///
/// let body = r#"{ "errorCode": "E0000007", "errorSummary": "Not found", "errorId": "oae1" }"#;
/// let mut call = ProvidersApi::new("https://acme.okta.com")?.read("sse1")?;
/// let error = call.answered(Timestamp::now(), &Response::new(404, [], body.into())).unwrap_err();
/// let okta = error.source().and_then(|source| source.downcast_ref::<ApiError>()).unwrap();
/// assert_eq!((okta.code(), okta.summary(), okta.id()), ("E0000007", "Not found", Some("oae1")));
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
///
/// The other side writes summary and causes: they are neither in `Display` nor in `Debug`, and where they quote the token
/// that was sent, they say `[redacted]`.
#[derive(Clone, Deserialize, Eq, PartialEq)]
pub struct ApiError {
    #[serde(rename = "errorCode")]
    code: String,
    #[serde(rename = "errorSummary", default)]
    summary: String,
    #[serde(rename = "errorLink")]
    link: Option<String>,
    #[serde(rename = "errorId")]
    id: Option<String>,
    #[serde(rename = "errorCauses", default)]
    causes: Vec<Cause>,
}

#[derive(Clone, Deserialize, Eq, PartialEq)]
struct Cause {
    #[serde(rename = "errorSummary", default)]
    summary: String,
}

impl ApiError {
    /// The error object of an answer, if it has one.
    fn read(response: &Response, redaction: &Redaction) -> Option<Self> {
        let mut error: Self = serde_json::from_slice(response.text_bytes()).ok()?;
        let causes = error.causes.iter_mut().map(|cause| &mut cause.summary);
        causes.chain([&mut error.summary]).for_each(|text| *text = redaction.apply(text));
        Some(error).filter(|error| is_code(&error.code) && redaction.apply(&error.code) == error.code)
    }

    /// Okta's code, such as `E0000001`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What Okta says about it.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Where to read about the code: mostly the code itself.
    pub fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// The id under which Okta's support finds it.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// What is wrong in particular.
    pub fn causes(&self) -> impl Iterator<Item = &str> {
        self.causes.iter().map(|cause| cause.summary.as_str())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Okta's error {}", self.code)
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiError").field("code", &self.code).finish_non_exhaustive()
    }
}

impl std::error::Error for ApiError {}

/// The error for an unsuccessful answer.
pub(super) fn answer(response: &Response, redaction: &Redaction, host: &str, now: Timestamp) -> Error {
    let status = response.status;
    let code = match status {
        400 | 413 | 415 | 422 => ErrorCode::ProviderRefused,
        401 | 403 => ErrorCode::ApiUnauthorized,
        404 | 410 => ErrorCode::ProviderNotFound,
        409 => ErrorCode::ProviderConflict,
        425 | 429 => ErrorCode::ApiThrottled,
        408 | 500..600 => ErrorCode::ApiUnavailable,
        _ => ErrorCode::ApiAnswerUnexpected,
    };
    let reason = Reason::of(response, redaction);
    let message = match &reason.code {
        Some(code) => format!("{host} answered {status} with the error {code}"),
        None => format!("{host} answered {status}"),
    };
    let error = Error::new(code, message)
        .with_status(status)
        .with_receiver_error(reason.code, reason.description)
        .with_retry_after(response.retry_after(now));
    match ApiError::read(response, redaction) {
        Some(object) => error.because(object),
        None => error,
    }
}

//! Okta's error object, and what an answer that is no success means.

use std::{fmt, time::Duration};

use serde::Deserialize;

use crate::{
    error::{Error, ErrorCode, is_code, shortened},
    http::Response,
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
/// Summary and causes are written by the other side and may quote what was sent: they are neither in `Display` nor in
/// `Debug`.
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
    fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().filter(|error: &Self| is_code(&error.code))
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

    /// Summary and causes in one line.
    fn description(&self) -> String {
        let parts: Vec<_> = [self.summary()].into_iter().chain(self.causes()).collect();
        shortened(&parts.join("; "))
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

/// What an answer means that is no success.
pub(super) fn answer(response: &Response, host: &str, now: Timestamp) -> Error {
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
    let retry_after = response.retry_after(now).or_else(|| rate_limit_reset(response, now));
    match ApiError::read(response.body.expose()) {
        Some(error) => {
            let description = Some(error.description()).filter(|text| !text.is_empty());
            Error::new(code, format!("{host} answered {status} with the error {}", error.code()))
                .with_receiver_error(Some(error.code().to_owned()), description)
                .because(error)
        }
        None => {
            Error::new(code, format!("{host} answered {status}")).with_receiver_error(None, response.text())
        }
    }
    .with_status(status)
    .with_retry_after(retry_after)
}

/// When a rate limit ends: `X-Rate-Limit-Reset`, seconds since 1970 by Okta's own clock, which the answer's `Date` tells.
fn rate_limit_reset(response: &Response, now: Timestamp) -> Option<Duration> {
    let reset = response.header("x-rate-limit-reset").filter(|_| response.status == 429)?;
    let there = response.date().unwrap_or(now);
    Some(Timestamp::from_unix_seconds(reset.trim().parse().ok()?).since(there))
}

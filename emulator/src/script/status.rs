//! An answer in place of the honest one.

use axum::http::HeaderValue;
use serde::Deserialize;

use super::fault::{Defect, Fault};

/// An answer in place of the honest one. Begin with [`Status::new`] and set the rest field by field.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Status {
    /// The status, 200 to 599.
    pub status: u16,
    /// `Retry-After`.
    pub retry_after: Option<RetryAfter>,
    /// `X-Rate-Limit-Reset`: so many seconds from now, given as a point in time.
    pub rate_limit_reset_in: Option<i64>,
    /// The body, as it is. Without one there is an error object if there is anything to say, else nothing.
    pub body: Option<String>,
    /// `Content-Type`; by default that of JSON where there is a body.
    pub content_type: Option<String>,
    /// The error code of the error object: of RFC 8935 §2.3 on a push, of RFC 6749 §5.2 on a token request, of
    /// Okta on a request to the API, where it has a usual one.
    pub err: Option<String>,
    /// The description in the error object.
    pub description: Option<String>,
    /// Whether the request is judged before. By default it is not.
    #[serde(default)]
    pub after: bool,
    /// How the body ends.
    #[serde(default)]
    pub ends: Ends,
}

/// How the body of an answer ends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ends {
    /// As it should.
    #[default]
    Whole,
    /// It announces more than comes; then the connection is closed, or with HTTP/2 the stream is reset.
    Cut,
    /// It does not; the connection stays open.
    Open,
}

impl Status {
    /// This status, and nothing more.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            retry_after: None,
            rate_limit_reset_in: None,
            body: None,
            content_type: None,
            err: None,
            description: None,
            after: false,
            ends: Ends::Whole,
        }
    }

    /// With a body that ends like this.
    pub fn ends(mut self, ends: Ends) -> Self {
        self.ends = ends;
        self
    }

    /// With `X-Rate-Limit-Reset`, so many seconds from now.
    pub fn rate_limit_reset_in(mut self, seconds: i64) -> Self {
        self.rate_limit_reset_in = Some(seconds);
        self
    }

    /// With `Retry-After`.
    pub fn retry_after(mut self, value: RetryAfter) -> Self {
        self.retry_after = Some(value);
        self
    }

    /// With the error object of RFC 8935 §2.3, or of RFC 6749 §5.2 on a token request.
    pub fn err(mut self, code: impl Into<String>) -> Self {
        self.err = Some(code.into());
        self
    }

    /// With this body.
    pub fn body(mut self, content_type: impl Into<String>, body: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self.body = Some(body.into());
        self
    }

    /// The request is judged before.
    pub fn after(mut self) -> Self {
        self.after = true;
        self
    }

    pub(super) fn check(&self) -> Result<(), Defect> {
        if !(200..=599).contains(&self.status) {
            return Err(Defect::at("/status", "has to be 200 to 599"));
        }
        if let Some(content_type) = &self.content_type
            && HeaderValue::from_str(content_type).is_err()
        {
            return Err(Defect::at("/content_type", "is not a valid header value"));
        }
        match &self.retry_after {
            Some(RetryAfter::Text(text)) if HeaderValue::from_str(text).is_err() => {
                Err(Defect::at("/retry_after", "is not a valid header value"))
            }
            _ => Ok(()),
        }
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// The value of `Retry-After` (RFC 9110 §10.2.3).
#[derive(Clone, Debug, Eq, PartialEq, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "retry_after has to be a number of seconds, a string, or { \"date_in\": seconds }"
)]
#[non_exhaustive]
pub enum RetryAfter {
    /// So many seconds.
    Seconds(u64),
    /// This text, whether it is one of the two forms or not.
    Text(String),
    /// The date in so many seconds, or before so many if negative.
    DateIn {
        /// The seconds.
        date_in: i64,
    },
}

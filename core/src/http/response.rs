//! What came back: a status, and as much of the body as could be read.

use std::{fmt, time::Duration};

use crate::{secret::Secret, time::Timestamp};

/// The answer to a [`Request`](super::Request): a status, and as much of the body as could be read.
///
/// The status line is the word of the other side (RFC 8935 §2.2, §2.3). An HTTP stack that has it returns a `Response`,
/// whatever happens to the body afterwards, and says by [`with_body_end`](Self::with_body_end) how the body ended:
///
/// ```
/// use ssf_transmitter::http::{BodyEnd, Response};
///
/// // The connection broke within the body.
/// let answer = Response::new(202, [], b"half of i".to_vec()).with_body_end(BodyEnd::Broken);
/// assert_eq!(answer.body_end(), BodyEnd::Broken);
/// ```
///
/// `Debug` shows the status and nothing else: the body may quote what was sent, or hold a token.
#[derive(Clone)]
pub struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Secret<Vec<u8>>,
    body_end: BodyEnd,
}

/// How the body of an answer ended.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum BodyEnd {
    /// After its last byte.
    #[default]
    Complete,
    /// At [`Request::max_answer`](super::Request::max_answer): it is longer, and the rest was not read.
    TooLong,
    /// With the connection, before its last byte.
    Broken,
    /// Not in time.
    Unfinished,
}

impl Response {
    /// An answer with this status, these headers and this whole body.
    pub fn new(status: u16, headers: impl IntoIterator<Item = (String, String)>, body: Vec<u8>) -> Self {
        let headers = headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        Self { status, headers, body: Secret::new(body), body_end: BodyEnd::Complete }
    }

    /// Sets how the body ended, where it is not [`BodyEnd::Complete`].
    pub fn with_body_end(mut self, end: BodyEnd) -> Self {
        self.body_end = end;
        self
    }

    /// How the body ended.
    pub fn body_end(&self) -> BodyEnd {
        self.body_end
    }

    /// How the body ended where it is not all there, as the end of a sentence about it.
    pub(crate) fn defect(&self) -> Option<&'static str> {
        match self.body_end {
            BodyEnd::Complete => None,
            BodyEnd::TooLong => Some("is too long"),
            BodyEnd::Broken => Some("is incomplete"),
            BodyEnd::Unfinished => Some("does not end in time"),
        }
    }

    /// Whether the status is a success: 2xx.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The value of a header; `name` in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).next()
    }

    /// All values of a header.
    pub(crate) fn headers_named(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body without a byte order mark, which RFC 8259 §8.1 lets a reader ignore.
    pub(crate) fn text_bytes(&self) -> &[u8] {
        let body = self.body.expose().as_slice();
        body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
    }

    /// When it was given, by the clock of the other side.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        self.header("date").and_then(date)
    }

    /// How long the other side asks to wait: `Retry-After`, else, with 429, the end of the rate limit.
    pub(crate) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let there = self.date().unwrap_or(now);
        let asked = self.header("retry-after").and_then(|value| retry_after(value.trim(), there));
        asked.or_else(|| self.rate_limit_reset(there))
    }

    /// The end of a rate limit: seconds since 1970 at Okta, seconds from now in the drafts of `RateLimit-Reset`.
    fn rate_limit_reset(&self, there: Timestamp) -> Option<Duration> {
        /// No rate limit lasts for decades: from here on it is a point in time.
        const POINT_IN_TIME: u64 = 1_000_000_000;

        let value =
            RATE_LIMIT_RESETS.iter().find_map(|name| self.header(name)).filter(|_| self.status == 429)?;
        let seconds = whole_seconds(value.trim())?;
        if seconds < POINT_IN_TIME {
            return Some(Duration::from_secs(seconds));
        }
        Some(Timestamp::from_unix_seconds(i64::try_from(seconds).ok()?).since(there))
    }
}

/// The headers that tell when a rate limit ends; Okta's first.
pub(crate) const RATE_LIMIT_RESETS: [&str; 3] =
    ["x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset"];

/// RFC 9110 §10.2.3: seconds, or a date, which is read against the other side's own clock.
fn retry_after(value: &str, there: Timestamp) -> Option<Duration> {
    match whole_seconds(value) {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => Some(date(value)?.since(there)),
    }
}

/// A number of seconds. A fraction, which RFC 9110 does not allow, is rounded up: sooner would be too soon.
fn whole_seconds(value: &str) -> Option<u64> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let more = u64::from(fraction.bytes().any(|byte| byte != b'0'));
    whole.parse::<u64>().ok()?.checked_add(more)
}

impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

fn date(text: &str) -> Option<Timestamp> {
    httpdate::parse_http_date(text).ok().map(Timestamp::from)
}

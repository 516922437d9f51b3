//! HTTP as plain values: what to send, what came back. No client in here; any HTTP stack can carry them.

mod refusal;

use std::{fmt, sync::Arc, time::Duration};

pub use refusal::Refusal;
use url::Url;

use crate::{
    error::{Error, ErrorCode, Result},
    secret::Secret,
    time::Timestamp,
    web::is_loopback,
};

/// The most of an answer's body that is read, in bytes, where a request says nothing else.
pub const MAX_ANSWER: usize = 64 * 1024;

/// The method of a request (RFC 9110 §9.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// Reads.
    Get,
    /// Gives something to work on.
    Post,
    /// Replaces.
    Put,
    /// Takes away.
    Delete,
}

impl Method {
    /// As it is written in a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A request.
///
/// `Debug` shows method and host and nothing else: headers hold tokens, bodies hold SETs and credentials.
#[derive(Clone)]
pub struct Request {
    method: Method,
    pub(crate) url: Endpoint,
    authorization: Option<Secret<String>>,
    body: Body,
    max_answer: usize,
}

/// The body of a request.
#[derive(Clone)]
pub(crate) enum Body {
    Empty,
    Set(Arc<str>),
    Form(Secret<String>),
    Json(String),
}

impl Request {
    /// A POST.
    pub(crate) fn post(url: Endpoint, authorization: Option<Secret<String>>, body: Body) -> Self {
        Self { method: Method::Post, url, authorization, body, max_answer: MAX_ANSWER }
    }

    /// A request for JSON, with a JSON text as body if there is one.
    pub(crate) fn json(method: Method, url: Endpoint, body: Option<String>) -> Self {
        let body = body.map_or(Body::Empty, Body::Json);
        Self { method, url, authorization: None, body, max_answer: MAX_ANSWER }
    }

    /// With another limit for the answer, in bytes.
    pub(crate) fn with_max_answer(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
    }

    /// With this value of the header `Authorization`.
    pub(crate) fn with_authorization(mut self, value: Secret<String>) -> Self {
        self.authorization = Some(value);
        self
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Where it goes.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Names, in lower case, and values. A value may be a credential: keep it out of logs.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let content_type = match &self.body {
            Body::Empty => None,
            // RFC 8935 §2.1.
            Body::Set(_) => Some("application/secevent+jwt"),
            // RFC 6749 §4.4.2.
            Body::Form(_) => Some("application/x-www-form-urlencoded"),
            Body::Json(_) => Some("application/json"),
        };
        let authorization =
            self.authorization.as_ref().map(|value| ("authorization", value.expose().as_str()));
        let content_type = content_type.map(|value| ("content-type", value));
        content_type.into_iter().chain([("accept", "application/json")]).chain(authorization)
    }

    /// The body, empty if there is none. It may hold a credential or personal data: keep it out of logs.
    pub fn body(&self) -> &str {
        match &self.body {
            Body::Empty => "",
            Body::Set(set) => set,
            Body::Form(form) => form.expose(),
            Body::Json(text) => text,
        }
    }

    /// The maximum size of the answer's body, in bytes: [`MAX_ANSWER`], except for APIs with long lists.
    pub fn max_answer(&self) -> usize {
        self.max_answer
    }

    /// Whether it pushes a SET: then the status of a success is all that counts.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client's transport asks"))]
    pub(crate) fn is_push(&self) -> bool {
        matches!(self.body, Body::Set(_))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host())
            .finish_non_exhaustive()
    }
}

/// The answer to a [`Request`]: a status, and as much of the body as could be read.
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
    /// At [`Request::max_answer`]: it is longer, and the rest was not read.
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

/// Why there is no answer: not even a status line.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The host name could not be resolved: nothing was sent.
    Unresolved,
    /// The host is at an address that must not be reached: nothing was sent.
    Forbidden,
    /// No connection: nothing was sent.
    NotConnected,
    /// No TLS: nothing was sent.
    Tls,
    /// The proxy or TLS kept the connection from coming about, for a reason that is known: nothing was sent.
    Refused(Box<Refusal>),
    /// No status line in time: the request may have arrived.
    TimedOut,
    /// The connection broke before a status line, or it could not be read: the request may have arrived.
    Broken,
}

impl Failure {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Unresolved => ErrorCode::DnsFailed,
            Self::Forbidden => ErrorCode::AddressForbidden,
            Self::NotConnected => ErrorCode::ConnectionFailed,
            Self::Tls => ErrorCode::TlsFailed,
            Self::TimedOut => ErrorCode::ReceiverTimeout,
            Self::Broken => ErrorCode::OutcomeUnknown,
        }
    }

    /// In a sentence.
    pub(crate) fn describe(&self, host: &str) -> String {
        match self {
            Self::Refused(refusal) => refusal.message().to_owned(),
            Self::Unresolved => format!("the name {host} could not be resolved"),
            Self::Forbidden => format!("{host} has a forbidden address"),
            Self::NotConnected => format!("could not connect to {host}"),
            Self::Tls => format!("the TLS handshake with {host} failed"),
            Self::TimedOut => format!("{host} gave no answer in time"),
            Self::Broken => format!("the connection to {host} broke before the answer"),
        }
    }

    /// The error of an operation that needed the answer of `host`.
    pub(crate) fn error(&self, host: &str) -> Error {
        let error = Error::new(self.code(), self.describe(host));
        match self {
            Self::Refused(refusal) if refusal.status().is_some() => {
                error.with_status(refusal.status().unwrap_or_default())
            }
            _ => error,
        }
    }
}

/// A URL that requests may go to.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Endpoint {
    url: Arc<Url>,
    /// Whether it may be on this machine.
    loopback: bool,
}

impl Endpoint {
    /// Reads a URL: https, a host, no credentials, no fragment. `loopback` allows this machine, over plain http too.
    pub(crate) fn parse(text: &str, loopback: bool) -> Result<Self> {
        let invalid = |message: &str| Err(Error::new(ErrorCode::EndpointInvalid, message));
        let Ok(url) = Url::parse(text) else { return invalid("not an absolute URL") };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) && loopback => {}
            "http" if is_loopback(&url) => {
                return invalid("http to a loopback host must be allowed explicitly (allow_loopback)");
            }
            _ => return invalid("the URL does not start with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("the URL contains credentials; use the authorization setting instead");
        }
        if url.fragment().is_some() {
            return invalid("the URL has a fragment (#…), which is never sent");
        }
        Ok(Self { url: url.into(), loopback })
    }

    pub(crate) fn as_str(&self) -> &str {
        self.url.as_str()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Another path at the same place.
    pub(crate) fn at_path(&self, path: &str) -> Self {
        let mut url = (*self.url).clone();
        url.set_path(path);
        Self { url: url.into(), loopback: self.loopback }
    }

    /// The same with these parameters as its query.
    pub(crate) fn with_query(&self, parameters: &[(&str, String)]) -> Self {
        let mut url = (*self.url).clone();
        url.query_pairs_mut().clear().extend_pairs(parameters);
        Self { url: url.into(), loopback: self.loopback }
    }

    /// What `target`, a URL or a part of one, means from here, if it has the same origin (RFC 6454 §4).
    pub(crate) fn join_same_origin(&self, target: &str) -> Option<Self> {
        let url = self.url.join(target).ok()?;
        let joined = Self::parse(url.as_str(), self.loopback).ok()?;
        (joined.url.origin() == self.url.origin()).then_some(joined)
    }

    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The host without the brackets around an IPv6 address.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client connects"))]
    pub(crate) fn bare_host(&self) -> &str {
        self.host().trim_start_matches('[').trim_end_matches(']')
    }

    /// The host where it is an address.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client connects"))]
    pub(crate) fn address(&self) -> Option<std::net::IpAddr> {
        self.bare_host().parse().ok()
    }

    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client's doctor asks"))]
    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host is this machine, and may be.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the egress guard is the client's"))]
    pub(crate) fn is_allowed_loopback(&self) -> bool {
        self.loopback && is_loopback(&self.url)
    }
}

/// A path may hold a capability, so only the host is shown.
impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Endpoint({})", self.host())
    }
}

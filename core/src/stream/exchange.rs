//! Requests and answers as values, whatever server carries them.

use std::{fmt, net::IpAddr, time::Duration};

use serde_json::Value;
use url::form_urlencoded;

use super::Audit;
use crate::{key::BoxFuture, outbox::Failure};

/// A request without its body. `Debug` shows method and path and nothing else: headers hold credentials.
#[derive(Clone)]
pub struct Head {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    remote: Option<IpAddr>,
}

impl Head {
    /// The headers that the API and the [`Authenticator`](crate::client::Authenticator) read, in lower case. A server need not pass others.
    pub const READ: &[&str] = &["authorization", "content-length", "content-type", "if-none-match"];

    /// A request with this method and target: a path as it was sent, and a query after a question mark if there is one.
    pub fn new(method: impl Into<String>, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.into(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            remote: None,
        }
    }

    /// Adds a header: each value of it, if it occurs several times. The API reads those in [`READ`](Self::READ), and an
    /// [`Authenticate`](super::Authenticate) of your own what it needs.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the address of the caller, where the server knows it and not only that of a proxy: invalid tokens are limited by it.
    #[must_use]
    pub fn with_remote(mut self, address: IpAddr) -> Self {
        self.remote = Some(address);
        self
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, as it was sent.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The address of the caller, if it is known.
    pub fn remote(&self) -> Option<IpAddr> {
        self.remote
    }

    /// All values of a header.
    pub fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let found = self.headers.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values(name).next().map(str::trim)
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut all = form_urlencoded::parse(self.query.as_bytes());
        all.find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Head({} {})", self.method, self.path)
    }
}

/// An answer. `Debug` shows the status and nothing else: bodies hold SETs.
#[derive(Clone, Eq, PartialEq)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    audits: Vec<Audit>,
    failure: Option<Failure>,
}

impl Answer {
    /// An answer without a body that no cache keeps.
    pub(super) fn empty(status: u16) -> Self {
        let headers = vec![("cache-control", "no-store".to_owned())];
        Self { status, headers, body: Vec::new(), audits: Vec::new(), failure: None }
    }

    /// An answer with a value in JSON that no cache keeps.
    pub(super) fn json(status: u16, value: &Value) -> Self {
        let mut answer = Self::empty(status).with("content-type", "application/json");
        answer.body = value.to_string().into_bytes();
        answer
    }

    /// A document that caches keep.
    pub(super) fn document(text: String, cache_control: String, etag: String) -> Self {
        let headers = vec![
            ("cache-control", cache_control),
            ("etag", etag),
            ("content-type", "application/json".to_owned()),
        ];
        Self { status: 200, headers, body: text.into_bytes(), audits: Vec::new(), failure: None }
    }

    /// The document has not changed (RFC 9110 §15.4.5).
    pub(super) fn not_modified(mut self) -> Self {
        self.status = 304;
        self.headers.retain(|(name, _)| *name != "content-type");
        self.body.clear();
        self
    }

    /// The answer to HEAD.
    pub(super) fn without_body(mut self) -> Self {
        self.body.clear();
        self
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn audited(mut self, audit: Audit) -> Self {
        self.audits.push(audit);
        self
    }

    pub(super) fn failed(mut self, failure: Option<Failure>) -> Self {
        self.failure = failure;
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Names, in lower case, and values.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// What to write into an audit log: one if a known caller was to change something, whether it did or not, unless it sends too many
    /// requests; and one if the transmitter itself lets the stream go on. With the feature `tracing`, which is a part of `client`, they
    /// are also events `ssf.audit` of `tracing`, with the target `ssf_transmitter::audit`.
    pub fn audits(&self) -> &[Audit] {
        &self.audits
    }

    /// Why the transmitter cannot answer, for your log: its store or its key fails, and the caller reads nothing of it. With the feature
    /// `tracing`, which is a part of `client`, it is also an event `ssf.stream_api_failed` of `tracing`, with `operation`, `code` and
    /// `reason`.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The body, without a copy.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Answer({}, {} bytes)", self.status, self.body.len())
    }
}

/// Lets long polls wait: the timer of a runtime.
pub trait Timer: Send + Sync {
    /// Ends after this time.
    fn wait(&self, time: Duration) -> BoxFuture<'static, ()>;
}

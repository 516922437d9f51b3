//! Requests and answers as values, whatever server carries them.

use std::{fmt, time::Duration};

use serde_json::Value;
use url::form_urlencoded;

use crate::key::BoxFuture;

/// A request without its body. `Debug` shows method and path and nothing else: headers hold credentials.
#[derive(Clone)]
pub struct Head {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// A request with this method and target: a path as it was sent, and a query after a question mark if there is one.
    pub fn new(method: impl Into<String>, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { method: method.into(), path: path.to_owned(), query: query.to_owned(), headers: Vec::new() }
    }

    /// Adds a header. The API reads `Content-Type`, `Content-Length` and `If-None-Match`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(super) fn method(&self) -> &str {
        &self.method
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
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
}

impl Answer {
    /// An answer without a body that no cache keeps.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: vec![("cache-control", "no-store".to_owned())], body: Vec::new() }
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
        Self { status: 200, headers, body: text.into_bytes() }
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

//! What to send.

use std::{fmt, sync::Arc};

use super::Endpoint;
use crate::secret::Secret;

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

//! HTTP as plain values: what to send, what came back. No client in here; any HTTP stack can carry them.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

use crate::{
    error::{Error, ErrorCode, Result},
    secret::Secret,
    set::SignedSet,
};

/// The most of an answer's body that is read, in bytes.
pub const MAX_ANSWER: usize = 64 * 1024;

/// A POST request.
///
/// `Debug` shows the host and nothing else: headers hold tokens, bodies hold SETs and credentials.
#[derive(Clone)]
pub struct Request {
    pub(crate) url: Endpoint,
    pub(crate) headers: Vec<(&'static str, Secret<String>)>,
    pub(crate) body: Body,
}

/// The body of a request.
#[derive(Clone)]
pub(crate) enum Body {
    Set(SignedSet),
    Form(Secret<String>),
}

impl Request {
    pub(crate) fn new(url: Endpoint, body: Body) -> Self {
        let content_type = match &body {
            // RFC 8935 §2.1.
            Body::Set(_) => "application/secevent+jwt",
            // RFC 6749 §4.4.2.
            Body::Form(_) => "application/x-www-form-urlencoded",
        };
        let headers = vec![("content-type", content_type.into()), ("accept", "application/json".into())];
        Self { url, headers, body }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: Secret<String>) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Where it goes.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Names, in lower case, and values. A value may be a credential: keep it out of logs.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.expose().as_str()))
    }

    /// The body. It may hold a credential or personal data: keep it out of logs.
    pub fn body(&self) -> &str {
        match &self.body {
            Body::Set(set) => set.as_str(),
            Body::Form(form) => form.expose(),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Request").field("host", &self.url.host()).finish_non_exhaustive()
    }
}

/// The answer to a [`Request`].
///
/// `Debug` shows the status and nothing else: the body may quote what was sent, or hold a token.
#[derive(Clone)]
pub struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Secret<Vec<u8>>,
}

impl Response {
    /// An answer with this status, these headers and this body, of which no more than [`MAX_ANSWER`] bytes are needed.
    pub fn new(status: u16, headers: impl IntoIterator<Item = (String, String)>, body: Vec<u8>) -> Self {
        let headers = headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        Self { status, headers, body: Secret::new(body) }
    }

    /// The value of a header; `name` in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// No connection: nothing was sent.
    NotConnected,
    /// The connection broke, or the answer could not be read: the request may have arrived.
    Broken,
    /// The answer is larger than [`MAX_ANSWER`].
    TooLarge,
}

/// A URL that requests may go to.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Endpoint(Url);

impl Endpoint {
    /// Reads a URL: https, a host, no credentials, no fragment. `loopback_http` allows http to this machine.
    pub(crate) fn parse(text: &str, loopback_http: bool) -> Result<Self> {
        let invalid = |message: &str| Err(Error::new(ErrorCode::EndpointInvalid, message));
        let Ok(url) = Url::parse(text) else {
            return invalid("this is no absolute URL");
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) && loopback_http => {}
            "http" if is_loopback(&url) => {
                return invalid("http to this machine has to be allowed explicitly");
            }
            _ => return invalid("the URL does not start with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return invalid("the URL holds credentials; they belong into the authorization");
        }
        if url.fragment().is_some() {
            return invalid("the URL has a fragment (#…), which is never sent");
        }
        Ok(Self(url))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    pub(crate) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// A path may hold a capability, so only the host is shown.
impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Endpoint({})", self.host())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

//! Where requests may go.

use std::{fmt, sync::Arc};

use url::Url;

use crate::{
    error::{Error, ErrorCode, Result},
    web::is_loopback,
};

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
                return invalid("http to a loopback host must be allowed explicitly (`allow_loopback`)");
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

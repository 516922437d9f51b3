//! Which proxy a request goes through, and who said so.

use std::{env, fmt};

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::Matcher;

use crate::{
    error::{Error, ErrorCode, Result},
    http::{Endpoint, Refusal},
};

/// The variables that name the proxy for https, the first that is set first.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// A host that no list of exceptions names (RFC 6761 §6.4).
const ANY_HOST: &str = "https://host.invalid/";

/// The proxy of the setting `proxy`, of the environment, or of the operating system.
pub(super) struct Proxies {
    matcher: Matcher,
    origin: &'static str,
}

/// A proxy that a request goes through.
#[derive(Clone)]
pub(super) struct Proxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
    origin: &'static str,
}

impl Proxies {
    /// Reads the setting, or else the environment and the operating system; `None` where there is no proxy.
    pub(super) fn new(setting: Option<&str>) -> Result<Option<Self>> {
        if let Some(url) = setting {
            return Ok(Some(Self { matcher: checked(url, "the setting `proxy`", "")?, origin: "`proxy`" }));
        }
        if let Some((origin, url)) = first(&VARIABLES[..2]).or_else(|| first(&VARIABLES[2..])) {
            let exceptions = first(&["NO_PROXY", "no_proxy"]).map(|(_, list)| list).unwrap_or_default();
            // `*.example.com` is how many write what the list calls `.example.com`.
            let exceptions: Vec<_> = exceptions
                .split(',')
                .map(str::trim)
                .map(|host| host.strip_prefix("*.").unwrap_or(host))
                .collect();
            let exceptions = exceptions.join(",");
            let matcher = checked(&url, &format!("the environment variable {origin}"), &exceptions)?;
            return Ok(Some(Self { matcher, origin }));
        }
        let matcher = Matcher::from_system();
        let any = ANY_HOST.parse().ok().and_then(|uri| matcher.intercept(&uri));
        Ok(any.map(|_| Self { matcher, origin: "the operating system's settings" }))
    }

    /// The proxy for a host. This machine is reached without one: `localhost` of a proxy is another machine.
    pub(super) fn for_endpoint(&self, endpoint: &Endpoint) -> Option<Proxy> {
        if endpoint.is_allowed_loopback() {
            return None;
        }
        self.for_uri(&endpoint.as_str().parse().ok()?)
    }

    pub(super) fn for_uri(&self, uri: &Uri) -> Option<Proxy> {
        let found = self.matcher.intercept(uri)?;
        Some(Proxy {
            uri: found.uri().clone(),
            authorization: found.basic_auth().cloned(),
            origin: self.origin,
        })
    }
}

/// The first of the variables that is set; an empty one is as good as not set.
fn first(names: &[&'static str]) -> Option<(&'static str, String)> {
    names.iter().find_map(|name| {
        let value = env::var_os(name)?.to_string_lossy().trim().to_owned();
        (!value.is_empty()).then_some((*name, value))
    })
}

/// The proxy of a URL, if it is one that can be used.
fn checked(url: &str, setting: &str, exceptions: &str) -> Result<Matcher> {
    let invalid = |why: &str| Error::new(ErrorCode::ProxyInvalid, format!("{setting} {why}"));
    let url = url.trim();
    if let Some((scheme, _)) = url.split_once("://") {
        match scheme.to_ascii_lowercase().as_str() {
            "http" | "https" => {}
            "socks" | "socks4" | "socks4a" | "socks5" | "socks5h" => {
                return Err(invalid("names a SOCKS proxy; only HTTP proxies are supported"));
            }
            _ => return Err(invalid("must start with http:// or https://")),
        }
    }
    // What follows the host would be dropped, and a password with it.
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    if rest.find(['/', '?', '#']).is_some_and(|at| rest[at..].contains('@')) {
        return Err(invalid("has `/`, `?` or `#` in its user name or password: percent-encode them"));
    }
    let found =
        ANY_HOST.parse().ok().and_then(|any| Matcher::builder().all(url.to_owned()).build().intercept(&any));
    let named = |uri: &Uri| {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let has_port = authority.rsplit(']').next().is_some_and(|end| end.contains(':'));
        uri.host().is_some_and(|host| !host.is_empty())
            && !authority.contains('@')
            && has_port == uri.port_u16().is_some()
    };
    if found.is_some_and(|found| named(found.uri())) {
        Ok(Matcher::builder().all(url.to_owned()).no(exceptions.to_owned()).build())
    } else {
        Err(invalid(
            "is not the URL of a proxy; expected http://host:port, with user name and password percent-encoded",
        ))
    }
}

impl Proxy {
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    /// Whether it is spoken to over TLS.
    pub(super) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// The value of `Proxy-Authorization`.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    pub(super) fn unreachable(&self, why: impl fmt::Display) -> Refusal {
        Refusal::new(ErrorCode::ProxyUnreachable, format!("{self} {why}"))
    }
}

/// Where it is and who named it, without its credentials.
impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the proxy {}:{} ({})",
            self.uri.host().unwrap_or_default(),
            self.port(),
            self.origin
        )
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Proxies").field("origin", &self.origin).finish_non_exhaustive()
    }
}

//! Questions about URLs and media types. Each is answered here alone: by whole parts, never by how a text starts or ends.

use std::net::IpAddr;

use url::{Host, Url};

/// The domains of Okta's orgs. An org's admin console is at its own name with `-admin`, below the same domain.
const OKTA_DOMAINS: &[&str] = &["okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil"];

/// Whether the host is this machine: `localhost` (RFC 6761 §6.3), or a loopback address in any notation.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.strip_suffix('.').unwrap_or(name) == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).to_canonical().is_loopback(),
        None => false,
    }
}

/// Whether a text is the issuer of a transmitter: an https URL without query, fragment and credentials (SSF 1.0 §7.1).
/// Trials on this machine do without TLS.
pub(crate) fn is_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)))
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// Whether two URLs are the same but for a slash at the end.
pub(crate) fn differ_by_slash(one: &str, other: &str) -> bool {
    let without = |url: &str| url.strip_suffix('/').unwrap_or(url).to_owned();
    one != other && without(one) == without(other)
}

/// Whether the host is the admin console of an Okta org, such as `acme-admin.okta.com`.
pub(crate) fn is_okta_admin_console(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    host.split_once('.')
        .is_some_and(|(org, domain)| org.ends_with("-admin") && OKTA_DOMAINS.contains(&domain))
}

/// The media type in a `Content-Type`, without its parameters, in lower case (RFC 9110 §8.3.1).
pub(crate) fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

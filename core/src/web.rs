//! Questions about URLs and media types. Each is answered here alone: by whole parts, never by how a text starts or ends.

use std::net::IpAddr;

use url::{Host, Url};

/// The domains of Okta's orgs. An org's admin console is at its own name with `-admin`, below the same domain.
const OKTA_DOMAINS: &[&str] = &["okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil"];

/// Whether the host is this machine: `localhost` (RFC 6761 §6.3), or a loopback address in any notation.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).to_canonical().is_loopback(),
        None => false,
    }
}

/// Whether a name is that of this machine, with the dot of a whole name at its end or without.
pub(crate) fn is_localhost(name: &str) -> bool {
    name.strip_suffix('.').unwrap_or(name).eq_ignore_ascii_case("localhost")
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

/// Whether two URLs differ only in a trailing slash.
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

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{differ_by_slash, is_issuer, is_loopback, is_okta_admin_console, media_type};

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn this_machine_is_known_by_its_whole_host() {
        for text in [
            "http://localhost",
            "http://LOCALHOST:8080/a",
            "http://localhost.",
            "http://127.0.0.1",
            "http://127.8.8.8",
            "http://127.1",
            "http://2130706433",
            "http://0x7f.0.0.1",
            "http://0177.0.0.1",
            "http://[::1]:80",
            "http://[::ffff:127.0.0.1]",
            "http://user@localhost",
        ] {
            assert!(is_loopback(&url(text)), "{text}");
        }
        for text in [
            "http://localhost.evil.com",
            "http://localhost@evil.com",
            "http://localhost%2eevil.com",
            "http://evil.com/localhost",
            "http://evil.com#@localhost",
            "http://127.0.0.1.evil.com",
            "http://notlocalhost",
            "http://app.localhost",
            "http://128.0.0.1",
            "http://[::2]",
            "http://[::ffff:10.0.0.1]",
            "http://0.0.0.0",
            "file:///localhost",
        ] {
            assert!(!is_loopback(&url(text)), "{text}");
        }
    }

    #[test]
    fn an_issuer_is_https_or_this_machine() {
        assert!(is_issuer("HTTPS://edr.example.com/a") && is_issuer("http://localhost:8080"));
        for text in
            ["http://localhost.evil.com", "https://a@edr.example.com", "https://x?", "https:", "edr", ""]
        {
            assert!(!is_issuer(text), "{text}");
        }
    }

    #[test]
    fn an_admin_console_is_below_a_domain_of_okta() {
        for text in [
            "https://a-admin.okta.com",
            "https://A-ADMIN.OktaPreview.com.",
            "https://a-admin.okta-emea.com:443/",
        ] {
            assert!(is_okta_admin_console(&url(text)), "{text}");
        }
        for text in [
            "https://a.okta.com",
            "https://a-admin.okta.com.evil.com",
            "https://a-admin.evilokta.com",
            "https://a-admin.x.okta.com",
            "https://okta.com/a-admin.okta.com",
            "https://a-admin.okta.com@evil.com",
        ] {
            assert!(!is_okta_admin_console(&url(text)), "{text}");
        }
    }

    #[test]
    fn a_media_type_has_no_parameters_and_no_case() {
        assert_eq!(media_type(" Application/JSON ; charset=UTF-8"), "application/json");
        for other in ["application/jsonp", "text/json", "x-application/json", "application/problem+json", ""]
        {
            assert_ne!(media_type(other), "application/json");
        }
    }

    #[test]
    fn a_slash_at_the_end_is_told_from_other_differences() {
        assert!(differ_by_slash("https://x/", "https://x") && differ_by_slash("https://x/a", "https://x/a/"));
        assert!(!differ_by_slash("https://x", "https://x") && !differ_by_slash("https://x/", "https://y"));
        assert!(!differ_by_slash("https://x//", "https://x"));
    }
}

//! Why TLS failed, in terms of what has to be repaired.

use std::{fmt::Write as _, time::Duration};

use rustls::{AlertDescription, CertificateError, pki_types::UnixTime};

use crate::{error::ErrorCode, http::Refusal};

/// HTTP dates have years of four digits.
const LAST_DATE: Duration = Duration::from_secs(253_402_300_799);
/// Of the names in a certificate, so many are shown, and so much of each.
const NAMES: usize = 3;
const NAME_LENGTH: usize = 100;

/// The error codes of Apple's Security framework, which the platform's verifier has in its texts only.
const APPLE: &[(&str, CertificateError)] = &[
    ("-67818", CertificateError::Expired),
    ("-67819", CertificateError::NotValidYet),
    ("-67820", CertificateError::Revoked),
    ("-67843", CertificateError::UnknownIssuer),
];

/// What a failure of TLS means. `who` is the host, or the proxy; `identified` whether a client certificate is set.
pub(super) fn refusal(error: &rustls::Error, who: &str, identified: bool) -> Refusal {
    let (code, message) = match error {
        rustls::Error::InvalidCertificate(error) => certificate(error, who),
        rustls::Error::AlertReceived(alert) => alert_received(*alert, who, identified),
        rustls::Error::NoCertificatesPresented => {
            (ErrorCode::TlsCertificateInvalid, format!("{who} shows no certificate"))
        }
        rustls::Error::PeerIncompatible(problem) => {
            let message =
                format!("{who} and this library have no TLS 1.2 or 1.3 parameters in common ({problem:?})");
            (ErrorCode::TlsIncompatible, message)
        }
        rustls::Error::NoApplicationProtocol => (ErrorCode::TlsIncompatible, no_protocol(who)),
        rustls::Error::InvalidMessage(
            rustls::InvalidMessage::InvalidContentType | rustls::InvalidMessage::UnknownProtocolVersion,
        ) => (ErrorCode::TlsNotSpoken, format!("{who} answers on this port, but does not speak TLS")),
        other => (ErrorCode::TlsFailed, format!("no TLS with {who}: {other}")),
    };
    Refusal::new(code, message)
}

/// Whether an alert says that the other side did not accept who we are. In TLS 1.3 it comes after our part of the handshake
/// is done (RFC 8446 §4.4.2.4), and before the other side has looked at any request.
pub(super) fn refuses_client(error: &rustls::Error, identified: bool) -> bool {
    matches!(error, rustls::Error::AlertReceived(alert) if about_client(*alert, identified).is_some())
}

fn certificate(error: &CertificateError, who: &str) -> (ErrorCode, String) {
    let of = |code: ErrorCode, what: String| (code, format!("the certificate of {who} {what}"));
    match error {
        CertificateError::Expired => of(ErrorCode::TlsCertificateExpired, "has expired".to_owned()),
        CertificateError::ExpiredContext { time, not_after } => {
            let what = format!("expired on {} (this machine's clock: {})", date(*not_after), date(*time));
            of(ErrorCode::TlsCertificateExpired, what)
        }
        CertificateError::NotValidYet => {
            of(ErrorCode::TlsCertificateNotYetValid, "is not valid yet".to_owned())
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let what =
                format!("is not valid before {} (this machine's clock: {})", date(*not_before), date(*time));
            of(ErrorCode::TlsCertificateNotYetValid, what)
        }
        CertificateError::NotValidForName => {
            of(ErrorCode::TlsCertificateName, "is not for this name".to_owned())
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            of(ErrorCode::TlsCertificateName, format!("is {}", names(presented)))
        }
        CertificateError::UnknownIssuer => {
            of(ErrorCode::TlsCertificateUntrusted, "was not issued by a trusted CA".to_owned())
        }
        CertificateError::Revoked => of(ErrorCode::TlsCertificateRevoked, "is revoked".to_owned()),
        CertificateError::BadEncoding => of(ErrorCode::TlsCertificateInvalid, "is malformed".to_owned()),
        CertificateError::BadSignature => {
            let what = "is not signed by the trusted CA that it names as its issuer";
            of(ErrorCode::TlsCertificateUntrusted, what.to_owned())
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            of(ErrorCode::TlsCertificateInvalid, "is not for TLS servers (extended key usage)".to_owned())
        }
        CertificateError::Other(other) => by_text(&other.to_string(), who),
        other => of(ErrorCode::TlsCertificateInvalid, format!("is invalid: {other}")),
    }
}

/// What verifiers tell by a text alone.
fn by_text(text: &str, who: &str) -> (ErrorCode, String) {
    if let Some((_, error)) = APPLE.iter().find(|(code, _)| text.ends_with(code)) {
        return certificate(error, who);
    }
    let what = match text {
        "CaUsedAsEndEntity" => {
            "is a CA certificate (CA:TRUE), which a server must not present, even if it is trusted"
        }
        "UnsupportedCertVersion" => "has X.509 version 1; it must have version 3 and a subjectAltName",
        "certificate had invalid extensions" => "is not for TLS servers (extended key usage)",
        _ => {
            let message = format!("the certificate of {who} is invalid: {}", printable(text, NAME_LENGTH));
            return (ErrorCode::TlsCertificateInvalid, message);
        }
    };
    (ErrorCode::TlsCertificateInvalid, format!("the certificate of {who} {what}"))
}

fn alert_received(alert: AlertDescription, who: &str, identified: bool) -> (ErrorCode, String) {
    if let Some(reason) = about_client(alert, identified) {
        return if identified {
            let message = format!("{who} rejects the client certificate: {reason}");
            (ErrorCode::TlsClientCertificateRefused, message)
        } else {
            let message = format!("{who} requires a client certificate, and none is set");
            (ErrorCode::TlsClientCertificateRequired, message)
        };
    }
    match alert {
        AlertDescription::ProtocolVersion => {
            (ErrorCode::TlsIncompatible, format!("{who} speaks neither TLS 1.2 nor TLS 1.3"))
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity if identified => {
            let what = "shares no cipher suite, or does not accept the client certificate";
            (ErrorCode::TlsIncompatible, format!("{who} rejects the handshake: it {what}"))
        }
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            let what = "shares no cipher suite, or requires a client certificate, and none is set";
            (ErrorCode::TlsIncompatible, format!("{who} rejects the handshake: it {what}"))
        }
        AlertDescription::NoApplicationProtocol => (ErrorCode::TlsIncompatible, no_protocol(who)),
        AlertDescription::UnrecognisedName => {
            (ErrorCode::TlsCertificateName, format!("{who} has no certificate for this name"))
        }
        // The other side failed, and may not the next time.
        AlertDescription::InternalError => {
            (ErrorCode::ConnectionFailed, format!("{who} aborted the TLS handshake with an internal error"))
        }
        other => (ErrorCode::TlsFailed, format!("{who} aborted the TLS handshake with the alert {other:?}")),
    }
}

/// What an alert says about the client's certificate (RFC 8446 §6.2).
fn about_client(alert: AlertDescription, identified: bool) -> Option<&'static str> {
    match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            Some("the server did not get a certificate")
        }
        AlertDescription::BadCertificate => Some("it is malformed, or its signature is wrong"),
        AlertDescription::DecryptError if identified => Some("its signature does not verify"),
        AlertDescription::UnsupportedCertificate => Some("it is of an unsupported type"),
        AlertDescription::CertificateRevoked => Some("it is revoked"),
        AlertDescription::CertificateExpired => Some("it has expired, or is not valid yet"),
        AlertDescription::CertificateUnknown => Some("the host does not say why"),
        AlertDescription::UnknownCA => Some("its CA is unknown, or an intermediate certificate is missing"),
        AlertDescription::AccessDenied => Some("it is valid, but not authorized"),
        _ => None,
    }
}

fn no_protocol(who: &str) -> String {
    format!("{who} shares no application protocol (ALPN); HTTP/1.1 and HTTP/2 are offered")
}

/// Whom a certificate is for, as its subjectAltName says; the other side wrote that.
fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "for no name: it has no subjectAltName, and the common name is ignored".to_owned();
    }
    let mut text = "for ".to_owned();
    for (index, name) in presented.iter().take(NAMES).enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        // `DnsName("example.com")`, or another kind of name.
        let name = name.split_once('"').map_or(name.as_str(), |(_, name)| name.trim_end_matches(['"', ')']));
        let _ = write!(text, "{separator}{}", printable(name, NAME_LENGTH));
    }
    if presented.len() > NAMES {
        let _ = write!(text, " and {} more", presented.len() - NAMES);
    }
    text.push_str(", not for this name");
    text
}

fn printable(text: &str, length: usize) -> String {
    text.chars()
        .take(length)
        .map(|letter| if letter.is_ascii_graphic() || letter == ' ' { letter } else { '?' })
        .collect()
}

fn date(time: UnixTime) -> String {
    let since = Duration::from_secs(time.as_secs()).min(LAST_DATE);
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + since)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{CertificateError, OtherError, pki_types::ServerName};

    use super::refusal;
    use crate::{error::ErrorCode, http::Refusal};

    fn of(error: CertificateError) -> Refusal {
        refusal(&rustls::Error::InvalidCertificate(error), "a.example", false)
    }

    fn by_text(text: &'static str) -> Refusal {
        of(CertificateError::Other(OtherError(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(
            text,
        )))))
    }

    #[test]
    fn the_verifiers_of_other_systems_are_understood() {
        assert_eq!(of(CertificateError::Revoked).code(), ErrorCode::TlsCertificateRevoked);
        assert_eq!(of(CertificateError::Expired).code(), ErrorCode::TlsCertificateExpired);
        assert_eq!(of(CertificateError::NotValidForName).code(), ErrorCode::TlsCertificateName);
        assert_eq!(of(CertificateError::InvalidPurpose).code(), ErrorCode::TlsCertificateInvalid);
        for (text, code) in [
            ("“a.example” certificate is expired: -67818", ErrorCode::TlsCertificateExpired),
            ("“a.example” certificate is not valid yet: -67819", ErrorCode::TlsCertificateNotYetValid),
            ("“a.example” certificate is not trusted: -67843", ErrorCode::TlsCertificateUntrusted),
            ("certificate had invalid extensions", ErrorCode::TlsCertificateInvalid),
            ("something else: -1", ErrorCode::TlsCertificateInvalid),
        ] {
            assert_eq!(by_text(text).code(), code, "{text}");
        }
    }

    #[test]
    fn what_a_certificate_says_is_cut_and_cleaned() {
        let long = format!("DnsName(\"{}\")", "x".repeat(1000));
        let presented = vec!["DnsName(\"b\u{1b}[2J.example\")".to_owned(), long];
        let expected = ServerName::try_from("a.example").unwrap();
        let refusal = of(CertificateError::NotValidForNameContext { expected, presented });
        assert!(refusal.message().contains("for b?[2J.example, xxx"), "{}", refusal.message());
        assert!(refusal.message().len() < 300);
    }
}

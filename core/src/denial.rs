//! Why a request is turned away before it is looked at, and how that is written in an answer (RFC 6750 §3).

use std::{fmt, sync::Arc, time::Duration};

/// Why a caller was not let in. Stable: logs and alerts depend on the names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DenialReason {
    /// There is no header `Authorization`.
    CredentialsMissing,
    /// The scheme is not `Bearer`.
    SchemeUnsupported,
    /// There are several headers `Authorization`.
    HeaderRepeated,
    /// The header is not `Bearer` and a token of RFC 6750 §2.1.
    HeaderMalformed,
    /// The token is longer than the limit.
    TokenTooLong,
    /// The token is neither a static token of this transmitter nor a JWT.
    TokenUnknown,
    /// The JWT cannot be read: its parts, its base64url, its JSON, or a name that occurs twice.
    TokenMalformed,
    /// The JWT is not signed with an algorithm of the allow-list.
    AlgorithmNotAllowed,
    /// The header has `crit` (RFC 7515 §4.1.11): extensions that nobody here understands.
    HeaderCritical,
    /// The JWT is of another type: an ID token, a SET, a refresh token.
    NotAnAccessToken,
    /// `iss` is not a trusted issuer.
    IssuerUnknown,
    /// The issuer publishes no key that fits the header.
    KeyUnknown,
    /// The signature does not verify.
    SignatureInvalid,
    /// `aud` names another API.
    AudienceMismatch,
    /// `exp` has passed.
    TokenExpired,
    /// `nbf` or `iat` is in the future.
    TokenNotYetValid,
    /// The token is valid for longer than the limit.
    LifetimeTooLong,
    /// A required claim is missing, or a claim has the wrong type.
    ClaimInvalid,
    /// The token is bound to a key or a certificate (`cnf`), which a bearer cannot prove.
    TokenBound,
    /// The token is valid, but its client is not registered as a receiver.
    ClientUnknown,
    /// The caller lacks the scope for this endpoint.
    ScopeInsufficient,
    /// The caller sends too many requests.
    RateLimited,
    /// The address has sent too many invalid tokens.
    FailuresLimited,
    /// The keys of the issuer cannot be fetched.
    KeysUnavailable,
}

impl DenialReason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::CredentialsMissing,
        Self::SchemeUnsupported,
        Self::HeaderRepeated,
        Self::HeaderMalformed,
        Self::TokenTooLong,
        Self::TokenUnknown,
        Self::TokenMalformed,
        Self::AlgorithmNotAllowed,
        Self::HeaderCritical,
        Self::NotAnAccessToken,
        Self::IssuerUnknown,
        Self::KeyUnknown,
        Self::SignatureInvalid,
        Self::AudienceMismatch,
        Self::TokenExpired,
        Self::TokenNotYetValid,
        Self::LifetimeTooLong,
        Self::ClaimInvalid,
        Self::TokenBound,
        Self::ClientUnknown,
        Self::ScopeInsufficient,
        Self::RateLimited,
        Self::FailuresLimited,
        Self::KeysUnavailable,
    ];

    /// Its name in logs.
    pub const fn as_str(self) -> &'static str {
        self.facts().0
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        self.facts().1
    }

    /// Name, status and description.
    const fn facts(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::CredentialsMissing => ("credentials_missing", 401, "an access token is required"),
            Self::SchemeUnsupported => ("scheme_unsupported", 401, "the scheme Bearer is required"),
            Self::HeaderRepeated => ("header_repeated", 400, "the header Authorization occurs twice"),
            Self::HeaderMalformed => ("header_malformed", 400, "the header Authorization is malformed"),
            Self::TokenTooLong => ("token_too_long", 401, "the access token is too long"),
            Self::TokenUnknown => ("token_unknown", 401, "the access token is unknown"),
            Self::TokenMalformed => ("token_malformed", 401, "the access token is malformed"),
            Self::AlgorithmNotAllowed => {
                ("algorithm_not_allowed", 401, "the algorithm of the access token is not allowed")
            }
            Self::HeaderCritical => {
                ("header_critical", 401, "the access token has critical header parameters")
            }
            Self::NotAnAccessToken => ("not_an_access_token", 401, "the token is not an access token"),
            Self::IssuerUnknown => ("issuer_unknown", 401, "the issuer of the access token is not trusted"),
            Self::KeyUnknown => ("key_unknown", 401, "the key of the access token is unknown"),
            Self::SignatureInvalid => {
                ("signature_invalid", 401, "the signature of the access token is invalid")
            }
            Self::AudienceMismatch => ("audience_mismatch", 401, "the access token is for another API"),
            Self::TokenExpired => ("token_expired", 401, "the access token has expired"),
            Self::TokenNotYetValid => ("token_not_yet_valid", 401, "the access token is not yet valid"),
            Self::LifetimeTooLong => ("lifetime_too_long", 401, "the access token is valid for too long"),
            Self::ClaimInvalid => ("claim_invalid", 401, "a claim of the access token is missing or invalid"),
            Self::TokenBound => {
                ("token_bound", 401, "the access token is sender-constrained, which is not supported")
            }
            Self::ClientUnknown => ("client_unknown", 403, "the client is not registered as a receiver"),
            Self::ScopeInsufficient => {
                ("scope_insufficient", 403, "the access token lacks the required scope")
            }
            Self::RateLimited => ("rate_limited", 429, "too many requests"),
            Self::FailuresLimited => ("failures_limited", 429, "too many invalid access tokens"),
            Self::KeysUnavailable => {
                ("keys_unavailable", 503, "the keys of the issuer are temporarily unavailable")
            }
        }
    }

    /// The error code of RFC 6750 §3.1. A request without credentials, or with those of another scheme, gets none.
    const fn bearer_error(self) -> Option<&'static str> {
        match self {
            Self::CredentialsMissing | Self::SchemeUnsupported => None,
            Self::ScopeInsufficient => Some("insufficient_scope"),
            _ => match self.status() {
                400 => Some("invalid_request"),
                401 => Some("invalid_token"),
                _ => None,
            },
        }
    }
}

/// A request that is turned away: the status, the challenge and the body of its answer.
///
/// No text of the request is in it.
///
/// ```
/// use ssf_transmitter::denial::{Denial, DenialReason};
///
/// let denial = Denial::new(DenialReason::ScopeInsufficient).with_scope("ssf.manage");
/// assert_eq!((denial.status(), denial.err()), (403, "access_denied"));
/// assert_eq!(
///     denial.www_authenticate().as_deref(),
///     Some(r#"Bearer error="insufficient_scope", error_description="the access token lacks the required scope", scope="ssf.manage""#)
/// );
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Denial {
    reason: DenialReason,
    scope: Option<String>,
    resource_metadata: Option<Arc<str>>,
    retry_after: Option<Duration>,
}

impl Denial {
    /// For this reason.
    pub const fn new(reason: DenialReason) -> Self {
        Self { reason, scope: None, resource_metadata: None, retry_after: None }
    }

    /// Names the scope that the endpoint requires.
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Names the URL of the protected resource metadata (RFC 9728 §5.1).
    pub fn with_resource_metadata(mut self, url: impl Into<Arc<str>>) -> Self {
        self.resource_metadata = Some(url.into());
        self
    }

    /// Says when the next request makes sense.
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Why.
    pub const fn reason(&self) -> DenialReason {
        self.reason
    }

    /// The HTTP status: 400, 401, 403, 429 or 503.
    pub const fn status(&self) -> u16 {
        self.reason.status()
    }

    /// The error code of the body. Receivers know those for 401 and 403 from RFC 8935 §2.4.
    pub const fn err(&self) -> &'static str {
        match self.status() {
            400 => "invalid_request",
            401 => "authentication_failed",
            403 => "access_denied",
            429 => "too_many_requests",
            _ => "temporarily_unavailable",
        }
    }

    /// The error code of the challenge (RFC 6750 §3.1), if it has one.
    pub const fn challenge_error(&self) -> Option<&'static str> {
        self.reason.bearer_error()
    }

    /// What went wrong, for the developer of the receiver. It quotes nothing of the request.
    pub const fn description(&self) -> &'static str {
        self.reason.facts().2
    }

    /// How long to wait before the next request.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The value of `WWW-Authenticate` (RFC 6750 §3, RFC 9728 §5.1), where the status has one.
    pub fn www_authenticate(&self) -> Option<String> {
        if self.reason.bearer_error().is_none() && self.status() != 401 {
            return None;
        }
        let mut parameters: Vec<(&str, &str)> = Vec::new();
        if let Some(error) = self.reason.bearer_error() {
            parameters.extend([("error", error), ("error_description", self.description())]);
        }
        parameters.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
        parameters.extend(self.resource_metadata.as_deref().map(|url| ("resource_metadata", url)));
        let parameters: Vec<_> =
            parameters.into_iter().map(|(name, value)| format!("{name}=\"{}\"", quotable(value))).collect();
        Some(format!("Bearer {}", parameters.join(", ")).trim_end().to_owned())
    }

    /// The headers of the answer: names in lower case, and values.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let challenge = self.www_authenticate().map(|value| ("www-authenticate", value));
        // In whole seconds, rounded up: sooner would be too soon.
        let seconds = |wait: Duration| (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1);
        let wait = self.retry_after.map(|wait| ("retry-after", seconds(wait).to_string()));
        let mut headers = vec![("cache-control", "no-store".to_owned())];
        headers.extend(challenge);
        headers.extend(wait);
        headers
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} [{}]", self.description(), self.reason.as_str())
    }
}

impl std::error::Error for Denial {}

impl From<DenialReason> for Denial {
    fn from(reason: DenialReason) -> Self {
        Self::new(reason)
    }
}

/// What a quoted string may hold unescaped in a challenge (RFC 6750 §3). Settings are checked before; this is the last fence.
fn quotable(value: &str) -> String {
    value.chars().filter(|char| matches!(char, ' ' | '!' | '#'..='[' | ']'..='~')).collect()
}

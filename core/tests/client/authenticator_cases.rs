//! Who is let in, by the header `Authorization` and the settings: no issuer is asked.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use ssf_transmitter::{
    ErrorCode, Timestamp,
    access_token::{RateLimit, StaticToken, TokenHash, TrustedIssuer},
    client::{Authenticator, AuthenticatorBuilder},
    denial::{Denial, DenialReason},
    stream::{Caller, Scope},
    time::Clock,
};

const RESOURCE: &str = "https://tr.example.com/ssf";
const NOW: i64 = 1_800_000_000;

/// A clock that a test sets.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW * 1000)))
    }

    fn forward(&self, duration: Duration) {
        self.0.fetch_add(duration.as_millis().try_into().unwrap(), Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::Relaxed))
    }
}

fn acme() -> Caller {
    Caller::new("acme").audience("https://acme.example.com/ssf").scope(Scope::Manage)
}

fn one_token() -> (StaticToken, AuthenticatorBuilder) {
    let token = StaticToken::generate().unwrap();
    let builder = Authenticator::builder(RESOURCE).static_token(token.hash().clone(), acme());
    (token, builder)
}

async fn reason(authenticator: &Authenticator, headers: &[&str]) -> Result<String, DenialReason> {
    let found = authenticator.authenticate(headers, None).await;
    found.map(|caller| caller.receiver().to_owned()).map_err(|denial| denial.reason())
}

#[tokio::test]
async fn the_header_is_read_as_rfc_6750_has_it() {
    let (token, builder) = one_token();
    let authenticator = builder.build().unwrap();
    let token = token.secret().expose();
    let acme = Ok("acme".to_owned());
    for accepted in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER {token}"),
        format!("bEaReR    {token}"),
        format!(" Bearer {token}\t"),
    ] {
        assert_eq!(reason(&authenticator, &[&accepted]).await, acme, "{accepted:?}");
    }
    let malformed = Err(DenialReason::HeaderMalformed);
    let unsupported = Err(DenialReason::SchemeUnsupported);
    for (header, expected) in [
        (String::new(), malformed.clone()),
        ("Bearer".to_owned(), malformed.clone()),
        ("Bearer ".to_owned(), malformed.clone()),
        ("Bearer =".to_owned(), malformed.clone()),
        (format!("Bearer \"{token}\""), malformed.clone()),
        (format!("Bearer {token}, Bearer {token}"), malformed.clone()),
        (format!("Bearer {token} {token}"), malformed.clone()),
        (format!("Bearer \t{token}"), malformed.clone()),
        (format!("Bearer {token}\r\nX: y"), malformed.clone()),
        (format!("Bearer {token}\u{e9}"), malformed.clone()),
        (format!("Bearer token=\"{token}\""), malformed.clone()),
        (format!("Bearer\t{token}"), unsupported.clone()),
        (format!("Bearer:{token}"), unsupported.clone()),
        (token.clone(), unsupported.clone()),
        (format!("Token {token}"), unsupported.clone()),
        (format!("DPoP {token}"), unsupported.clone()),
        (format!("Basic {token}"), unsupported.clone()),
        (format!("Bearer {token}x"), Err(DenialReason::TokenUnknown)),
        (format!("Bearer {}", &token[..token.len() - 1]), Err(DenialReason::TokenUnknown)),
        (format!("Bearer {token}="), Err(DenialReason::TokenUnknown)),
        (format!("Bearer {}", token.to_uppercase()), Err(DenialReason::TokenUnknown)),
        ("Bearer a.b.c".to_owned(), Err(DenialReason::TokenUnknown)),
        (format!("Bearer {}", "a".repeat(8193)), Err(DenialReason::TokenTooLong)),
        (format!("Bearer {}", "a".repeat(1 << 20)), Err(DenialReason::TokenTooLong)),
    ] {
        assert_eq!(reason(&authenticator, &[&header]).await, expected, "{header:.80}");
    }
    let header = format!("Bearer {token}");
    assert_eq!(reason(&authenticator, &[&header, &header]).await, Err(DenialReason::HeaderRepeated));
    assert_eq!(reason(&authenticator, &["Basic x", &header]).await, Err(DenialReason::HeaderRepeated));
    let bytes = authenticator.authenticate([b"Bearer \xff\xfe".as_slice()], None).await;
    assert_eq!(bytes.unwrap_err().reason(), DenialReason::HeaderMalformed);
    // A token in the query or the body is not looked at: the request has none.
    assert_eq!(reason(&authenticator, &[]).await, Err(DenialReason::CredentialsMissing));
}

#[tokio::test]
async fn a_denial_is_an_answer_of_rfc_6750() {
    let (token, builder) = one_token();
    let authenticator = builder.build().unwrap();
    let metadata = r#"resource_metadata="https://tr.example.com/.well-known/oauth-protected-resource/ssf""#;
    let header = format!("Bearer {}x", token.secret().expose());
    for (headers, status, err, challenge) in [
        (vec![], 401, "authentication_failed", format!("Bearer {metadata}")),
        (vec!["Basic x"], 401, "authentication_failed", format!("Bearer {metadata}")),
        (
            vec![header.as_str()],
            401,
            "authentication_failed",
            format!(
                r#"Bearer error="invalid_token", error_description="the access token is unknown", {metadata}"#
            ),
        ),
        (
            vec![header.as_str(), header.as_str()],
            400,
            "invalid_request",
            format!(
                r#"Bearer error="invalid_request", error_description="the header Authorization occurs twice", {metadata}"#
            ),
        ),
    ] {
        let denial = authenticator.authenticate(headers, None).await.unwrap_err();
        assert_eq!((denial.status(), denial.err()), (status, err));
        assert_eq!(denial.www_authenticate(), Some(challenge));
        assert!(denial.headers().contains(&("cache-control", "no-store".to_owned())));
        let shown = format!("{denial} {denial:?} {:?}", denial.headers());
        assert!(!shown.contains(&token.secret().expose()[4..]), "{shown}");
    }
    let denial = authenticator.scope_required(Scope::Manage);
    assert_eq!((denial.status(), denial.err()), (403, "access_denied"));
    assert_eq!(denial.challenge_error(), Some("insufficient_scope"));
    assert!(denial.www_authenticate().unwrap().contains(r#"scope="ssf.manage""#));
    // Nothing that a setting says breaks out of its quotes.
    let denial = Denial::new(DenialReason::ScopeInsufficient).with_scope("a\" x=\"\r\nb\\");
    assert!(denial.www_authenticate().unwrap().ends_with(r#"scope="a x=b""#));
    for reason in DenialReason::ALL {
        let denial = Denial::new(*reason);
        let expects_challenge =
            matches!(denial.status(), 400 | 401) || *reason == DenialReason::ScopeInsufficient;
        assert_eq!(denial.www_authenticate().is_some(), expects_challenge, "{}", reason.as_str());
    }
}

#[tokio::test]
async fn static_tokens_rotate_and_expire() {
    let clock = Hand::new();
    let (old, new, other) = (
        StaticToken::generate().unwrap(),
        StaticToken::generate().unwrap(),
        StaticToken::generate().unwrap(),
    );
    let end = clock.now().plus(Duration::from_mins(1));
    let authenticator = Authenticator::builder(RESOURCE)
        .clock(clock.clone())
        .static_token_until(old.hash().clone(), acme(), end)
        .static_token(new.hash().clone(), acme())
        .static_token(other.hash().to_string().parse().unwrap(), Caller::new("other").scope(Scope::Read))
        .build()
        .unwrap();
    let header = |token: &StaticToken| format!("Bearer {}", token.secret().expose());
    assert_eq!(authenticator.authenticate([header(&old)], None).await.unwrap(), acme());
    assert_eq!(authenticator.authenticate([header(&new)], None).await.unwrap(), acme());
    let caller = authenticator.authenticate([header(&other)], None).await.unwrap();
    assert!(caller.receiver() == "other" && caller.may(Scope::Read) && !caller.may(Scope::Manage));
    clock.forward(Duration::from_mins(1));
    let denial = authenticator.authenticate([header(&old)], None).await.unwrap_err();
    assert_eq!(denial.reason(), DenialReason::TokenExpired);
    assert_eq!(authenticator.authenticate([header(&new)], None).await.unwrap(), acme());
    // The hash is not a token.
    let hash = format!("Bearer {}", new.hash().to_string().trim_start_matches("sha256:"));
    assert_eq!(reason(&authenticator, &[&hash]).await, Err(DenialReason::TokenUnknown));
}

#[test]
fn static_tokens_are_random_and_hidden() {
    let (one, two) = (StaticToken::generate().unwrap(), StaticToken::generate().unwrap());
    assert_ne!(one.hash(), two.hash());
    let text = one.secret().expose();
    assert!(text.starts_with("ssf_") && text.len() == 47, "{}", text.len());
    assert_eq!(format!("{one:?}"), "StaticToken { secret: Secret(…), hash: TokenHash(…) }");
    for wrong in ["", "sha256:", "sha256:AAAA", "sha512:x", text, &one.hash().to_string()[7..]] {
        let error = wrong.parse::<TokenHash>().unwrap_err();
        assert_eq!(error.code(), ErrorCode::AuthorizationInvalid);
        assert!(wrong.is_empty() || !error.to_string().contains(&text[4..]));
    }
}

#[tokio::test]
async fn invalid_tokens_of_one_address_are_limited() {
    let clock = Hand::new();
    let (token, builder) = one_token();
    let limit = RateLimit::per_second(1).burst(3);
    let authenticator = builder.clock(clock.clone()).failure_limit(limit).build().unwrap();
    let good = format!("Bearer {}", token.secret().expose());
    let from: Option<IpAddr> = Some("2001:db8::1".parse().unwrap());
    for _ in 0..10 {
        // Requests without a token are cheap, and what a browser sends.
        let denial = authenticator.authenticate::<&str>([], from).await.unwrap_err();
        assert_eq!(denial.status(), 401);
    }
    for last in 0..3 {
        let from = Some(format!("2001:db8::{last}").parse().unwrap());
        let denial = authenticator.authenticate(["Bearer guess"], from).await.unwrap_err();
        assert_eq!(denial.reason(), DenialReason::TokenUnknown);
    }
    for attempt in ["Bearer guess", good.as_str()] {
        let denial = authenticator.authenticate([attempt], from).await.unwrap_err();
        assert_eq!((denial.status(), denial.reason()), (429, DenialReason::FailuresLimited));
        assert_eq!(denial.retry_after(), Some(Duration::from_secs(1)));
    }
    let elsewhere = Some("2001:db8:0:1::1".parse().unwrap());
    authenticator.authenticate([&good], elsewhere).await.unwrap();
    authenticator.authenticate([&good], None).await.unwrap();
    clock.forward(Duration::from_secs(1));
    authenticator.authenticate([&good], from).await.unwrap();
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn settings_are_checked() {
    let issuer = || TrustedIssuer::new("https://as.example.com").client("c", "acme", "aud");
    let ruled = |rule: &str| TrustedIssuer::new("https://as.example.com").every_client(rule, "aud");
    let okta = |rule: &str| TrustedIssuer::okta("https://acme.okta.com").every_client(rule, "aud");
    let token = StaticToken::generate().unwrap();
    let builder = || Authenticator::builder(RESOURCE);
    let invalid = ErrorCode::ConfigurationInvalid;
    for (name, builder, code) in [
        ("nobody", builder(), invalid),
        ("no receivers", builder().issuer(TrustedIssuer::new("https://as.example.com")), invalid),
        ("an issuer twice", builder().issuer(issuer()).issuer(issuer()), invalid),
        (
            "an issuer with http",
            builder().issuer(TrustedIssuer::new("http://as.example.com").client("c", "r", "a")),
            ErrorCode::IssuerInvalid,
        ),
        (
            "an issuer on this machine",
            builder().issuer(TrustedIssuer::new("http://localhost").client("c", "r", "a")),
            ErrorCode::IssuerInvalid,
        ),
        (
            "a JWKS with http",
            builder().issuer(issuer().jwks_uri("http://as.example.com/jwks")),
            ErrorCode::EndpointInvalid,
        ),
        (
            "metadata with http",
            builder().issuer(issuer().metadata_url("http://as.example.com/x")),
            ErrorCode::EndpointInvalid,
        ),
        (
            "an empty receiver",
            builder().issuer(TrustedIssuer::new("https://as.example.com").client("c", "", "a")),
            invalid,
        ),
        (
            "an empty audience",
            builder().issuer(TrustedIssuer::new("https://as.example.com").client("c", "r", "")),
            ErrorCode::AudienceMissing,
        ),
        ("an empty audience of tokens", builder().issuer(issuer().audience("")), ErrorCode::AudienceMissing),
        ("no algorithm", builder().issuer(issuer().algorithms([])), invalid),
        ("a long leeway", builder().issuer(issuer().leeway(Duration::from_secs(301))), invalid),
        ("no lifetime", builder().issuer(issuer().max_lifetime(Duration::ZERO)), invalid),
        ("a scope with a space", builder().issuer(issuer().scope_names("a b", "c")), invalid),
        ("a scope with a quote", builder().issuer(issuer().scope_names("a\"", "c")), invalid),
        (
            "Cognito with common scopes",
            builder().issuer(TrustedIssuer::cognito("https://cognito.example.com/p").client("c", "r", "a")),
            invalid,
        ),
        ("a rule with two places", builder().issuer(ruled("{client}{client}")), invalid),
        ("rules that collide", builder().issuer(ruled("{client}")).issuer(okta("okta:{client}")), invalid),
        (
            "a rule that makes a registered receiver",
            builder().issuer(issuer()).issuer(okta("{client}")),
            invalid,
        ),
        (
            "a rule that makes its own registered receiver",
            builder().issuer(issuer().every_client("{client}", "aud")),
            invalid,
        ),
        (
            "a rule that makes the receiver of a static token",
            builder().issuer(okta("{client}")).static_token(token.hash().clone(), acme()),
            invalid,
        ),
        (
            "a token of two receivers",
            builder()
                .static_token(token.hash().clone(), acme())
                .static_token(token.hash().clone(), Caller::new("other")),
            invalid,
        ),
        (
            "a resource with http",
            Authenticator::builder("http://tr.example.com").issuer(issuer()),
            ErrorCode::EndpointInvalid,
        ),
        (
            "a resource with a query",
            Authenticator::builder("https://tr.example.com?a").issuer(issuer()),
            ErrorCode::EndpointInvalid,
        ),
    ] {
        let error = builder.build().err();
        assert_eq!(error.as_ref().map(ssf_transmitter::Error::code), Some(code), "{name}: {error:?}");
    }
    for (name, builder) in [
        ("rules with prefixes", builder().issuer(ruled("as:{client}")).issuer(okta("okta:{client}"))),
        (
            "a client that the rule would give the same id",
            builder()
                .issuer(ruled("{client}").client("acme", "acme", "aud"))
                .static_token(token.hash().clone(), acme()),
        ),
        ("one receiver for all clients", builder().issuer(ruled("acme"))),
    ] {
        builder.build().unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn the_metadata_says_where_tokens_come_from() {
    let okta = TrustedIssuer::okta("https://acme.okta.com/oauth2/default").client("c", "acme", "aud");
    let cognito = TrustedIssuer::cognito("https://cognito.example.com/pool")
        .scope_names("https://tr.example.com/ssf.read", "https://tr.example.com/ssf.manage")
        .client("c", "other", "aud");
    let authenticator = Authenticator::builder(RESOURCE).issuer(okta).issuer(cognito).build().unwrap();
    let metadata = authenticator.resource_metadata();
    assert_eq!(metadata.url(), "https://tr.example.com/.well-known/oauth-protected-resource/ssf");
    let document: serde_json::Value = serde_json::from_str(&metadata.to_json()).unwrap();
    let expected = serde_json::json!({
        "resource": RESOURCE,
        "bearer_methods_supported": ["header"],
        "authorization_servers": ["https://acme.okta.com/oauth2/default", "https://cognito.example.com/pool"],
        "scopes_supported":
            ["ssf.read", "ssf.manage", "https://tr.example.com/ssf.read", "https://tr.example.com/ssf.manage"],
    });
    assert_eq!(document, expected);
    let (_, builder) = one_token();
    let document = builder.build().unwrap().resource_metadata().to_json();
    assert!(!document.contains("authorization_servers"), "{document}");
}

//! Access tokens by client credentials (RFC 6749 §4.4) over real HTTP.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::server::{Answer, Seen, Server};
use ssf_transmitter::{
    Error, ErrorCode, ErrorKind, KeyType, Receiver, SigningKey, Subject, Timestamp, Transmitter,
    delivery::RetryPolicy,
    event::caep,
    time::Clock,
    token::{Authorization, ClientAuthentication, ClientCredentials},
};

/// A clock that the test moves.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.load(Ordering::SeqCst))
    }
}

/// A receiver that takes the tokens which its token endpoint numbers: `token-0`, `token-1`, …
async fn server(grant: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |seen: &Seen, before| match seen.path.as_str() {
        "/token" => grant(before),
        _ => (202, Vec::new(), Vec::new()),
    })
    .await
}

fn granted(number: usize, more: &str) -> Answer {
    let body = format!(r#"{{ "access_token": "token-{number}", "token_type": "bearer"{more} }}"#);
    (200, vec![("content-type", "application/json".to_owned())], body.into_bytes())
}

fn receiver(server: &Server, credentials: impl FnOnce(ClientCredentials) -> ClientCredentials) -> Receiver {
    let given = ClientCredentials::new(server.url("/token"), "client:1", "s3cr+t /ä");
    Receiver::builder(server.url("/events"), "aud")
        .client_credentials(credentials(given))
        .allow_loopback()
        .build()
        .unwrap()
}

fn transmitter(clock: &Hand) -> Transmitter {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    Transmitter::builder("https://edr.example.com", key)
        .clock(clock.clone())
        .retry(RetryPolicy::once())
        .build()
        .unwrap()
}

fn clock() -> Hand {
    Hand(Arc::new(AtomicI64::new(1_767_225_600)))
}

async fn emit(transmitter: &Transmitter, receiver: &Receiver) -> Result<(), Error> {
    transmitter.emit(caep::SessionRevoked::new(), Subject::opaque("1"), receiver).await.map(|_| ())
}

fn tokens(server: &Server) -> Vec<Seen> {
    server.seen().into_iter().filter(|seen| seen.path == "/token").collect()
}

fn authorizations(server: &Server) -> Vec<String> {
    let pushed = server.seen().into_iter().filter(|seen| seen.path == "/events");
    pushed.map(|seen| seen.header("authorization").unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn basic_encodes_id_and_secret_one_by_one() {
    let server = server(|number| granted(number, r#", "expires_in": 3600"#)).await;
    emit(&transmitter(&clock()), &receiver(&server, |given| given.scope("messages/write"))).await.unwrap();

    let request = &tokens(&server)[0];
    // base64 of `client%3A1:s3cr%2Bt+%2F%C3%A4`
    assert_eq!(request.header("authorization"), Some("Basic Y2xpZW50JTNBMTpzM2NyJTJCdCslMkYlQzMlQTQ="));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.body, "grant_type=client_credentials&scope=messages%2Fwrite");
    assert_eq!(authorizations(&server), ["Bearer token-0"]);
}

#[tokio::test]
async fn credentials_can_go_into_the_form() {
    let server = server(|number| granted(number, r#", "expires_in": 3600"#)).await;
    let receiver = receiver(&server, |given| given.authentication(ClientAuthentication::Body));
    emit(&transmitter(&clock()), &receiver).await.unwrap();

    let request = &tokens(&server)[0];
    assert_eq!(request.header("authorization"), None);
    let expected = "grant_type=client_credentials&client_id=client%3A1&client_secret=s3cr%2Bt+%2F%C3%A4";
    assert_eq!(request.body, expected);
}

#[tokio::test]
async fn a_token_serves_until_shortly_before_its_end() {
    let server = server(|number| granted(number, r#", "expires_in": 3600"#)).await;
    let (clock, receiver) = (clock(), receiver(&server, |given| given));
    let transmitter = transmitter(&clock);
    // Renewed within the last five minutes, or a half more by jitter.
    for (seconds_later, expected) in [(0, 1), (3100, 1), (3300, 2), (3590, 2)] {
        clock.0.store(1_767_225_600 + seconds_later, Ordering::SeqCst);
        emit(&transmitter, &receiver).await.unwrap();
        assert_eq!(tokens(&server).len(), expected, "after {seconds_later} s");
    }
    assert_eq!(authorizations(&server).last().unwrap(), "Bearer token-1");
}

#[tokio::test]
async fn deliveries_at_once_share_one_token_request() {
    let server = server(|number| granted(number, r#", "expires_in": 3600"#)).await;
    let (transmitter, receiver) = (transmitter(&clock()), receiver(&server, |given| given));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let (transmitter, receiver) = (transmitter.clone(), receiver.clone());
        running.spawn(async move { emit(&transmitter, &receiver).await });
    }
    while let Some(result) = running.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!(tokens(&server).len(), 1);
    assert_eq!(authorizations(&server).len(), 1000);
}

#[tokio::test]
async fn a_lifetime_that_is_absent_or_absurd_is_bounded() {
    // Unstated: five minutes. Nothing or less: not kept. Beyond a day: a day. As a string: as a number.
    for (more, kept_for, renewed_after) in [
        ("", 100, 300),
        (r#", "expires_in": null"#, 100, 300),
        (r#", "expires_in": "3600""#, 3000, 3600),
        (r#", "expires_in": 1e30"#, 80_000, 86_400),
        (r#", "expires_in": 0"#, -1, 0),
        (r#", "expires_in": -5"#, -1, 0),
    ] {
        let server = server(move |number| granted(number, more)).await;
        let (clock, receiver) = (clock(), receiver(&server, |given| given));
        let transmitter = transmitter(&clock);
        emit(&transmitter, &receiver).await.unwrap();
        if kept_for >= 0 {
            clock.0.store(1_767_225_600 + kept_for, Ordering::SeqCst);
            emit(&transmitter, &receiver).await.unwrap();
            assert_eq!(tokens(&server).len(), 1, "{more}");
        }
        clock.0.store(1_767_225_600 + renewed_after, Ordering::SeqCst);
        emit(&transmitter, &receiver).await.unwrap();
        assert_eq!(tokens(&server).len(), 2, "{more}");
    }
}

#[tokio::test]
async fn a_token_that_the_receiver_refuses_is_renewed_once() {
    let server = Server::start(|seen: &Seen, before| match seen.path.as_str() {
        "/token" => granted(before, r#", "expires_in": 3600"#),
        _ if seen.header("authorization") == Some("Bearer token-1") => (202, Vec::new(), Vec::new()),
        _ => (401, Vec::new(), Vec::new()),
    })
    .await;
    let (transmitter, receiver) = (transmitter(&clock()), receiver(&server, |given| given));
    emit(&transmitter, &receiver).await.unwrap();
    emit(&transmitter, &receiver).await.unwrap();
    assert_eq!(authorizations(&server), ["Bearer token-0", "Bearer token-1", "Bearer token-1"]);
}

#[tokio::test]
async fn a_receiver_that_refuses_the_fresh_token_too_is_left_alone() {
    for body in ["", r#"{ "err": "authentication_failed" }"#] {
        let status = if body.is_empty() { 401 } else { 400 };
        let server = Server::start(move |seen: &Seen, before| match seen.path.as_str() {
            "/token" => granted(before, r#", "expires_in": 3600"#),
            _ => (status, Vec::new(), body.as_bytes().to_vec()),
        })
        .await;
        let error = emit(&transmitter(&clock()), &receiver(&server, |given| given)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ReceiverUnauthorized);
        assert_eq!((tokens(&server).len(), authorizations(&server).len()), (2, 2));
    }
}

#[tokio::test]
async fn deliveries_that_were_refused_at_once_renew_the_token_once() {
    let server = Server::start(|seen: &Seen, before| match seen.path.as_str() {
        "/token" => granted(before, r#", "expires_in": 3600"#),
        _ if seen.header("authorization") == Some("Bearer token-1") => (202, Vec::new(), Vec::new()),
        _ => (401, Vec::new(), Vec::new()),
    })
    .await;
    let (transmitter, receiver) = (transmitter(&clock()), receiver(&server, |given| given));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (transmitter, receiver) = (transmitter.clone(), receiver.clone());
        running.spawn(async move { emit(&transmitter, &receiver).await });
    }
    while let Some(result) = running.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!(tokens(&server).len(), 2);
}

#[tokio::test]
async fn a_renewal_that_fails_does_no_harm_while_the_old_token_lives() {
    let server = server(|number| match number {
        0 => granted(0, r#", "expires_in": 3600"#),
        _ => (503, Vec::new(), Vec::new()),
    })
    .await;
    let (clock, receiver) = (clock(), receiver(&server, |given| given));
    let transmitter = transmitter(&clock);
    emit(&transmitter, &receiver).await.unwrap();
    clock.0.store(1_767_225_600 + 3599, Ordering::SeqCst);
    emit(&transmitter, &receiver).await.unwrap();
    assert_eq!((tokens(&server).len(), authorizations(&server).len()), (2, 2));
    clock.0.store(1_767_225_600 + 3600, Ordering::SeqCst);
    assert_eq!(emit(&transmitter, &receiver).await.unwrap_err().code(), ErrorCode::TokenUnavailable);
}

#[tokio::test]
async fn a_client_can_name_itself_by_a_key() {
    let server = server(|number| granted(number, r#", "expires_in": 3600"#)).await;
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let credentials = ClientCredentials::with_key(server.url("/token"), "client-1", key.clone())
        .audience("https://receiver.example.net")
        .parameter("resource", "urn:sets");
    let receiver = Receiver::builder(server.url("/events"), "aud")
        .client_credentials(credentials)
        .allow_loopback()
        .build()
        .unwrap();
    emit(&transmitter(&clock()), &receiver).await.unwrap();

    let request = &tokens(&server)[0];
    assert_eq!(request.header("authorization"), None);
    let form: std::collections::HashMap<_, _> =
        request.body.split('&').filter_map(|pair| pair.split_once('=')).collect();
    assert_eq!(form["client_id"], "client-1");
    assert_eq!(
        form["client_assertion_type"],
        "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    );
    assert_eq!(form["audience"], "https%3A%2F%2Freceiver.example.net");
    assert_eq!(form["resource"], "urn%3Asets");
    assert!(!form.contains_key("client_secret"));

    // RFC 7523 §3, judged by a library that did not make it.
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    rules.set_audience(&[server.url("/token")]);
    rules.set_issuer(&["client-1"]);
    rules.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    rules.validate_exp = false;
    let public =
        jsonwebtoken::DecodingKey::from_ec_pem(key.public_key().to_pem().unwrap().as_bytes()).unwrap();
    let assertion =
        jsonwebtoken::decode::<serde_json::Value>(form["client_assertion"], &public, &rules).unwrap();
    assert_eq!(assertion.claims["sub"], "client-1");
    assert_eq!(assertion.claims["exp"], 1_767_225_660);
    assert_eq!(assertion.header.kid.as_deref(), Some(key.kid()));
}

#[tokio::test]
async fn token_errors_are_told_apart() {
    let invalid_client = r#"{ "error": "invalid_client", "error_description": "secret s3cr+t is wrong" }"#;
    for (status, body, code, receiver_error) in [
        (401, invalid_client, ErrorCode::TokenRefused, Some("invalid_client")),
        (400, r#"{ "error": "invalid_scope" }"#, ErrorCode::TokenRefused, Some("invalid_scope")),
        (400, r#"{ "error": "secret s3cr+t is wrong" }"#, ErrorCode::TokenRefused, None),
        (404, "<html>", ErrorCode::TokenRefused, None),
        (302, "", ErrorCode::TokenRefused, None),
        (429, "", ErrorCode::TokenUnavailable, None),
        (503, "", ErrorCode::TokenUnavailable, None),
        (200, "<html>Sign in</html>", ErrorCode::TokenResponseInvalid, None),
        (200, "{}", ErrorCode::TokenResponseInvalid, None),
        (200, r#"{ "access_token": "" }"#, ErrorCode::TokenResponseInvalid, None),
        (200, r#"{ "access_token": "a\nb" }"#, ErrorCode::TokenResponseInvalid, None),
        (200, r#"{ "access_token": "a", "token_type": "mac" }"#, ErrorCode::TokenResponseInvalid, None),
    ] {
        let server = server(move |_| (status, Vec::new(), body.as_bytes().to_vec())).await;
        let error = emit(&transmitter(&clock()), &receiver(&server, |given| given)).await.unwrap_err();
        assert_eq!(error.code(), code, "{status} {body}");
        assert_eq!(error.kind(), ErrorKind::Token);
        assert_eq!(error.receiver_error(), receiver_error, "{status} {body}");
        assert!(!format!("{error} {error:?}").contains("s3cr"), "{status} {body}");
        assert!(authorizations(&server).is_empty(), "nothing is sent without a token");
    }
}

#[test]
fn an_authorization_that_is_none_is_refused() {
    for value in ["", "a\nb"] {
        for authorization in [Authorization::Bearer(value.into()), Authorization::Header(value.into())] {
            let receiver = Receiver::builder("https://r.example.net/events", "https://r.example.net");
            let error = receiver.authorization(authorization).build().unwrap_err();
            assert_eq!(error.code(), ErrorCode::AuthorizationInvalid);
        }
    }
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let server = server(|number| granted(number, "")).await;
    let receiver = receiver(&server, |given| given);
    let credentials = ClientCredentials::new(server.url("/token"), "client", "s3cret");
    let shown = format!(
        "{receiver:?} {credentials:?} {:?}",
        ssf_transmitter::token::Authorization::Bearer("s3cret".into())
    );
    assert!(!shown.contains("s3cr") && !shown.contains("token-"), "{shown}");
}

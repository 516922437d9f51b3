//! The sender against a receiver that misbehaves on command, over real sockets and real TLS.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may fail")]

mod support;

use std::time::Duration;

use ssf_emulator::Like;
use ssf_transmitter::{
    Error, Network, Receipt, Subject, Timestamp,
    delivery::{ReceiptNote, RetryPolicy},
    event::{caep, risc},
};
use support::{World, quick};

async fn emit(world: &World) -> Result<Receipt, Error> {
    let (transmitter, receiver) = (&world.transmitter, &world.receiver);
    if world.emulator.token_url().is_some() {
        let user = Subject::uri("urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw=");
        transmitter.emit(risc::AccountDisabled::new(), user, receiver).await
    } else {
        transmitter.emit(caep::SessionRevoked::new(), Subject::email("ada@example.com"), receiver).await
    }
}

/// One rule, always or for the first pushes.
fn script(position: &str, fault: &str) -> String {
    format!(r#"{{ "rules": [{{ {position} "fault": {fault} }}] }}"#)
}

#[tokio::test]
async fn what_passes_is_delivered_after_a_while_and_taken_once() {
    for fault in [
        r#"{ "status": { "status": 408 } }"#,
        r#"{ "status": { "status": 429 } }"#,
        r#"{ "status": { "status": 429, "retry_after": 0 } }"#,
        r#"{ "status": { "status": 429, "retry_after": { "date_in": 0 } } }"#,
        r#"{ "status": { "status": 500 } }"#,
        r#"{ "status": { "status": 503, "body": "<html>Sorry</html>", "content_type": "text/html" } }"#,
        r#"{ "status": { "status": 503, "after": true } }"#,
        r#""close""#,
        r#""lost_answer""#,
        r#"{ "reset": { "after": false } }"#,
        r#"{ "reset": { "after": true } }"#,
        r#"{ "half_close": {} }"#,
        r#"{ "slow_headers": { "ms": 5 } }"#,
        r#"{ "slow_body": { "ms": 5 } }"#,
    ] {
        let script = script(r#""first": 2,"#, fault);
        let world = World::start_by(Like::Rfc8935, &script, quick(), Network::http1_only).await;
        let receipt = emit(&world).await.unwrap_or_else(|error| panic!("{fault}: {error:?}"));
        let attempts = if fault.contains("slow") { 1 } else { 3 };
        assert_eq!(receipt.attempts(), attempts, "{fault}");
        assert_eq!(world.emulator.accepted().into_keys().collect::<Vec<_>>(), [receipt.jti()], "{fault}");

        // Over HTTP/2 a stream that was not begun is sent again beneath what is counted here.
        let world = World::start(Like::Rfc8935, &script, quick()).await;
        let receipt = emit(&world).await.unwrap_or_else(|error| panic!("{fault}: {error:?}"));
        assert_eq!(world.emulator.accepted().into_keys().collect::<Vec<_>>(), [receipt.jti()], "{fault}");
    }
}

#[tokio::test]
async fn what_does_not_pass_is_told_at_once() {
    for (fault, code) in [
        (r#"{ "status": { "status": 400, "err": "invalid_request" } }"#, "receiver_rejected"),
        (r#"{ "status": { "status": 400, "err": "invalid_issuer" } }"#, "receiver_rejected"),
        (r#"{ "status": { "status": 400, "err": "invalid_audience" } }"#, "receiver_rejected"),
        (r#"{ "status": { "status": 400, "err": "invalid_key" } }"#, "receiver_key_unknown"),
        (r#"{ "status": { "status": 400, "err": "authentication_failed" } }"#, "receiver_unauthorized"),
        (r#"{ "status": { "status": 400, "err": "access_denied" } }"#, "receiver_unauthorized"),
        (
            r#"{ "status": { "status": 400, "body": "no JSON", "content_type": "text/plain" } }"#,
            "receiver_rejected",
        ),
        (r#"{ "status": { "status": 401 } }"#, "receiver_unauthorized"),
        (r#"{ "status": { "status": 403 } }"#, "receiver_unauthorized"),
        (r#"{ "status": { "status": 404 } }"#, "receiver_not_found"),
        (r#"{ "status": { "status": 410 } }"#, "receiver_not_found"),
        (r#"{ "status": { "status": 413 } }"#, "receiver_rejected"),
        (r#"{ "status": { "status": 400, "err": "invalid_issuer", "ends": "cut" } }"#, "receiver_rejected"),
        (r#"{ "status": { "status": 404, "body": "gone", "ends": "open" } }"#, "receiver_not_found"),
        (r#"{ "status": { "status": 409 } }"#, "receiver_rejected"),
        (r#"{ "status": { "status": 429, "retry_after": 3600 } }"#, "receiver_throttled"),
    ] {
        let world = World::start(Like::Rfc8935, &script("", fault), quick()).await;
        let error = emit(&world).await.unwrap_err();
        assert_eq!(error.code().as_str(), code, "{fault}");
        assert_eq!(world.emulator.ledger().len(), 1, "{fault}: sent once");
    }
}

#[tokio::test]
async fn what_happens_to_the_body_does_not_change_that_it_is_delivered() {
    for (fault, notes) in [
        (r#"{ "huge_body": { "bytes": 200000 } }"#, &[ReceiptNote::BodyTooLong][..]),
        (
            r#"{ "status": { "status": 202, "body": "half of i", "after": true, "ends": "cut" } }"#,
            &[ReceiptNote::BodyBroken],
        ),
        (
            r#"{ "status": { "status": 202, "body": "half of i", "after": true, "ends": "open" } }"#,
            &[ReceiptNote::BodyUnfinished],
        ),
        (r#"{ "status": { "status": 202, "after": true, "ends": "open" } }"#, &[ReceiptNote::BodyUnfinished]),
        (
            r#"{ "status": { "status": 200, "body": "OK", "after": true, "ends": "cut" } }"#,
            &[ReceiptNote::UnexpectedStatus, ReceiptNote::BodyBroken],
        ),
        (r#"{ "slow_body": { "ms": 60000 } }"#, &[ReceiptNote::BodyUnfinished]),
    ] {
        let script = script("", fault);
        for http1 in [true, false] {
            let world = if http1 {
                World::start_by(Like::Rfc8935, &script, quick(), Network::http1_only).await
            } else {
                World::start(Like::Rfc8935, &script, quick()).await
            };
            let receipt = emit(&world).await.unwrap_or_else(|error| panic!("{fault}: {error:?}"));
            assert_eq!((receipt.attempts(), receipt.notes()), (1, notes), "{fault}, HTTP/1.1: {http1}");
            assert_eq!(world.emulator.counters().requests, 1, "{fault}, HTTP/1.1: {http1}");
        }
    }
}

#[tokio::test]
async fn a_receiver_that_has_the_set_already_says_so_and_it_is_delivered() {
    for known in [r#"{ "status": 409 }"#, r#"{ "status": 400, "err": "dup" }"#] {
        for lost in [
            r#""lost_answer""#,
            r#"{ "reset": { "after": true } }"#,
            r#"{ "status": { "status": 502, "after": true } }"#,
        ] {
            let rules = format!(
                r#"{{ "rules": [{{ "nth": 1, "fault": {lost} }}, {{ "nth": 2, "fault": {{ "status": {known} }} }}] }}"#
            );
            let world = World::start_by(Like::Rfc8935, &rules, quick(), Network::http1_only).await;
            let receipt = emit(&world).await.unwrap_or_else(|error| panic!("{lost}, {known}: {error:?}"));
            assert_eq!(
                (receipt.attempts(), receipt.notes()),
                (2, &[ReceiptNote::AlreadyReceived][..]),
                "{lost}"
            );
            assert_eq!(world.emulator.accepted().into_keys().collect::<Vec<_>>(), [receipt.jti()], "{lost}");
        }
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_though_there_is_no_retry_after() {
    let rule = script(r#""nth": 1,"#, r#"{ "status": { "status": 429, "rate_limit_reset_in": 2 } }"#);
    let world = World::start(Like::Rfc8935, &rule, quick()).await;
    assert_eq!(emit(&world).await.unwrap().attempts(), 2);
    let rule =
        script(r#""on": "token", "nth": 1,"#, r#"{ "status": { "status": 429, "rate_limit_reset_in": 2 } }"#);
    let world = World::start(Like::GovUkOneLogin, &rule, quick()).await;
    assert_eq!(emit(&world).await.unwrap().attempts(), 2);
}

#[tokio::test]
async fn the_same_token_again_is_no_reason_to_push_again() {
    let token = r#"{ "access_token": "one-and-the-same", "token_type": "Bearer", "expires_in": 3600 }"#;
    let token = serde_json::to_string(token).unwrap();
    let rule =
        script(r#""on": "token","#, &format!(r#"{{ "status": {{ "status": 200, "body": {token} }} }}"#));
    let world = World::start(Like::GovUkOneLogin, &rule, quick()).await;
    let error = emit(&world).await.unwrap_err();
    assert_eq!(error.code().as_str(), "token_stale");
    let refusal =
        std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Error>()).unwrap();
    assert_eq!(refusal.code().as_str(), "receiver_unauthorized");
    let paths = world.emulator.ledger();
    assert_eq!(paths.iter().filter(|entry| !entry.path.contains("token")).count(), 1, "pushed once");
}

#[tokio::test]
async fn a_receiver_that_never_answers_ends_with_the_deadline() {
    let policy = quick().attempt_timeout(Duration::from_millis(100));
    let world = World::start(Like::Rfc8935, &script("", r#""never""#), policy).await;
    let (event, subject) = (caep::SessionRevoked::new(), Subject::email("ada@example.com"));
    let emit = world.transmitter.emit(event, subject, &world.receiver);
    let error = emit.deadline(Duration::from_millis(300)).await.unwrap_err();
    assert!(["deadline_exceeded", "receiver_timeout"].contains(&error.code().as_str()), "{error:?}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn tls_that_fails_is_told_as_such() {
    for (fault, expected) in [
        ("handshake", "tls_incompatible"),
        ("wrong_host", "tls_certificate_name"),
        ("expired", "tls_certificate_expired"),
        ("untrusted", "tls_certificate_untrusted"),
    ] {
        let rule = script(r#""on": "connection","#, &format!(r#"{{ "tls": "{fault}" }}"#));
        let world = World::start(Like::Rfc8935, &rule, RetryPolicy::once()).await;
        let code = emit(&world).await.unwrap_err().code();
        assert_eq!(code.as_str(), expected, "{fault}");
        assert!(world.emulator.accepted().is_empty(), "{fault}");
    }
}

#[tokio::test]
async fn a_key_that_is_rotated_in_the_middle_signs_again() {
    let fault = r#"{ "status": { "status": 400, "err": "invalid_key" } }"#;
    let world = World::start(Like::Rfc8935, &script(r#""first": 1,"#, fault), quick()).await;
    let event = caep::SessionRevoked::new();
    let set = world.transmitter.prepare(event, Subject::opaque("1"), &world.receiver).unwrap();
    let set = set.sign(world.keys.active().local().unwrap()).unwrap();
    world.keys.rotate(Timestamp::now(), Duration::ZERO).unwrap();

    let receipt = world.transmitter.deliver(&set, &world.receiver).await.unwrap();
    assert_eq!((receipt.jti(), receipt.attempts()), (set.jti(), 2));
    let decoded = receipt.set().decode().unwrap();
    assert_eq!(decoded.header()["kid"], world.keys.active().kid().unwrap());
    assert_eq!(world.emulator.accepted().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_withdrawn_is_renewed() {
    let rule = script(r#""nth": 2,"#, r#""invalid_token""#);
    let world = World::start(Like::GovUkOneLogin, &rule, quick()).await;
    emit(&world).await.unwrap();
    assert_eq!(emit(&world).await.unwrap().attempts(), 2);
    let tokens = world.emulator.ledger().iter().filter(|entry| entry.path.contains("token")).count();
    assert_eq!(tokens, 2);
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_for_a_while_is_asked_again() {
    for fault in [r#"{ "status": { "status": 503 } }"#, r#""close""#, r#"{ "status": { "status": 429 } }"#] {
        let rule = script(r#""on": "token", "first": 2,"#, fault);
        let world = World::start(Like::GovUkOneLogin, &rule, quick()).await;
        emit(&world).await.unwrap_or_else(|error| panic!("{fault}: {error:?}"));
    }
    let rule =
        script(r#""on": "token","#, r#"{ "status": { "status": 200, "body": "<html>Sign in</html>" } }"#);
    let world = World::start(Like::GovUkOneLogin, &rule, quick()).await;
    assert_eq!(emit(&world).await.unwrap_err().code().as_str(), "token_response_invalid");
}

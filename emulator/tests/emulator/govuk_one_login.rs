//! `--like govuk-one-login`: what GOV.UK One Login publishes about its inbound endpoint, and its token endpoint.

use std::time::Duration;

use crate::common::{CLIENT_ID, CLIENT_SECRET, Reply, Scene, key, set, with};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ssf_emulator::Like;

const DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
const COMPLIANCE: &str = "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change";
const METADATA: &str = "https://vocab.account.gov.uk/secevent/v1/eventMetadata";
const DETAILS: &str = "https://vocab.account.gov.uk/secevent/v1/accountDisabled/eventDetails";

fn uri_subject() -> Value {
    json!({ "format": "uri", "uri": "urn:fdc:gov.uk:2022:AAAA" })
}

fn claims() -> Value {
    set(DISABLED, json!({ "subject": uri_subject(), "reason": "hijacking" }))
}

/// Asks for a token with these parameters and this `Authorization`.
async fn ask(scene: &Scene, authorization: Option<String>, form: &[(&str, &str)]) -> Reply {
    let mut request = scene.http.post(scene.token_url()).form(form);
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    Reply::to(request).await
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// The credentials of the tests, encoded as RFC 6749 §2.3.1 wants them.
fn good_basic() -> String {
    basic("service+one", "p%2Bss%3Aword%25%2F")
}

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn accepts_a_set_with_a_token_and_answers_with_a_json_string() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    let token = scene.token().await;
    // The reference sender says nothing about the type of the body.
    let request = scene.http.post(scene.emulator.push_url()).bearer_auth(token).body(key().sign(&claims()));
    let reply = Reply::to(request).await;
    assert_eq!((reply.status, reply.body.is_string()), (202, true), "{reply:?}");
    assert_eq!(reply.header("content-type"), "application/json");
}

#[tokio::test]
async fn refuses_with_a_json_string() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    let reply = scene.push_authorized("not a SET").await;
    assert_eq!((reply.status, reply.body.is_string()), (400, true), "{reply:?}");
    let entry = scene.emulator.ledger().pop().unwrap();
    assert_eq!(entry.err.as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn challenges_a_push_without_a_good_token() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    let reply = scene.push(key().sign(&claims())).await;
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, "Bearer"));
    let reply = Reply::to(scene.request(key().sign(&claims())).bearer_auth("made up")).await;
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, "Bearer error=\"invalid_token\""));
    let reply = Reply::to(scene.request(key().sign(&claims())).basic_auth("a", Some("b"))).await;
    assert_eq!(reply.status, 401);
    assert_eq!(scene.transmitter.fetches(), 0, "the body is not looked at");
}

#[tokio::test]
async fn challenges_a_push_with_a_token_that_has_expired() {
    let scene = Scene::with(Like::GovUkOneLogin, |config| {
        config.token_lifetime = Duration::ZERO;
    })
    .await;
    let first = scene.token().await;
    let reply = Reply::to(scene.request(key().sign(&claims())).bearer_auth(&first)).await;
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, "Bearer error=\"invalid_token\""));
    assert_ne!(scene.token().await, first);
}

#[tokio::test]
async fn answers_its_health_probe() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    assert_eq!(scene.push_authorized("healthcheck").await.status, 200);
    let okta = Scene::like(Like::Okta).await;
    okta.push("healthcheck").await.assert_refused("invalid_request");
}

#[tokio::test]
async fn allows_companions_beside_an_event_but_not_alone() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    let mut claims = claims();
    claims["events"][METADATA] = json!({ "event_timestamp_ms": 1_767_225_590_000_u64 });
    claims["events"][DETAILS] = json!({ "location": "GB" });
    assert_eq!(scene.push_authorized(key().sign(&claims)).await.status, 202);
    let alone = set(METADATA, json!({}));
    assert_eq!(scene.push_authorized(key().sign(&alone)).await.status, 400);
}

#[tokio::test]
async fn spells_its_enumerations_its_own_way() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    let device = json!({ "device": { "format": "iss_sub", "iss": "https://mdm.example.org", "sub": "1" } });
    for (status, answer) in [("non-compliant", 202), ("not-compliant", 400)] {
        let event = json!({ "subject": device, "previous_status": "compliant", "current_status": status });
        let reply = scene.push_authorized(key().sign(&set(COMPLIANCE, event))).await;
        assert_eq!(reply.status, answer, "{reply:?}");
    }
}

#[tokio::test]
async fn refuses_events_that_are_not_as_its_schemas_have_them() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    let caep = |name: &str| format!("https://schemas.openid.net/secevent/caep/event-type/{name}");
    let risc = |name: &str| format!("https://schemas.openid.net/secevent/risc/event-type/{name}");
    let own = |name: &str| format!("https://vocab.account.gov.uk/secevent/v1/{name}");
    let legacy = json!({ "subject_type": "iss-sub", "iss": "https://idp.example.org", "sub": "1" });
    let email = json!({ "format": "email", "email": "ada@example.org" });
    let levels = json!({ "subject": uri_subject(), "current_level": "nist-aal2" });
    for (uri, event, part) in [
        (DISABLED.to_owned(), json!({}), "subject"),
        (DISABLED.to_owned(), json!({ "subject": legacy }), "subject.format"),
        (DISABLED.to_owned(), json!({ "subject": email }), "subject.format"),
        (risc("identifier-changed"), json!({ "subject": email }), "new-value"),
        (risc("credential-compromise"), json!({ "subject": uri_subject() }), "credential_type"),
        (caep("assurance-level-change"), levels, "previous_level"),
        (own("activity/sessionRecovered"), json!({ "subject": uri_subject() }), "session"),
        (
            own("notification/accountBlock"),
            json!({ "subject": uri_subject(), "event_timeframe": {} }),
            "start_time",
        ),
        (caep("risk-level-change"), json!({ "subject": uri_subject() }), "not supported"),
    ] {
        let reply = scene.push_authorized(key().sign(&set(&uri, event))).await;
        assert_eq!(reply.status, 400, "{uri}: {reply:?}");
        assert!(reply.body.as_str().unwrap().contains(part), "{uri}: {reply:?}");
    }
}

#[tokio::test]
async fn tolerates_other_members_at_the_top_level() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    let claims = with(with(claims(), "/sub_id", uri_subject()), "/txn", json!("txn-1"));
    assert_eq!(scene.push_authorized(key().sign(&claims)).await.status, 202);
}

#[tokio::test]
async fn token_endpoint_takes_credentials_by_basic_or_in_the_body() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    let by_basic = ask(&scene, Some(good_basic()), &[GRANT, ("scope", "messages/write")]).await;
    assert_eq!(by_basic.status, 200, "{by_basic:?}");
    assert_eq!(by_basic.body["token_type"], "bearer");
    assert!(by_basic.body["expires_in"].as_u64().is_some_and(|left| (3500..=3600).contains(&left)));
    assert_eq!(by_basic.header("cache-control"), "no-store");

    let body = [GRANT, ("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    let by_body = ask(&scene, None, &body).await;
    assert_eq!(by_body.body["access_token"], by_basic.body["access_token"], "the same within the lifetime");
}

#[tokio::test]
async fn token_endpoint_refuses_unknown_clients() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    for (authorization, form) in [
        (None, vec![GRANT]),
        (None, vec![GRANT, ("client_id", CLIENT_ID)]),
        (None, vec![GRANT, ("client_id", CLIENT_ID), ("client_secret", "wrong")]),
        (Some(basic("service+one", "wrong")), vec![GRANT]),
        // Joined without encoding: the plus reads as a space.
        (Some(basic(CLIENT_ID, CLIENT_SECRET)), vec![GRANT]),
        (Some("Basic !!!".to_owned()), vec![GRANT]),
        (Some("Bearer token".to_owned()), vec![GRANT]),
    ] {
        let reply = ask(&scene, authorization, &form).await;
        assert_eq!((reply.status, &reply.body["error"]), (401, &json!("invalid_client")), "{reply:?}");
        assert!(reply.header("www-authenticate").starts_with("Basic"));
        assert_eq!(reply.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn token_endpoint_refuses_requests_that_are_not_as_specified() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    for (form, error) in [
        (vec![], "invalid_request"),
        (vec![("grant_type", "")], "invalid_request"),
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![GRANT, GRANT], "invalid_request"),
        (vec![GRANT, ("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)], "invalid_request"),
    ] {
        let reply = ask(&scene, Some(good_basic()), &form).await;
        assert_eq!((reply.status, &reply.body["error"]), (400, &json!(error)), "{form:?}: {reply:?}");
    }

    let token_url = scene.token_url();
    let json = scene.http.post(&token_url).header("Authorization", good_basic()).json(&json!({}));
    assert_eq!(Reply::to(json).await.body["error"], "invalid_request");
    let in_url = format!("{token_url}?client_id=a&client_secret=b");
    assert_eq!(Reply::to(scene.http.post(in_url).form(&[GRANT])).await.body["error"], "invalid_request");
    let get = Reply::to(scene.http.get(&token_url)).await;
    assert_eq!((get.status, get.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn token_requests_are_in_the_ledger_without_their_secrets() {
    let scene = Scene::like(Like::GovUkOneLogin).await;
    ask(&scene, Some(good_basic()), &[("grant_type", "password")]).await;
    scene.push_authorized(key().sign(&claims())).await;
    let ledger = scene.emulator.ledger();
    let seen: Vec<_> = ledger.iter().map(|entry| (entry.path.as_str(), entry.status)).collect();
    assert_eq!(seen, [("/oauth2/token", 400), ("/oauth2/token", 200), ("/", 202)]);
    assert_eq!(ledger[0].err.as_deref(), Some("unsupported_grant_type"));
    assert_eq!(ledger[0].request.authorization.as_deref(), Some("Basic"));
    assert_eq!(ledger[2].request.authorization.as_deref(), Some("Bearer"));
}

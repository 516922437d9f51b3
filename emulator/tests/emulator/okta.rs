//! `--like okta`: what Okta documents for its security events endpoint.

use crate::common::{AUDIENCE, ISSUER, Reply, Scene, base64url, key, merged, other_key, set, with};
use serde_json::{Value, json};
use ssf_emulator::{Dropped, Like};

const USER_RISK: &str = "https://schemas.okta.com/secevent/okta/event-type/user-risk-change";
const DEVICE_RISK: &str = "https://schemas.okta.com/secevent/okta/event-type/device-risk-change";
const IP_CHANGE: &str = "https://schemas.okta.com/secevent/okta/event-type/ip-change";
const COMPLIANCE: &str = "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change";
const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const IDENTIFIER_CHANGED: &str = "https://schemas.openid.net/secevent/risc/event-type/identifier-changed";

fn event(more: Value) -> Value {
    let event = json!({
        "subject": {
            "user": { "format": "email", "email": "ada@example.org" },
            "device": { "format": "opaque", "id": "device-0001" },
        },
        "event_timestamp": 1_767_225_590,
        "initiating_entity": "policy",
        "reason_admin": { "en": "Malware found" },
    });
    merged(event, more)
}

fn user_risk() -> Value {
    set(USER_RISK, event(json!({ "previous_level": "low", "current_level": "high" })))
}

/// A change to the user risk event.
fn user_risk_with(member: &str, new: Value) -> Value {
    let path = format!("/events/{}/{member}", USER_RISK.replace('/', "~1"));
    with(user_risk(), &path, new)
}

#[tokio::test]
async fn accepts_its_six_events() {
    let scene = Scene::like(Like::Okta).await;
    let levels = json!({ "previous_level": "none", "current_level": "secure" });
    let addresses = json!({ "previous_ip_address": "192.0.2.10", "current_ip_address": "2001:db8::7" });
    let statuses = json!({ "previous_status": "compliant", "current_status": "not-compliant" });
    let identifier = json!({
        "subject": { "user": { "format": "email", "email": "ada@example.org" } },
        "new-value": "ada.king@example.org",
        // Milliseconds, as the guide has it.
        "event_timestamp": 1_615_304_991_643_u64,
    });
    for (uri, event) in [
        (USER_RISK, event(levels.clone())),
        (DEVICE_RISK, event(levels)),
        (IP_CHANGE, event(addresses)),
        (COMPLIANCE, event(statuses)),
        (SESSION_REVOKED, event(json!({ "current_ip": "192.0.2.10" }))),
        (IDENTIFIER_CHANGED, identifier),
    ] {
        let reply = scene.send(&set(uri, event)).await;
        reply.assert_accepted();
    }
    assert_eq!(scene.transmitter.fetches(), 1, "the keys are cached");
}

#[tokio::test]
async fn refuses_events_it_does_not_list() {
    let scene = Scene::like(Like::Okta).await;
    for uri in [
        "https://schemas.openid.net/secevent/caep/event-type/credential-change",
        "https://schemas.openid.net/secevent/ssf/event-type/verification",
    ] {
        scene.send(&set(uri, event(json!({})))).await.assert_refused_saying("invalid_request", uri);
    }
}

#[tokio::test]
async fn refuses_more_than_one_event() {
    let scene = Scene::like(Like::Okta).await;
    let mut claims = user_risk();
    claims["events"][SESSION_REVOKED] = event(json!({}));
    scene.send(&claims).await.assert_refused("invalid_request");
}

#[tokio::test]
async fn names_the_faulty_member_in_camel_case() {
    let scene = Scene::like(Like::Okta).await;
    let statuses = json!({ "current_status": "compliant" });
    let reply = scene.send(&set(COMPLIANCE, event(statuses))).await;
    reply.assert_refused("invalid_request");
    assert_eq!(
        reply.body["description"],
        "Failed claim validation in security event token. \
         'events.mediationDeviceComplianceChangeEvent.previousStatus': The field cannot be left blank"
    );
}

#[tokio::test]
async fn refuses_events_that_are_not_as_documented() {
    let scene = Scene::like(Like::Okta).await;
    let email = json!({ "format": "email", "email": "ada@example.org" });
    for (claims, part) in [
        (user_risk_with("event_timestamp", Value::Null), "eventTimestamp"),
        (user_risk_with("event_timestamp", json!(1_767_225_590.5)), "eventTimestamp"),
        (user_risk_with("event_timestamp", json!("1767225590")), "eventTimestamp"),
        (user_risk_with("current_level", Value::Null), "currentLevel"),
        (user_risk_with("previous_level", Value::Null), "previousLevel"),
        (user_risk_with("current_level", json!("HIGH")), "currentLevel"),
        (user_risk_with("initiating_entity", json!("robot")), "initiatingEntity"),
        (user_risk_with("reason_admin", Value::Null), "reasonAdmin or reasonUser"),
        (user_risk_with("reason_admin", json!({ "de": "Schadsoftware" })), "reasonAdmin.en"),
        (user_risk_with("reason_admin", json!("Malware")), "reasonAdmin"),
        (user_risk_with("subject", Value::Null), "subject"),
        (user_risk_with("subject", email.clone()), "subject.format"),
        (user_risk_with("subject", json!({ "format": "complex", "user": email })), "subject.format"),
        (user_risk_with("subject", json!({ "tenant": email })), "subject.user or device"),
        (user_risk_with("subject", json!({ "user": { "email": "a@example.org" } })), "subject.user.format"),
        (user_risk_with("subject", json!({ "user": { "format": "email" } })), "subject.user.email"),
        (set(IP_CHANGE, event(json!({ "current_ip_address": "192.0.2.1" }))), "previousIpAddress"),
        (
            set(
                COMPLIANCE,
                event(json!({ "previous_status": "compliant", "current_status": "non-compliant" })),
            ),
            "currentStatus",
        ),
    ] {
        scene.send(&claims).await.assert_refused_saying("invalid_request", part);
    }
}

#[tokio::test]
async fn refuses_claims_that_are_missing_or_wrong() {
    let scene = Scene::like(Like::Okta).await;
    let now = jsonwebtoken::get_current_timestamp();
    for (name, value, err) in [
        ("iss", Value::Null, "invalid_issuer"),
        ("iss", json!(format!("{ISSUER}/")), "invalid_issuer"),
        ("aud", Value::Null, "invalid_audience"),
        ("aud", json!(format!("{AUDIENCE}/")), "invalid_audience"),
        ("aud", json!([AUDIENCE]), "invalid_audience"),
        ("iat", Value::Null, "invalid_request"),
        ("iat", json!("now"), "invalid_request"),
        ("iat", json!(1_767_225_590.5), "invalid_request"),
        ("iat", json!(now + 60), "invalid_request"),
        ("iat", json!(now * 1000), "invalid_request"),
        ("jti", Value::Null, "invalid_request"),
        ("jti", json!(""), "invalid_request"),
        ("jti", json!(1), "invalid_request"),
        ("events", Value::Null, "invalid_request"),
        ("events", json!({}), "invalid_request"),
        ("events", json!([USER_RISK]), "invalid_request"),
        ("events", json!({ USER_RISK: "high" }), "invalid_request"),
    ] {
        let claims = with(user_risk(), &format!("/{name}"), value);
        scene.send(&claims).await.assert_refused(err);
    }
}

#[tokio::test]
async fn refuses_jose_headers_it_does_not_expect() {
    let scene = Scene::like(Like::Okta).await;
    let good = json!({ "alg": "RS256", "typ": "secevent+jwt", "kid": "first" });
    scene.push(key().sign_raw(&good, &user_risk())).await.assert_accepted();
    for (member, value, err) in [
        ("typ", Value::Null, "invalid_request"),
        ("typ", json!("JWT"), "invalid_request"),
        ("alg", Value::Null, "invalid_request"),
        ("alg", json!("none"), "invalid_request"),
        ("alg", json!("RS512"), "invalid_request"),
        ("alg", json!("HS256"), "invalid_request"),
        ("crit", json!(["b64"]), "invalid_request"),
        ("kid", Value::Null, "invalid_key"),
        ("kid", json!("nobody's"), "invalid_key"),
    ] {
        let header = with(good.clone(), &format!("/{member}"), value);
        scene.push(key().sign_raw(&header, &user_risk())).await.assert_refused(err);
    }
}

#[tokio::test]
async fn refuses_bodies_that_are_not_exactly_a_compact_jws() {
    let scene = Scene::like(Like::Okta).await;
    let jws = key().sign(&user_risk());
    let (signing_input, _) = jws.rsplit_once('.').unwrap();
    for body in [
        format!("\"{jws}\""),
        format!("{jws}\n"),
        format!("SET={jws}"),
        format!("{signing_input}."),
        signing_input.to_owned(),
        format!("{jws}.{}", base64url(&json!({}))),
        user_risk().to_string(),
        String::new(),
    ] {
        scene.push(body).await.assert_refused("invalid_request");
    }
}

#[tokio::test]
async fn refuses_signatures_that_do_not_fit_the_key() {
    let scene = Scene::like(Like::Okta).await;
    let forged = other_key().sign_as(&key().header(), &user_risk());
    scene.push(forged).await.assert_refused("authentication_failed");

    let jws = key().sign(&user_risk());
    let parts: Vec<_> = jws.split('.').collect();
    let altered = format!("{}.{}.{}", parts[0], base64url(&user_risk()), parts[2]);
    scene.push(altered).await.assert_refused("authentication_failed");
}

#[tokio::test]
async fn demands_the_content_type_of_sets_but_no_accept() {
    let scene = Scene::like(Like::Okta).await;
    let post = |content_type: &str| {
        let request = scene.http.post(scene.emulator.push_url()).body(key().sign(&user_risk()));
        Reply::to(request.header("Content-Type", content_type))
    };
    post("application/jwt").await.assert_refused_saying("invalid_request", "Content-Type");
    post("application/secevent+jwt").await.assert_accepted();
    post("Application/SecEvent+JWT").await.assert_accepted();
}

#[tokio::test]
async fn answers_a_repeated_jti_as_if_it_were_new_and_drops_it() {
    let scene = Scene::like(Like::Okta).await;
    let refused = user_risk_with("current_level", Value::Null);
    scene.send(&refused).await.assert_refused("invalid_request");
    // What was refused does not count as seen.
    let claims = with(user_risk(), "/jti", refused["jti"].clone());
    scene.send(&claims).await.assert_accepted();
    scene.send(&claims).await.assert_accepted();
    let dropped: Vec<_> = scene.emulator.ledger().iter().map(|entry| entry.dropped).collect();
    assert_eq!(dropped, [None, None, Some(Dropped::RepeatedJti)]);
}

#[tokio::test]
async fn answers_events_about_unknown_users_as_usual_and_drops_them() {
    let users = vec!["ada@example.org".to_owned()];
    let scene = Scene::with(Like::Okta, |config| config.users = users).await;
    let stranger = json!({ "user": { "format": "email", "email": "bob@example.org" } });
    let device = json!({ "device": { "format": "opaque", "id": "device-0001" } });
    scene.send(&user_risk()).await.assert_accepted();
    scene.send(&user_risk_with("subject", stranger)).await.assert_accepted();
    scene.send(&user_risk_with("subject", device)).await.assert_accepted();
    let dropped: Vec<_> = scene.emulator.ledger().iter().map(|entry| entry.dropped).collect();
    assert_eq!(dropped, [None, Some(Dropped::UnknownUser), None]);
}

#[tokio::test]
async fn takes_a_jwks_as_application_json_only() {
    let scene = Scene::like(Like::Okta).await;
    scene.transmitter.serve_keys_as("application/jwk-set+json");
    scene.send(&user_risk()).await.assert_refused_saying("invalid_key", "application/json");
}

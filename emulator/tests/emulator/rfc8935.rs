//! `--like rfc8935`: what RFC 8935 and SSF 1.0 demand of any transmitter.

use crate::common::{AUDIENCE, Reply, Scene, key, other_key, set, with};
use serde_json::{Value, json};
use ssf_emulator::Like;

const CREDENTIAL_CHANGE: &str = "https://schemas.openid.net/secevent/caep/event-type/credential-change";
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

fn claims() -> Value {
    let event =
        json!({ "credential_type": "password", "change_type": "update", "event_timestamp": 1_767_225_590 });
    with(set(CREDENTIAL_CHANGE, event), "/sub_id", json!({ "format": "email", "email": "ada@example.org" }))
}

fn event_with(member: &str, new: Value) -> Value {
    with(claims(), &format!("/events/{}/{member}", CREDENTIAL_CHANGE.replace('/', "~1")), new)
}

#[tokio::test]
async fn accepts_events_of_every_kind() {
    let scene = Scene::like(Like::Rfc8935).await;
    let stream = json!({ "format": "opaque", "id": "stream-1" });
    let verification = with(set(VERIFICATION, json!({ "state": "abc" })), "/sub_id", stream.clone());
    let private = with(set("https://example.org/event", json!({})), "/sub_id", stream);
    let mut several = claims();
    several["events"][VERIFICATION] = json!({});
    for claims in [claims(), verification, private, several] {
        scene.send(&claims).await.assert_accepted();
    }
}

#[tokio::test]
async fn demands_content_type_and_accept() {
    let scene = Scene::like(Like::Rfc8935).await;
    let request = || scene.http.post(scene.emulator.push_url()).body(key().sign(&claims()));
    let secevent = ("Content-Type", "application/secevent+jwt");
    let reply = Reply::to(request().header("Accept", "application/json")).await;
    reply.assert_refused_saying("invalid_request", "Content-Type");
    let reply = Reply::to(request().header(secevent.0, secevent.1)).await;
    reply.assert_refused_saying("invalid_request", "Accept");
    let reply = Reply::to(request().header(secevent.0, secevent.1).header("Accept", "text/html")).await;
    reply.assert_refused_saying("invalid_request", "Accept");
    let reply = Reply::to(
        request().header(secevent.0, secevent.1).header("Accept", "text/html, application/json;q=0.9"),
    );
    reply.await.assert_accepted();
}

#[tokio::test]
async fn finds_its_audience_in_an_array() {
    let scene = Scene::like(Like::Rfc8935).await;
    let with_audience = |aud: Value| with(claims(), "/aud", aud);
    scene.send(&with_audience(json!(["https://other.example.net", AUDIENCE]))).await.assert_accepted();
    for aud in [json!(["https://other.example.net"]), json!([]), json!([AUDIENCE, 1]), json!({})] {
        scene.send(&with_audience(aud)).await.assert_refused("invalid_audience");
    }
}

#[tokio::test]
async fn demands_sub_id_and_refuses_sub_and_exp() {
    let scene = Scene::like(Like::Rfc8935).await;
    let user = json!({ "format": "iss_sub", "iss": "https://idp.example.org", "sub": "1" });
    for sub_id in [
        user.clone(),
        json!({ "format": "complex", "user": user, "tenant": { "format": "opaque", "id": "t" } }),
        json!({ "format": "https://example.org/private", "anything": 1 }),
    ] {
        scene.send(&with(claims(), "/sub_id", sub_id)).await.assert_accepted();
    }
    for (name, value) in [
        ("sub_id", Value::Null),
        ("sub_id", json!("ada@example.org")),
        ("sub_id", json!({ "email": "ada@example.org" })),
        ("sub_id", json!({ "format": "iss_sub", "sub": "1" })),
        ("sub_id", json!({ "format": "complex" })),
        ("sub_id", json!({ "format": "complex", "user": { "format": "complex" } })),
        ("sub", json!("1")),
        ("exp", json!(4_102_444_800_u64)),
        ("txn", json!(1)),
        ("toe", json!(1_767_225_590_000_u64)),
    ] {
        let reply = scene.send(&with(claims(), &format!("/{name}"), value)).await;
        reply.assert_refused_saying("invalid_request", &format!("'{name}"));
    }
}

#[tokio::test]
async fn refuses_caep_events_that_are_not_as_specified() {
    let scene = Scene::like(Like::Rfc8935).await;
    for (member, value) in [
        ("credential_type", Value::Null),
        ("change_type", json!("rotate")),
        ("event_timestamp", json!(1_767_225_590_000_u64)),
        ("event_timestamp", json!("2026-01-01T00:00:00Z")),
        ("initiating_entity", json!("robot")),
        ("reason_admin", json!({})),
        ("reason_user", json!("because")),
    ] {
        scene.send(&event_with(member, value)).await.assert_refused_saying("invalid_request", member);
    }
}

#[tokio::test]
async fn answers_a_bad_signature_with_invalid_key() {
    let scene = Scene::like(Like::Rfc8935).await;
    let forged = other_key().sign_as(&key().header(), &claims());
    scene.push(forged).await.assert_refused("invalid_key");
}

#[tokio::test]
async fn answers_a_repeated_set_as_if_it_were_new() {
    let scene = Scene::like(Like::Rfc8935).await;
    let claims = claims();
    scene.send(&claims).await.assert_accepted();
    scene.send(&claims).await.assert_accepted();
    assert!(scene.emulator.ledger().iter().all(|entry| entry.dropped.is_none()));
}

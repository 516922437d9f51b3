//! Receivers that manage their streams (OpenID SSF 1.0 §8.1).

use std::time::Duration;

use serde_json::{Value, json};
use ssf_transmitter::{
    Error, ErrorCode, KeySet, KeyType, SigningKey, Timestamp,
    metadata::DefaultSubjects,
    outbox::{MemoryStore, suite::ManualClock},
    stream::{Authentication, Begun, Head, StreamApi},
};

use crate::world::{CHANGED, REVOKED, VERIFICATION, World, jtis, read, verified, wants};

#[tokio::test]
async fn an_update_changes_what_is_present_and_a_replacement_everything() {
    let world = World::new();
    let id = world.create(json!({ "events_requested": [REVOKED], "description": "first" })).await;
    let own = read(&world.call("GET", &format!("/ssf/streams?stream_id={id}"), None).await);
    let update = json!({ "stream_id": id, "description": "second", "unknown": 1, "aud": own["aud"] });
    let updated = world.call("PATCH", "/ssf/streams", Some(update)).await;
    let mut expected = own.clone();
    expected["description"] = json!("second");
    assert_eq!((updated.status(), read(&updated)), (200, expected));
    for (name, value) in [("aud", json!("https://evil.example.com")), ("events_delivered", json!([CHANGED]))]
    {
        let wrong = world.call("PATCH", "/ssf/streams", Some(json!({ "stream_id": id, name: value }))).await;
        assert_eq!(wrong.status(), 400, "{name}");
    }
    let replaced = world
        .call("PUT", "/ssf/streams", Some(json!({ "stream_id": id, "events_requested": [CHANGED] })))
        .await;
    let replaced = read(&replaced);
    assert_eq!((&replaced["events_delivered"], replaced.get("description")), (&json!([CHANGED]), None));
    assert_eq!(world.publish("ada").await.len(), 0);
}

#[tokio::test]
async fn a_receiver_has_a_limited_number_of_streams() {
    let world = World::with(|builder| builder.max_streams(1));
    let id = world.create(wants()).await;
    assert_eq!(world.call("POST", "/ssf/streams", Some(wants())).await.status(), 409);
    world.call("DELETE", &format!("/ssf/streams?stream_id={id}"), None).await;
    world.create(wants()).await;
}

#[tokio::test]
async fn a_paused_stream_holds_its_events() {
    let world = World::new();
    let id = world.create(wants()).await;
    let set = async |status: &str| {
        let body = json!({ "stream_id": id, "status": status, "reason": "maintenance" });
        world.call("POST", "/ssf/status", Some(body)).await
    };
    let answer = set("paused").await;
    let expected = json!({ "stream_id": id, "status": "paused", "reason": "maintenance" });
    assert_eq!((answer.status(), read(&answer)), (200, expected.clone()));
    assert_eq!(read(&world.call("GET", &format!("/ssf/status?stream_id={id}"), None).await), expected);
    let published = world.publish("ada").await;
    assert_eq!(world.poll(&id, json!({})).await, json!({ "sets": {} }));
    set("enabled").await;
    assert_eq!(jtis(&world.poll(&id, json!({})).await), published);
    set("disabled").await;
    assert_eq!(world.publish("ada").await.len(), 0);
    assert_eq!(set("stopped").await.status(), 400);
}

#[tokio::test]
async fn a_receiver_chooses_subjects() {
    let world = World::with(|builder| builder.default_subjects(DefaultSubjects::None));
    let id = world.create(wants()).await;
    let ask = async |part: &str, subject: Value| {
        let body = json!({ "stream_id": id, "subject": subject, "verified": true });
        world.call("POST", &format!("/ssf/subjects:{part}"), Some(body)).await
    };
    let ada = json!({ "format": "opaque", "id": "ada" });
    assert_eq!(world.publish("ada").await.len(), 0);
    let added = ask("add", ada.clone()).await;
    assert_eq!((added.status(), added.body().len()), (200, 0));
    assert_eq!(world.publish("ada").await.len(), 1);
    assert_eq!(world.publish("bob").await.len(), 0);
    assert_eq!(ask("remove", ada).await.status(), 204);
    assert_eq!(world.publish("ada").await.len(), 0);
    assert_eq!(ask("add", json!({ "format": "email", "email": 7 })).await.status(), 400);
    assert_eq!(ask("add", json!("ada")).await.status(), 400);
}

#[tokio::test]
async fn a_stream_has_a_limited_number_of_subjects() {
    let world = World::with(|builder| builder.max_subjects(2));
    let id = world.create(wants()).await;
    let ask = async |part: &str, user: &str| {
        let body = json!({ "stream_id": id, "subject": { "format": "opaque", "id": user } });
        world.call("POST", &format!("/ssf/subjects:{part}"), Some(body)).await
    };
    for user in ["ada", "bob", "ada"] {
        assert_eq!(ask("remove", user).await.status(), 204);
    }
    let more = ask("remove", "eve").await;
    assert_eq!((more.status(), &read(&more)["err"]), (403, &json!("limit_reached")));
    assert_eq!(more.audits()[0].outcome(), "limit_reached");
    assert_eq!((world.publish("ada").await.len(), world.publish("eve").await.len()), (0, 1));
    assert_eq!(ask("add", "eve").await.status(), 200);
    assert_eq!(ask("add", "ada").await.status(), 200);
    assert_eq!(ask("remove", "eve").await.status(), 204);
}

#[tokio::test]
async fn a_receiver_verifies_its_stream() {
    let world = World::new();
    let id = world.create(json!({})).await;
    let verify =
        async || world.call("POST", "/ssf/verify", Some(json!({ "stream_id": id, "state": "VGhpcw" }))).await;
    assert_eq!(verify().await.status(), 204);
    let early = verify().await;
    assert_eq!((early.status(), early.header("retry-after")), (429, Some("60")));
    world.clock.advance(Duration::from_millis(59_500));
    assert_eq!(verify().await.header("retry-after"), Some("1"));
    let polled = world.poll(&id, json!({})).await;
    let [jti] = &jtis(&polled)[..] else { panic!("{polled}") };
    let claims = verified(&world, &polled["sets"][jti]);
    assert_eq!(claims["sub_id"], json!({ "format": "opaque", "id": id }));
    assert_eq!(claims["events"], json!({ VERIFICATION: { "state": "VGhpcw" } }));
    world.clock.advance(Duration::from_millis(500));
    assert_eq!(verify().await.status(), 204);
}

#[tokio::test]
async fn everybody_reads_the_configuration_and_the_keys() {
    let clock = ManualClock::at(Timestamp::now());
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let api = StreamApi::builder("https://tr.example.com/issuer1", keys.clone(), MemoryStore::new())
        .base_url("https://api.example.com/v1/ssf/")
        .clock(clock)
        .build()
        .unwrap();
    let get = |head: Head| match api.begin(&head, Authentication::Missing) {
        Begun::Answered(answer) => answer,
        other @ Begun::Body(_) => panic!("{other:?}"),
    };
    for name in ["ssf-configuration", "risc-configuration"] {
        let answer = get(Head::new("GET", &format!("/.well-known/{name}/issuer1")));
        assert_eq!(
            read(&answer),
            json!({
                "spec_version": "1_0",
                "issuer": "https://tr.example.com/issuer1",
                "jwks_uri": "https://api.example.com/v1/ssf/jwks.json",
                "delivery_methods_supported": ["urn:ietf:rfc:8936"],
                "configuration_endpoint": "https://api.example.com/v1/ssf/streams",
                "status_endpoint": "https://api.example.com/v1/ssf/status",
                "add_subject_endpoint": "https://api.example.com/v1/ssf/subjects:add",
                "remove_subject_endpoint": "https://api.example.com/v1/ssf/subjects:remove",
                "verification_endpoint": "https://api.example.com/v1/ssf/verify",
                "authorization_schemes": [{ "spec_urn": "urn:ietf:rfc:6749" }],
                "default_subjects": "ALL",
                "max_held_events": 10000,
                "max_held_seconds": 86400,
            })
        );
    }
    let jwks = get(Head::new("GET", "/v1/ssf/jwks.json"));
    assert_eq!(read(&jwks), serde_json::from_str::<Value>(&keys.jwks().unwrap().to_json()).unwrap());
    assert_eq!(jwks.header("cache-control"), Some("public, max-age=300"));
    let etag = jwks.header("etag").unwrap();
    let again = get(Head::new("GET", "/v1/ssf/jwks.json").header("If-None-Match", etag));
    assert_eq!((again.status(), again.body().len(), again.header("etag")), (304, 0, Some(etag)));
    keys.stage(SigningKey::generate(KeyType::P256).unwrap(), Timestamp::now()).unwrap();
    let newer = get(Head::new("GET", "/v1/ssf/jwks.json").header("If-None-Match", etag));
    assert_eq!(newer.status(), 200);
    let head = get(Head::new("HEAD", "/v1/ssf/jwks.json"));
    assert_eq!((head.status(), head.body().len()), (200, 0));
}

#[tokio::test]
async fn a_push_endpoint_is_judged_and_its_credential_never_read_back() {
    let refuse = |url: &str| {
        if url.contains("internal") {
            return Err(Error::new(ErrorCode::AddressForbidden, "not allowed"));
        }
        Ok(())
    };
    let world = World::with(|builder| builder.push(refuse));
    let create = async |url: &str, header: Option<&str>| {
        let delivery =
            json!({ "method": "urn:ietf:rfc:8935", "endpoint_url": url, "authorization_header": header });
        world.call("POST", "/ssf/streams", Some(json!({ "delivery": delivery }))).await
    };
    for url in [
        "http://receiver.example.com/events",
        "https://internal.example.com/events",
        "https://tr.example.com/ssf/streams",
        "https://user:secret@receiver.example.com/events",
        "ftp://receiver.example.com",
        "",
    ] {
        assert_eq!(create(url, None).await.status(), 400, "{url}");
    }
    let url = "https://receiver.example.com/events";
    for header in ["Bearer a\r\nX-Evil: 1", "", " padded ", "Bearer \u{e9}"] {
        assert_eq!(create(url, Some(header)).await.status(), 400, "{header:?}");
    }
    let answer = create(url, Some("Bearer secret-4711")).await;
    assert_eq!(answer.status(), 201);
    assert_eq!(read(&answer)["delivery"], json!({ "method": "urn:ietf:rfc:8935", "endpoint_url": url }));
    assert!(!String::from_utf8_lossy(answer.body()).contains("4711"));
}

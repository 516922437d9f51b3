//! Receivers that poll (RFC 8936).

use std::time::Duration;

use serde_json::json;
use ssf_transmitter::{
    KeyType, SigningKey, Timestamp,
    outbox::{Seal, Store},
};

use crate::world::{CHANGED, Noted, REVOKED, World, jtis, read, verified, wants};

#[tokio::test]
async fn a_receiver_creates_a_stream_polls_and_acknowledges() {
    let world = World::new();
    let answer = world.call("POST", "/ssf/streams", Some(wants())).await;
    let stream = read(&answer);
    let id = stream["stream_id"].as_str().unwrap();
    assert_eq!((answer.status(), answer.header("cache-control")), (201, Some("no-store")));
    let poll = json!({
        "method": "urn:ietf:rfc:8936",
        "endpoint_url": format!("https://tr.example.com/ssf/poll/{id}"),
    });
    assert_eq!(
        stream,
        json!({
            "stream_id": id,
            "iss": "https://tr.example.com",
            "aud": "https://acme.example.com",
            "delivery": poll,
            "events_supported": [REVOKED, CHANGED],
            "events_requested": [REVOKED, "urn:example:unknown"],
            "events_delivered": [REVOKED],
            "min_verification_interval": 60,
        })
    );
    let one = world.call("GET", &format!("/ssf/streams?stream_id={id}"), None).await;
    assert_eq!((one.status(), read(&one)), (200, stream.clone()));
    let all = world.call("GET", "/ssf/streams", None).await;
    assert_eq!((all.status(), read(&all)), (200, json!([stream])));

    let published = world.publish("ada").await;
    let polled = world.poll(id, json!({})).await;
    assert_eq!(jtis(&polled), published);
    let claims = verified(&world, &polled["sets"][&published[0]]);
    assert_eq!((&claims["iss"], &claims["aud"]), (&stream["iss"], &stream["aud"]));
    assert_eq!(claims["jti"], json!(published[0]));
    assert!(claims["events"].get(REVOKED).is_some());

    // It comes again, the same bytes, until it is acknowledged.
    assert_eq!(world.poll(id, json!({ "returnImmediately": true })).await, json!({ "sets": {} }));
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.poll(id, json!({})).await, polled);
    let done = world.poll(id, json!({ "ack": published, "maxEvents": 0, "returnImmediately": true })).await;
    assert_eq!(done, json!({ "sets": {} }));
    assert_eq!(world.counts().await.delivered, 1);

    let deleted = world.call("DELETE", &format!("/ssf/streams?stream_id={id}"), None).await;
    assert_eq!((deleted.status(), deleted.body().len()), (204, 0));
    assert_eq!(world.call("GET", &format!("/ssf/streams?stream_id={id}"), None).await.status(), 404);
    assert_eq!(read(&world.call("GET", "/ssf/streams", None).await), json!([]));
}

#[tokio::test]
async fn a_set_is_signed_once() {
    let seal = Seal::new([1; 32], "november", [2; 32]).unwrap();
    let world = World::with(|builder| builder.seal(seal));
    let id = world.create(wants()).await;
    world.publish("ada").await;
    let first = world.poll(&id, json!({})).await;
    // ES256 signs the same bytes differently each time.
    world.keys.stage(SigningKey::generate(KeyType::P256).unwrap(), Timestamp::from_unix_seconds(0)).unwrap();
    world.keys.rotate(Timestamp::now(), Duration::ZERO).unwrap();
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.poll(&id, json!({})).await, first);
}

#[tokio::test]
async fn a_rejected_set_is_dead_with_the_receivers_words() {
    let world = World::new();
    let id = world.create(wants()).await;
    let jti = world.publish("ada-lovelace").await.remove(0);
    world.poll(&id, json!({})).await;
    let words = "The SET could not be authenticated: no user ada-lovelace";
    let error = json!({ "err": "authentication_failed", "description": words });
    world.poll(&id, json!({ "setErrs": { jti.clone(): error }, "returnImmediately": true })).await;
    let record = world.store.history(&jti).await.unwrap().unwrap().record;
    let failure = record.failure.unwrap();
    assert_eq!(failure.receiver_error.as_deref(), Some("authentication_failed"));
    let told = "The SET could not be authenticated: no user [redacted]";
    assert_eq!(failure.description.as_deref(), Some(told));
    assert_eq!(world.counts().await.dead, 1);
}

#[tokio::test]
async fn a_poll_returns_as_many_as_it_asks_for() {
    let world = World::with(|builder| builder.max_sets(3));
    let id = world.create(wants()).await;
    for user in ["a", "b", "c", "d", "e"] {
        world.publish(user).await;
    }
    let polled = world.poll(&id, json!({ "maxEvents": 2 })).await;
    assert_eq!((jtis(&polled).len(), &polled["moreAvailable"]), (2, &json!(true)));
    let polled = world.poll(&id, json!({ "maxEvents": 100 })).await;
    assert_eq!((jtis(&polled).len(), polled.get("moreAvailable")), (3, None));
}

#[tokio::test]
async fn a_long_poll_waits_for_an_event() {
    let timer = Noted::default();
    let world = World::with(|builder| builder.long_poll(timer.clone(), Duration::from_secs(20)));
    let id = world.create(wants()).await;
    // The poll begins first, and would wait for ever.
    let (polled, published) = tokio::join!(world.poll(&id, json!({})), world.publish("ada"));
    assert_eq!(jtis(&polled), published);
    assert_eq!(*timer.waits.lock().unwrap(), [Duration::from_secs(20)]);
    // An event whose lease ends soon is waited for, too.
    let again = tokio::join!(world.poll(&id, json!({})), world.publish("bob"));
    assert_eq!(jtis(&again.0), again.1);
    let waits = [20, 20, 60].map(Duration::from_secs);
    assert_eq!(*timer.waits.lock().unwrap(), waits);
}

#[tokio::test]
async fn a_long_poll_ends() {
    let timer = Noted { ends: true, ..Noted::default() };
    let world = World::with(|builder| builder.long_poll(timer.clone(), Duration::from_secs(20)));
    let id = world.create(wants()).await;
    for (body, waits) in [
        (json!({}), 1),
        (json!({ "returnImmediately": true }), 1),
        (json!({ "maxEvents": 0 }), 1),
        (json!({ "returnImmediately": false }), 2),
    ] {
        assert_eq!(world.poll(&id, body).await, json!({ "sets": {} }));
        assert_eq!(timer.waits.lock().unwrap().len(), waits);
    }
}

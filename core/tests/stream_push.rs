//! A worker sends the events of push streams, as their receivers configured them.

#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod server;

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};
use server::Server;
use ssf_transmitter::{
    KeySet, KeyType, Receiver, SignedSet, SigningKey, Subject, Timestamp, Transmitter,
    client::{StreamReceivers, Worker},
    event::caep,
    outbox::{Entry, MemoryStore, Outbox, Seal, State, Store, suite::ManualClock},
    stream::{Begun, Caller, Head, Scope, StreamApi},
};

const ISSUER: &str = "https://tr.example.com";
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

struct World {
    api: StreamApi,
    store: MemoryStore,
    clock: ManualClock,
    keys: KeySet,
    seal: Seal,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::now());
        let store = MemoryStore::new().clock(clock.clone());
        let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
        let seal = Seal::new([1; 32], "november", [2; 32]).unwrap();
        let api = StreamApi::builder(ISSUER, keys.clone(), store.clone())
            .event(REVOKED)
            .push(|_| Ok(()))
            .allow_loopback_http()
            .seal(seal.clone())
            .clock(clock.clone())
            .build()
            .unwrap();
        Self { api, store, clock, keys, seal }
    }

    async fn call(&self, method: &str, target: &str, body: Value) -> Value {
        let caller = Caller::new("acme").audience("https://acme.example.com").scope(Scope::Manage);
        self.call_as(caller, method, target, body).await
    }

    async fn call_as(&self, caller: Caller, method: &str, target: &str, body: Value) -> Value {
        let answer = match self.api.begin(&Head::new(method, target), caller) {
            Begun::Answered(answer) => answer,
            Begun::Body(call) => call.respond(body.to_string().as_bytes()).await,
        };
        let shown = String::from_utf8_lossy(answer.body()).into_owned();
        assert!([200, 201].contains(&answer.status()), "{shown}");
        serde_json::from_str(&shown).unwrap()
    }

    async fn publish(&self) -> String {
        let event = caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost");
        let entry = Entry::new(event, Subject::email("ada@example.com"));
        self.api.publish(entry).await.unwrap().jtis.remove(0)
    }

    /// A worker sends all that is ready.
    async fn drain(&self) {
        let outbox = Outbox::new(self.store.clone()).seal(self.seal.clone()).clock(self.clock.clone());
        let transmitter = Transmitter::builder(ISSUER, self.keys.clone()).build().unwrap();
        let receivers = StreamReceivers::new(self.api.clone(), HashMap::<String, Receiver>::new());
        let drained = Worker::new(outbox, transmitter, receivers).drain().await.unwrap();
        assert_eq!(drained.failed, 0);
    }
}

#[tokio::test]
async fn the_authorization_header_is_sent_as_it_is_or_not_at_all() {
    let server = Server::start(|_, _| (202, Vec::new(), Vec::new())).await;
    let world = World::new();
    // The last one has no scheme: it is the receiver's value, and not the sender's.
    for header in [None, Some("Bearer s3cret"), Some("dummyAuthToken")] {
        let mut delivery =
            json!({ "method": "urn:ietf:rfc:8935", "endpoint_url": format!("{}/e", server.base) });
        if let Some(header) = header {
            delivery["authorization_header"] = json!(header);
        }
        let body = json!({ "delivery": delivery, "events_requested": [REVOKED] });
        let stream = world.call("POST", "/ssf/streams", body).await;
        let jti = world.publish().await;
        world.drain().await;
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.header("authorization"), header);
        let set = SignedSet::parse(&seen.body).unwrap();
        assert_eq!(set.jti(), jti);
        assert_eq!(set.decode().unwrap().claims()["aud"], stream["aud"]);
        let id = stream["stream_id"].as_str().unwrap();
        let update = json!({ "stream_id": id, "status": "disabled" });
        world.call("POST", "/ssf/status", update).await;
    }
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let inside = Server::start(|_, _| (202, Vec::new(), Vec::new())).await;
    let target = format!("{}/latest/meta-data", inside.base);
    let server = Server::start(move |_, _| (307, vec![("location", target.clone())], Vec::new())).await;
    let world = World::new();
    let delivery = json!({
        "method": "urn:ietf:rfc:8935",
        "endpoint_url": format!("{}/e", server.base),
        "authorization_header": "Bearer s3cret",
    });
    let body = json!({ "delivery": delivery, "events_requested": [REVOKED] });
    world.call("POST", "/ssf/streams", body).await;
    let jti = world.publish().await;
    let outbox = Outbox::new(world.store.clone()).seal(world.seal.clone()).clock(world.clock.clone());
    let transmitter = Transmitter::builder(ISSUER, world.keys.clone()).build().unwrap();
    let receivers = StreamReceivers::new(world.api.clone(), HashMap::<String, Receiver>::new());
    Worker::new(outbox, transmitter, receivers).drain().await.unwrap();
    assert_eq!((server.seen().len(), inside.seen().len()), (1, 0));
    let record = world.store.history(&jti).await.unwrap().unwrap().record;
    assert_ne!(record.state, State::Delivered);
    assert_eq!(record.failure.and_then(|failure| failure.status), Some(307));
}

#[tokio::test]
async fn a_stream_has_the_dialect_of_its_receiver() {
    let server = Server::start(|_, _| (200, Vec::new(), Vec::new())).await;
    let world = World::new();
    let apple = Caller::new("apple").scope(Scope::Manage).dialect("apple");
    let endpoint = format!("{}/feeds/business/caep/7", server.base);
    // As Apple Business Manager asks for it.
    let create = json!({
        "iss": ISSUER,
        "aud": [endpoint],
        "delivery": {
            "method": "https://schemas.openid.net/secevent/risc/delivery-method/push",
            "endpoint_url": endpoint,
        },
        "events_requested": [REVOKED],
        "format": "iss_sub",
    });
    let stream = world.call_as(apple.clone(), "POST", "/ssf/streams", create).await;
    assert_eq!(stream["aud"], json!([endpoint]));
    let status = world.call_as(apple, "GET", "/ssf/status", Value::Null).await;
    assert_eq!(status["stream_id"], stream["stream_id"]);
    world.publish().await;
    world.drain().await;
    let sets: Vec<_> = server.seen().iter().map(|seen| SignedSet::parse(&seen.body).unwrap()).collect();
    let [verification, revoked] = &sets[..] else { panic!("{}", sets.len()) };
    let (verification, revoked) = (verification.decode().unwrap(), revoked.decode().unwrap());
    assert_eq!(verification.claims()["sub_id"]["id"], stream["stream_id"]);
    assert_eq!(revoked.claims()["aud"], json!([endpoint]));
    let user = json!({ "user": { "format": "email", "email": "ada@example.com" } });
    assert_eq!(revoked.claims()["events"][REVOKED]["subject"], user);
    assert!(revoked.claims().get("sub_id").is_none() && revoked.claims().get("txn").is_none());
}

#[tokio::test]
async fn what_was_polled_and_not_acknowledged_is_pushed_after_a_change() {
    let server = Server::start(|_, _| (202, Vec::new(), Vec::new())).await;
    let world = World::new();
    let stream = world.call("POST", "/ssf/streams", json!({ "events_requested": [REVOKED] })).await;
    let id = stream["stream_id"].as_str().unwrap();
    let jti = world.publish().await;
    let polled = world.call("POST", &format!("/ssf/poll/{id}"), json!({})).await;
    let polled = SignedSet::parse(polled["sets"][&jti].as_str().unwrap()).unwrap();

    let delivery = json!({ "method": "urn:ietf:rfc:8935", "endpoint_url": format!("{}/e", server.base) });
    world.call("PATCH", "/ssf/streams", json!({ "stream_id": id, "delivery": delivery })).await;
    world.clock.advance(Duration::from_mins(1));
    world.drain().await;
    let pushed = SignedSet::parse(&server.seen().pop().unwrap().body).unwrap();
    assert_eq!(pushed.decode().unwrap().claims(), polled.decode().unwrap().claims());
    let counts = world.store.counts().await.unwrap();
    assert_eq!((counts.enqueued, counts.delivered), (1, 1));
}

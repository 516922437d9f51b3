//! A transmitter, and a receiver that calls it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use ssf_transmitter::{
    KeySet, KeyType, SigningKey, Subject, Timestamp,
    event::caep,
    outbox::{Counts, Entry, MemoryStore, Store, suite::ManualClock},
    stream::{Answer, Authentication, Begun, Caller, Head, Scope, StreamApi, StreamApiBuilder, Timer},
};

pub(crate) const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
pub(crate) const CHANGED: &str = "https://schemas.openid.net/secevent/caep/event-type/credential-change";
pub(crate) const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

pub(crate) type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A timer that notes how long it should wait, and never ends, or at once.
#[derive(Clone, Default)]
pub(crate) struct Noted {
    pub(crate) waits: Arc<Mutex<Vec<Duration>>>,
    pub(crate) ends: bool,
}

impl Timer for Noted {
    fn wait(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.waits.lock().unwrap().push(time);
        if self.ends { Box::pin(std::future::ready(())) } else { Box::pin(std::future::pending()) }
    }
}

/// A transmitter, and one receiver that calls it.
pub(crate) struct World {
    pub(crate) api: StreamApi,
    pub(crate) store: MemoryStore,
    pub(crate) clock: ManualClock,
    pub(crate) keys: KeySet,
    pub(crate) caller: Caller,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(settings: impl FnOnce(StreamApiBuilder) -> StreamApiBuilder) -> Self {
        Self::signing(KeySet::new(SigningKey::generate(KeyType::P256).unwrap()), settings)
    }

    /// One whose SETs these keys sign.
    pub(crate) fn signing(keys: KeySet, settings: impl FnOnce(StreamApiBuilder) -> StreamApiBuilder) -> Self {
        let clock = ManualClock::at(Timestamp::now());
        let store = MemoryStore::new().clock(clock.clone());
        let builder = StreamApi::builder("https://tr.example.com", keys.clone(), store.clone())
            .events([REVOKED, CHANGED])
            .clock(clock.clone());
        let caller = Caller::new("acme").audience("https://acme.example.com").scope(Scope::Manage);
        Self { api: settings(builder).build().unwrap(), store, clock, keys, caller }
    }

    pub(crate) async fn call_as(
        &self,
        caller: impl Into<Authentication>,
        method: &str,
        target: &str,
        body: Option<Value>,
    ) -> Answer {
        let text = body.map(|body| body.to_string()).unwrap_or_default();
        let head = Head::new(method, target).header("Content-Type", "application/json");
        match self.api.begin(&head, caller) {
            Begun::Answered(answer) => answer,
            Begun::Body(call) => call.respond(text.as_bytes()).await,
        }
    }

    pub(crate) async fn call(&self, method: &str, target: &str, body: Option<Value>) -> Answer {
        self.call_as(self.caller.clone(), method, target, body).await
    }

    /// Creates a stream that polls, and returns its id.
    pub(crate) async fn create(&self, body: Value) -> String {
        let answer = self.call("POST", "/ssf/streams", Some(body)).await;
        assert_eq!(answer.status(), 201, "{}", String::from_utf8_lossy(answer.body()));
        read(&answer)["stream_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn poll(&self, id: &str, body: Value) -> Value {
        let answer = self.call("POST", &format!("/ssf/poll/{id}"), Some(body)).await;
        assert_eq!(answer.status(), 200, "{}", String::from_utf8_lossy(answer.body()));
        read(&answer)
    }

    pub(crate) async fn publish(&self, user: &str) -> Vec<String> {
        let event = caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost");
        self.api.publish(Entry::new(event, Subject::opaque(user))).await.unwrap().jtis
    }

    pub(crate) async fn counts(&self) -> Counts {
        let counts = self.store.counts().await.unwrap();
        assert!(counts.is_balanced(), "{counts:?}");
        counts
    }
}

pub(crate) fn read(answer: &Answer) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

pub(crate) fn wants() -> Value {
    json!({ "events_requested": [REVOKED, "urn:example:unknown"] })
}

pub(crate) fn jtis(polled: &Value) -> Vec<String> {
    polled["sets"].as_object().unwrap().keys().cloned().collect()
}

/// The claims of a SET, verified with the published keys.
pub(crate) fn verified(world: &World, set: &Value) -> Value {
    let set = ssf_transmitter::SignedSet::parse(set.as_str().unwrap()).unwrap().decode().unwrap();
    set.verify(&world.keys.jwks().unwrap()).unwrap();
    Value::Object(set.claims().clone())
}

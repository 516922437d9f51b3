//! What receivers ask of the stream API.

use std::{
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
};

use serde_json::{Value, json};
use ssf_transmitter::{
    KeySet, KeyType, SigningKey, Subject, Timestamp,
    event::caep,
    outbox::{Entry, MemoryStore, Store, suite::ManualClock},
    stream::{Answer, Begun, Caller, Head, Scope, StreamApi},
};

use super::text;

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

static KEYS: LazyLock<KeySet> = LazyLock::new(|| KeySet::new(SigningKey::generate(KeyType::P256).unwrap()));

/// A transmitter with one stream, which polls, and two events that wait in it.
pub(super) struct World {
    pub(super) api: StreamApi,
    pub(super) store: MemoryStore,
    pub(super) clock: ManualClock,
    pub(super) stream: String,
    pub(super) jtis: Vec<String>,
}

impl World {
    pub(super) fn new() -> Self {
        let clock = ManualClock::at(NOW);
        let store = MemoryStore::new().clock(clock.clone());
        let api = StreamApi::builder("https://tr.example.com", KEYS.clone(), store.clone())
            .events([REVOKED])
            .rate_limit(None)
            .min_verification_interval(None)
            .push(|_| Ok(()))
            .clock(clock.clone())
            .build()
            .unwrap();
        let mut world = Self { api, store, clock, stream: String::new(), jtis: Vec::new() };
        let created = world.call(
            "POST",
            "/ssf/streams",
            &[],
            json!({ "events_requested": [REVOKED] }).to_string().as_bytes(),
        );
        world.stream = read(&created)["stream_id"].as_str().unwrap().to_owned();
        for user in ["ada", "bob"] {
            let entry = Entry::new(caep::SessionRevoked::new(), Subject::opaque(user));
            world.jtis.extend(ready(world.api.publish(entry)).unwrap().jtis);
        }
        world
    }

    pub(super) fn call(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let caller = Caller::new("acme").audience("https://acme.example.com").scope(Scope::Manage);
        let head =
            headers.iter().fold(Head::new(method, target), |head, (name, value)| head.header(*name, *value));
        match self.api.begin(&head, caller) {
            Begun::Answered(answer) => answer,
            Begun::Body(call) => ready(call.respond(body)),
        }
    }

    pub(super) fn poll(&self, body: &[u8]) -> Answer {
        self.call("POST", &format!("/ssf/poll/{}", self.stream), &[], body)
    }

    /// An input in which names have their values.
    fn filled(&self, text: &str) -> String {
        let [one, other] = &self.jtis[..] else { unreachable!("two events are published") };
        text.replace("{stream}", &self.stream).replace("{jti}", one).replace("{other}", other)
    }

    fn is_balanced(&self) {
        let counts = ready(self.store.counts()).unwrap();
        assert!(counts.is_balanced(), "{counts:?}");
    }
}

/// The outcome of what waits for nothing: the store is in memory, and nobody polls for long.
pub(super) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}

fn read(answer: &Answer) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

/// An answer is no fault of ours, and one that refuses says why.
fn judge(answer: &Answer) {
    assert!((200..500).contains(&answer.status()), "{answer:?} {:?}", answer.failure());
    if answer.status() >= 400 {
        let body = read(answer);
        assert!(body["err"].is_string() && body["description"].is_string(), "{body}");
    } else if !answer.body().is_empty() {
        read(answer);
    }
}

/// Requests to the stream API, one after the other: a line with method and target, lines with headers, an empty line,
/// the body; a line of dashes between two. `{stream}` and `{jti}` stand for those of the world.
pub(crate) fn stream_request(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let world = World::new();
    for request in world.filled(text).split("\n---\n").take(8) {
        let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
        let mut lines = head.lines();
        let Some((method, target)) = lines.next().and_then(|line| line.split_once(' ')) else { continue };
        let headers: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
        judge(&world.call(method, target, &headers, body.as_bytes()));
        world.is_balanced();
    }
}

/// The body of a poll, in the same names. The stream was given its events before.
pub(crate) fn poll_request(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let world = World::new();
    let given = read(&world.poll(b"{}"));
    assert_eq!(given["sets"].as_object().map(serde_json::Map::len), Some(2));
    let answer = world.poll(world.filled(text).as_bytes());
    judge(&answer);
    world.is_balanced();
    let counts = ready(world.store.counts()).unwrap();
    assert_eq!(counts.enqueued, 2);
    if answer.status() == 200 {
        // What it has not acknowledged is its own until the lease ends.
        assert_eq!(read(&answer)["sets"], json!({}));
    } else {
        assert_eq!(counts.delivered + counts.dead, 0, "a poll that is refused acknowledges nothing");
    }
}

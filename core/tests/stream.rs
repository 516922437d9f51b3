//! The stream API from outside: requests and answers, from the first stream to the last acknowledgement.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use ssf_transmitter::{
    Error, ErrorCode, KeySet, KeyType, SigningKey, Subject, Timestamp,
    event::caep,
    metadata::DefaultSubjects,
    outbox::{Counts, Entry, MemoryStore, Seal, Store, suite::ManualClock},
    stream::{Answer, Authentication, Begun, Caller, Head, Scope, StreamApi, StreamApiBuilder, Timer},
};

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const CHANGED: &str = "https://schemas.openid.net/secevent/caep/event-type/credential-change";
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A timer that notes how long it should wait, and never ends, or at once.
#[derive(Clone, Default)]
struct Noted {
    waits: Arc<Mutex<Vec<Duration>>>,
    ends: bool,
}

impl Timer for Noted {
    fn wait(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.waits.lock().unwrap().push(time);
        if self.ends { Box::pin(std::future::ready(())) } else { Box::pin(std::future::pending()) }
    }
}

/// A transmitter, and one receiver that calls it.
struct World {
    api: StreamApi,
    store: MemoryStore,
    clock: ManualClock,
    keys: KeySet,
    caller: Caller,
}

impl World {
    fn new() -> Self {
        Self::with(|builder| builder)
    }

    fn with(settings: impl FnOnce(StreamApiBuilder) -> StreamApiBuilder) -> Self {
        let clock = ManualClock::at(Timestamp::now());
        let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
        let store = MemoryStore::new().clock(clock.clone());
        let builder = StreamApi::builder("https://tr.example.com", keys.clone(), store.clone())
            .events([REVOKED, CHANGED])
            .clock(clock.clone());
        let caller = Caller::new("acme").audience("https://acme.example.com").scope(Scope::Manage);
        Self { api: settings(builder).build().unwrap(), store, clock, keys, caller }
    }

    async fn call_as(
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

    async fn call(&self, method: &str, target: &str, body: Option<Value>) -> Answer {
        self.call_as(self.caller.clone(), method, target, body).await
    }

    /// Creates a stream that polls, and returns its id.
    async fn create(&self, body: Value) -> String {
        let answer = self.call("POST", "/ssf/streams", Some(body)).await;
        assert_eq!(answer.status(), 201, "{}", String::from_utf8_lossy(answer.body()));
        read(&answer)["stream_id"].as_str().unwrap().to_owned()
    }

    async fn poll(&self, id: &str, body: Value) -> Value {
        let answer = self.call("POST", &format!("/ssf/poll/{id}"), Some(body)).await;
        assert_eq!(answer.status(), 200, "{}", String::from_utf8_lossy(answer.body()));
        read(&answer)
    }

    async fn publish(&self, user: &str) -> Vec<String> {
        let event = caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost");
        self.api.publish(Entry::new(event, Subject::opaque(user))).await.unwrap().jtis
    }

    async fn counts(&self) -> Counts {
        let counts = self.store.counts().await.unwrap();
        assert!(counts.is_balanced(), "{counts:?}");
        counts
    }
}

fn read(answer: &Answer) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

fn wants() -> Value {
    json!({ "events_requested": [REVOKED, "urn:example:unknown"] })
}

fn jtis(polled: &Value) -> Vec<String> {
    polled["sets"].as_object().unwrap().keys().cloned().collect()
}

/// The claims of a SET, verified with the published keys.
fn verified(world: &World, set: &Value) -> Value {
    let set = ssf_transmitter::SignedSet::parse(set.as_str().unwrap()).unwrap().decode().unwrap();
    set.verify(&world.keys.jwks().unwrap()).unwrap();
    Value::Object(set.claims().clone())
}

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

#[tokio::test]
async fn a_stream_of_somebody_else_does_not_exist() {
    let world = World::new();
    let id = world.create(wants()).await;
    let other = Caller::new("globex").scope(Scope::Manage);
    let stream = json!({ "stream_id": id });
    let subject = json!({ "stream_id": id, "subject": { "format": "opaque", "id": "ada" } });
    let requests = [
        ("GET", format!("/ssf/streams?stream_id={id}"), None),
        ("PATCH", "/ssf/streams".to_owned(), Some(stream.clone())),
        ("PUT", "/ssf/streams".to_owned(), Some(stream.clone())),
        ("DELETE", format!("/ssf/streams?stream_id={id}"), None),
        ("GET", format!("/ssf/status?stream_id={id}"), None),
        ("POST", "/ssf/status".to_owned(), Some(json!({ "stream_id": id, "status": "paused" }))),
        ("POST", "/ssf/subjects:add".to_owned(), Some(subject.clone())),
        ("POST", "/ssf/subjects:remove".to_owned(), Some(subject)),
        ("POST", "/ssf/verify".to_owned(), Some(stream)),
        ("POST", format!("/ssf/poll/{id}"), Some(json!({ "returnImmediately": true }))),
    ];
    for (method, target, body) in requests {
        let own = world.call_as(other.clone(), method, &target, body.clone()).await;
        // The same answer as for an id that nobody has.
        let unknown = body.map(|body| body.to_string().replace(&id, "nobody"));
        let unknown = unknown.map(|text| serde_json::from_str(&text).unwrap());
        let none = world.call_as(other.clone(), method, &target.replace(&id, "nobody"), unknown).await;
        assert_eq!((own.status(), own.body()), (404, none.body()), "{method} {target}");
    }
    assert_eq!(read(&world.call_as(other, "GET", "/ssf/streams", None).await), json!([]));
    assert_eq!(world.call("GET", &format!("/ssf/streams?stream_id={id}"), None).await.status(), 200);
}

#[tokio::test]
async fn callers_prove_who_they_are_before_the_body_is_read() {
    let world = World::with(|builder| builder.resource_metadata("https://tr.example.com/resource"));
    let challenge =
        |answer: &Answer| answer.header("www-authenticate").map(str::to_owned).unwrap_or_default();
    let none = world.call_as(Authentication::Missing, "POST", "/ssf/streams", Some(wants())).await;
    let resource = r#"resource_metadata="https://tr.example.com/resource""#;
    assert_eq!((none.status(), challenge(&none)), (401, format!("Bearer {resource}")));
    let invalid = world.call_as(Authentication::Invalid, "POST", "/ssf/streams", Some(wants())).await;
    let expected = format!(r#"Bearer error="invalid_token", {resource}"#);
    assert_eq!((invalid.status(), challenge(&invalid)), (401, expected));
    let reader = Caller::new("acme").scope(Scope::Read);
    let denied = world.call_as(reader.clone(), "POST", "/ssf/streams", Some(wants())).await;
    let expected = format!(r#"Bearer error="insufficient_scope", scope="ssf.manage", {resource}"#);
    assert_eq!((denied.status(), challenge(&denied)), (403, expected));
    assert_eq!(world.call_as(reader, "GET", "/ssf/streams", None).await.status(), 200);
    for answer in [none, invalid, denied] {
        let body = read(&answer);
        assert!(body["err"].is_string() && body["description"].is_string(), "{body}");
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let world = World::new();
    let head = |kind: &str| Head::new("POST", "/ssf/streams").header("Content-Type", kind);
    let status = async |head: Head, body: &[u8]| match world.api.begin(&head, world.caller.clone()) {
        Begun::Answered(answer) => answer.status(),
        Begun::Body(call) => call.respond(body).await.status(),
    };
    assert_eq!(status(head("text/plain"), b"{}").await, 415);
    assert_eq!(status(head("application/json; charset=utf-8"), b"{}").await, 201);
    // As in the examples of SSF 1.0 §8.1.
    assert_eq!(status(Head::new("POST", "/ssf/streams"), b"{}").await, 201);
    let deep = "[".repeat(100_000);
    let long = vec![b' '; 65 * 1024];
    let bodies: [&[u8]; 7] =
        [b"[]", b"{", b"\xff", b"{\"a\":1,\"a\":1}", b"{\"events_requested\":1}", deep.as_bytes(), b"null"];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert!([400, 413].contains(&status(head("application/json"), body).await), "{shown}");
    }
    assert_eq!(status(head("application/json"), &long).await, 413);
    let declared = head("application/json").header("Content-Length", "1000000");
    assert_eq!(status(declared, b"").await, 413);
    assert_eq!(world.call("POST", "/ssf/nothing", None).await.status(), 404);
    let wrong = world.call("DELETE", "/ssf/verify", None).await;
    assert_eq!((wrong.status(), wrong.header("allow")), (405, Some("POST")));
}

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

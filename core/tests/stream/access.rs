//! Who may do what.

use std::time::Duration;

use serde_json::json;
use ssf_transmitter::{
    ErrorCode, KeySet, KeyType, SigningKey,
    outbox::MemoryStore,
    stream::{Answer, Authentication, Begun, Caller, Head, RateLimit, Scope, StreamApi},
    time::Clock,
};

use crate::world::{World, read, wants};

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
    let error = r#"error="invalid_token", error_description="the access token is unknown""#;
    let expected = format!("Bearer {error}, {resource}");
    assert_eq!((invalid.status(), challenge(&invalid)), (401, expected));
    let reader = Caller::new("acme").scope(Scope::Read);
    let denied = world.call_as(reader.clone(), "POST", "/ssf/streams", Some(wants())).await;
    let error =
        r#"error="insufficient_scope", error_description="the access token lacks the required scope""#;
    let expected = format!(r#"Bearer {error}, scope="ssf.manage", {resource}"#);
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
async fn each_receiver_has_its_rate() {
    let world = World::with(|builder| builder.rate_limit(Some(RateLimit::per_second(2).burst(3))));
    let list = async |caller: &Caller| world.call_as(caller.clone(), "GET", "/ssf/streams", None).await;
    for _ in 0..3 {
        assert_eq!(list(&world.caller).await.status(), 200);
    }
    let early = list(&world.caller).await;
    assert_eq!((early.status(), early.header("retry-after")), (429, Some("1")));
    assert_eq!(
        (&read(&early)["err"], early.header("cache-control")),
        (&json!("too_many_requests"), Some("no-store"))
    );
    assert_eq!(list(&Caller::new("globex").scope(Scope::Read)).await.status(), 200);
    world.clock.advance(Duration::from_millis(500));
    assert_eq!(list(&world.caller).await.status(), 200);
    assert_eq!(list(&world.caller).await.status(), 429);
    let world = World::with(|builder| builder.rate_limit(None));
    for _ in 0..200 {
        assert_eq!(world.call("GET", "/ssf/streams", None).await.status(), 200);
    }
}

#[tokio::test]
async fn each_change_is_told_for_an_audit_log() {
    let world = World::new();
    let told = |answer: &Answer| {
        let [audit] = answer.audits() else { panic!("{:?}", answer.audits()) };
        assert_eq!((audit.caller(), audit.when()), (Some("acme"), world.clock.now()));
        (audit.action(), audit.stream().map(str::to_owned), audit.outcome(), audit.to_string())
    };
    let created = world.call("POST", "/ssf/streams", Some(wants())).await;
    let id = read(&created)["stream_id"].as_str().unwrap().to_owned();
    let subject = json!({ "format": "email", "email": "ada-lovelace@example.com" });
    let changes = [
        ("PATCH", "/ssf/streams", json!({ "stream_id": id }), "stream.update"),
        ("PUT", "/ssf/streams", json!({ "stream_id": id }), "stream.replace"),
        (
            "POST",
            "/ssf/status",
            json!({ "stream_id": id, "status": "paused", "reason": "ada-lovelace" }),
            "status.update",
        ),
        ("POST", "/ssf/verify", json!({ "stream_id": id, "state": "ada-lovelace" }), "stream.verify"),
        ("POST", "/ssf/subjects:add", json!({ "stream_id": id, "subject": subject }), "subject.add"),
        ("POST", "/ssf/subjects:remove", json!({ "stream_id": id, "subject": subject }), "subject.remove"),
    ];
    let mut all = vec![(created, "stream.create")];
    for (method, target, body, action) in changes {
        all.push((world.call(method, target, Some(body)).await, action));
    }
    all.push((world.call("DELETE", &format!("/ssf/streams?stream_id={id}"), None).await, "stream.delete"));
    for (answer, expected) in all {
        let (action, stream, outcome, shown) = told(&answer);
        assert_eq!((action, stream.as_ref(), outcome), (expected, Some(&id), "done"));
        assert!(!shown.contains("ada-lovelace"), "{shown}");
    }

    // What fails is told, too, and what a caller has made up does not break out of its line.
    for (named, expected, outcome) in [
        ("nobody", Some("nobody"), "not_found"),
        ("a\nacme stream.delete", None, "not_found"),
        ("", None, "not_found"),
    ] {
        let (_, stream, ended, _) =
            told(&world.call("PATCH", "/ssf/streams", Some(json!({ "stream_id": named }))).await);
        assert_eq!((stream.as_deref(), ended), (expected, outcome));
    }
    let wrong = world.call("POST", "/ssf/streams", Some(json!({ "events_requested": 1 }))).await;
    assert_eq!(told(&wrong).2, "invalid_request");
    let reader = Caller::new("acme").scope(Scope::Read);
    assert_eq!(told(&world.call_as(reader, "POST", "/ssf/streams", Some(wants())).await).2, "access_denied");
    for (method, target) in [("GET", "/ssf/streams"), ("GET", "/ssf/jwks.json"), ("GET", "/ssf/nothing")] {
        assert!(world.call(method, target, None).await.audits().is_empty(), "{method} {target}");
    }
}

#[tokio::test]
async fn why_the_transmitter_cannot_answer_is_for_its_own_log() {
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let api =
        StreamApi::builder("https://tr.example.com", keys, MemoryStore::new().capacity(0)).build().unwrap();
    let call = async |target: &str, body: String| match api
        .begin(&Head::new("POST", target), Caller::new("acme").scope(Scope::Manage))
    {
        Begun::Body(call) => call.respond(body.as_bytes()).await,
        Begun::Answered(answer) => answer,
    };
    let created = call("/ssf/streams", String::new()).await;
    assert!(created.failure().is_none());
    let full = call("/ssf/verify", json!({ "stream_id": read(&created)["stream_id"] }).to_string()).await;
    assert_eq!((full.status(), full.header("retry-after")), (503, Some("5")));
    assert_eq!(full.failure().map(|failure| failure.code), Some(ErrorCode::OutboxFull));
    assert!(!String::from_utf8_lossy(full.body()).contains("room"), "{full:?}");
}

#[cfg(feature = "client")]
#[tokio::test]
async fn the_api_finds_out_who_calls() {
    use ssf_transmitter::{access_token::StaticToken, client::Authenticator};

    let token = StaticToken::generate().unwrap();
    let reader = Caller::new("acme").scope(Scope::Read);
    let authenticator = Authenticator::builder("https://tr.example.com/ssf")
        .static_token(token.hash().clone(), reader)
        .failure_limit(RateLimit::per_second(1).burst(2))
        .build()
        .unwrap();
    let metadata = authenticator.resource_metadata().clone();
    let world = World::with(|builder| builder.authenticator(authenticator));
    let admit = async |head: Head| match world.api.admit(&head).await {
        Begun::Answered(answer) => answer,
        Begun::Body(call) => call.respond(b"").await,
    };
    let get = |tokens: &[&str]| {
        let head = Head::new("GET", "/ssf/streams");
        tokens.iter().fold(head, |head, token| head.header("Authorization", format!("Bearer {token}")))
    };
    let good = token.secret().expose().as_str();
    let challenge = format!(r#"resource_metadata="{}""#, metadata.url());
    for (tokens, status, error) in [
        (&[][..], 401, ""),
        (&["wrong"], 401, r#"error="invalid_token""#),
        (&[good, good], 400, r#"error="invalid_request""#),
    ] {
        let answer = admit(get(tokens)).await;
        let shown = answer.header("www-authenticate").unwrap();
        assert_eq!((answer.status(), answer.header("cache-control")), (status, Some("no-store")), "{shown}");
        assert!(shown.contains(&challenge) && shown.contains(error), "{shown}");
    }
    assert_eq!(admit(get(&[good])).await.status(), 200);
    let post = Head::new("POST", "/ssf/streams").header("authorization", format!("bearer {good}"));
    let forbidden = admit(post).await;
    assert_eq!(forbidden.status(), 403);
    assert!(forbidden.header("www-authenticate").unwrap().contains(r#"scope="ssf.manage""#));

    let path = "/.well-known/oauth-protected-resource/ssf";
    let document = admit(Head::new("GET", path)).await;
    assert_eq!(document.body(), metadata.to_json().as_bytes());
    assert_eq!((document.status(), document.header("cache-control")), (200, Some("public, max-age=3600")));
    let again = Head::new("GET", path).header("If-None-Match", document.header("etag").unwrap());
    let again = admit(again).await;
    assert_eq!((again.status(), again.body().len()), (304, 0));
    assert_eq!(admit(Head::new("POST", path)).await.status(), 405);

    let from = "192.0.2.7".parse().unwrap();
    for status in [401, 401, 429] {
        assert_eq!(admit(get(&["guess"]).with_remote(from)).await.status(), status);
    }
    assert_eq!(admit(get(&[good])).await.status(), 200);
    // What everybody may read, and what there is not, costs no look at a token.
    assert_eq!(admit(Head::new("GET", "/ssf/jwks.json").with_remote(from)).await.status(), 200);
    assert_eq!(admit(Head::new("GET", "/ssf/nothing").with_remote(from)).await.status(), 404);
    let alone = World::new();
    let nobody = alone.api.admit(&get(&[good])).await;
    assert!(matches!(nobody, Begun::Answered(answer) if answer.status() == 401));
    assert!(
        matches!(alone.api.admit(&Head::new("GET", path)).await, Begun::Answered(answer) if answer.status() == 404)
    );
}

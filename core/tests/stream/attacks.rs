//! What an attacker tries at the API, and the answer. Tokens are in `tests/vectors/access-tokens.json`; streams of other receivers in
//! `access.rs` and in `tests/vectors/stream-api.json`.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use ssf_transmitter::stream::{Answer, Begun, Head};

use crate::world::{Noted, World, jtis, read, wants};

/// Asks with the API alone, so that it can go on in a task.
async fn poll(world: Arc<World>, id: String) -> Answer {
    world.call("POST", &format!("/ssf/poll/{id}"), Some(json!({}))).await
}

#[tokio::test]
async fn a_flood_of_polls_waits_in_ten_places() {
    let timer = Noted::default();
    let world = Arc::new(World::with(|builder| builder.long_poll(timer, Duration::from_secs(20))));
    let id = world.create(wants()).await;
    let other = world.create(json!({})).await;
    let start = |id: &String| tokio::spawn(poll(world.clone(), id.clone()));
    let waiting: Vec<_> = (0..10).map(|_| start(&id)).collect();
    tokio::task::yield_now().await;
    // The next one is answered at once; it would wait for ever otherwise.
    assert_eq!(read(&poll(world.clone(), id.clone()).await), json!({ "sets": {} }));
    let elsewhere = start(&other);
    tokio::task::yield_now().await;
    assert!(waiting.iter().chain([&elsewhere]).all(|poll| !poll.is_finished()));
    // The event goes to one of them, and its place is free again.
    let published = world.publish("ada").await;
    let mut got = Vec::new();
    while got.is_empty() {
        tokio::task::yield_now().await;
        got = waiting.iter().filter(|poll| poll.is_finished()).collect();
    }
    assert_eq!(got.len(), 1);
    let next = start(&id);
    tokio::task::yield_now().await;
    assert!(!next.is_finished());
    for poll in waiting {
        if poll.is_finished() {
            assert_eq!(jtis(&read(&poll.await.unwrap())), published);
        }
    }
}

#[tokio::test]
async fn a_poll_ends_when_its_stream_is_deleted_or_pushed() {
    let timer = Noted::default();
    let world =
        Arc::new(World::with(|builder| builder.long_poll(timer, Duration::from_secs(20)).push(|_| Ok(()))));
    for change in [
        |id: &str| ("DELETE", format!("/ssf/streams?stream_id={id}"), Value::Null),
        |id: &str| {
            let url = "https://receiver.example.com/events";
            let delivery = json!({ "method": "urn:ietf:rfc:8935", "endpoint_url": url });
            ("PATCH", "/ssf/streams".to_owned(), json!({ "stream_id": id, "delivery": delivery }))
        },
    ] {
        let id = world.create(wants()).await;
        let waiting = tokio::spawn(poll(world.clone(), id.clone()));
        tokio::task::yield_now().await;
        let (method, target, body) = change(&id);
        let changed = world.call(method, &target, Some(body).filter(|body| !body.is_null())).await;
        assert!([200, 204].contains(&changed.status()), "{method}");
        assert_eq!(waiting.await.unwrap().status(), 404, "{method}");
    }
}

#[tokio::test]
async fn a_poll_acknowledges_a_bounded_number() {
    let world = World::new();
    let id = world.create(wants()).await;
    for (count, status) in [(10_000, 200), (10_001, 400)] {
        let body = json!({ "ack": vec!["x"; count], "returnImmediately": true });
        let answer = world.call("POST", &format!("/ssf/poll/{id}"), Some(body)).await;
        assert_eq!(answer.status(), status, "{count}");
    }
}

#[tokio::test]
async fn nobody_learns_which_subjects_exist() {
    let world = World::new();
    let id = world.create(wants()).await;
    world.publish("ada").await;
    let ask = async |part: &str, user: &str| {
        let subject = json!({ "format": "opaque", "id": user });
        let body = json!({ "stream_id": id, "subject": subject });
        let answer = world.call("POST", &format!("/ssf/subjects:{part}"), Some(body)).await;
        let headers: Vec<_> = answer.headers().map(|(name, value)| format!("{name}: {value}")).collect();
        (answer.status(), headers, answer.body().to_vec())
    };
    // Neither who has events, nor who was added before: the store compares hashes, and asks no directory of users.
    for (part, status) in [("add", 200), ("remove", 204)] {
        let expected = ask(part, "ada").await;
        assert_eq!(expected.0, status);
        for user in ["nobody", "ada", "nobody", "' OR 1=1 --", "\u{0}", &"x".repeat(10_000)] {
            assert_eq!(ask(part, user).await, expected, "{part} {user:.20}");
        }
    }
}

#[tokio::test]
async fn a_receiver_cannot_slow_down_the_events_of_others() {
    let world = World::with(|builder| builder.critical_subject_members(["fleet"]));
    let id = world.create(wants()).await;
    let add = async |member: &str| {
        let mut subject = json!({ "format": "complex" });
        subject[member] = json!({ "format": "opaque", "id": "7" });
        let body = json!({ "stream_id": id, "subject": subject });
        world.call("POST", "/ssf/subjects:add", Some(body)).await
    };
    // Each combination of names costs a lookup for each event of all streams.
    for (member, status) in [("user", 200), ("org_unit", 200), ("fleet", 200), ("x1", 400), ("x2", 400)] {
        assert_eq!(add(member).await.status(), status, "{member}");
    }
    assert!(read(&add("x1").await)["description"].as_str().unwrap().starts_with("subject/x1: "));
}

#[tokio::test]
async fn json_that_is_huge_deep_or_ambiguous_is_refused() {
    let world = World::new();
    let send =
        async |body: &[u8]| match world.api.begin(&Head::new("POST", "/ssf/streams"), world.caller.clone()) {
            Begun::Answered(answer) => answer.status(),
            Begun::Body(call) => call.respond(body).await.status(),
        };
    let nested =
        |open: &str, close: &str| format!("{{\"a\":{}{}}}", open.repeat(20_000), close.repeat(20_000));
    for (body, status) in [
        (nested("[", "]"), 400),
        (format!("{{\"a\":{}", "{\"a\":".repeat(10_000)), 400),
        (format!("{{\"description\":\"{}\"}}", "x".repeat(65_000)), 201),
        (format!("{{\"description\":\"{}\"}}", "x".repeat(66_000)), 413),
        (format!("{{\"events_requested\":[{}1]}}", "1,".repeat(20_000)), 400),
        (format!("{{\"events_requested\":[\"{}\"]}}", vec!["u:x"; 501].join("\",\"")), 400),
        ("{\"a\":1e999999999}".to_owned(), 400),
        ("{\"delivery\":{},\"delivery\":{}}".to_owned(), 400),
        ("{\"description\":\"\u{0}\"}".to_owned(), 400),
        ("{\"description\":\"\\ud800\"}".to_owned(), 400),
    ] {
        assert_eq!(send(body.as_bytes()).await, status, "{body:.60}");
    }
    for length in ["65537", "99999999999999999999", "-1", "x"] {
        let announced = Head::new("POST", "/ssf/streams").header("Content-Length", length);
        let begun = world.api.begin(&announced, world.caller.clone());
        assert!(matches!(begun, Begun::Answered(answer) if answer.status() == 413), "{length}");
    }
}

#[cfg(feature = "client")]
#[tokio::test]
async fn an_endpoint_cannot_be_inside() {
    use ssf_transmitter::Network;

    let network = Network::new();
    let world = World::with(|builder| builder.push(move |url| network.check_endpoint(url)));
    for url in [
        "http://receiver.example.com/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://tr.example.com/ssf/streams",
        "https://tr.example.com./ssf/streams",
        "https://TR.example.com:8443/",
        "https://user@receiver.example.com/",
        "https://receiver.example.com/#fragment",
        "file:///etc/passwd",
        "gopher://receiver.example.com/",
        "javascript:alert(1)",
        "//receiver.example.com/",
        " ",
    ] {
        let delivery = json!({ "method": "urn:ietf:rfc:8935", "endpoint_url": url });
        let answer = world.call("POST", "/ssf/streams", Some(json!({ "delivery": delivery }))).await;
        assert_eq!(answer.status(), 400, "{url}");
    }
    assert_eq!(read(&world.call("GET", "/ssf/streams", None).await), json!([]));
}

//! What goes wrong on command, as a sender sees it, and what the ledger says about it.

use std::io::ErrorKind;
use std::time::Duration;

use crate::common::{CLIENT_ID, CLIENT_SECRET, Raw, Reply, Scene, good, key, other_key, set, with};
use serde_json::{Value, json};
use ssf_emulator::{Dropped, Ends, Entry, Fault, Like, RetryAfter, Rule, Script, Status};

/// A receiver to which this happens on every push.
async fn always(fault: impl Into<Fault>) -> Scene {
    Scene::scripted(Script::new().rule(Rule::push(fault))).await
}

/// A receiver to which this happens on the first push.
async fn once(fault: impl Into<Fault>) -> Scene {
    Scene::scripted(Script::new().rule(Rule::push(fault).nth(1))).await
}

/// The one entry of the ledger.
fn only(scene: &Scene) -> Entry {
    let entries = scene.emulator.ledger();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.into_iter().next().unwrap()
}

fn jti(claims: &Value) -> String {
    claims["jti"].as_str().unwrap().to_owned()
}

/// Asserts that this SET was taken so many times.
#[track_caller]
fn assert_taken(scene: &Scene, claims: &Value, times: u64) {
    assert_eq!(scene.emulator.accepted().get(&jti(claims)).copied().unwrap_or_default(), times);
}

#[tokio::test]
async fn status_is_answered_without_judging() {
    for status in [401, 403, 404, 410, 413, 429, 500, 503] {
        let scene = once(Status::new(status)).await;
        let claims = good();
        let reply = scene.send(&claims).await;
        assert_eq!((reply.status, &reply.body), (status, &Value::Null));
        assert!(!reply.headers.contains_key("retry-after"));
        assert_eq!(reply.header("www-authenticate"), if status == 401 { "Bearer" } else { "" });
        let entry = only(&scene);
        assert_eq!((entry.status, entry.fault.as_deref(), entry.accepted), (status, Some("status"), false));
        assert_eq!(entry.claims, Some(claims.clone()), "the ledger shows what was refused");
        scene.send(&claims).await.assert_accepted();
        assert_taken(&scene, &claims, 1);
    }
}

#[tokio::test]
async fn status_comes_with_any_error_code() {
    for err in
        ["invalid_request", "invalid_key", "invalid_issuer", "invalid_audience", "authentication_failed"]
    {
        let mut status = Status::new(400).err(err);
        status.description = Some("as told".to_owned());
        let scene = always(status).await;
        let reply = scene.send(&good()).await;
        assert_eq!((reply.status, reply.header("content-type")), (400, "application/json"));
        assert_eq!(reply.body, json!({ "err": err, "description": "as told" }));
        assert_eq!(only(&scene).err.as_deref(), Some(err));
    }
}

#[tokio::test]
async fn status_comes_with_retry_after_in_every_form() {
    let answer = |value| async move {
        let scene = always(Status::new(429).retry_after(value)).await;
        scene.send(&good()).await.header("retry-after").to_owned()
    };
    assert_eq!(answer(RetryAfter::Seconds(7)).await, "7");
    assert_eq!(answer(RetryAfter::Text("soon".to_owned())).await, "soon");
    let date = answer(RetryAfter::DateIn { date_in: 60 }).await;
    let date = httpdate::parse_http_date(&date).unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = jsonwebtoken::get_current_timestamp();
    assert!((now + 50..=now + 60).contains(&date.as_secs()), "{date:?}");
    let past = answer(RetryAfter::DateIn { date_in: i64::MIN }).await;
    assert_eq!(past, "Thu, 01 Jan 1970 00:00:00 GMT");
}

#[tokio::test]
async fn status_comes_with_a_body_that_is_not_json() {
    let scene = always(Status::new(502).body("text/html", "<h1>Bad Gateway</h1>")).await;
    let response = scene.request(key().sign(&good())).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (502, &"text/html".parse().unwrap())
    );
    assert_eq!(response.text().await.unwrap(), "<h1>Bad Gateway</h1>");
}

#[tokio::test]
async fn status_can_come_after_the_set_was_taken() {
    let scene = once(Status::new(500).after()).await;
    let claims = good();
    assert_eq!(scene.send(&claims).await.status, 500);
    let entry = only(&scene);
    assert_eq!((entry.status, entry.accepted, entry.dropped), (500, true, None));
    scene.send(&claims).await.assert_accepted();
    assert_taken(&scene, &claims, 2);
}

#[tokio::test]
async fn slow_headers_come_after_what_was_asked_for_later() {
    let scene = once(Fault::SlowHeaders { ms: 300 }).await;
    let slow = good();
    let mut first = Raw::push(&scene.emulator, &key().sign(&slow)).await;
    while scene.emulator.ledger().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_taken(&scene, &slow, 1);
    scene.push("").await.assert_refused("invalid_request");
    let mut nothing = [0];
    assert_eq!(first.socket.try_read(&mut nothing).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(first.read_until("\r\n\r\n").await.starts_with("HTTP/1.1 202"));
}

#[tokio::test]
async fn slow_body_comes_after_its_headers() {
    let scene = once(Fault::SlowBody { ms: 300 }).await;
    let mut slow = Raw::push(&scene.emulator, "not a SET").await;
    let head = slow.read_until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    scene.push("").await.assert_refused("invalid_request");
    let body = slow.read_until("\r\n0\r\n\r\n").await;
    assert!(body.contains("\"err\""), "{body}");
}

#[tokio::test]
async fn slow_body_ends_late_even_without_a_body() {
    let scene = once(Fault::SlowBody { ms: 300 }).await;
    let mut slow = Raw::push(&scene.emulator, &key().sign(&good())).await;
    assert!(slow.read_until("\r\n\r\n").await.starts_with("HTTP/1.1 202"));
    scene.push("").await.assert_refused("invalid_request");
    let mut nothing = [0];
    assert_eq!(slow.socket.try_read(&mut nothing).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(slow.read_until("\r\n\r\n").await, "0\r\n\r\n");
}

#[tokio::test]
async fn half_close_ends_within_the_answer() {
    for (bytes, expected) in [(0, ""), (12, "HTTP/1.1 202"), (23, "HTTP/1.1 202 Accepted\r\n")] {
        let scene = once(Fault::HalfClose { bytes }).await;
        let claims = good();
        let mut raw = Raw::push(&scene.emulator, &key().sign(&claims)).await;
        assert_eq!(raw.read().await.unwrap(), expected);
        // The other half is open, but leads nowhere.
        raw.send(&key().sign(&good())).await;
        let entry = only(&scene);
        assert_eq!((entry.status, entry.fault.as_deref(), entry.accepted), (202, Some("half_close"), true));
        let error = scene.request(key().sign(&good())).send().await;
        assert!(error.is_ok(), "only the first one");
        assert_taken(&scene, &claims, 1);
        assert_eq!(scene.emulator.counters().requests, 2);
    }
}

#[tokio::test]
async fn reset_is_an_error_before_and_after_the_set_is_taken() {
    for after in [false, true] {
        let scene = once(Fault::Reset { after }).await;
        let claims = good();
        let mut raw = Raw::push(&scene.emulator, &key().sign(&claims)).await;
        assert_eq!(raw.read().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        let entry = only(&scene);
        assert_eq!((entry.status, entry.fault.as_deref(), entry.accepted), (0, Some("reset"), after));
        scene.send(&claims).await.assert_accepted();
        assert_taken(&scene, &claims, 1 + u64::from(after));
    }
}

#[tokio::test]
async fn close_and_lost_answer_are_an_end_without_an_answer() {
    for (fault, taken) in [(Fault::Close, false), (Fault::LostAnswer, true)] {
        let name = fault.name();
        let scene = once(fault).await;
        let claims = good();
        let mut raw = Raw::push(&scene.emulator, &key().sign(&claims)).await;
        assert_eq!(raw.read().await.unwrap(), "");
        let entry = only(&scene);
        assert_eq!((entry.status, entry.fault.as_deref(), entry.accepted), (0, Some(name), taken));
        scene.send(&claims).await.assert_accepted();
        assert_taken(&scene, &claims, 1 + u64::from(taken));
    }
}

#[tokio::test]
async fn a_lost_answer_does_not_make_a_bad_set_good() {
    let scene = always(Fault::LostAnswer).await;
    let mut raw = Raw::push(&scene.emulator, &key().sign(&with(good(), "/aud", json!("elsewhere")))).await;
    assert_eq!(raw.read().await.unwrap(), "");
    let entry = only(&scene);
    assert_eq!((entry.status, entry.err.as_deref(), entry.accepted), (0, Some("invalid_audience"), false));
}

#[tokio::test]
async fn never_leaves_the_sender_waiting_and_the_emulator_free_to_stop() {
    let scene = once(Fault::Never).await;
    let claims = good();
    let mut raw = Raw::push(&scene.emulator, &key().sign(&claims)).await;
    scene.http.get(scene.emulator.ledger_url()).send().await.unwrap();
    while scene.emulator.ledger().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut nothing = [0];
    assert_eq!(raw.socket.try_read(&mut nothing).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!((only(&scene).status, only(&scene).accepted), (0, false));
    let stopped = tokio::time::timeout(Duration::from_mins(10), scene.emulator.stop()).await;
    assert!(stopped.is_ok(), "it does not wait for those who wait for it");
    assert_eq!(raw.read().await.unwrap(), "");
}

#[tokio::test]
async fn huge_body_is_as_large_as_told_and_does_not_say_so() {
    let bytes = 3 * 1024 * 1024 + 1;
    let scene = once(Fault::HugeBody { bytes }).await;
    let response = scene.request(key().sign(&good())).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.content_length()), (202, None));
    assert_eq!(response.bytes().await.unwrap().len() as u64, bytes);
    assert!(only(&scene).accepted);
}

#[tokio::test]
async fn status_has_a_body_that_is_cut_or_does_not_end() {
    let scene = once(Status::new(400).err("invalid_key").ends(Ends::Cut)).await;
    let mut raw = Raw::push(&scene.emulator, &key().sign(&good())).await;
    let answer = raw.read().await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("HTTP/1.1 400") && head.contains(&format!("content-length: {}", body.len() + 100))
    );
    assert!(body.contains("\"invalid_key\""), "{body}");

    let scene = once(Status::new(202).body("text/plain", "queued").after().ends(Ends::Open)).await;
    let claims = good();
    let mut raw = Raw::push(&scene.emulator, &key().sign(&claims)).await;
    assert!(raw.read_until("queued\r\n").await.starts_with("HTTP/1.1 202"));
    let mut nothing = [0];
    assert_eq!(raw.socket.try_read(&mut nothing).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_taken(&scene, &claims, 1);
    let stopped = tokio::time::timeout(Duration::from_mins(10), scene.emulator.stop()).await;
    assert!(stopped.is_ok(), "it does not wait for those who wait for it");
}

#[tokio::test]
async fn drop_is_answered_as_ever_and_has_no_effect() {
    let text = r#"[{ "nth": 1, "fault": { "drop": {} } }, { "nth": 2, "fault": { "drop": { "reason": "unknown user" } } }]"#;
    let scene = Scene::scripted(Script::from_json(text).unwrap()).await;
    scene.send(&good()).await.assert_accepted();
    scene.send(&good()).await.assert_accepted();
    scene.send(&good()).await.assert_accepted();
    let seen: Vec<_> = scene
        .emulator
        .ledger()
        .iter()
        .map(|entry| (entry.fault.is_some(), entry.accepted, entry.dropped))
        .collect();
    assert_eq!(
        seen,
        [
            (true, true, Some(Dropped::Scripted)),
            (true, true, Some(Dropped::UnknownUser)),
            (false, true, None)
        ]
    );
    assert_eq!(scene.emulator.counters().dropped, 2);
}

#[tokio::test]
async fn drop_does_not_make_a_bad_set_good() {
    let scene = always(Fault::Drop { reason: Dropped::Scripted }).await;
    scene.push("not a SET").await.assert_refused("invalid_request");
    assert_eq!(only(&scene).dropped, None);
}

#[tokio::test]
async fn jwks_stale_refuses_a_new_key_until_its_time_has_come() {
    let scene = Scene::scripted(Script::new().rule(Rule::push(Fault::JwksStale).first(2))).await;
    // The first push fills the cache, and does not count.
    scene.send(&good()).await.assert_accepted();
    scene.transmitter.publish(vec![key().jwk(), other_key().jwk()]);
    let claims = good();
    for _ in 0..2 {
        scene.push(other_key().sign(&claims)).await.assert_refused_saying("invalid_key", "second");
        scene.send(&good()).await.assert_accepted();
    }
    assert_eq!(scene.transmitter.fetches(), 1, "an old cache is not refreshed");
    scene.push(other_key().sign(&claims)).await.assert_accepted();
    assert_eq!(scene.transmitter.fetches(), 2);
    assert_taken(&scene, &claims, 1);
    let faults: Vec<_> = scene.emulator.ledger().iter().map(|entry| entry.fault.is_some()).collect();
    assert_eq!(faults, [false, true, false, true, false, false]);
}

/// A receiver with a token endpoint.
async fn with_tokens(script: Script) -> Scene {
    Scene::with(Like::GovUkOneLogin, |config| config.script = script).await
}

async fn ask_for_token(scene: &Scene) -> Reply {
    let form =
        [("grant_type", "client_credentials"), ("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    Reply::to(scene.http.post(scene.token_url()).form(&form)).await
}

fn account_disabled() -> String {
    let uri = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
    key().sign(&set(uri, json!({ "subject": { "format": "uri", "uri": "urn:fdc:gov.uk:2022:AAAA" } })))
}

#[tokio::test]
async fn invalid_token_has_to_be_replaced() {
    let scene = with_tokens(Script::new().rule(Rule::push(Fault::InvalidToken).nth(2))).await;
    let token = scene.token().await;
    let push = || Reply::to(scene.request(account_disabled()).bearer_auth(&token));
    assert_eq!(push().await.status, 202);
    let reply = push().await;
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, "Bearer error=\"invalid_token\""));
    assert_eq!(push().await.status, 401, "it stays invalid");
    assert_ne!(scene.token().await, token);
    assert_eq!(scene.push_authorized(account_disabled()).await.status, 202);
}

#[tokio::test]
async fn token_endpoint_fails_on_its_own() {
    let script = Script::new()
        .rule(Rule::token(Status::new(503).retry_after(RetryAfter::Seconds(1))).nth(1))
        .rule(Rule::token(Status::new(400).err("invalid_scope")).nth(2))
        .rule(Rule::token(Status::new(401).err("invalid_client")).nth(3))
        .rule(Rule::token(Status::new(200).body("application/json", "{}")).nth(4));
    let scene = with_tokens(script).await;
    let reply = ask_for_token(&scene).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "1"));
    let reply = ask_for_token(&scene).await;
    assert_eq!((reply.status, &reply.body["error"]), (400, &json!("invalid_scope")));
    let reply = ask_for_token(&scene).await;
    assert_eq!((reply.status, &reply.body["error"]), (401, &json!("invalid_client")));
    assert!(reply.header("www-authenticate").starts_with("Basic"));
    let reply = ask_for_token(&scene).await;
    assert_eq!((reply.status, reply.body), (200, json!({})));
    assert_eq!(ask_for_token(&scene).await.body["token_type"], "bearer");
    assert_eq!(
        scene.push_authorized(account_disabled()).await.status,
        202,
        "pushes are not counted with them"
    );
}

#[tokio::test]
async fn connections_fail_before_there_is_a_request() {
    let script = Script::new()
        .rule(Rule::connection(Fault::Reset { after: false }).nth(1))
        .rule(Rule::connection(Fault::Close).nth(2));
    let scene = Scene::scripted(script).await;
    let mut reset = Raw::connect(&scene.emulator).await;
    assert_eq!(reset.read().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let mut closed = Raw::push(&scene.emulator, &key().sign(&good())).await;
    assert_eq!(closed.read().await.unwrap(), "");
    scene.send(&good()).await.assert_accepted();
    assert_eq!(scene.emulator.ledger().len(), 1, "connections are no requests");
    assert_eq!(scene.emulator.counters().faulted_connections, 2);
}

#[tokio::test]
async fn totals_are_kept_where_the_ledger_is_full() {
    let script = Script::new()
        .rule(Rule::push(Status::new(503)).nth(2))
        .rule(Rule::push(Fault::Drop { reason: Dropped::Scripted }).nth(3));
    let scene = Scene::with(Like::Rfc8935, |config| {
        config.script = script;
        config.ledger_size = 2;
    })
    .await;
    let (first, second) = (good(), good());
    scene.send(&first).await.assert_accepted();
    assert_eq!(scene.send(&second).await.status, 503);
    scene.send(&second).await.assert_accepted();
    scene.send(&first).await.assert_accepted();
    scene.push("").await.assert_refused("invalid_request");

    let sequences: Vec<_> = scene.emulator.ledger().iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, [4, 5], "the newest ones");
    Reply::to(scene.http.delete(scene.emulator.ledger_url())).await;
    let counters = Reply::to(scene.http.get(scene.emulator.counters_url())).await.body;
    assert_eq!(
        counters,
        json!({
            "requests": 5,
            "accepted": 3,
            "refused": 2,
            "dropped": 1,
            "faulted": 2,
            "faulted_connections": 0,
            "distinct_jti": 2,
        })
    );
    assert_eq!(serde_json::to_value(scene.emulator.counters()).unwrap(), counters);
    let accepted = Reply::to(scene.http.get(scene.emulator.accepted_url())).await.body;
    let twice = Value::Object([(jti(&first), 2.into()), (jti(&second), 1.into())].into_iter().collect());
    assert_eq!(accepted, twice);
    let reply = Reply::to(scene.http.delete(scene.emulator.accepted_url())).await;
    assert_eq!((reply.status, reply.header("allow")), (405, "GET"));
}

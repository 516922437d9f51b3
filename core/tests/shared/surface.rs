//! Behaviour at the surface that all languages share: `tests/vectors/surface.json`.

#![cfg(feature = "client")]

use std::{collections::BTreeMap, error::Error as StdError, time::Duration};

use crate::common::{dialect, list, object, same, text};
use crate::server::{Answer, Server};
use serde_json::{Value, json};
use ssf_transmitter::{
    Algorithm, Error, Event, KeyType, PublicKey, Receipt, Receiver, Result, Signature, Signer, SigningKey,
    Subject, Transmitter,
    client::{Counters, Emit, Pending},
    delivery::RetryPolicy,
    key::{BoxFuture, ExternalKey, SigningHeader},
    lint::{Finding, Linter},
};

type SignerError = Box<dyn StdError + Send + Sync>;
/// How a caller that signs by itself ends an emit.
type End = fn(Pending);

/// A signer that does what a case wants.
struct Odd {
    key: SigningKey,
    does: String,
}

impl Signer for Odd {
    fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    fn kid(&self) -> Option<&str> {
        Some(self.key.kid())
    }

    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, SignerError>> {
        match self.does.as_str() {
            "signs" => self.key.sign(signing_input),
            "fails" => Box::pin(async { Err("the service is gone".into()) }),
            "malformed" => Box::pin(async { Ok(Signature::Raw(vec![1])) }),
            "late" => Box::pin(std::future::pending()),
            other => panic!("unknown signer {other}"),
        }
    }

    fn public_key(&self) -> Option<PublicKey> {
        Some(self.key.public_key().clone())
    }
}

/// What a case plays with.
struct World {
    server: Server,
    transmitter: Transmitter,
    receiver: Receiver,
}

fn key() -> SigningKey {
    SigningKey::generate(KeyType::P256).unwrap().with_kid("k-1").unwrap()
}

fn transmitter_by(issuer: &str, key: SigningKey, case: &Value) -> Transmitter {
    let mut builder = match case["signer"].as_str() {
        None => Transmitter::builder(issuer, key),
        Some(does) => {
            let odd = ExternalKey::signed_by(Odd { key, does: does.to_owned() });
            Transmitter::builder(issuer, odd.unwrap())
        }
    };
    let bounds = &case["transmitter"];
    builder = match bounds.get("retry") {
        Some(policy) => builder.retry(retry(policy)),
        None if case.get("attempts").is_some() => builder,
        None => builder.retry(RetryPolicy::once()),
    };
    if let Some(deadline) = span(&bounds["deadline"]) {
        builder = builder.deadline(deadline);
    }
    builder.build().unwrap()
}

async fn world(case: &Value) -> World {
    let fault = case["fault"].clone();
    let server = Server::start(move |_, _| answer(&fault)).await;
    let receiver = if case["fault"] == "never" { silent().await } else { receiver(&server, case) };
    World { server, transmitter: transmitter_by("https://edr.example.com", key(), case), receiver }
}

fn receiver(server: &Server, case: &Value) -> Receiver {
    let mut receiver =
        Receiver::builder(server.url("/events"), "https://receiver.example.net").allow_loopback();
    if let Some(id) = case.get("dialect") {
        receiver = receiver.dialect(&dialect(id).unwrap());
    }
    receiver.build().unwrap()
}

/// A receiver that takes connections, and never answers.
async fn silent() -> Receiver {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            open.push(listener.accept().await);
        }
    });
    Receiver::builder(url, "https://receiver.example.net").allow_loopback().build().unwrap()
}

/// The answer of a fault, as the emulator gives it.
fn answer(fault: &Value) -> Answer {
    let Some(fault) = fault.get("status") else { return (202, Vec::new(), Vec::new()) };
    let status = u16::try_from(fault["status"].as_u64().unwrap()).unwrap();
    let mut headers = Vec::new();
    if let Some(seconds) = fault.get("retry_after") {
        headers.push(("retry-after", seconds.to_string()));
    }
    let body = fault.get("err").map(|err| {
        headers.push(("content-type", "application/json".to_owned()));
        json!({ "err": err, "description": "scripted" }).to_string().into_bytes()
    });
    (status, headers, body.unwrap_or_default())
}

fn span(seconds: &Value) -> Option<Duration> {
    seconds.as_f64().map(Duration::from_secs_f64)
}

fn retry(policy: &Value) -> RetryPolicy {
    let known = ["max_attempts", "attempt_timeout", "base", "max_backoff", "max_retry_after"];
    assert!(object(policy).keys().all(|name| known.contains(&name.as_str())), "{policy}");
    let mut retry = RetryPolicy::new();
    retry.max_attempts = policy["max_attempts"].as_u64().map(|most| most.try_into().unwrap());
    retry.attempt_timeout = span(&policy["attempt_timeout"]);
    retry.base = span(&policy["base"]);
    retry.max_backoff = span(&policy["max_backoff"]);
    retry.max_retry_after = span(&policy["max_retry_after"]);
    retry
}

/// The event of a case, or that of all cases that have none.
fn event(case: &Value) -> Result<Event> {
    let default = crate::common::file("surface.json")["default"]["event"].clone();
    Event::from_value(case.get("event").cloned().unwrap_or(default))
}

fn subject(case: &Value) -> Subject {
    let default = crate::common::file("surface.json")["default"]["subject"].clone();
    Subject::from_members(object(case.get("subject").unwrap_or(&default)).clone())
}

impl World {
    fn emit(&self, case: &Value, retry_first: bool) -> Emit {
        let mut emit = self.transmitter.emit(event(case).unwrap(), subject(case), &self.receiver);
        let call = &case["call"];
        let (deadline, policy) = (span(&call["deadline"]), call.get("retry").map(retry));
        // Whichever comes first.
        if let Some(policy) = policy.clone().filter(|_| retry_first) {
            emit = emit.retry(policy);
        }
        if let Some(deadline) = deadline {
            emit = emit.deadline(deadline);
        }
        match policy.filter(|_| !retry_first) {
            Some(policy) => emit.retry(policy),
            None => emit,
        }
    }
}

fn code<T>(result: &Result<T>) -> Value {
    match result {
        Ok(_) => Value::Null,
        Err(error) => error.code().as_str().into(),
    }
}

fn counted(counters: &Counters) -> Value {
    json!({
        "enqueued": counters.enqueued,
        "delivered": counters.delivered,
        "failed": counters.failed,
        "in_flight": counters.in_flight,
        "attempts": counters.attempts,
        "failures": counters.failures,
    })
}

/// Findings as the vectors have them.
fn found(findings: &[Finding]) -> Value {
    let found = findings.iter().map(|finding| {
        json!({
            "rule": finding.rule().id,
            "severity": finding.severity().as_str(),
            "pointer": finding.pointer(),
        })
    });
    found.collect()
}

async fn each<F: Future<Output = Result<(), String>>>(kind: &str, check: impl Fn(Value) -> F) {
    let file = crate::common::file("surface.json");
    let cases = list(&file[kind]);
    assert_eq!(cases.len(), crate::common::count("surface.json", kind));
    let mut failures = Vec::new();
    for case in cases {
        if let Err(failure) = check(case.clone()).await {
            failures.push(format!("  {}: {failure}", text(&case["name"])));
        }
    }
    assert!(failures.is_empty(), "{kind}:\n{}", failures.join("\n"));
}

#[tokio::test]
async fn a_call_overrides_what_it_names_of_the_policy_and_nothing_else() {
    each("policies", |case| async move {
        for retry_first in [true, false] {
            let world = world(&case).await;
            let result: Result<Receipt> = world.emit(&case, retry_first).await;
            same("the code", &code(&result), &case["code"])?;
            same("the attempts", &json!(world.transmitter.counters().attempts), &case["attempts"])?;
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn whatever_ends_an_emit_is_counted_once() {
    each("counters", |case| async move {
        let world = world(&case).await;
        for step in list(&case["do"]) {
            match text(step) {
                "emit" => same("the code", &code(&world.emit(&case, true).await), &case["code"])?,
                "prepare" => same("the code", &code(&world.emit(&case, true).prepare()), &Value::Null)?,
                "lint" => {
                    drop(world.transmitter.lint(event(&case).unwrap(), subject(&case), &world.receiver));
                }
                "deliver" => {
                    let set = world.emit(&case, true).sign().await.unwrap();
                    world.transmitter.deliver(&set, &world.receiver).await.unwrap();
                }
                "emit_all" => {
                    let emits = list(&case["emissions"]).iter().map(|emission| world.emit(emission, true));
                    let mut all = world.transmitter.emit_all(emits);
                    while all.next().await.is_some() {}
                }
                other => panic!("unknown step {other}"),
            }
        }
        same("the counters", &counted(&world.transmitter.counters()), &case["counters"])
    })
    .await;
}

#[tokio::test]
async fn an_emit_that_a_caller_signs_is_counted_too() {
    let file = crate::common::file("surface.json");
    let ends: [(&str, End); 2] = [
        ("signer_failed", |pending| pending.fail(ssf_transmitter::ErrorCode::SignerFailed)),
        ("abandoned", drop),
    ];
    for (reason, end) in ends {
        let server = Server::always(202, &[], "").await;
        let receiver = receiver(&server, &Value::Null);
        let key = ExternalKey::new(SigningHeader::new(Algorithm::Es256, "k"), None).unwrap();
        let transmitter = Transmitter::builder("https://edr.example.com", key).build().unwrap();
        let emit = |case: &Value| transmitter.emit(event(case).unwrap(), subject(case), &receiver);
        let pending = emit(&file["default"]).begin().unwrap();
        assert_eq!(transmitter.counters().in_flight, 1);
        end(pending);
        assert!(emit(&json!({ "subject": { "format": "email" } })).begin().is_err());
        let counters = transmitter.counters();
        let failures = BTreeMap::from([(reason, 1), ("subject_member_missing", 1)]);
        assert_eq!((counters.in_flight, counters.failures), (0, failures));
    }
}

#[tokio::test]
async fn an_emit_that_is_dropped_is_counted_as_abandoned() {
    let transmitter = transmitter_by("https://edr.example.com", key(), &Value::Null);
    let silent = silent().await;
    let emit = transmitter.emit(event(&Value::Null).unwrap(), subject(&Value::Null), &silent);
    let sending = tokio::spawn(std::future::IntoFuture::into_future(emit));
    while transmitter.counters().attempts == 0 {
        tokio::task::yield_now().await;
    }
    sending.abort();
    sending.await.unwrap_err();
    let counters = transmitter.counters();
    assert_eq!((counters.in_flight, counters.failures["abandoned"]), (0, 1));
}

#[tokio::test]
async fn lint_finds_what_is_wrong_and_never_fails() {
    each("lint", |case| {
        let findings = match case.get("text") {
            Some(token) => linter(&case).jwt(text(token)),
            None => linter(&case).read(event(&case), Some(Ok(subject(&case)))),
        };
        async move { same("the findings", &found(&findings), &case["findings"]) }
    })
    .await;
}

fn linter(case: &Value) -> Linter {
    let id = case.get("dialect").cloned().unwrap_or_else(|| json!("ssf-1.0"));
    Linter::new(&dialect(&id).unwrap())
}

#[tokio::test]
async fn a_doctor_says_the_same_of_a_signer_as_of_a_key() {
    each("doctor", |case| async move {
        let (key, fault) = (key(), case["fault"].clone());
        let other = SigningKey::generate(KeyType::P256).unwrap();
        let published = match case["published"].as_str() {
            Some("other_kid") => key.public_key().clone().with_kid("another").unwrap(),
            Some("other_key") => other.public_key().clone().with_kid(key.kid()).unwrap(),
            _ => key.public_key().clone(),
        };
        let server = Server::start(move |seen, _| {
            let base = format!("http://{}", seen.header("host").unwrap());
            let document = match seen.path.as_str() {
                "/events" => return answer(&fault),
                "/jwks.json" => json!({ "keys": [published.to_jwk()] }),
                _ => {
                    json!({ "spec_version": "1_0", "issuer": base, "jwks_uri": format!("{base}/jwks.json") })
                }
            };
            (200, vec![("content-type", "application/json".to_owned())], document.to_string().into_bytes())
        })
        .await;
        let transmitter = transmitter_by(&server.base, key, &case);
        let doctor = transmitter.doctor(event(&case).unwrap(), subject(&case), &receiver(&server, &case));
        let diagnosis = if case["send"] == true { doctor.send().await } else { doctor.await };
        for expected in list(&case["checks"]) {
            let check = diagnosis.check(text(&expected["id"])).ok_or("there is no such check")?;
            let found = json!({ "outcome": check.outcome.as_str(), "remedy": check.remedy });
            let wanted = json!({ "outcome": expected["outcome"], "remedy": expected["remedy"] });
            same(check.id, &found, &wanted)?;
            if !check.message.contains(text(&expected["says"])) {
                return Err(check.message.clone());
            }
        }
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn an_error_is_explained_in_the_same_words() {
    each("explain", |case| async move {
        let world = world(&case).await;
        let error = world.emit(&case, true).await.unwrap_err();
        let explained = world.transmitter.linter(&world.receiver).explain_error("", &error);
        // Of a kept error the parts are enough.
        let mut kept = Error::new(error.code(), error.message()).with_receiver_error(
            error.receiver_error().map(str::to_owned),
            error.receiver_description().map(str::to_owned),
        );
        if let Some(status) = error.status() {
            kept = kept.with_status(status);
        }
        let again = world.transmitter.linter(&world.receiver).explain_error("", &kept);
        same("the words", &(again.cause(), again.remedy()), &(explained.cause(), explained.remedy()))?;
        let rules: Vec<_> = explained.findings().iter().map(|finding| finding.rule().id).collect();
        let found = json!({
            "reason": explained.reason(),
            "cause": explained.cause(),
            "remedy": explained.remedy(),
            "findings": rules,
        });
        same("the explanation", &found, &case["explanation"])
    })
    .await;
}

#[tokio::test]
async fn the_keys_to_publish_are_those_of_the_signer_or_an_error() {
    each("jwks", |case| async move {
        let read = match (case.get("pem"), case.get("der_base64"), case.get("jwk")) {
            (Some(pem), ..) => Some(PublicKey::from_pem(text(pem))),
            (_, Some(der), _) => Some(PublicKey::from_der(decoded(text(der)))),
            (.., Some(jwk)) => Some(PublicKey::from_jwk(&jwk.to_string())),
            _ => None,
        };
        let mut header = SigningHeader::without_kid(text(&case["algorithm"]).parse().unwrap());
        header.kid = case["kid"].as_str().map(str::to_owned);
        let key = ExternalKey::new(header, read.transpose().unwrap());
        let built = key.and_then(|key| Transmitter::builder("https://edr.example.com", key).build());
        let jwks = built.and_then(|transmitter| transmitter.jwks());
        same("the code", &code(&jwks), &case["code"])?;
        let published = jwks.ok().map(|jwks| serde_json::from_str::<Value>(&jwks.to_json()).unwrap());
        let expected = case.get("published").map(|key| json!({ "keys": [key] }));
        same("the document", &published, &expected)
    })
    .await;
}

fn decoded(text: &str) -> Vec<u8> {
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap()
}

#[tokio::test]
async fn a_close_waits_for_what_is_under_way_and_refuses_what_is_new() {
    each("close", |case| async move {
        let world = world(&case).await;
        let sending: Vec<_> = (0..case["in_flight"].as_u64().unwrap())
            .map(|_| tokio::spawn(std::future::IntoFuture::into_future(world.emit(&case, true))))
            .collect();
        let closing = world.transmitter.close();
        // From the call on, awaited or not, for clones too.
        let clone = world.transmitter.clone();
        let refused = clone.emit(event(&case).unwrap(), subject(&case), &world.receiver).await;
        same("the code", &code(&refused), &json!("transmitter_closed"))?;
        closing.await;
        same("the counters", &counted(&clone.counters()), &case["counters"])?;
        for one in sending {
            one.await.unwrap().map_err(|error| error.to_string())?;
        }
        clone.close().await;
        let diagnosis = clone.doctor(event(&case).unwrap(), subject(&case), &world.receiver).await;
        same("the check", &diagnosis.checks()[0].id, &"transmitter")?;
        let seen = world.server.seen().len();
        same("the requests", &json!(seen), &case["in_flight"])
    })
    .await;
}

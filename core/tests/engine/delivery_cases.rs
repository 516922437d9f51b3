//! The delivery machine under a virtual clock: `tests/vectors/delivery.json`.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use ssf_transmitter::{
    Dialect, Error, SignedSet, Timestamp,
    delivery::{Action, Delivery, Input, RetryPolicy, Target},
    http::{BodyEnd, Failure, Response},
    token::ClientCredentials,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "note")]
    _note: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "source")]
    _source: Option<String>,
    #[serde(default)]
    policy: Policy,
    #[serde(default)]
    authorizes: bool,
    /// The SET may have been sent before.
    #[serde(default)]
    repeated: bool,
    dialect: Option<Value>,
    steps: Vec<Step>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    max_attempts: Option<u32>,
    deadline: Option<u64>,
    max_backoff: Option<u64>,
    max_retry_after: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: Option<Value>,
    input: Value,
    expect: Value,
}

/// The start of the virtual clock.
const START: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// Two SETs with the same claims; only their bytes differ here.
const SET: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6InNlY2V2ZW50K2p3dCJ9.eyJqdGkiOiIxIn0.c2ln";
const SIGNED_AGAIN: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6InNlY2V2ZW50K2p3dCJ9.eyJqdGkiOiIxIn0.YWdhaW4";

impl Policy {
    fn build(&self) -> RetryPolicy {
        let mut policy = RetryPolicy::new();
        policy.max_attempts = self.max_attempts;
        policy.max_backoff = self.max_backoff.map(Duration::from_millis);
        policy.max_retry_after = self.max_retry_after.map(Duration::from_millis);
        policy
    }
}

fn input(value: &Value) -> Input {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match value {
        Value::String(name) => match name.as_str() {
            "started" => Input::Started,
            "woken" => Input::Woken,
            "signed_again" => Input::SignedAgain(SignedSet::parse(SIGNED_AGAIN).unwrap()),
            "not_signed_again" => Input::NotSignedAgain,
            other => panic!("unknown input {other}"),
        },
        _ if value["authorized"].is_string() => Input::Authorized(text(&value["authorized"]).into()),
        _ if value["unauthorized"].is_string() => {
            Input::Unauthorized(token_error(&text(&value["unauthorized"])))
        }
        _ if value["broken"].is_string() => Input::Broken(match value["broken"].as_str().unwrap() {
            "unresolved" => Failure::Unresolved,
            "forbidden" => Failure::Forbidden,
            "not_connected" => Failure::NotConnected,
            "tls" => Failure::Tls,
            "timed_out" => Failure::TimedOut,
            "broken" => Failure::Broken,
            other => panic!("unknown failure {other}"),
        }),
        _ => {
            let answer = &value["answered"];
            let headers = answer["headers"].as_object().cloned().unwrap_or_default();
            let headers = headers.into_iter().map(|(name, value)| (name, text(&value)));
            let body = answer["body"].as_str().unwrap_or_default().as_bytes().to_vec();
            let end = match answer["body_end"].as_str() {
                None => BodyEnd::Complete,
                Some("too_long") => BodyEnd::TooLong,
                Some("broken") => BodyEnd::Broken,
                Some("unfinished") => BodyEnd::Unfinished,
                Some(other) => panic!("no end of a body: {other}"),
            };
            let status = answer["status"].as_u64().unwrap().try_into().unwrap();
            Input::Answered(Response::new(status, headers, body).with_body_end(end))
        }
    }
}

/// The error that a token endpoint's answer leads to.
fn token_error(code: &str) -> Error {
    let mut machine =
        ClientCredentials::new("https://auth.example.com/token", "id", "s").machine(false).unwrap();
    let status = if code == "token_unavailable" { 503 } else { 401 };
    let error = machine.answered(START, &Response::new(status, [], Vec::new())).unwrap_err();
    assert_eq!(error.code().as_str(), code);
    error
}

/// A time of the case: a number, `now`, or `now+` and a number.
fn time(value: &Value, now: i64) -> i64 {
    match value {
        Value::String(text) => now + text.strip_prefix("now+").map_or(0, |more| more.parse().unwrap()),
        _ => value.as_i64().unwrap(),
    }
}

#[track_caller]
fn check(expect: &Value, action: &Action, now: i64, place: &str) {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap();
    match action {
        Action::Send { request, timeout } => {
            let send = expect.get("send").unwrap_or_else(|| panic!("{place}: sent, not {expect}"));
            let bytes = if send["set"] == "signed again" { SIGNED_AGAIN } else { SET };
            assert_eq!(request.body(), bytes, "{place}");
            let authorization =
                request.headers().find(|(name, _)| *name == "authorization").map(|(_, value)| value);
            if let Some(expected) = send["authorization"].as_str() {
                assert_eq!(authorization, Some(expected), "{place}");
            }
            if let Some(expected) = send["timeout"].as_u64() {
                assert_eq!(millis(*timeout), expected, "{place}");
            }
            if let Some(bound) = send["timeout_below"].as_u64() {
                assert!(millis(*timeout) < bound, "{place}: {timeout:?}");
            }
        }
        Action::Wait { until } => {
            let wait = expect.get("wait").unwrap_or_else(|| panic!("{place}: waits, not {expect}"));
            let until = until.as_unix_millis() - START.as_unix_millis();
            let (from, to) = (time(&wait["from"], now), time(&wait["to"], now));
            assert!(
                (from..=to).contains(&until),
                "{place}: waits until {until}, not between {from} and {to}"
            );
        }
        Action::Authorize { refused } => {
            let authorize =
                expect.get("authorize").unwrap_or_else(|| panic!("{place}: authorizes, not {expect}"));
            let refused = refused.as_ref().map(|value| value.expose().as_str());
            assert_eq!(refused, authorize["refused"].as_str(), "{place}");
        }
        Action::SignAgain => assert_eq!(expect, "sign_again", "{place}"),
        Action::Done(receipt) => {
            let done = expect.get("done").unwrap_or_else(|| panic!("{place}: done, not {expect}"));
            let got = serde_json::json!({
                "status": receipt.status(), "attempts": receipt.attempts(), "expected": receipt.is_expected(),
                "notes": receipt.notes().iter().map(|note| note.as_str()).collect::<Vec<_>>(),
            });
            let mut done = done.clone();
            done.as_object_mut().unwrap().entry("notes").or_insert_with(|| serde_json::json!([]));
            assert_eq!(got, done, "{place}");
        }
        Action::Fail(error) => {
            let fail = expect.get("fail").unwrap_or_else(|| panic!("{place}: {error}, not {expect}"));
            assert_eq!(error.code().as_str(), fail["code"], "{place}");
            if let Some(status) = fail["status"].as_u64() {
                assert_eq!(error.status().map(u64::from), Some(status), "{place}");
            }
            if let Some(err) = fail.get("receiver_error") {
                assert_eq!(error.receiver_error(), err.as_str(), "{place}");
            }
            if let Some(description) = fail.get("description") {
                assert_eq!(error.receiver_description(), description.as_str(), "{place}");
            }
            if let Some(retry_after) = fail["retry_after"].as_u64() {
                assert_eq!(error.retry_after().map(millis), Some(retry_after), "{place}");
            }
            let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Error>());
            assert_eq!(source.map(|source| source.code().as_str()), fail["source"].as_str(), "{place}");
        }
        other => panic!("{place}: unknown action {other:?}"),
    }
}

#[test]
fn the_machine_does_what_the_cases_say() {
    let text = include_str!("../vectors/delivery.json");
    let file: File = serde_json::from_str(text).unwrap();
    let manifest: Value = serde_json::from_str(include_str!("../vectors/manifest.json")).unwrap();
    assert_eq!(manifest["delivery.json"]["cases"], file.cases.len());
    for case in file.cases {
        // The jitter differs, what is allowed does not.
        for seed in [0, 1, 0xdead_beef, u64::MAX] {
            let mut target = Target::new("https://receiver.example.net/events").unwrap();
            if case.authorizes {
                target = target.with_authorization();
            }
            match &case.dialect {
                None => {}
                Some(Value::String(id)) => target = target.with_dialect(&Dialect::built_in(id).unwrap()),
                Some(own) => {
                    let dialect = Dialect::from_toml(own["toml"].as_str().unwrap()).unwrap();
                    target = target.with_dialect(&dialect);
                }
            }
            let mut delivery = Delivery::new(SignedSet::parse(SET).unwrap(), target)
                .with_policy(&case.policy.build())
                .with_deadline(Duration::from_millis(case.policy.deadline.unwrap_or(30_000)))
                .with_seed(seed);
            if case.repeated {
                delivery = delivery.with_unknown_outcome();
            }
            let (mut now, mut waited) = (0, 0);
            for (index, step) in case.steps.iter().enumerate() {
                now = match &step.at {
                    None => now,
                    Some(Value::String(at)) if at == "waited" => waited,
                    Some(at) => at.as_i64().unwrap(),
                };
                let action = delivery
                    .step(Timestamp::from_unix_millis(START.as_unix_millis() + now), input(&step.input));
                let place = format!("{} (step {index}, seed {seed})", case.name);
                check(&step.expect, &action, now, &place);
                if let Action::Wait { until } = action {
                    waited = until.as_unix_millis() - START.as_unix_millis();
                }
            }
        }
    }
}

//! The token machine under a virtual clock: `tests/vectors/token.json`.

use serde::Deserialize;
use serde_json::Value;
use ssf_transmitter::{
    Error, Timestamp,
    http::{BodyEnd, Failure, Response},
    secret::Secret,
    token::{ClientAuthentication, ClientCredentials, TokenAction},
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
    authentication: Option<String>,
    #[serde(default)]
    parameters: Vec<(String, String)>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: Option<i64>,
    input: Value,
    expect: Value,
}

fn failure(name: &str) -> Failure {
    match name {
        "unresolved" => Failure::Unresolved,
        "forbidden" => Failure::Forbidden,
        "not_connected" => Failure::NotConnected,
        "tls" => Failure::Tls,
        "timed_out" => Failure::TimedOut,
        "broken" => Failure::Broken,
        other => panic!("unknown failure {other}"),
    }
}

#[track_caller]
fn check(expect: &Value, result: Result<TokenAction, Error>, place: &str) {
    match result {
        Ok(TokenAction::Use(value)) => assert_eq!(*value.expose(), expect["use"], "{place}"),
        Ok(TokenAction::Fetch(request)) => {
            let fetch = expect.get("fetch").unwrap_or_else(|| panic!("{place}: fetches, not {expect}"));
            if let Some(body) = fetch["body"].as_str() {
                assert_eq!(request.body(), body, "{place}");
            }
            if let Some(authorization) = fetch.get("authorization") {
                let header = request.headers().find(|(name, _)| *name == "authorization");
                assert_eq!(header.map(|(_, value)| value), authorization.as_str(), "{place}");
            }
        }
        Ok(other) => panic!("{place}: unknown action {other:?}"),
        Err(error) => {
            let fail = expect.get("fail").unwrap_or_else(|| panic!("{place}: {error}, not {expect}"));
            assert_eq!(error.code().as_str(), fail["code"], "{place}");
            assert_eq!(
                error.status().map(u64::from),
                fail["status"].as_u64().or(error.status().map(u64::from))
            );
            assert_eq!(
                error.retry_after().map(|wait| wait.as_secs()),
                fail["retry_after"].as_u64(),
                "{place}"
            );
            assert_eq!(error.receiver_error(), fail["receiver_error"].as_str(), "{place}");
            if let Some(description) = fail.get("description") {
                assert_eq!(error.receiver_description(), description.as_str(), "{place}");
            }
            if let Some(part) = fail["message"].as_str() {
                assert!(error.message().contains(part), "{place}: {error}");
            }
            assert!(!format!("{error} {error:?}").contains("s3cr"), "{place}: a secret is shown");
        }
    }
}

#[test]
fn the_machine_does_what_the_cases_say() {
    let file: File = serde_json::from_str(include_str!("../vectors/token.json")).unwrap();
    let manifest: Value = serde_json::from_str(include_str!("../vectors/manifest.json")).unwrap();
    assert_eq!(manifest["token.json"]["cases"], file.cases.len());
    for case in file.cases {
        // The jitter of renewals is random: what is allowed is not.
        for _ in 0..20 {
            let mut credentials =
                ClientCredentials::new("https://auth.example.com/authorize", "client:1", "s3cr+t /ä");
            match case.authentication.as_deref() {
                Some("body") => credentials = credentials.authentication(ClientAuthentication::Body),
                Some("certificate") => {
                    credentials = credentials.authentication(ClientAuthentication::Certificate);
                }
                Some(other) => panic!("unknown authentication {other}"),
                None => {}
            }
            for (name, value) in &case.parameters {
                credentials = credentials.parameter(name, value);
            }
            let mut machine = credentials.machine(false).unwrap();
            let mut now = 0;
            for (index, step) in case.steps.iter().enumerate() {
                now = step.at.unwrap_or(now);
                let time = Timestamp::from_unix_seconds(1_767_225_600 + now);
                let input = &step.input;
                let result = if let Some(wanted) = input.get("wanted") {
                    let refused = wanted["refused"].as_str().map(Secret::from);
                    machine.wanted(time, refused.as_ref())
                } else if let Some(name) = input["broken"].as_str() {
                    machine.broken(time, &failure(name)).map(TokenAction::Use)
                } else {
                    let answer = &input["answered"];
                    let status = answer["status"].as_u64().unwrap().try_into().unwrap();
                    let body = answer["body"].as_str().unwrap().as_bytes().to_vec();
                    let headers = answer["headers"].as_object().into_iter().flatten();
                    let headers =
                        headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
                    let end = match answer["body_end"].as_str() {
                        None => BodyEnd::Complete,
                        Some("too_long") => BodyEnd::TooLong,
                        Some("broken") => BodyEnd::Broken,
                        Some("unfinished") => BodyEnd::Unfinished,
                        Some(other) => panic!("no end of a body: {other}"),
                    };
                    let response = Response::new(status, headers, body).with_body_end(end);
                    machine.answered(time, &response).map(TokenAction::Use)
                };
                check(&step.expect, result, &format!("{} (step {index})", case.name));
            }
        }
    }
}

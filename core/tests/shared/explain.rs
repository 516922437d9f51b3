//! Runs `tests/vectors/explain.json`: what the answer of a receiver means.

use std::collections::BTreeSet;

use crate::common::{dialect, file, list, object, same, text};
use serde_json::Value;
use ssf_transmitter::{Dialect, Jwks, Timestamp, http::Response, lint::Linter};

fn check(case: &Value) -> Result<(), String> {
    let mut linter =
        Linter::new(&dialect(&case["dialect"]).unwrap()).now(Timestamp::from_unix_seconds(1_767_225_600));
    if let Some(issuer) = case.get("issuer") {
        linter = linter.issuer(text(issuer));
    }
    if let Some(keys) = case.get("jwks") {
        linter = linter.jwks(Jwks::from_json(&keys.to_string()).unwrap());
    }
    if let Some(sent_as) = case.get("sent_as") {
        linter = linter.sent_as(text(sent_as));
    }
    let answer = &case["answer"];
    let status = u16::try_from(answer["status"].as_u64().unwrap()).unwrap();
    let headers = answer.get("headers").map(|headers| object(headers).clone()).unwrap_or_default();
    let headers = headers.iter().map(|(name, value)| (name.clone(), text(value).to_owned()));
    let response = Response::new(status, headers, text(&answer["body"]).into());
    let compact = case.get("text").map_or("", text);

    let explanation = linter.explain(compact, &response);
    same("whether it is delivered", &explanation.is_delivered(), &case["delivered"].as_bool().unwrap())?;
    same("the reason", &explanation.reason(), &text(&case["reason"]))?;
    if explanation.cause().is_empty() || explanation.remedy().is_empty() {
        return Err("an explanation has a cause and a remedy".to_owned());
    }
    for part in case.get("cause").map_or(&[][..], |parts| list(parts)) {
        if !explanation.cause().contains(text(part)) {
            return Err(format!("{part} is not in the cause: {}", explanation.cause()));
        }
    }
    for part in case.get("possible").map_or(&[][..], |parts| list(parts)) {
        if !explanation.possible().iter().any(|possible| possible.cause.contains(text(part))) {
            return Err(format!("{part} is in none of the possible causes: {:?}", explanation.possible()));
        }
    }
    let found: BTreeSet<_> = explanation.findings().iter().map(|finding| finding.rule().id).collect();
    for rule in case.get("findings").map_or(&[][..], |rules| list(rules)) {
        if !found.contains(text(rule)) {
            return Err(format!("{rule} is not among the findings: {found:?}"));
        }
    }
    if let Some(said) = case.get("said") {
        same("what the receiver said", &explanation.said(), &said.as_str())?;
    }
    Ok(())
}

#[test]
fn every_answer_has_a_cause_and_a_remedy() {
    crate::common::run("explain.json", "cases", list(&file("explain.json")["cases"]), check);
}

#[test]
fn what_a_receiver_wrote_is_in_said_alone() {
    let linter = Linter::new(&Dialect::okta());
    let explanation =
        linter.explain_refusal("", 400, Some("invalid_request"), Some("who is ada@example.com?"));
    assert!(explanation.said().unwrap().contains("ada@example.com"));
    assert!(!format!("{explanation:?}").contains("ada@example.com"));
}

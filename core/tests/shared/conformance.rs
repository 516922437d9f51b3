//! Runs `tests/vectors/conformance.json`: what the conformance suite would say. Every SET of the other tests is checked by
//! `crate::common::claims`.

use std::collections::BTreeSet;

use crate::common::{AUDIENCE, ISSUER, file, list, same, text};
use serde_json::Value;
use ssf_transmitter::{
    KeyType, SetBuilder, SigningKey, Subject, Timestamp,
    conformance::{Condition, Stream, check_configuration, check_push, check_token},
    delivery::{Action, Delivery, Input, Target},
    event::caep,
    http::Request,
    secret::Secret,
};

fn failed(conditions: &[Condition]) -> BTreeSet<&'static str> {
    assert!(!conditions.is_empty());
    conditions.iter().filter(|condition| !condition.holds).map(|condition| condition.id).collect()
}

fn expected(case: &Value) -> BTreeSet<&str> {
    list(&case["fails"]).iter().map(text).collect()
}

#[test]
fn sets() {
    let check = |case: &Value| {
        let mut stream = Stream::new(ISSUER, AUDIENCE);
        if let Some(id) = case.get("id") {
            stream = stream.id(text(id));
        }
        if let Some(state) = case.get("state") {
            stream = stream.state(text(state));
        }
        let conditions = stream.check_set(text(&case["text"]), Timestamp::from_unix_seconds(1_767_225_600));
        same("what fails", &failed(&conditions), &expected(case))
    };
    crate::common::run("conformance.json", "sets", list(&file("conformance.json")["sets"]), check);
}

#[test]
fn configurations() {
    let check = |case: &Value| {
        let document = case["document"].as_str().map_or_else(|| case["document"].to_string(), str::to_owned);
        same("what fails", &failed(&check_configuration(&document, text(&case["url"]))), &expected(case))
    };
    crate::common::run(
        "conformance.json",
        "configurations",
        list(&file("conformance.json")["configurations"]),
        check,
    );
}

#[test]
fn tokens() {
    let check = |case: &Value| {
        same("what fails", &failed(&check_token(&case["answer"].to_string())), &expected(case))
    };
    crate::common::run("conformance.json", "tokens", list(&file("conformance.json")["tokens"]), check);
}

/// The request that a delivery sends first.
fn push(authorization: Option<&str>) -> Request {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let set = SetBuilder::new(ISSUER, AUDIENCE)
        .event(caep::SessionRevoked::new())
        .subject(Subject::opaque("1"))
        .sign(&key)
        .unwrap();
    let target = Target::new("https://receiver.example.net/events").unwrap();
    let target = if authorization.is_some() { target.with_authorization() } else { target };
    let mut delivery = Delivery::new(set, target);
    let mut input = Input::Started;
    loop {
        input = match delivery.step(Timestamp::from_unix_seconds(1), input) {
            Action::Authorize { .. } => Input::Authorized(Secret::new(authorization.unwrap().to_owned())),
            Action::Send { request, .. } => return request,
            action => panic!("{action:?}"),
        };
    }
}

#[test]
fn a_push_has_the_authorization_header_of_its_stream_word_for_word() {
    let none: BTreeSet<&str> = BTreeSet::new();
    assert_eq!(failed(&check_push(&push(Some("Custom a b=c")), Some("Custom a b=c"))), none);
    assert_eq!(failed(&check_push(&push(None), None)), none);
    let wrong = BTreeSet::from(["push-authorization"]);
    assert_eq!(failed(&check_push(&push(Some("Custom a")), Some("Custom b"))), wrong);
    assert_eq!(failed(&check_push(&push(Some("Custom a")), None)), wrong);
    assert_eq!(failed(&check_push(&push(None), Some("Custom a"))), wrong);
}

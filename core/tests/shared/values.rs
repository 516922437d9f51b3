//! Runs `tests/vectors/values.json`: every value goes into a SET exactly, or is refused with its place.

use std::collections::BTreeMap;

use crate::common::{AUDIENCE, ISSUER, file, list, object, run, text};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use ssf_transmitter::{
    Algorithm, CustomEvent, Error, Event, SetBuilder, Subject, UnsignedSet, key::SigningHeader,
};

const URI: &str = "urn:example:event";

/// What stands for the rows of this language.
fn values() -> BTreeMap<&'static str, Value> {
    let lists = |depth| (1..depth).fold(json!([]), |inner, _| json!([inner]));
    [
        ("null", Value::Null),
        ("boolean", json!(true)),
        ("text", json!("ü😀")),
        ("text-nul", json!("a\0b")),
        ("integer", json!(1)),
        ("integer-safe", json!(9_007_199_254_740_991_i64)),
        ("integer-beyond-safe", json!(9_007_199_254_740_993_i64)),
        ("integer-least", json!(i64::MIN)),
        ("integer-largest", json!(u64::MAX)),
        ("float", json!(0.1)),
        ("float-17-digits", json!(0.1 + 0.2)),
        ("float-whole", json!(1.0)),
        ("float-2-60", json!(2.0_f64.powi(60))),
        ("float-large", json!(1e300)),
        ("float-small", json!(5e-324)),
        ("float-negative-zero", json!(-0.0)),
        ("float-32", json!(0.1_f32)),
        ("list", json!([1, "a", null])),
        ("list-empty", json!([])),
        ("object", json!({ "a": 1, "b": {} })),
        ("object-empty", json!({})),
        ("subject", Subject::email("ada@example.com").into()),
        ("deep", lists(63)),
        ("too-deep", lists(64)),
        ("far-too-deep", lists(1000)),
    ]
    .into()
}

fn prepared(builder: SetBuilder) -> Result<UnsignedSet, Error> {
    builder.prepare(SigningHeader::without_kid(Algorithm::Rs256))
}

fn plain() -> SetBuilder {
    SetBuilder::new(ISSUER, AUDIENCE).subject(Subject::opaque("1"))
}

fn event() -> Event {
    Event::from(CustomEvent::new(URI, [("a", 1)]))
}

/// A SET with the value in each place, the text around it there, and a pointer to it.
fn places(value: &Value) -> [(&'static str, SetBuilder, [String; 2], String); 3] {
    let member = CustomEvent::new(URI, [("value", value.clone())]);
    let about = Subject::custom("own", [("value", value.clone())]);
    let around = |before: &str, after: &str| [before.to_owned(), after.to_owned()];
    [
        ("event", plain().event(member), around(r#"{"value":"#, "}"), format!("/events/{URI}/value")),
        (
            "subject",
            plain().event(event()).subject(about),
            around(r#"{"value":"#, r#","format":"own"}"#),
            "/sub_id/value".to_owned(),
        ),
        (
            "claim",
            plain().event(event()).claim("value", value.clone()),
            around(r#","value":"#, "}"),
            "/value".to_owned(),
        ),
    ]
}

/// The outcome of a case in this language.
fn outcome(case: &Value) -> &Value {
    case["except"].get("rust").unwrap_or(&case["outcome"])
}

fn check(
    built: Result<UnsignedSet, Error>,
    outcome: &Value,
    around: &[String; 2],
    place: &str,
) -> Result<(), String> {
    let expected = |error: &Error| {
        let pointer = outcome["pointer"].as_str().map(|inside| format!("{place}{inside}"));
        error.code().as_str() == outcome["code"] && error.pointer() == pointer.as_deref()
    };
    match (built, outcome.get("json")) {
        (Err(error), None) if expected(&error) => Ok(()),
        (Err(error), _) => Err(format!("{place}: {error}")),
        (Ok(_), None) => Err(format!("{place}: it is not refused")),
        (Ok(set), Some(json)) => {
            let input = String::from_utf8(set.signing_input().to_vec()).unwrap();
            let payload = URL_SAFE_NO_PAD.decode(input.split_once('.').unwrap().1).unwrap();
            let payload = String::from_utf8(payload).unwrap();
            let [before, after] = around;
            if !payload.contains(&format!("{before}{}{after}", text(json))) {
                return Err(format!("{place}: {payload}"));
            }
            let found = set.findings().iter().any(|finding| finding.rule().id == "integer-too-large");
            if found == outcome.get("findings").is_some() { Ok(()) } else { Err("findings".to_owned()) }
        }
    }
}

#[test]
fn every_value_goes_out_exactly_or_is_refused_with_its_place() {
    let table = file("values.json");
    let values = values();
    let mut cases = list(&table["values"]).to_vec();
    for case in &mut cases {
        case["name"] = case["id"].clone();
    }
    run("values.json", "values", &cases, |case| {
        let id = text(&case["id"]);
        let Some(value) = values.get(id) else {
            let absent = case["absent"].get("rust").and_then(Value::as_str);
            return absent
                .map(|_| ())
                .ok_or_else(|| "the table has it for Rust, the test has not".to_owned());
        };
        if !object(&case["given"]).contains_key("rust") {
            return Err("the test has it, the table has not".to_owned());
        }
        for (name, builder, around, place) in places(value) {
            let wanted = case.get("places").is_none_or(|places| list(places).contains(&name.into()));
            if wanted {
                check(prepared(builder), outcome(case), &around, &place)?;
            }
        }
        Ok(())
    });
    let known: Vec<_> = cases.iter().map(|case| text(&case["id"])).collect();
    assert!(values.keys().all(|id| known.contains(id)), "a value is no row of the table");
}

#[test]
fn every_text_is_read_exactly_or_refused_with_its_place() {
    let table = file("values.json");
    run("values.json", "texts", list(&table["texts"]), |case| {
        let place = format!("/events/{URI}");
        let read = Event::from_json(&format!(r#"{{ "{URI}": {} }}"#, text(&case["text"])));
        let built = read.and_then(|event| prepared(plain().event(event)));
        check(built, outcome(case), &[r#""value":"#.to_owned(), "}".to_owned()], &place)
    });
}

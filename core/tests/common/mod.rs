//! Reads the test vectors that all languages share, and does what they say through the public API.

#![allow(dead_code, reason = "each test binary uses a part of this")]
#![allow(clippy::missing_panics_doc, reason = "a test panics where it fails")]
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::{Map, Value};
use ssf_transmitter::{
    CustomEvent, Dialect, Error, Event, SetBuilder, Subject, Timestamp,
    conformance::Stream,
    http::{BodyEnd, Failure, Response},
    key::SigningHeader,
    set::Audience,
};

/// An issuer and an audience for SETs of which neither matters.
pub(crate) const ISSUER: &str = "https://transmitter.example.com";
pub(crate) const AUDIENCE: &str = "https://receiver.example.net";

/// One file of the shared vectors.
pub(crate) fn file(name: &str) -> Value {
    let path = root().join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files of a folder; they are the ones that the manifest lists, by their `id`.
pub(crate) fn folder(name: &str) -> Vec<Value> {
    let files: Vec<_> = fs::read_dir(root().join(name))
        .unwrap()
        .map(|entry| file(&format!("{name}/{}", entry.unwrap().file_name().to_str().unwrap())))
        .collect();
    let found: BTreeSet<_> = files.iter().map(|case| text(&case["id"])).collect();
    let manifest = file("manifest.json");
    let listed: BTreeSet<_> = list(&manifest[name]["ids"]).iter().map(text).collect();
    assert_eq!(found, listed, "the files of {name} are not those of the manifest");
    assert_eq!(files.len(), count(name, "files"));
    files
}

/// How many of something a file holds, by the manifest.
pub(crate) fn count(file_name: &str, what: &str) -> usize {
    let count = &file("manifest.json")[file_name][what];
    usize::try_from(count.as_u64().unwrap_or_else(|| panic!("the manifest has no {file_name}/{what}")))
        .unwrap()
}

/// Runs every case of a list and reports all that failed, by name; the number run must be that of the manifest.
pub(crate) fn run(
    file_name: &str,
    what: &str,
    cases: &[Value],
    mut check: impl FnMut(&Value) -> Result<(), String>,
) {
    let mut names = BTreeSet::new();
    let mut failures = Vec::new();
    for case in cases {
        let name = text(&case["name"]);
        assert!(names.insert(name), "{file_name}: two cases are named {name}");
        if let Err(failure) = check(case) {
            failures.push(format!("  {name}: {failure}"));
        }
    }
    assert!(failures.is_empty(), "{file_name}, {what}:\n{}", failures.join("\n"));
    assert_eq!(names.len(), count(file_name, what), "{file_name}: not all {what} ran");
}

/// The elements of a list.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

/// The text of a string.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The members of an object.
pub(crate) fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}"))
}

/// `Ok` if both are equal.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: &T,
    expected: &T,
) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what} is {found:?}, not {expected:?}"))
}

/// `Ok` if `result` is the error with this code at this place.
pub(crate) fn refused<T>(result: Result<T, Error>, code: &Value, pointer: &Value) -> Result<(), String> {
    match result {
        Ok(_) => Err(format!("passed; {code} was expected")),
        Err(error) => {
            same("the code", &error.code().as_str(), &text(code))?;
            same("the pointer", &error.pointer(), &pointer.as_str())
        }
    }
}

/// A dialect: the id of a built-in one, or `{ "toml": … }`.
pub(crate) fn dialect(value: &Value) -> Result<Dialect, Error> {
    match value {
        Value::String(id) => Dialect::built_in(id),
        own => Dialect::from_toml(text(&own["toml"])),
    }
}

/// A subject; `private` if its format is one that the parties agreed on.
pub(crate) fn subject(value: &Value, private: bool) -> Result<Subject, Error> {
    if !private {
        return Subject::from_json(&value.to_string());
    }
    let members = object(value).clone();
    let format = text(&members["format"]).to_owned();
    let subject = Subject::custom(format, members.into_iter().filter(|(name, _)| name != "format"));
    subject.validate().map(|()| subject)
}

/// An event from its JSON form, not checked yet: a URI and its members.
pub(crate) fn custom_event(value: &Value) -> CustomEvent {
    let mut events = object(value).iter();
    let (Some((uri, members)), None) = (events.next(), events.next()) else {
        panic!("an event is an object with one member: {value}");
    };
    CustomEvent::new(uri.as_str(), object(members).clone())
}

/// A builder with everything that `input` holds.
pub(crate) fn builder(input: &Value) -> Result<SetBuilder, Error> {
    let known = [
        "issuer",
        "audience",
        "events",
        "subject",
        "private_subject",
        "txn",
        "toe",
        "jti",
        "issued_at",
        "claims",
    ];
    let input = object(input);
    assert!(input.keys().all(|name| known.contains(&name.as_str())), "an input of another form: {input:?}");

    let mut builder = SetBuilder::new(text(&input["issuer"]), audience(&input["audience"]));
    for event in list(&input["events"]) {
        builder = builder.event(Event::from_value(event.clone())?);
    }
    if let Some(value) = input.get("subject") {
        builder = builder.subject(subject(value, input.contains_key("private_subject"))?);
    }
    if let Some(txn) = input.get("txn") {
        builder = builder.txn(text(txn));
    }
    if let Some(toe) = input.get("toe") {
        builder = builder.toe(time(toe));
    }
    if let Some(jti) = input.get("jti") {
        builder = builder.jti(text(jti));
    }
    if let Some(issued_at) = input.get("issued_at") {
        builder = builder.issued_at(time(issued_at));
    }
    for (name, value) in input.get("claims").iter().flat_map(|claims| object(claims)) {
        builder = builder.claim(name, value.clone());
    }
    Ok(builder)
}

/// The claims of the SET that a builder makes, without a signature. What the conformance suite demands holds too.
pub(crate) fn claims(builder: SetBuilder) -> Result<Value, Error> {
    let header = SigningHeader::new(ssf_transmitter::Algorithm::Rs256, "kid");
    let set = builder.prepare(header)?;
    let claims = set.decode()?.claims().clone();
    conforms(&format!("{}.", std::str::from_utf8(set.signing_input()).unwrap()), &claims);
    Ok(Value::Object(claims))
}

/// Only a second event, which GOV.UK wants, is against the suite.
fn conforms(compact: &str, claims: &Map<String, Value>) {
    let audience = match &claims["aud"] {
        Value::Array(several) => text(&several[0]),
        one => text(one),
    };
    let mut stream = Stream::new(text(&claims["iss"]), audience);
    let events = object(&claims["events"]);
    if let Some(state) = events.values().find_map(|event| event.get("state")) {
        stream = stream.state(text(state));
    }
    let failed: Vec<_> = stream
        .check_set(compact, Timestamp::from_unix_millis(i64::MAX))
        .into_iter()
        .filter(|condition| !(condition.holds || condition.id == "set-one-event" && events.len() > 1))
        .collect();
    assert!(failed.is_empty(), "{failed:?} in {claims:?}");
}

/// A SET of which only event and subject matter.
pub(crate) fn plain(event: impl Into<Event>, subject: Option<Subject>) -> SetBuilder {
    let builder = SetBuilder::new(ISSUER, AUDIENCE).event(event);
    match subject {
        Some(subject) => builder.subject(subject),
        None => builder,
    }
}

fn audience(value: &Value) -> Audience {
    match value {
        Value::String(one) => one.as_str().into(),
        several => list(several).iter().map(|one| text(one).to_owned()).collect::<Vec<_>>().into(),
    }
}

fn time(value: &Value) -> Timestamp {
    serde_json::from_value(value.clone()).unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// Why there is no answer, by its name.
pub(crate) fn failure(name: &str) -> Failure {
    match name {
        "unresolved" => Failure::Unresolved,
        "forbidden" => Failure::Forbidden,
        "not_connected" => Failure::NotConnected,
        "tls" => Failure::Tls,
        "timed_out" => Failure::TimedOut,
        "broken" => Failure::Broken,
        other => panic!("no failure: {other}"),
    }
}

/// The answer of a case.
pub(crate) fn response(case: &Value) -> Response {
    let status = u16::try_from(case["status"].as_u64().unwrap()).unwrap();
    let headers = case["headers"].as_object().into_iter().flatten().flat_map(|(name, values)| {
        list(values).iter().map(|value| (name.clone(), text(value).to_owned())).collect::<Vec<_>>()
    });
    let body = match &case["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let end = match case["body_end"].as_str() {
        None => BodyEnd::Complete,
        Some("too_long") => BodyEnd::TooLong,
        Some("broken") => BodyEnd::Broken,
        Some("unfinished") => BodyEnd::Unfinished,
        Some(other) => panic!("no end of a body: {other}"),
    };
    Response::new(status, headers, body.into_bytes()).with_body_end(end)
}

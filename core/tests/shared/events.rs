//! `tests/vectors/events`: the members of every event of the catalogue, good and bad.

use crate::common::{claims, count, custom_event, folder, list, object, plain, refused, same, text};
use serde_json::{Value, json};
use ssf_transmitter::{
    Dialect, Error, Event, SetBuilder, Subject,
    catalogue::{EVENTS, EventType, FieldType, Placement, Shape},
};

/// The SET of an event file's subject, `txn` and these claims.
fn set(file: &Value, claims: &Value, dialect: &str) -> Result<SetBuilder, Error> {
    let event = custom_event(&json!({ text(&file["uri"]): claims }));
    let subject = Subject::from_json(&file["subject"].to_string())?;
    let builder = plain(event, Some(subject)).dialect(&Dialect::built_in(dialect)?);
    Ok(match file["txn"].as_str() {
        Some(txn) => builder.txn(txn),
        None => builder,
    })
}

/// The claims as sent: times in whole seconds, rounded down, and subjects inside in the form of the event.
fn shaped(kind: &EventType, claims: &Value) -> Value {
    let shaped = |name: &String, value: &Value| match value {
        #[allow(clippy::cast_possible_truncation, reason = "rounding is meant")]
        Value::Number(number) if number.is_f64() => json!(number.as_f64().unwrap_or_default().floor() as i64),
        Value::Object(subject) if kind.shape == Shape::Legacy && is_subject(kind, name) => subject
            .iter()
            .map(|(name, value)| {
                (if name == "format" { "subject_type" } else { name }.to_owned(), value.clone())
            })
            .collect(),
        _ => value.clone(),
    };
    object(claims).iter().map(|(name, value)| (name.clone(), shaped(name, value))).collect()
}

fn is_subject(kind: &EventType, name: &str) -> bool {
    kind.fields.iter().any(|field| field.name == name && field.kind == FieldType::Subject)
}

/// The dialect of the one receiver for the events of a family, if it takes the event.
fn receiver(id: &str) -> Option<&'static str> {
    match id.split_once('.')? {
        ("okta", _) => Some("okta"),
        ("govuk", "credential-change-information") => Some("govuk-app"),
        ("govuk", _) => Some("govuk-one-login"),
        ("login-gov", "authorization-fraud-detected" | "identity-fraud-detected") => Some("login-gov"),
        _ => None,
    }
}

/// Runs `check` on every case of a kind in every file.
fn each(kind: &str, check: impl Fn(&Value, &Value) -> Result<(), String>) {
    let mut failures = Vec::new();
    let mut number = 0;
    for file in folder("events") {
        for case in list(&file[kind]) {
            number += 1;
            if let Err(failure) = check(&file, case) {
                failures.push(format!("{}, {}: {failure}", file["id"], case["name"]));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(number, count("events", kind));
}

#[test]
fn the_files_are_the_events_of_the_catalogue() {
    let files = folder("events");
    assert_eq!(files.len(), EVENTS.len());
    for file in &files {
        let by_uri = EventType::by_uri(text(&file["uri"]));
        assert_eq!(by_uri.map(|kind| kind.id), file["id"].as_str());
        assert!(list(&file["valid"]).len() >= 2 && !list(&file["invalid"]).is_empty(), "{}", file["id"]);
    }
}

#[test]
fn valid_claims_are_read_unchanged() {
    each("valid", |file, case| {
        let json = json!({ text(&file["uri"]): case["claims"] }).to_string();
        let event = Event::from_json(&json).map_err(|error| error.to_string())?;
        same("the id", &event.id(), &file["id"].as_str())?;
        same("the members", &Value::Object(event.members().clone()), &case["claims"])
    });
}

#[test]
fn valid_claims_go_into_a_set_with_times_in_whole_seconds() {
    each("valid", |file, case| {
        let claims =
            set(file, &case["claims"], "ssf-1.0").and_then(claims).map_err(|error| error.to_string())?;
        same("sub_id", &claims["sub_id"], &file["subject"])?;
        let mut event = claims["events"][text(&file["uri"])].clone();
        let own = event.as_object_mut().and_then(|members| members.remove("subject"));
        let kind = EventType::by_id(text(&file["id"])).ok_or("no such event")?;
        same("a subject in the event", &own.is_some(), &(kind.placement == Placement::Event))?;
        same("the event", &event, &shaped(kind, &case["claims"]))
    });
}

#[test]
fn valid_claims_go_to_the_receiver_that_the_event_is_made_for() {
    each("valid", |file, case| {
        let Some(dialect) = receiver(text(&file["id"])) else {
            return Ok(());
        };
        // A companion travels beside another event, which has the subject.
        let mut builder = set(file, &case["claims"], dialect).map_err(|error| error.to_string())?;
        let kind = EventType::by_id(text(&file["id"])).ok_or("no such event")?;
        if kind.companion {
            builder = builder.event(ssf_transmitter::event::risc::AccountPurged::new());
        }
        let claims = claims(builder).map_err(|error| error.to_string())?;
        same("sub_id", &claims.get("sub_id"), &None)?;
        let mut event = claims["events"][text(&file["uri"])].clone();
        let own = event.as_object_mut().and_then(|members| members.remove("subject"));
        same("a subject in the event", &own.is_some(), &!kind.companion)?;
        same("the event", &event, &shaped(kind, &case["claims"]))
    });
}

#[test]
fn invalid_claims_are_refused_by_the_event_with_code_and_place() {
    each("invalid", |file, case| {
        let json = json!({ text(&file["uri"]): case["claims"] });
        refused(Event::from_json(&json.to_string()), &case["code"], &case["pointer"])?;
        refused(Event::from(custom_event(&json)).validate(), &case["code"], &case["pointer"])
    });
}

#[test]
fn invalid_claims_are_refused_by_the_set_with_the_same_code_and_place() {
    each("invalid", |file, case| {
        let built = set(file, &case["claims"], "ssf-1.0").and_then(claims);
        refused(built, &case["code"], &case["pointer"])
    });
}

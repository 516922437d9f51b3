//! `tests/vectors/subjects.json`: subject identifiers, and the forms that receivers want them in.

use crate::common::{custom_event, dialect, file, list, object, plain, refused, run, same, subject, text};
use serde_json::{Value, json};
use ssf_transmitter::{Subject, event::caep};

#[test]
fn every_valid_subject_is_read_and_goes_into_the_set_unchanged() {
    let cases = file("subjects.json");
    run("subjects.json", "valid", list(&cases["valid"]), |case| {
        let read = Subject::from_json(&case["subject"].to_string()).map_err(|error| error.to_string())?;
        same("the subject", &Value::from(read.clone()), &case["subject"])?;
        let event = json!({ "urn:example:event": {} });
        let claims = crate::common::claims(plain(custom_event(&event), Some(read)))
            .map_err(|error| error.to_string())?;
        same("sub_id", &claims["sub_id"], &case["subject"])
    });
}

#[test]
fn every_invalid_subject_is_refused_with_code_and_place() {
    let cases = file("subjects.json");
    run("subjects.json", "invalid", list(&cases["invalid"]), |case| {
        refused(Subject::from_json(&case["subject"].to_string()), &case["code"], &case["pointer"])
    });
}

#[test]
fn an_invalid_subject_is_refused_by_the_set_too_at_its_place_there() {
    let mut checked = 0;
    for case in list(&file("subjects.json")["invalid"]) {
        let Some(format) =
            case["subject"]["format"].as_str().filter(|_| case["code"] != "subject_format_unknown")
        else {
            continue;
        };
        // The constructor for private formats takes any members; a known format is checked nevertheless.
        let members = object(&case["subject"]).clone();
        let made = Subject::custom(format, members.into_iter().filter(|(name, _)| name != "format"));
        let nested_unknown = case["pointer"].as_str().is_some_and(|pointer| pointer.ends_with("/format"));
        let pointer = format!("/sub_id{}", case["pointer"].as_str().unwrap_or_default());
        if nested_unknown && case["code"] == "subject_format_unknown" {
            continue;
        }
        let built = crate::common::claims(plain(caep::SessionRevoked::new(), Some(made)));
        refused(built, &case["code"], &json!(pointer))
            .unwrap_or_else(|failure| panic!("{}: {failure}", case["name"]));
        checked += 1;
    }
    assert!(checked > 100, "only {checked} cases could be made");
}

#[test]
fn every_dialect_gives_the_subject_the_form_and_place_of_its_receiver() {
    let cases = file("subjects.json");
    run("subjects.json", "shapes", list(&cases["shapes"]), |case| {
        let subject = match &case["subject"] {
            Value::Null => None,
            given => Some(subject(given, false).map_err(|error| error.to_string())?),
        };
        let dialect = dialect(&case["dialect"]).map_err(|error| error.to_string())?;
        let built = crate::common::claims(plain(custom_event(&case["event"]), subject).dialect(&dialect));
        if let Some(code) = case.get("code") {
            return refused(built, code, &case["pointer"]);
        }
        let claims = built.map_err(|error| error.to_string())?;
        let (uri, members) = object(&case["event"]).iter().next().unwrap();
        let event = &claims["events"][uri];
        same("the subject in the event", &event["subject"], &case["event_subject"])?;
        same("its presence", &event.get("subject").is_some(), &!case["event_subject"].is_null())?;
        same("sub_id", &claims["sub_id"], &case["sub_id"])?;
        same("its presence", &claims.get("sub_id").is_some(), &!case["sub_id"].is_null())?;
        same(
            "the number of members",
            &(event.as_object().unwrap().len() - usize::from(event.get("subject").is_some())),
            &object(members).len(),
        )
    });
}

#[test]
fn the_shapes_cover_every_built_in_dialect() {
    let cases = file("subjects.json");
    for id in ssf_transmitter::Dialect::ids() {
        let named = |case: &&Value| case["dialect"].as_str() == Some(id);
        assert!(list(&cases["shapes"]).iter().any(|case| named(&case)), "{id}");
    }
    assert!(list(&cases["shapes"]).iter().all(|case| !text(&case["name"]).is_empty()));
}

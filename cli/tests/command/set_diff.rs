//! `ssf set diff`: one event in the forms of several receivers.

use crate::program::{Run, ssf};
use serde_json::{Value, json};
use ssf_transmitter::{Dialect, catalogue::EVENTS};

const EVENT: &str = "https:~1~1schemas.openid.net~1secevent~1caep~1event-type~1session-revoked";

async fn diff(more: &[&str]) -> Run {
    ssf(&[&["set", "diff"], more].concat(), &[]).await
}

#[tokio::test]
async fn claims_that_differ_are_marked() {
    let about =
        ["--event", "caep.session-revoked", "--email", "ada@example.com", "--event-timestamp", "1767225600"];
    let likes = ["--reason-admin", "en=Laptop lost", "--like", "okta", "--like", "ssf-1.0"];
    let run = diff(&[&about[..], &likes].concat()).await;
    let rows: Vec<_> = run.text().lines().collect();
    assert!(rows[0].trim_start().starts_with("okta ") && rows[0].ends_with("ssf-1.0"), "{run:?}");
    let line = |path: &str| {
        *rows.iter().find(|line| line.contains(path)).unwrap_or_else(|| panic!("{path}: {run:?}"))
    };
    // The subject is in the event for one, and beside it for the other.
    assert!(line("events.session-revoked.subject.user.email").starts_with('≠'), "{run:?}");
    assert!(
        line("sub_id.email").starts_with('≠') && line("sub_id.email").ends_with("\"ada@example.com\""),
        "{run:?}"
    );
    assert!(line("events.session-revoked.event_timestamp").starts_with(' '), "{run:?}");
    assert!(!run.stdout.contains('\u{1b}'), "no colour in a pipe: {run:?}");

    let only = diff(&[&about[..], &likes, &["--only-differences"]].concat()).await;
    assert!(only.text().lines().skip(1).all(|line| line.starts_with('≠')), "{only:?}");

    let shown = diff(&[&about[..], &likes, &["--json"]].concat()).await.json();
    let receivers: Vec<_> =
        shown["receivers"].as_array().unwrap().iter().map(|form| &form["receiver"]).collect();
    assert_eq!(receivers, ["okta", "ssf-1.0"]);
    let differences: Vec<_> =
        shown["differences"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for pointer in &differences {
        let values: Vec<_> = shown["receivers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|form| form["claims"].pointer(pointer))
            .collect();
        assert_ne!(values[0], values[1], "{pointer}");
    }
    assert!(differences.contains(&"/sub_id/email"), "{differences:?}");
    assert!(!differences.contains(&format!("/events/{EVENT}/event_timestamp").as_str()), "{differences:?}");
}

#[tokio::test]
async fn every_event_has_a_form_for_every_receiver_that_accepts_it() {
    let likes: Vec<_> = Dialect::ids().flat_map(|id| ["--like", id]).collect();
    for event in EVENTS.iter().filter(|event| !event.companion) {
        let shown = diff(&[&["--json", "--event", event.id][..], &likes].concat()).await.json();
        for form in shown["receivers"].as_array().unwrap() {
            let dialect = Dialect::built_in(form["receiver"].as_str().unwrap()).unwrap();
            let refused = form["error"]["code"] == "event_not_accepted";
            assert_eq!(refused, !dialect.takes(event), "{}: {form}", event.id);
            assert_eq!(form["claims"].is_object(), form["error"] == Value::Null, "{}: {form}", event.id);
            // No rule of a profile is broken there.
            assert!(dialect.id() != "ssf-1.0" || form["claims"].is_object(), "{}: {form}", event.id);
        }
    }
}

#[tokio::test]
async fn a_receiver_that_does_not_accept_it_is_named() {
    let about = ["--event", "caep.credential-change", "--like", "okta", "--like"];
    let run = diff(&[&about[..], &["ssf-1.0"]].concat()).await;
    assert!(run.stderr.starts_with("okta: ") && run.stderr.contains("[event_not_accepted]"), "{run:?}");
    assert!(run.text().lines().next().unwrap().trim() == "ssf-1.0", "{run:?}");

    let none = diff(&[&about[..], &["google-workspace"]].concat()).await;
    assert_eq!(none.code, Some(5));
    none.fails_saying(&["okta: ", "google-workspace: ", "none of the receivers accepts"]);
    diff(&[&about[..], &["oktaa"]].concat()).await.fails_saying(&["govuk-one-login"]);
    let one = diff(&["--event", "caep.session-revoked", "--like", "okta"]).await;
    assert_eq!(one.code, Some(2));
    one.fails_saying(&["two receivers"]);
    let unknown = diff(&["--event", "caep.session-revokd", "--like", "okta", "--like", "apple"]).await;
    unknown.fails_saying(&["did you mean caep.session-revoked?"]);
    assert_eq!(json!(unknown.code), 5);
}

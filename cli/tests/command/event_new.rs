//! `ssf event new`: an event from options, and from answers in a terminal.

use crate::program::{Run, ssf};
#[cfg(unix)]
use crate::terminal::Terminal;
use serde_json::json;
#[cfg(unix)]
use ssf_transmitter::catalogue::EventType;

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

async fn new(more: &[&str]) -> Run {
    ssf(&[&["event", "new"], more].concat(), &[]).await
}

#[tokio::test]
async fn options_make_an_event() {
    let about =
        ["--email", "ada@example.com", "--reason-admin", "en=Laptop lost", "--event-timestamp", "1767225600"];
    let more = ["--txn", "incident-4711", "--toe", "1767225601"];
    let run = new(&[&["--event", "caep.session-revoked"], &about[..], &more].concat()).await;
    assert_eq!(run.text().lines().count(), 1, "{run:?}");
    let expected = json!({
        "event": { REVOKED: { "reason_admin": { "en": "Laptop lost" }, "event_timestamp": 1_767_225_600 } },
        "subject": { "format": "email", "email": "ada@example.com" },
        "txn": "incident-4711",
        "toe": 1_767_225_601,
    });
    assert_eq!(run.json(), expected);
    let private = r#"{ "format": "badge", "number": "17" }"#;
    let run = new(&["--event", "caep.session-revoked", "--custom-subject", private]).await;
    assert_eq!(run.json()["custom_subject"]["number"], "17");
}

#[tokio::test]
async fn an_event_that_would_not_be_accepted_is_not_written() {
    let event = ["--event", "caep.session-revoked", "--email", "ada@example.com", "--now"];
    let okta = new(&[&event[..], &["--receiver", "okta"]].concat()).await;
    assert_eq!((okta.code, okta.stdout.as_str()), (Some(5), ""), "{okta:?}");
    okta.fails_saying(&["reason_admin", "the event has 1 error"]);
    new(&[&event[..], &["--receiver", "okta", "--reason-admin", "en=x"]].concat()).await.text();
    let wrong = new(&["--event", "caep.session-revoked", "--email", "ada"]).await;
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(5), ""), "{wrong:?}");
}

#[tokio::test]
async fn only_a_terminal_is_asked() {
    for (more, word) in [(&[][..], "only a terminal"), (&["--email", "ada@example.com"], "--event")] {
        let run = new(more).await;
        assert_eq!(run.code, Some(2), "{run:?}");
        run.fails_saying(&[word]);
    }
}

#[cfg(unix)]
#[test]
fn answers_make_an_event() {
    let mut terminal = Terminal::run(&["event", "new"], 120);
    terminal.expect("Event:").keys("caep.session-revoked").expect("caep.session-revoked").keys("\r");
    terminal.expect("Subject:").keys("email").expect("email").keys("\r");
    // What is wrong shows while it is typed, and is not taken.
    terminal.expect("email:").keys("ada").expect("✗ ").keys("\r").expect("email:");
    terminal.keys("@example.com\r");
    let fields = EventType::by_name("caep.session-revoked").unwrap().fields;
    for field in fields.iter().filter(|field| field.only_for.is_none()) {
        terminal.expect(&format!("{}:", field.name));
        match field.name {
            "event_timestamp" => terminal
                .keys("yesterday")
                .expect("✗ write now")
                .keys(&"\u{7f}".repeat(9))
                .keys("1767225600\r"),
            "initiating_entity" => terminal.keys("policy").expect("policy").keys("\r"),
            "reason_admin" => terminal.keys("en=Laptop lost\r").expect("reason_admin:").keys("\r"),
            _ => terminal.keys("\r"),
        };
    }
    let (code, printed) = terminal.end();
    assert_eq!(code, Some(0));
    let expected = json!({
        "event": { REVOKED: {
            "event_timestamp": 1_767_225_600,
            "initiating_entity": "policy",
            "reason_admin": { "en": "Laptop lost" },
        } },
        "subject": { "format": "email", "email": "ada@example.com" },
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), expected);
}

#[cfg(unix)]
#[test]
fn who_leaves_the_questions_writes_nothing() {
    let mut terminal = Terminal::run(&["event", "new", "--receiver", "okta"], 80);
    terminal.expect("Event:").keys("\u{1b}").expect("nothing was written");
    assert_eq!(terminal.end(), (Some(1), String::new()));
}

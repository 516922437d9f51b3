//! `ssf event`, and the members of events as options.

use crate::program::{file, ssf};
use serde_json::{Value, json};
use ssf_transmitter::{Dialect, KeyType, SigningKey, catalogue::EVENTS};

#[tokio::test]
async fn events_are_listed_by_receiver_and_family() {
    let all = ssf(&["event", "list"], &[]).await;
    assert_eq!(all.text().lines().count(), EVENTS.len());
    let row = all.text().lines().find(|line| line.starts_with("caep.session-revoked ")).unwrap();
    assert!(row.contains("okta") && row.contains("Session Revoked"), "{row}");

    let okta = ssf(&["event", "list", "--receiver", "okta", "--json"], &[]).await.json();
    let ids: Vec<_> = okta.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 6, "{ids:?}");
    assert!(!ids.contains(&"caep.credential-change"));
    let family = ssf(&["event", "list", "--family", "okta"], &[]).await;
    assert_eq!(family.text().lines().count(), 3);
    ssf(&["event", "list", "--family", "oktaa"], &[]).await.fails_saying(&["oktaa", "risc"]);
}

#[tokio::test]
async fn every_event_has_an_example_for_every_receiver_that_takes_it() {
    for event in EVENTS {
        let shown = ssf(&["event", "show", event.id, "--json"], &[]).await.json();
        assert_eq!(shown["members"].as_array().unwrap().len(), event.fields.len());
        let examples = shown["examples"].as_object().unwrap();
        for id in Dialect::ids() {
            let dialect = Dialect::built_in(id).unwrap();
            let expected =
                (id == "ssf-1.0" && !event.companion) || (!dialect.takes_any_event() && dialect.takes(event));
            assert_eq!(examples.contains_key(id), expected, "{} for {id}", event.id);
        }
        for (receiver, claims) in examples {
            assert!(claims["events"].is_object(), "{} for {receiver}", event.id);
        }
        let text = ssf(&["event", "show", event.id], &[]).await;
        assert!(event.fields.iter().all(|field| text.text().contains(field.name)), "{text:?}");
    }
    let refused = ssf(&["event", "show", "caep.credential-change", "--receiver", "okta"], &[]).await;
    refused.fails_saying(&["does not accept"]);
    ssf(&["event", "show", "session-revokd"], &[])
        .await
        .fails_saying(&["did you mean caep.session-revoked?"]);
}

#[tokio::test]
async fn every_member_of_every_event_has_an_option() {
    for event in EVENTS {
        for command in [&["emit"][..], &["set", "sign"], &["doctor"]] {
            let help = ssf(&[command, &["--event", event.id, "--help"]].concat(), &[]).await;
            for field in event.fields {
                let option = format!("--{} ", field.name.replace('_', "-"));
                assert!(help.text().contains(&option), "{command:?} {}: {option}", event.id);
            }
        }
    }
}

/// The members of the event in the SET that is made with these options.
async fn members(event: &str, more: &[&str]) -> crate::program::Run {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let key = file(&format!("event-{event}.pem"), key.export_private_pem().unwrap().expose());
    let set = ["set", "sign", "--json", "--issuer", "https://edr.example.com", "--key", &key];
    let to = ["--audience", "https://receiver.example.net", "--email", "ada@example.com", "--event", event];
    ssf(&[&set[..], &to, more].concat(), &[]).await
}

fn event_of(run: &crate::program::Run) -> Value {
    let claims = &run.json()["claims"];
    claims["events"].as_object().unwrap().values().next().unwrap().clone()
}

#[tokio::test]
async fn options_give_members_of_every_type() {
    let texts = ["--reason-admin", "en=Laptop lost", "--reason-admin", "de=Laptop = verloren"];
    let times = ["--event-timestamp", "2026-01-01T01:00:00+01:00", "--initiating-entity", "policy"];
    let run = members("caep.session-revoked", &[&texts[..], &times].concat()).await;
    let expected = json!({
        "reason_admin": { "en": "Laptop lost", "de": "Laptop = verloren" },
        "event_timestamp": 1_767_225_600,
        "initiating_entity": "policy",
    });
    assert_eq!(event_of(&run), expected);

    let run = members("caep.session-established", &["--amr", "pwd", "--amr", "otp", "--acr", "urn:x"]).await;
    assert_eq!(event_of(&run), json!({ "amr": ["pwd", "otp"], "acr": "urn:x" }));
    let run = members("caep.token-claims-change", &["--claims", r#"{"role":"read-only"}"#]).await;
    run.fails_saying(&["event_member"]);
    let run = members("caep.token-claims-change", &["--claims", r#"{"claims":{"role":"read-only"}}"#]).await;
    assert_eq!(event_of(&run), json!({ "claims": { "role": "read-only" } }));
}

#[tokio::test]
async fn wrong_members_are_refused_with_what_would_be_right() {
    for (more, words) in [
        (&["--initiating-entity", "polici"][..], &["policy"][..]),
        (&["--reason-admn", "en=x"], &["--reason-admin"]),
        (&["--reason-admin", "Laptop lost"], &["LANGUAGE=TEXT"]),
        (&["--reason-admin", "en=a", "--reason-admin", "en=b"], &["en twice"]),
        (&["--event-timestamp", "yesterday"], &["2026-11-29T08:30:00Z"]),
        (&["--event-timestamp", "1767225600000"], &["milliseconds"]),
        (&["--event-timestamp", "now", "--now"], &["event_timestamp", "twice"]),
        (&["--initiating-entity", "user", "--claims", r#"{"initiating_entity":"user"}"#], &["twice"]),
    ] {
        let run = members("caep.session-revoked", more).await;
        assert_eq!(run.code, Some(2), "{run:?}");
        run.fails_saying(words);
    }
    let misspelt = members("caep.session-revokd", &["--reason-admin", "en=x"]).await;
    assert_eq!(misspelt.code, Some(5));
    misspelt.fails_saying(&["did you mean caep.session-revoked?"]);
}

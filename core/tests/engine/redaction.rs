//! What an answer quotes of the SET that was sent is not shown, however the receiver writes it.

use std::error::Error as _;

use ssf_transmitter::{
    CustomEvent, Dialect, KeyType, SetBuilder, SigningKey, Subject, Timestamp, http::Response, lint::Linter,
    okta::ProvidersApi,
};

const EMAIL: &str = "ada.lovelace@example.com";

fn set() -> String {
    let members = serde_json::json!({
        "event_timestamp": 1_767_225_600,
        "reason_admin": { "en": "Line one\nof a  reason" },
        "device": "laptop-4711",
        "address": "198.51.100.7",
    });
    let members = members.as_object().unwrap().clone();
    let set = SetBuilder::new("https://edr.example.com", "https://receiver.example.net")
        .event(CustomEvent::new("https://edr.example.com/events/quarantine", members))
        .subject(Subject::email(EMAIL))
        .txn("incident-4711");
    set.sign(&SigningKey::generate(KeyType::P256).unwrap()).unwrap().as_str().to_owned()
}

/// What is shown of an answer with this body.
fn said(set: &str, content_type: &str, body: impl Into<Vec<u8>>) -> String {
    let answer = Response::new(400, [("content-type".to_owned(), content_type.to_owned())], body.into());
    let explanation = Linter::new(&Dialect::default()).explain(set, &answer);
    explanation.said().unwrap_or_default().to_owned()
}

#[test]
fn a_quotation_is_hidden_in_every_spelling() {
    let set = set();
    let utf16: Vec<u8> = format!("no user {EMAIL}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let signature = set.rsplit('.').next().unwrap();
    for (name, content_type, body) in [
        ("as it is", "text/plain", format!("no user {EMAIL}").into_bytes()),
        ("in capitals", "text/plain", format!("no user {}", EMAIL.to_uppercase()).into_bytes()),
        ("percent-encoded", "text/plain", b"no user ada.lovelace%40example.com".to_vec()),
        ("with tags inside", "text/html", b"<p>no user <b>ada.lovelace</b>@example.com</p>".to_vec()),
        ("by character references", "text/plain", b"no user ada.lovelace&#64;example.com".to_vec()),
        ("escaped as in JSON", "text/plain", br"no user ada.lovelace\u0040example.com".to_vec()),
        ("with a soft hyphen", "text/plain", "no user ada.love\u{ad}lace@example.com".into()),
        ("with spaces", "text/plain", b"no user ada . lovelace @ example . com".to_vec()),
        ("in UTF-16", "text/plain", utf16),
        ("without its end", "text/plain", b"no user ada.lovelace@examp".to_vec()),
        ("cut by an ellipsis", "text/plain", "no user ada.lovelace@…".into()),
        ("without its beginning", "text/plain", b"no user lovelace@example.com".to_vec()),
        ("over two lines", "text/plain", b"the reason is: Line one of a reason".to_vec()),
        ("an address", "text/plain", b"198.51.100.7 is private".to_vec()),
        ("a device", "text/plain", b"laptop-4711 is unknown".to_vec()),
        ("the SET", "text/plain", format!("bad token {set}").into_bytes()),
        ("a piece of the SET", "text/plain", format!("bad signature x{}y", &signature[10..40]).into_bytes()),
        (
            "a piece in capitals",
            "text/plain",
            format!("BAD {}", signature[5..30].to_uppercase()).into_bytes(),
        ),
    ] {
        let said = said(&set, content_type, body);
        assert!(said.contains("[redacted]"), "{name}: {said}");
        let letters: String = said.to_lowercase().chars().filter(|letter| !letter.is_whitespace()).collect();
        for quoted in ["lovelace", "lineone", "198.51", "4711", &signature[10..26].to_lowercase()] {
            assert!(!letters.contains(quoted), "{name}: {said}");
        }
    }
}

#[test]
fn what_says_nothing_of_a_person_is_shown() {
    let set = set();
    for body in [
        "the issuer https://edr.example.com is unknown",
        "expected the audience https://receiver.example.net",
        "event_timestamp has to be in milliseconds",
        "the domain example.com is not verified",
    ] {
        assert_eq!(said(&set, "text/plain", body), body);
    }
}

#[test]
fn a_code_of_okta_that_is_the_token_is_not_shown() {
    let mut call = ProvidersApi::new("https://acme.okta.com").unwrap().list();
    drop(call.request("SSWS 00-token-4711".to_owned().into()));
    let body = br#"{ "errorCode": "00-token-4711", "errorSummary": "who is 00-token-4711?" }"#;
    let error = call.answered(Timestamp::now(), &Response::new(400, [], body.to_vec())).unwrap_err();
    let shown = format!("{error} {error:?} {:?}", error.source().map(ToString::to_string));
    assert!(!shown.contains("token-4711"), "{shown}");
}

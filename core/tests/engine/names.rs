//! Names out of closed lists: an error says which one may have been meant.

use serde_json::json;
use ssf_transmitter::{
    Algorithm, CustomEvent, Dialect, Error, ErrorCode, KeyType, SetBuilder, SigningKey, Subject,
    catalogue::EventType,
    lint::{LintPolicy, Linter},
};

fn says<T: std::fmt::Debug>(result: Result<T, Error>, code: ErrorCode, words: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.message().contains(words), "{error}");
}

#[test]
fn an_event_by_its_short_name_or_uri() {
    for (name, meant) in [
        ("caep.session-revokd", "caep.session-revoked"),
        ("caep.session_revoked", "caep.session-revoked"),
        ("CAEP.SessionRevoked", "caep.session-revoked"),
        ("session-revoked", "caep.session-revoked"),
        ("risc.acount-disabled", "risc.account-disabled"),
        ("okta.user-risk-changed", "okta.user-risk-change"),
        (
            "https://schemas.openid.net/secevent/caep/event-type/session-revokd",
            "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
        ),
    ] {
        says(EventType::by_name(name), ErrorCode::EventUriInvalid, &format!("did you mean {meant}?"));
    }
    says(EventType::by_name("weather.rain"), ErrorCode::EventUriInvalid, "no known event has this name");
    assert!(!EventType::by_name("weather.rain").unwrap_err().message().contains("did you mean"));
    for event in ssf_transmitter::catalogue::EVENTS {
        assert_eq!(EventType::by_name(event.id).unwrap().id, event.id);
        assert_eq!(EventType::by_name(event.uri).unwrap().id, event.id);
    }
}

#[test]
fn a_dialect_a_rule_an_algorithm_a_type_of_key() {
    says(Dialect::built_in("govuk-onelogin"), ErrorCode::DialectUnknown, "did you mean govuk-one-login?");
    says(Dialect::built_in("Okta"), ErrorCode::DialectUnknown, "did you mean okta?");
    says(Dialect::built_in("entra"), ErrorCode::DialectUnknown, "known are ssf-1.0, ");
    let own = "id = \"mine\"\nextends = \"oktа-workforce\"";
    says(Dialect::from_toml(own), ErrorCode::DialectInvalid, "known are ssf-1.0, ");
    let own = "id = \"mine\"\nextends = \"govuk-one-logn\"";
    says(Dialect::from_toml(own), ErrorCode::DialectInvalid, "did you mean govuk-one-login?");
    says(
        LintPolicy::new().allow("txn_missing"),
        ErrorCode::ConfigurationInvalid,
        "did you mean txn-missing?",
    );
    says("rs256".parse::<Algorithm>(), ErrorCode::KeyAlgorithmUnknown, "did you mean RS256?");
    says("HS256".parse::<Algorithm>(), ErrorCode::KeyAlgorithmUnknown, "known are RS256, ");
    says("RSA2048".parse::<KeyType>(), ErrorCode::KeyTypeUnsupported, "did you mean RSA-2048?");
    says("ed25519".parse::<KeyType>(), ErrorCode::KeyTypeUnsupported, "did you mean Ed25519?");
    says("DSA".parse::<KeyType>(), ErrorCode::KeyTypeUnsupported, "known are RSA-2048, ");
    for kind in KeyType::ALL {
        assert_eq!(kind.as_str().parse::<KeyType>().unwrap(), *kind);
    }
}

#[test]
fn a_format_or_a_member_of_a_subject() {
    let read = |value: serde_json::Value| Subject::from_json(&value.to_string());
    says(
        read(json!({ "format": "phone_nummber", "phone_number": "+12065550100" })),
        ErrorCode::SubjectFormatUnknown,
        "did you mean phone_number?",
    );
    says(
        read(json!({ "format": "badge", "id": "1" })),
        ErrorCode::SubjectFormatUnknown,
        "known are account, ",
    );
    says(
        read(json!({ "format": "jwt_id", "iss": "https://idp.example.com", "jti": "1", "jtii": "2" })),
        ErrorCode::SubjectMemberUnknown,
        "has no such member",
    );
    says(
        read(json!({ "format": "did", "url": "did:example:1", "URL": "did:example:1" })),
        ErrorCode::SubjectMemberUnknown,
        "has no such member",
    );
}

#[test]
fn emit_warns_of_an_event_type_that_is_nearly_a_known_one() {
    let uri = "https://schemas.openid.net/secevent/caep/event-type/session-revokd";
    let set = SetBuilder::new(crate::common::ISSUER, crate::common::AUDIENCE)
        .event(CustomEvent::new(uri, serde_json::Map::new()))
        .subject(Subject::opaque("session-1"))
        .sign(&SigningKey::generate(KeyType::P256).unwrap())
        .unwrap();
    let finding = set.findings().iter().find(|finding| finding.rule().id == "event-uri-misspelt").unwrap();
    assert!(finding.message().contains("did you mean"), "{finding}");
}

#[test]
fn a_member_and_a_value_of_an_event() {
    let uri = "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change";
    let members =
        json!({ "previous_status": "compliant", "current_status": "not-compliantt", "event_timestmp": 1 });
    let event = CustomEvent::new(uri, members.as_object().unwrap().clone());
    let subject = Subject::opaque("device-1");
    let findings = Linter::new(&Dialect::default()).event(&event.into(), Some(&subject));
    let said: Vec<_> = findings.iter().map(|finding| finding.message().to_owned()).collect();
    for words in ["did you mean not-compliant?", "did you mean event_timestamp?"] {
        assert!(said.iter().any(|message| message.contains(words)), "{said:?}");
    }
}

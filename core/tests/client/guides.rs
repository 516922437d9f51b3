//! The examples of the receivers' guides are sent as printed: pasted events with their subject inside, and the unit and
//! form that one page has against another.

use serde_json::{Value, json};
use ssf_transmitter::{
    ErrorCode, Event, KeyType, Receiver, SigningKey, Subject, Timestamp, Transmitter, UnsignedSet,
    catalogue::Shape,
    client::ReceiverBuilder,
    dialect::TimeUnit,
    event::{OktaRiskLevel, okta, risc},
    lint::Severity,
    token::ClientCredentials,
};

const CHANGED: &str = "https://schemas.openid.net/secevent/risc/event-type/identifier-changed";
const DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

fn okta_org() -> ReceiverBuilder {
    Receiver::okta("https://customer.okta.com")
}

fn govuk() -> ReceiverBuilder {
    Receiver::govuk_one_login("https://inbound.example.gov.uk/", "https://ssf.account.gov.uk/")
        .client_credentials(ClientCredentials::new("https://auth.example.gov.uk/token", "id", "secret"))
}

fn transmitter() -> Transmitter {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    Transmitter::builder("https://edr.example.com", key).build().unwrap()
}

fn changed(subject: &Value) -> Event {
    let members = json!({ "subject": subject, "new-value": "john.roe@example.com", "event_timestamp": 1_615_304_991_643_i64 });
    Event::from_value(json!({ CHANGED: members })).unwrap()
}

fn disabled() -> Event {
    let subject =
        json!({ "subject_type": "iss-sub", "iss": "https://idp.example.com/", "sub": "7375626A656374" });
    Event::from_value(json!({ DISABLED: { "subject": subject, "reason": "hijacking" } })).unwrap()
}

fn john() -> Value {
    json!({ "user": { "format": "email", "email": "john@doe.net" } })
}

fn events(set: &UnsignedSet) -> Value {
    set.decode().unwrap().claims()["events"].clone()
}

#[test]
fn the_examples_of_the_guides_go_out_as_printed_with_a_warning() {
    let transmitter = transmitter();
    for (event, receivers, rule) in [
        (
            changed(&john()),
            [okta_org(), okta_org().time_unit(TimeUnit::Milliseconds)],
            "timestamp-unit-disputed",
        ),
        (disabled(), [govuk(), govuk().subject_shape(Shape::Legacy)], "subject-form-disputed"),
    ] {
        for receiver in receivers {
            let set = transmitter.prepare(event.clone(), None, &receiver.build().unwrap()).unwrap();
            assert_eq!(events(&set), json!({ event.uri(): event.members() }));
            let found: Vec<_> =
                set.findings().iter().map(|finding| (finding.rule().id, finding.severity())).collect();
            assert!(found.contains(&(rule, Severity::Warning)), "{found:?}");
        }
    }
}

#[test]
fn a_subject_beside_the_one_in_the_event_has_to_be_the_same() {
    let (transmitter, okta) = (transmitter(), okta_org().build().unwrap());
    transmitter.prepare(changed(&john()), Subject::email("john@doe.net"), &okta).unwrap();
    let error = transmitter.prepare(changed(&john()), Subject::email("ada@example.com"), &okta).unwrap_err();
    assert_eq!(error.code(), ErrorCode::EventMemberForbidden);
    assert!(error.pointer().unwrap().ends_with("identifier-changed/subject"), "{error:?}");
    assert!(error.message().contains("differs"), "{error}");
    assert!(!format!("{error} {error:?}").contains("john"), "no subject is in the message");
}

#[test]
fn a_subject_in_a_form_that_the_receiver_does_not_read_is_refused_with_its_place() {
    let (transmitter, okta) = (transmitter(), okta_org().build().unwrap());
    for (subject, place) in [
        (json!({ "format": "email", "email": "john@doe.net" }), "/subject"),
        (json!({ "subject_type": "email", "email": "john@doe.net" }), "/subject"),
        (json!({ "user": { "format": "email" } }), "/subject/user/email"),
        (json!("john@doe.net"), "/subject"),
    ] {
        let error = transmitter.prepare(changed(&subject), None, &okta).unwrap_err();
        assert!(error.pointer().unwrap().ends_with(place), "{error:?}");
    }
}

#[test]
fn where_the_receiver_reads_no_subject_in_events_none_is_taken() {
    let event =
        Event::from_value(json!({ REVOKED: { "subject": { "format": "opaque", "id": "1" } } })).unwrap();
    assert_eq!(event.validate().unwrap_err().code(), ErrorCode::EventMemberForbidden);
    let any =
        Receiver::builder("https://receiver.example.net/", "https://receiver.example.net").build().unwrap();
    let error = transmitter().prepare(event, None, &any).unwrap_err();
    assert_eq!(error.code(), ErrorCode::EventMemberForbidden);
}

#[test]
fn unit_of_time_and_form_of_the_subject_are_settings_of_a_receiver() {
    let transmitter = transmitter();
    let time = Timestamp::from_unix_millis(1_767_225_590_643);
    let event = okta::UserRiskChange::new(OktaRiskLevel::High, OktaRiskLevel::Low, time)
        .with_reason_admin("en", "Trip");
    let to = okta_org().time_unit(TimeUnit::Milliseconds).build().unwrap();
    let set = transmitter.prepare(event, Subject::email("ada@example.com"), &to).unwrap();
    let written = events(&set);
    let members = written.as_object().unwrap().values().next().unwrap();
    assert_eq!(members["event_timestamp"], 1_767_225_590_643_i64);
    assert_eq!(to.dialect().id(), "okta");

    let to = govuk().subject_shape(Shape::Legacy).build().unwrap();
    let subject = Subject::iss_sub("https://idp.example.com/", "7375626A656374");
    let set = transmitter.prepare(risc::AccountDisabled::new(), subject, &to).unwrap();
    assert_eq!(events(&set)[DISABLED]["subject"]["subject_type"], "iss-sub");

    let any = Receiver::builder("https://receiver.example.net/", "https://receiver.example.net");
    let error = any.subject_shape(Shape::Legacy).build().unwrap_err();
    assert_eq!((error.code(), error.pointer()), (ErrorCode::ConfigurationInvalid, Some("/subject_shape")));
    assert!("us".parse::<TimeUnit>().is_err() && "flat".parse::<Shape>().is_err());
}

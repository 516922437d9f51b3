//! Events and subjects.

use serde_json::{Map, Value, json};
use ssf_transmitter::{
    Algorithm, Dialect, Event, SetBuilder, Subject, event::caep, key::SigningHeader, outbox::SubjectKeys,
};

use super::text;
use crate::judge;

/// An event: its type and its members.
pub(crate) fn event(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let event = match Event::from_json(text) {
        Ok(event) => event,
        Err(error) => return judge::error_in(text, "/events", &error),
    };
    let read: Value = serde_json::from_str(text).unwrap();
    assert_eq!(Value::Object(Map::from_iter([(event.uri().to_owned(), json!(event.members()))])), read);
    for id in Dialect::ids() {
        build(id, event.clone(), Subject::email("ada@example.com"));
    }
}

/// A subject identifier.
pub(crate) fn subject(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for read in [Subject::from_json(text), Subject::custom_from_json(text)] {
        let subject = match read {
            Ok(subject) => subject,
            Err(error) => {
                judge::error_in(text, "", &error);
                continue;
            }
        };
        let read: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::from(subject.clone()), read);
        for id in Dialect::ids() {
            build(id, caep::SessionRevoked::new().into(), subject.clone());
        }
        // How a subject is written does not matter to a store.
        let reversed = Subject::from_members(subject.members().clone().into_iter().rev());
        let keys = SubjectKeys::of(None, &subject).unwrap();
        assert_eq!(SubjectKeys::of(None, &reversed).unwrap(), keys);
        assert!(keys.matches(&keys));
    }
}

/// Builds a SET for this dialect. What it refuses, it refuses with a code.
fn build(dialect: &str, event: Event, subject: Subject) {
    let dialect = Dialect::built_in(dialect).unwrap();
    let set = SetBuilder::new("https://tr.example.com", "https://receiver.example.com")
        .dialect(&dialect)
        .event(event)
        .subject(subject)
        .txn("1");
    match set.prepare(SigningHeader::new(Algorithm::Es256, "key-1")) {
        Ok(set) => assert!(set.decode().unwrap().claims().contains_key("events")),
        Err(error) => judge::error(&error),
    }
}

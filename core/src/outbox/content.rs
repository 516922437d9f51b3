//! What an entry says, as a store keeps it.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    error::{Error, ErrorCode, Result},
    event::Event,
    set::SetBuilder,
    subject::Subject,
    time::Timestamp,
};

/// What a SET says, whoever receives it.
#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) events: Vec<Event>,
    pub(crate) subject: Option<Subject>,
    pub(crate) txn: Option<String>,
    pub(crate) toe: Option<Timestamp>,
}

impl Content {
    pub(crate) fn new(event: Event, subject: Option<Subject>) -> Self {
        Self { events: vec![event], subject, txn: None, toe: None }
    }

    /// Checks what holds for every receiver. The dialect of a receiver is known only when a SET is built for it.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(subject) = &self.subject {
            subject.validate().map_err(|error| error.within("/sub_id"))?;
        }
        self.events.iter().try_for_each(|event| event.validate_for(true))
    }

    /// The id of the event in the catalogue, or its URI.
    pub(crate) fn event_name(&self) -> String {
        let event = self.events.first();
        event.map(|event| event.id().unwrap_or(event.uri()).to_owned()).unwrap_or_default()
    }

    /// The subject in a form that does not depend on the order of its members.
    pub(crate) fn canonical_subject(&self) -> Option<String> {
        let of_event = || self.events.iter().find_map(|event| event.members().get("subject").cloned());
        let own = self.subject.clone().map(Value::from);
        own.or_else(of_event).map(|subject| sorted(subject).to_string())
    }

    /// A subject in a form that does not depend on the order of its members.
    pub(crate) fn canonical(subject: &Subject) -> String {
        sorted(subject.clone().into()).to_string()
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>> {
        let kept = Kept {
            events: &self.events,
            subject: self.subject.as_ref().map(Subject::members),
            private_formats: self.subject.as_ref().map(Subject::has_private_formats),
            txn: self.txn.as_deref(),
            toe: self.toe.map(Timestamp::as_unix_millis),
        };
        serde_json::to_vec(&kept).map_err(|error| Error::internal("an entry is JSON").because(error))
    }

    pub(crate) fn from_json(json: &[u8]) -> Result<Self> {
        let damaged = || Error::new(ErrorCode::OutboxCorrupt, "an entry of the outbox cannot be read");
        let mut all: Map<String, Value> =
            serde_json::from_slice(json).map_err(|error| damaged().because(error))?;
        let Some(Value::Array(events)) = all.remove("events") else { return Err(damaged()) };
        let events = events.into_iter().map(|event| Event::from_value(event).map_err(|_| damaged()));
        let private = all.get("private_formats").and_then(Value::as_bool).unwrap_or_default();
        let subject = match all.remove("subject") {
            Some(Value::Object(members)) => {
                let subject = Subject::from_members(members);
                Some(if private { subject.with_private_formats() } else { subject })
            }
            Some(_) => return Err(damaged()),
            None => None,
        };
        Ok(Self {
            events: events.collect::<Result<_>>()?,
            subject,
            txn: all.get("txn").and_then(Value::as_str).map(str::to_owned),
            toe: all.get("toe").and_then(Value::as_i64).map(Timestamp::from_unix_millis),
        })
    }

    /// Puts it into a SET.
    pub(crate) fn put_into(self, mut set: SetBuilder) -> SetBuilder {
        for event in self.events {
            set = set.event(event);
        }
        if let Some(subject) = self.subject {
            set = set.subject(subject);
        }
        if let Some(txn) = self.txn {
            set = set.txn(txn);
        }
        match self.toe {
            Some(toe) => set.toe(toe),
            None => set,
        }
    }
}

/// The content in JSON.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(serialize_with = "by_uri")]
    events: &'a [Event],
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_formats: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    txn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    toe: Option<i64>,
}

/// Each event as an object whose one member has its URI as the name.
fn by_uri<S: Serializer>(events: &[Event], serializer: S) -> Result<S::Ok, S::Error> {
    struct ByUri<'a>(&'a Event);
    impl Serialize for ByUri<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(self.0.uri(), self.0.members())])
        }
    }
    serializer.collect_seq(events.iter().map(ByUri))
}

/// The value with the members of all objects in alphabetical order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> =
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        other => other,
    }
}

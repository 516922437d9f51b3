//! An event as one line of JSON: what `ssf event new` prints, and `ssf send` reads.

use serde_json::{Map, Value, json};
use ssf_transmitter::{
    Error, ErrorCode, Event, Subject, Timestamp, catalogue::EventType, json as exact, outbox::Entry,
};

/// The members of a line. `failure` is what `ssf send` adds to lines that failed, and takes no notice of.
const MEMBERS: [&str; 7] = ["event", "subject", "custom_subject", "txn", "toe", "jti", "failure"];

/// The member of a line that failed because it was no event: its text.
pub(super) const UNREADABLE: &str = "unreadable";

/// An event to send, whoever receives it.
pub(super) struct EventLine {
    pub(super) event: Event,
    pub(super) subject: Option<Subject>,
    pub(super) txn: Option<String>,
    pub(super) toe: Option<Timestamp>,
    pub(super) jti: Option<String>,
}

impl EventLine {
    /// Reads a line. What the definition of the event says is checked when its SET is prepared.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut line = exact::parse_object(text, "the line")?;
        if let Some(Value::String(unreadable)) = line.get(UNREADABLE) {
            return Self::parse(unreadable);
        }
        if let Some(unknown) = line.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
            let message = format!("a line has no member {unknown}; it has {}", MEMBERS[..6].join(", "));
            return Err(invalid(message, unknown));
        }
        let missing = || Error::new(ErrorCode::EventMissing, "the line has no event").at("/event");
        let event = event(line.remove("event").ok_or_else(missing)?)?;
        let subject = object(&mut line, "subject")?.map(Subject::from_members);
        let custom = object(&mut line, "custom_subject")?.map(Subject::from_members);
        if subject.is_some() && custom.is_some() {
            return Err(invalid("a line has subject or custom_subject, not both", "custom_subject"));
        }
        let toe = line.remove("toe").map(serde_json::from_value).transpose();
        Ok(Self {
            event,
            subject: subject.or(custom.map(Subject::with_private_formats)),
            txn: string(&mut line, "txn")?,
            toe: toe.map_err(|_| invalid("toe is a number of seconds since 1970", "toe"))?,
            jti: string(&mut line, "jti")?,
        })
    }

    /// The line, without the id of a SET.
    pub(super) fn to_json(&self) -> Value {
        let mut line = json!({ "event": { self.event.uri(): self.event.members() } });
        if let Some(subject) = &self.subject {
            // Only a private format is not known to everybody.
            let is_known = Subject::from_members(subject.members().clone()).validate().is_ok();
            let name = if is_known { "subject" } else { "custom_subject" };
            line[name] = subject.members().clone().into();
        }
        if let Some(txn) = &self.txn {
            line["txn"] = txn.as_str().into();
        }
        if let Some(toe) = self.toe {
            line["toe"] = toe.into();
        }
        line
    }

    /// The same, for an outbox.
    pub(super) fn into_entry(self, receiver: &str, jti: &str) -> Entry {
        let entry = Entry::new(self.event, self.subject).to(receiver).jti(jti).idempotency_key(jti);
        let entry = self.txn.into_iter().fold(entry, Entry::txn);
        self.toe.into_iter().fold(entry, Entry::toe)
    }
}

/// An event, named by its URI as in a SET, or by its id.
fn event(value: Value) -> Result<Event, Error> {
    let event = Event::from_value(value)?;
    if event.uri().contains(':') {
        return Ok(event);
    }
    let known = EventType::by_name(event.uri()).map_err(|error| error.at("/event"))?;
    Event::from_value(json!({ known.uri: event.members() }))
}

fn object(line: &mut Map<String, Value>, name: &str) -> Result<Option<Map<String, Value>>, Error> {
    match line.remove(name) {
        None => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(invalid(format!("{name} is an object"), name)),
    }
}

fn string(line: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match line.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(format!("{name} is a string"), name)),
    }
}

fn invalid(message: impl Into<String>, member: &str) -> Error {
    let step = member.replace('~', "~0").replace('/', "~1");
    Error::new(ErrorCode::JsonInvalid, message).at(format!("/{step}"))
}

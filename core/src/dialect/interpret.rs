//! The one interpreter: shapes events and subject as a dialect says. What the receiver would not take goes through as it
//! is; `lint` finds it.

use serde_json::{Map, Number, Value, map::Entry};

use super::{
    Dialect,
    data::{EventRules, EventSubject, InEvent, Level, PrintedSubject},
    settings::TimeUnit,
};
use crate::{
    catalogue::{EventMember, EventType, FieldType, Placement, Rule, Severity, Shape},
    error::{Error, ErrorCode, Result, pointer_step},
    event::{Event, event_pointer},
    json::ByName,
    subject::{Subject, SubjectShape},
    time::Timestamp,
};

/// The part of a SET's claims that depends on events and subject.
pub(crate) struct Shaped {
    pub(crate) sub_id: Option<Value>,
    pub(crate) events: Map<String, Value>,
    /// One of the events demands `txn`.
    pub(crate) requires_txn: bool,
}

impl Dialect {
    /// Puts events and subject into the receiver's form.
    pub(crate) fn shape(&self, events: Vec<Event>, subject: Option<Subject>) -> Result<Shaped> {
        let data = self.data();
        let mut shaped = Shaped { sub_id: None, events: Map::new(), requires_txn: false };
        let mut at_top = false;
        for event in events {
            let (uri, members) = event.into_parts();
            let kind = EventType::by_uri(&uri);
            let rules = self.event_rules(&uri, kind);
            shaped.requires_txn |= kind.is_some_and(|kind| kind.requires_txn);
            at_top |= self.is_at_top(rules);

            let mut members = self.shape_members(members, kind, rules);
            if let Some(subject) = &subject
                && self.wants_subject(kind, rules)
                && !members.has("subject")
            {
                let value = self.subject_shape(kind, rules).apply(subject);
                members.insert("subject".to_owned(), value);
            }
            let uri =
                kind.and_then(|kind| data.uris.get(kind.id).cloned()).unwrap_or_else(|| uri.into_owned());
            match shaped.events.entry(uri) {
                Entry::Vacant(free) => free.insert(Value::Object(members)),
                Entry::Occupied(first) => {
                    let message = "the SET contains the same event twice";
                    return Err(Error::new(ErrorCode::EventsTooMany, message).at(event_pointer(first.key())));
                }
            };
        }
        // RFC 9493 has one form only; the forms of a dialect concern the event.
        shaped.sub_id = subject.filter(|_| at_top).map(Value::from);
        Ok(shaped)
    }

    /// The subject that an event brings with it, as receivers print their events, in the form of RFC 9493.
    ///
    /// It has to be what this dialect would write itself, or what a page of the receiver prints.
    pub(crate) fn subject_of(&self, event: &Event) -> Result<Option<Subject>> {
        let Some(value) = event.members().member("subject") else {
            return Ok(None);
        };
        let place = || event_pointer(event.uri()) + &pointer_step("subject");
        let kind = event.event_type();
        let rules = self.event_rules(event.uri(), kind);
        // SSF 1.0 §3.1.2: new event types have no subject of their own.
        if !self.wants_subject(kind, rules) {
            return Err(event.has_no_subject().at(place()));
        }
        let Value::Object(members) = value else {
            let message = "a subject identifier must be a JSON object";
            return Err(Error::new(ErrorCode::SubjectMemberType, message).at(place()));
        };
        let shape = self.subject_shape(kind, rules);
        let read = match self.printed_subject(members) {
            Some((_, read)) => read,
            None => shape.read(members).map_err(|problem| {
                let message = format!("{} does not accept this subject: {}", self.title(), problem.message);
                Error::new(ErrorCode::EventMemberForbidden, message).at(place())
            })?,
        };
        let subject = Subject::from_members(read);
        subject.validate().map_err(|error| error.within(&place()))?;
        Ok(Some(shape.unwrapped(subject)))
    }

    /// Whether two subjects of an event are the same once this dialect has written them.
    pub(crate) fn are_same(&self, event: &Event, one: &Subject, other: &Subject) -> bool {
        let kind = event.event_type();
        let shape = self.subject_shape(kind, self.event_rules(event.uri(), kind));
        shape.apply(one) == shape.apply(other)
    }

    /// The form in which a page of the receiver prints such a subject, if it is none of those that this dialect writes, and
    /// the subject in the form of RFC 9493.
    pub(crate) fn printed_subject(
        &self,
        members: &Map<String, Value>,
    ) -> Option<(&PrintedSubject, Map<String, Value>)> {
        let rules = &self.data().subject;
        rules.printed.iter().find_map(|printed| {
            let shape =
                SubjectShape { shape: printed.shape, wrap: None, members: &[], rename: &rules.rename };
            let read = shape.read(members).ok().filter(|_| members.has(shape.discriminator()))?;
            let format = read.member("format").and_then(Value::as_str)?;
            printed.formats.iter().any(|named| named == format).then_some((printed, read))
        })
    }

    /// Checks an event for a receiver of this dialect: like [`Event::validate`], except for what this receiver accepts beyond the
    /// definition, such as the subject inside the event.
    pub(crate) fn check_event(&self, event: &Event) -> Result<()> {
        self.subject_of(event)?;
        event.validate_for(self.takes_milliseconds())
    }

    /// Whether events may have times in milliseconds.
    fn takes_milliseconds(&self) -> bool {
        let time = &self.data().time;
        time.unit == TimeUnit::Milliseconds || time.disputed.is_some()
    }

    /// The event type that a URI means to this receiver.
    pub(crate) fn event_type(&self, uri: &str) -> Option<&'static EventType> {
        let own = self.data().uris.iter().find(|(_, own)| *own == uri);
        own.and_then(|(id, _)| EventType::by_id(id)).or_else(|| EventType::by_uri(uri))
    }

    /// The rules for an event, by id or URI.
    pub(crate) fn event_rules(&self, uri: &str, kind: Option<&EventType>) -> Option<&EventRules> {
        let events = &self.data().events;
        kind.and_then(|kind| events.get(kind.id)).or_else(|| events.get(uri))
    }

    /// What the receiver calls a member of an event.
    pub(crate) fn wire_name<'a>(&'a self, name: &'a str) -> &'a str {
        if name == "event_timestamp" { &self.data().time.member } else { name }
    }

    /// How bad it is for the receiver if a rule is broken; `None`: not at all.
    pub(crate) fn severity(&self, rule: &Rule) -> Option<Severity> {
        match self.data().lint.get(rule.id) {
            None => Some(rule.severity),
            Some(Level::Off) => None,
            Some(Level::Note) => Some(Severity::Note),
            Some(Level::Warning) => Some(Severity::Warning),
            Some(Level::Error) => Some(Severity::Error),
        }
    }

    /// Whether the event is sent with a member `subject`.
    pub(crate) fn wants_subject(&self, kind: Option<&EventType>, rules: Option<&EventRules>) -> bool {
        let forbidden = kind.is_some_and(|kind| kind.event_member == EventMember::Forbidden);
        !is_without_subject(kind, rules)
            && match self.data().subject.in_event {
                InEvent::Never => false,
                InEvent::Always => !forbidden,
                InEvent::AsDefined => kind.is_some_and(|kind| kind.placement == Placement::Event),
            }
    }

    /// Whether the subject of such an event stands nowhere in the SET, although it has one.
    pub(crate) fn has_no_place(&self, kind: Option<&EventType>, rules: Option<&EventRules>) -> bool {
        !self.is_at_top(rules) && !is_without_subject(kind, rules) && !self.wants_subject(kind, rules)
    }

    /// Whether the subject of such an event is at the top level of the SET.
    pub(crate) fn is_at_top(&self, rules: Option<&EventRules>) -> bool {
        self.data().subject.sub_id || rules.is_some_and(|rules| rules.subject == Some(EventSubject::SubId))
    }

    /// The form of the subject inside an event: the dialect's, or the event's own where the dialect leaves it to it.
    pub(crate) fn subject_shape<'a>(
        &'a self,
        kind: Option<&EventType>,
        rules: Option<&'a EventRules>,
    ) -> SubjectShape<'a> {
        let subject = &self.data().subject;
        let own = kind.map_or(Shape::Modern, |kind| kind.shape);
        SubjectShape {
            shape: if subject.in_event == InEvent::AsDefined { own } else { subject.shape },
            wrap: rules.and_then(|rules| rules.wrap.as_deref()).or(subject.wrap.as_deref()),
            members: &subject.members,
            rename: &subject.rename,
        }
    }

    /// The members in the receiver's units, names and spellings.
    fn shape_members(
        &self,
        mut members: Map<String, Value>,
        kind: Option<&EventType>,
        rules: Option<&EventRules>,
    ) -> Map<String, Value> {
        let time = &self.data().time;
        for field in kind.map_or(&[][..], |kind| kind.fields) {
            match (field.kind, members.get_mut(field.name)) {
                (FieldType::Timestamp, Some(value)) => {
                    if let Value::Number(number) = value {
                        *value = in_unit(number, time.unit);
                    }
                    let name = self.wire_name(field.name);
                    if name != field.name {
                        let value = std::mem::take(value);
                        members.remove(field.name);
                        members.insert(name.to_owned(), value);
                    }
                }
                (FieldType::Subject, Some(value)) => {
                    *value = self.subject_shape(kind, rules).apply_inner(value);
                }
                _ => {}
            }
        }
        for (name, spellings) in rules.iter().flat_map(|rules| &rules.spelling) {
            if let Some(Value::String(text)) = members.get_mut(name)
                && let Some(spelling) = spellings.get(text)
            {
                text.clone_from(spelling);
            }
        }
        members
    }
}

/// Whether the event is about nobody.
fn is_without_subject(kind: Option<&EventType>, rules: Option<&EventRules>) -> bool {
    kind.is_some_and(|kind| kind.placement == Placement::None)
        || rules.is_some_and(|rules| rules.subject == Some(EventSubject::None))
}

/// Whole seconds, rounded down, or milliseconds. What can only be milliseconds stays as it is.
fn in_unit(seconds: &Number, unit: TimeUnit) -> Value {
    match (Timestamp::from_json_seconds(seconds), unit) {
        (Some(time), TimeUnit::Seconds) => Value::from(time.as_unix_seconds()),
        (Some(time), TimeUnit::Milliseconds) => Value::from(time.as_unix_millis()),
        (None, _) => Value::Number(seconds.clone()),
    }
}

//! The one interpreter: shapes events and subject as a dialect says, and checks what it takes.

use serde_json::{Map, Number, Value};

use super::{
    Dialect,
    data::{EventRules, InEvent, NoSubject, Unit},
};
use crate::{
    catalogue::{EventMember, EventType, FieldType, Placement, Shape},
    error::{Error, ErrorCode, Result, pointer_step},
    event::{Event, event_pointer},
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
    /// Checks events and subject, and puts them into the receiver's form.
    pub(crate) fn shape(&self, events: &[Event], subject: Option<&Subject>) -> Result<Shaped> {
        let data = self.data();
        if events.is_empty() {
            return Err(Error::new(ErrorCode::EventMissing, "a SET needs an event").at("/events"));
        }
        if events.len() > data.set.max_events {
            let message = format!(
                "{} events in one SET; the dialect {} takes {}",
                events.len(),
                self.id(),
                data.set.max_events
            );
            return Err(Error::new(ErrorCode::EventsTooMany, message).at("/events"));
        }
        if let Some(subject) = subject {
            subject.validate().map_err(|error| error.within("/sub_id"))?;
        }

        let mut shaped = Shaped { sub_id: None, events: Map::new(), requires_txn: false };
        let mut subject_placed = false;
        let mut subject_wanted = false;
        for event in events {
            event.validate()?;
            let kind = event.event_type();
            let rules = self.rules(event, kind)?;
            self.check_members(event, kind, rules)?;
            shaped.requires_txn |= kind.is_some_and(|kind| kind.requires_txn);

            let mut members = self.shape_members(event, kind, rules);
            let without = kind.is_some_and(|kind| kind.placement == Placement::None)
                || rules.is_some_and(|rules| rules.subject == Some(NoSubject::None));
            if let Some(subject) = subject
                && (!without || data.subject.sub_id)
            {
                self.check_subject(event, kind, rules, subject)?;
            }
            if !without {
                subject_wanted = true;
                if let Some(subject) = subject
                    && self.places_in_event(kind)
                {
                    subject_placed = true;
                    let value = self.subject_shape(kind, rules).apply(subject)?;
                    members.insert("subject".to_owned(), value);
                }
            }
            let uri = kind.and_then(|kind| data.uris.get(kind.id)).map_or(event.uri(), String::as_str);
            if shaped.events.insert(uri.to_owned(), Value::Object(members)).is_some() {
                let message = "the same event stands twice in the SET";
                return Err(Error::new(ErrorCode::EventsTooMany, message).at(event_pointer(uri)));
            }
        }

        if data.subject.sub_id {
            subject_wanted = true;
            // RFC 9493 has one form only; the forms of a dialect concern the event.
            shaped.sub_id = subject.map(|subject| Value::from(subject.clone()));
            subject_placed |= shaped.sub_id.is_some();
        }
        if subject_wanted && !subject_placed {
            let error = if subject.is_none() {
                Error::new(ErrorCode::SubjectMissing, "the SET needs a subject")
            } else {
                let message = format!("the dialect {} has no place for the subject of this event", self.id());
                Error::new(ErrorCode::EventNotAccepted, message)
            };
            return Err(error.at("/sub_id"));
        }
        Ok(shaped)
    }

    /// The rules for an event, by id or URI; an error if the receiver takes only listed ones.
    fn rules(&self, event: &Event, kind: Option<&EventType>) -> Result<Option<&EventRules>> {
        let data = self.data();
        let rules = kind.and_then(|kind| data.events.get(kind.id)).or_else(|| data.events.get(event.uri()));
        if rules.is_none() && data.accept.only_listed {
            let known: Vec<_> = data.events.keys().map(String::as_str).collect();
            let message = format!("{} does not take this event; it takes {}", data.title, known.join(", "));
            return Err(Error::new(ErrorCode::EventNotAccepted, message).at(event_pointer(event.uri())));
        }
        Ok(rules)
    }

    fn check_members(
        &self,
        event: &Event,
        kind: Option<&EventType>,
        rules: Option<&EventRules>,
    ) -> Result<()> {
        let Some(rules) = rules else { return Ok(()) };
        let title = &self.data().title;
        let place = |name: &str| event_pointer(event.uri()) + &pointer_step(name);
        let members = event.members();

        if let Some(name) = rules.required.iter().find(|name| !members.contains_key(*name)) {
            let message = format!("{title} requires the member {name}");
            return Err(Error::new(ErrorCode::EventMemberMissing, message).at(place(name)));
        }
        if !rules.any_of.is_empty() && !rules.any_of.iter().any(|name| members.contains_key(name)) {
            let message = format!("{title} requires one of the members {}", rules.any_of.join(", "));
            return Err(Error::new(ErrorCode::EventMemberMissing, message).at(place(&rules.any_of[0])));
        }
        for field in
            kind.map_or(&[][..], |kind| kind.fields).iter().filter(|field| field.kind == FieldType::Localized)
        {
            let Some(Value::Object(texts)) = members.get(field.name) else {
                continue;
            };
            if let Some(language) = rules.languages.iter().find(|language| !texts.contains_key(*language)) {
                let message = format!("{title} requires {} in the language {language}", field.name);
                return Err(Error::new(ErrorCode::EventMemberMissing, message)
                    .at(place(field.name) + &pointer_step(language)));
            }
        }
        for (name, values) in &rules.values {
            let allowed =
                |value: &Value| value.as_str().is_some_and(|value| values.iter().any(|other| other == value));
            if members.get(name).is_some_and(|value| !allowed(value)) {
                let message = format!("{title} takes for {name} only {}", values.join(", "));
                return Err(Error::new(ErrorCode::EventMemberValue, message).at(place(name)));
            }
        }
        Ok(())
    }

    /// The members in the receiver's units, names and spellings.
    fn shape_members(
        &self,
        event: &Event,
        kind: Option<&EventType>,
        rules: Option<&EventRules>,
    ) -> Map<String, Value> {
        let time = &self.data().time;
        let mut members = event.members().clone();
        for field in kind.map_or(&[][..], |kind| kind.fields) {
            match (field.kind, members.get_mut(field.name)) {
                (FieldType::Timestamp, Some(value)) => {
                    if let Value::Number(number) = value {
                        *value = in_unit(number, time.unit);
                    }
                    if field.name == "event_timestamp" && time.member != field.name {
                        let value = std::mem::take(value);
                        members.remove(field.name);
                        members.insert(time.member.clone(), value);
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

    /// Formats that the receiver takes, and those that the definition of the event allows.
    fn check_subject(
        &self,
        event: &Event,
        kind: Option<&EventType>,
        rules: Option<&EventRules>,
        subject: &Subject,
    ) -> Result<()> {
        let refused = |who: &str, formats: &[&str]| {
            let message =
                format!("{who} takes subjects of format {}, not {}", formats.join(", "), subject.format());
            Err(Error::new(ErrorCode::SubjectNotAccepted, message).at("/sub_id/format"))
        };
        let by_dialect =
            rules.and_then(|rules| rules.formats.as_deref()).unwrap_or(&self.data().subject.formats);
        let by_dialect: Vec<_> = by_dialect.iter().map(String::as_str).collect();
        if !by_dialect.is_empty() && !by_dialect.contains(&subject.format()) {
            return refused(&self.data().title, &by_dialect);
        }
        let by_event = kind.map_or(&[][..], |kind| kind.formats);
        // A complex subject is about its user as far as the formats of an event are concerned.
        let user = subject.members().get("user").and_then(|user| user.get("format")).and_then(Value::as_str);
        let named = |format: &str| by_event.contains(&format);
        if by_event.is_empty() || named(subject.format()) || user.is_some_and(named) {
            return Ok(());
        }
        refused(&format!("the event {}", event.id().unwrap_or_default()), by_event)
    }

    fn places_in_event(&self, kind: Option<&EventType>) -> bool {
        let forbidden = kind.is_some_and(|kind| kind.event_member == EventMember::Forbidden);
        match self.data().subject.in_event {
            InEvent::Never => false,
            InEvent::Always => !forbidden,
            InEvent::AsDefined => kind.is_some_and(|kind| kind.placement == Placement::Event),
        }
    }

    /// The form of the subject inside an event: the dialect's, or the event's own where the dialect leaves it to it.
    fn subject_shape<'a>(
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
}

/// Whole seconds, rounded down, or milliseconds.
fn in_unit(seconds: &Number, unit: Unit) -> Value {
    match (Timestamp::from_json_seconds(seconds), unit) {
        (Some(time), Unit::S) => Value::from(time.as_unix_seconds()),
        (Some(time), Unit::Ms) => Value::from(time.as_unix_millis()),
        (None, _) => Value::Number(seconds.clone()),
    }
}

//! The events of a SET and their members, as they are sent: in the receiver's names, units and spellings.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Report, subject};
use crate::{
    catalogue::rules,
    catalogue::{EVENTS, EventType, Field, FieldType, Status},
    dialect::{Dialect, EventRules, TimeUnit},
    error::pointer_step,
    event::{check_event_uri, check_member, event_pointer, is_milliseconds},
    json::ByName,
    near,
    time::{SECONDS_LIMIT, Timestamp},
};

/// An event on the wire.
pub(super) struct OnWire<'a> {
    pub(super) uri: &'a str,
    pub(super) members: &'a Map<String, Value>,
    pub(super) kind: Option<&'static EventType>,
    pub(super) rules: Option<&'a EventRules>,
}

/// Where a member of an event stands. It becomes a text only where something is found.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    uri: &'a str,
    name: &'a str,
}

impl From<Place<'_>> for String {
    fn from(place: Place<'_>) -> Self {
        event_pointer(place.uri) + &pointer_step(place.name)
    }
}

impl OnWire<'_> {
    /// Where a member stands.
    pub(super) fn place<'a>(&'a self, name: &'a str) -> Place<'a> {
        Place { uri: self.uri, name }
    }

    /// What it is called in messages.
    pub(super) fn name(&self) -> &str {
        self.kind.map_or("this event", |kind| kind.id)
    }
}

pub(super) fn check(report: &mut Report<'_>, claims: &Map<String, Value>) {
    let dialect = report.context.dialect;
    let Some(events) = claims.member("events").and_then(Value::as_object).filter(|events| !events.is_empty())
    else {
        return report.add(&rules::EVENTS_MISSING, "/events", "the SET contains no event");
    };
    let most = dialect.data().set.max_events;
    if events.len() > most {
        let message = format!("{} events in one SET; {} accepts {most}", events.len(), dialect.title());
        report.add(&rules::EVENTS_TOO_MANY, "/events", message);
    }

    let mut read = Vec::new();
    for (uri, value) in events {
        let Value::Object(members) = value else {
            let message = "the value of an event must be a JSON object";
            report.add(&rules::EVENT_NOT_OBJECT, event_pointer(uri), message);
            continue;
        };
        let kind = dialect.event_type(uri);
        read.push(OnWire { uri, members, kind, rules: dialect.event_rules(uri, kind) });
    }
    for event in &read {
        event_type(report, dialect, event);
        members(report, dialect, event);
    }
    subject::check(report, claims, &read);
}

fn event_type(report: &mut Report<'_>, dialect: &Dialect, event: &OnWire<'_>) {
    let place = || event_pointer(event.uri);
    let is_known = event.kind.is_some_and(|kind| kind.uri == event.uri);
    if !is_known && check_event_uri(event.uri).is_err() {
        return report.add(&rules::EVENT_URI_INVALID, place(), "an event type must be an absolute URI");
    }
    let nearly = || near::event_uri(event.uri, EVENTS.iter().map(|kind| kind.uri));
    if let Some(meant) = event.kind.is_none().then(nearly).flatten() {
        return report.add(
            &rules::EVENT_URI_MISSPELT,
            place(),
            format!("not a known event type; did you mean {meant}?"),
        );
    }
    let data = dialect.data();
    if event.rules.is_none() && data.accept.only_listed {
        let known: Vec<_> = data.events.keys().map(String::as_str).collect();
        let message = format!("{} does not accept this event; it accepts {}", data.title, known.join(", "));
        return report.add(&rules::EVENT_NOT_ACCEPTED, place(), message);
    }
    match event.kind {
        None => {
            report.add(&rules::EVENT_UNKNOWN, place(), "no known specification defines this event");
        }
        // Where the receiver has asked for the old one, that is the right one.
        Some(kind) if kind.status == Status::Deprecated && event.rules.is_none() => {
            let other = kind.replaced_by.unwrap_or_default();
            report.add(
                &rules::EVENT_DEPRECATED,
                place(),
                format!("{} has been replaced by {other}", kind.id),
            );
        }
        Some(_) => {}
    }
}

fn members(report: &mut Report<'_>, dialect: &Dialect, event: &OnWire<'_>) {
    let fields = event.kind.map_or(&[][..], |kind| kind.fields);
    for name in event.kind.map_or(&[][..], |kind| kind.forbidden) {
        if event.members.has(name) {
            let message = format!("{} must not have the member {name}", event.name());
            report.add(&rules::EVENT_MEMBER_FORBIDDEN, event.place(name), message);
        }
    }
    let mut missing: Vec<Cow<'_, str>> = Vec::new();
    for field in fields {
        let name = dialect.wire_name(field.name);
        match event.members.member(name) {
            Some(value) => member(report, dialect, event, field, value),
            None if field.required => missing.push(name.into()),
            None => {}
        }
    }
    if let Some(rules) = event.rules {
        for name in rules.required.iter().map(|name| dialect.wire_name(name)) {
            if !event.members.has(name) && !missing.iter().any(|other| other == name) {
                missing.push(name.into());
            }
        }
        reasons(report, dialect, event, rules);
        values(report, event, rules);
    }
    for name in missing {
        let message = format!("{} requires the member {name}", event.name());
        report.add(&rules::EVENT_MEMBER_MISSING, event.place(&name), message);
    }
    // What travels beside an event has members of each sender's own.
    if event.kind.is_some_and(|kind| !kind.companion) {
        unknown(report, dialect, event, fields);
    }
}

/// What a receiver wants of the reasons of an event.
fn reasons(report: &mut Report<'_>, dialect: &Dialect, event: &OnWire<'_>, rules: &EventRules) {
    let title = dialect.title();
    if let Some(first) = rules.any_of.first()
        && !rules.any_of.iter().any(|name| event.members.has(name))
    {
        let message = format!("{title} requires one of the members {}", rules.any_of.join(", "));
        report.add(&rules::EVENT_REASON_MISSING, event.place(first), message);
    }
    let fields = event.kind.map_or(&[][..], |kind| kind.fields);
    for field in fields.iter().filter(|field| field.kind == FieldType::Localized) {
        let Some(Value::Object(texts)) = event.members.member(field.name) else {
            continue;
        };
        if let Some(language) = rules.languages.iter().find(|language| !texts.has(language)) {
            let message = format!("{title} requires {} in the language {language}", field.name);
            let place = String::from(event.place(field.name)) + &pointer_step(language);
            report.add(&rules::EVENT_LANGUAGE_MISSING, place, message);
        }
    }
}

/// The values that a receiver takes for members that the definition of the event leaves open.
fn values(report: &mut Report<'_>, event: &OnWire<'_>, rules: &EventRules) {
    let fields = event.kind.map_or(&[][..], |kind| kind.fields);
    let listed = |name: &str| {
        fields.iter().any(|field| field.name == name && matches!(field.kind, FieldType::Enum { .. }))
    };
    for (name, values) in rules.values.iter().filter(|(name, _)| !listed(name)) {
        let allowed =
            |value: &Value| value.as_str().is_some_and(|value| values.iter().any(|other| other == value));
        if let Some(value) = event.members.member(name).filter(|value| !allowed(value)) {
            let given = value.as_str().unwrap_or_default();
            let suggestion = near::did_you_mean(given, values.iter().map(String::as_str));
            let message = format!("the member {name} must be one of {}{suggestion}", values.join(", "));
            report.add(&rules::EVENT_MEMBER_VALUE, event.place(name), message);
        }
    }
}

fn member(report: &mut Report<'_>, dialect: &Dialect, event: &OnWire<'_>, field: &Field, value: &Value) {
    let name = dialect.wire_name(field.name);
    let place = event.place(name);
    match (field.kind, value) {
        (FieldType::Subject, value) => subject::check_inner(report, dialect, event, field.name, value),
        (FieldType::Enum { open, values }, Value::String(text)) if !text.is_empty() => {
            let limits = event.rules.and_then(|rules| rules.values.get(field.name));
            let spelling = event.rules.and_then(|rules| rules.spelling.get(field.name));
            let spelled = |value: &'_ str| -> String {
                spelling.and_then(|spelling| spelling.get(value)).map_or(value, String::as_str).to_owned()
            };
            // What most have: a value of the definition that the receiver takes as it is.
            let plain = spelling.is_none() && limits.is_none() && values.contains(&text.as_str());
            if !plain {
                let values: Vec<String> = match limits {
                    Some(limits) => limits.iter().map(|value| spelled(value)).collect(),
                    None => values.iter().map(|value| spelled(value)).collect(),
                };
                enumerated(report, place, name, text, &values, open && limits.is_none());
            }
        }
        (FieldType::Timestamp | FieldType::Milliseconds, value) => {
            let units = &dialect.data().time;
            let disputed = units.disputed.as_ref().filter(|_| is_milliseconds(field, value));
            if let Some(conflict) = disputed {
                report.add(&rules::TIMESTAMP_UNIT_DISPUTED, place, conflict.as_str());
            }
            let milliseconds = field.kind == FieldType::Milliseconds
                || units.unit == TimeUnit::Milliseconds
                || disputed.is_some();
            time(report, place, name, value, milliseconds);
        }
        (_, value) => {
            if let Some(Err(error)) = event.kind.map(|kind| check_member(kind, field, value)) {
                report.add_error(&String::from(place), &error);
            }
        }
    }
}

fn enumerated(
    report: &mut Report<'_>,
    place: Place<'_>,
    name: &str,
    text: &str,
    values: &[String],
    open: bool,
) {
    if values.iter().any(|value| value == text) {
        return;
    }
    let lower = text.to_ascii_lowercase();
    if let Some(meant) = values.iter().find(|value| value.to_ascii_lowercase() == lower) {
        let message = format!("the member {name} must be {meant}: values are case-sensitive");
        report.add(&rules::EVENT_VALUE_CASE, place, message);
    } else if let Some(meant) = values.iter().find(|value| same_words(value, text)) {
        report.add(&rules::EVENT_VALUE_SPELLING, place, format!("the member {name} must be spelled {meant}"));
    } else if !open {
        let suggestion = near::did_you_mean(text, values.iter().map(String::as_str));
        let message = format!("the member {name} must be one of {}{suggestion}", values.join(", "));
        report.add(&rules::EVENT_MEMBER_VALUE, place, message);
    }
}

/// `not-compliant`, `non-compliant`, `not_compliant` and `notcompliant` are the same words.
fn same_words(one: &str, other: &str) -> bool {
    let fold = |text: &str| {
        let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let letters = letters.to_ascii_lowercase();
        letters
            .strip_prefix("non")
            .or(letters.strip_prefix("not"))
            .map_or(letters.clone(), |rest| format!("not{rest}"))
    };
    fold(one) == fold(other)
}

fn time(report: &mut Report<'_>, place: Place<'_>, name: &str, value: &Value, milliseconds: bool) {
    let unit = if milliseconds { "milliseconds" } else { "seconds" };
    let Value::Number(number) = value else {
        let message = format!("the member {name} must be a number of {unit} since 1970, not a string");
        return report.add(&rules::EVENT_MEMBER_TYPE, place, message);
    };
    let amount = number.as_f64().unwrap_or_default();
    // In seconds, a time before 5138; in milliseconds, one after 2001.
    let fits =
        if milliseconds { !(1e9..SECONDS_LIMIT).contains(&amount) } else { amount.abs() < SECONDS_LIMIT };
    if !fits {
        let other = if milliseconds { "seconds" } else { "milliseconds" };
        let message = format!("the member {name} must be in {unit}, not {other}");
        return report.add(&rules::TIMESTAMP_UNIT, place, message);
    }
    if !number.is_i64() && !number.is_u64() {
        let message = format!("the member {name} has a fraction");
        report.add(&rules::TIMESTAMP_FRACTION, place, message);
    }
    #[allow(clippy::cast_possible_truncation, reason = "a time within the limits above")]
    let millis = if milliseconds { amount } else { amount * 1000.0 } as i64;
    if report.context.now.is_some_and(|now| Timestamp::from_unix_millis(millis) > now) {
        report.add(&rules::TIMESTAMP_FUTURE, place, format!("the member {name} is in the future"));
    }
}

/// Members that the definition does not name.
fn unknown(report: &mut Report<'_>, dialect: &Dialect, event: &OnWire<'_>, fields: &[Field]) {
    let known = |name: &str| {
        name == "subject"
            || fields.iter().any(|field| dialect.wire_name(field.name) == name)
            || event.rules.is_some_and(|rules| rules.names(name))
            || event.kind.is_some_and(|kind| kind.forbidden.contains(&name))
    };
    for name in event.members.keys().filter(|name| !known(name)) {
        let names = fields.iter().map(|field| dialect.wire_name(field.name));
        let absent = names.filter(|name| !event.members.has(name));
        if let Some(meant) = near::meant(name, absent.chain(["subject"])) {
            let message = format!("{} has no such member; did you mean {meant}?", event.name());
            report.add(&rules::EVENT_MEMBER_MISSPELT, event.place(name), message);
        } else {
            let message = format!("the specification of {} defines no such member", event.name());
            report.add(&rules::EVENT_MEMBER_UNKNOWN, event.place(name), message);
        }
    }
}

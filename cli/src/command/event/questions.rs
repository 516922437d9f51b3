//! The questions of `ssf event new`. The catalogue says what is asked, and the core judges each answer as it is typed.

use std::rc::Rc;

use serde_json::{Map, Value, json};
use ssf_transmitter::{
    Dialect, Error, Event, Subject,
    catalogue::{EVENTS, EventType, Field, FieldType, MemberType, Placement, SUBJECT_FORMATS, SubjectMember},
    lint::{Linter, Severity},
};

use super::super::{
    Class, Failure, Result,
    ask::{Reader, any, said, select, text},
    event_line::EventLine,
    members,
};

/// The choice that leaves a member out.
const NONE: &str = "(none)";

/// Asks for an event that the receiver accepts.
pub(super) fn ask(dialect: &Dialect) -> Result<EventLine> {
    let event = event_type(dialect)?;
    let uri = uri(event)?;
    let subject = if event.placement == Placement::None { None } else { Some(subject(event)?) };
    let mut given = Map::new();
    for field in event.fields {
        if field.only_for.is_none_or(|receiver| receiver == dialect.id())
            && let Some(value) = member(field, &given, &uri, dialect)?
        {
            given.insert(field.name.to_owned(), value);
        }
    }
    let txn = if event.requires_txn {
        text("txn", "The transaction: the same value in all SETs with the same cause", true, &[], &any())?
    } else {
        None
    };
    Ok(EventLine {
        event: Event::from_value(json!({ uri: given }))?,
        subject,
        txn: txn.as_ref().and_then(Value::as_str).map(str::to_owned),
        toe: None,
        jti: None,
    })
}

fn event_type(dialect: &Dialect) -> Result<&'static EventType> {
    // A companion travels beside another event.
    let events = EVENTS.iter().filter(|event| dialect.takes(event) && !event.companion);
    let choices = events.map(|event| format!("{}  {}", event.id, event.title)).collect();
    let chosen = select("Event", "Type to filter", choices)?;
    Ok(EventType::by_name(chosen.split_whitespace().next().unwrap_or_default())?)
}

/// The URI of the event type. The part in braces is the sender's.
fn uri(event: &EventType) -> Result<String> {
    let parts = event.uri.split_once('{').and_then(|(start, rest)| Some((start, rest.split_once('}')?)));
    let Some((start, (name, end))) = parts else { return Ok(event.uri.to_owned()) };
    let part = text(name, "The part of the event type URI that is yours", true, &[], &any())?;
    Ok(format!("{start}{}{end}", part.as_ref().and_then(Value::as_str).unwrap_or_default()))
}

fn subject(event: &EventType) -> Result<Subject> {
    let formats = SUBJECT_FORMATS.iter();
    let formats = formats.filter(|format| event.formats.is_empty() || event.formats.contains(&format.name));
    let choices = formats.map(|format| format!("{}  {}", format.name, format.title)).collect();
    let chosen = select("Subject", "Whom or what the event is about, by which identifier", choices)?;
    let name = chosen.split_whitespace().next().unwrap_or_default();
    let Some(format) = SUBJECT_FORMATS.iter().find(|format| format.name == name) else {
        return Err(Failure::new(Class::Other, "the format of the subject is not known"));
    };
    if format.members.iter().any(|member| matches!(member.kind, MemberType::Subject | MemberType::Subjects)) {
        let read = |text: &str| Subject::from_json(text).map(Value::from).map_err(|error| said(&error));
        let read: Reader = Rc::new(read);
        let answer = text("subject", format.doc, true, &[], &read)?;
        return Ok(Subject::from_json(&answer.unwrap_or_default().to_string())?);
    }
    let mut members = Map::from_iter([("format".to_owned(), format.name.into())]);
    for member in format.members {
        if let Some(value) = subject_member(member, &members)? {
            members.insert(member.name.to_owned(), value);
        }
    }
    Ok(Subject::from_members(members))
}

fn subject_member(member: &'static SubjectMember, given: &Map<String, Value>) -> Result<Option<Value>> {
    let given = given.clone();
    let read = move |text: &str| {
        let value = match member.kind {
            MemberType::Strings => text.split(',').map(str::trim).collect::<Vec<_>>().into(),
            _ => Value::from(text),
        };
        let mut members = given.clone();
        members.insert(member.name.to_owned(), value.clone());
        match Subject::from_members(members).validate() {
            Err(error) if concerns(&error, &format!("/{}", member.name)) => Err(said(&error)),
            _ => Ok(value),
        }
    };
    let read: Reader = Rc::new(read);
    text(member.name, member.doc, member.required, &[], &read)
}

/// Asks for a member of the event, which the linter of the receiver judges together with those before it.
fn member(
    field: &'static Field,
    given: &Map<String, Value>,
    uri: &str,
    dialect: &Dialect,
) -> Result<Option<Value>> {
    let (known, is_closed): (&'static [&'static str], bool) = match field.kind {
        FieldType::Boolean => (&["true", "false"], true),
        FieldType::Enum { values, open } => (values, !open),
        _ => (&[], false),
    };
    let help = members::help(field);
    if is_closed {
        let none = (!field.required).then_some(NONE);
        let choices = none.into_iter().chain(known.iter().copied()).map(str::to_owned).collect();
        let chosen = select(field.name, &help, choices)?;
        return match chosen.as_str() {
            NONE => Ok(None),
            value => members::read(field.kind, value).map(Some).map_err(Failure::usage),
        };
    }
    let (uri, linter, given) = (uri.to_owned(), Linter::new(dialect), given.clone());
    let read: Reader = Rc::new(move |text| {
        let value = members::read(field.kind, text)?;
        let whole = match field.kind {
            FieldType::List => Value::Array(vec![value.clone()]),
            _ => value.clone(),
        };
        let mut members = given.clone();
        members.insert(field.name.to_owned(), whole);
        let place = format!("/{}", field.name);
        let event = Event::from_value(json!({ uri.as_str(): members })).map_err(|error| said(&error))?;
        let findings = linter.event(&event, None);
        let mut errors = findings.iter().filter(|finding| finding.severity() == Severity::Error);
        let wrong = errors.find(|finding| finding.pointer().contains(&place));
        wrong.map_or(Ok(value), |finding| Err(finding.message().to_owned()))
    });
    if !members::is_repeatable(field) {
        return text(field.name, &help, field.required, known, &read);
    }
    let mut values = Vec::new();
    while let Some(value) = text(field.name, &help, field.required && values.is_empty(), known, &read)? {
        values.push(value);
    }
    if values.is_empty() {
        return Ok(None);
    }
    members::joined(field, values).map(Some).map_err(|error| Failure::usage(error.to_string()))
}

/// Whether an error is about what is at this pointer.
fn concerns(error: &Error, pointer: &str) -> bool {
    error.pointer().is_some_and(|place| place.starts_with(pointer))
}

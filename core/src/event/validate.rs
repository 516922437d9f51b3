//! Checks an event against its definition in the catalogue.

use serde_json::Value;

use super::{Event, event_pointer};
use crate::{
    catalogue::{EventType, Field, FieldType, MemberKind},
    error::{Error, ErrorCode, Result, pointer_step},
    json::ByName,
    subject,
    time::SECONDS_LIMIT,
};

/// A number of milliseconds between these two can only be meant as seconds (2001 to 5138).
const LOOKS_LIKE_SECONDS: std::ops::Range<f64> = 1e9..SECONDS_LIMIT;

pub(crate) fn check(event: &Event, takes_milliseconds: bool) -> Result<()> {
    let place = |name: &str| event_pointer(&event.uri) + &pointer_step(name);
    let Some(kind) = event.event_type() else {
        return check_uri(&event.uri);
    };
    // Those of the catalogue are URIs, unless a part of one was given.
    if kind.uri != event.uri {
        check_uri(&event.uri)?;
    }
    for name in kind.forbidden {
        if event.members.has(name) {
            let message = format!("the event {} must not have the member {name}", kind.id);
            return Err(Error::new(ErrorCode::EventMemberForbidden, message).at(place(name)));
        }
    }
    for field in kind.fields {
        match event.members.member(field.name) {
            Some(value) if takes_milliseconds && is_milliseconds(field, value) => {}
            Some(value) => {
                check_member(kind, field, value).map_err(|error| error.within(&place(field.name)))?;
            }
            None if field.required => {
                let message = format!("the event {} requires the member {}", kind.id, field.name);
                return Err(Error::new(ErrorCode::EventMemberMissing, message).at(place(field.name)));
            }
            None => {}
        }
    }
    Ok(())
}

/// Whether a point in time can only be meant in milliseconds.
pub(crate) fn is_milliseconds(field: &Field, value: &Value) -> bool {
    field.kind == FieldType::Timestamp && value.as_f64().is_some_and(|number| number.abs() >= SECONDS_LIMIT)
}

/// RFC 8417 §2.2: the keys of `events` are URIs.
pub(crate) fn check_uri(uri: &str) -> Result<()> {
    if subject::is_uri(uri) {
        return Ok(());
    }
    let message = "an event type must be an absolute URI";
    Err(Error::new(ErrorCode::EventUriInvalid, message).at(event_pointer(uri)))
}

/// Checks a member against its definition.
pub(crate) fn check_member(kind: &EventType, field: &Field, value: &Value) -> Result<()> {
    let wrong_type = |expected: &str| {
        let message = format!("the member {} of {} must be {expected}", field.name, kind.id);
        Err(Error::new(ErrorCode::EventMemberType, message))
    };
    let wrong_value = |expected: &str| {
        let message = format!("the member {} of {} {expected}", field.name, kind.id);
        Err(Error::new(ErrorCode::EventMemberValue, message))
    };
    let wrong_unit = |expected: &str, given: &str| {
        let message = format!("the member {} of {} must be in {expected}, not {given}", field.name, kind.id);
        Err(Error::new(ErrorCode::TimestampUnit, message))
    };

    match (field.kind, value) {
        (FieldType::String | FieldType::Enum { open: true, .. }, Value::String(text)) if text.is_empty() => {
            wrong_value("must not be empty")
        }
        (FieldType::Enum { open: false, values }, Value::String(text))
            if !values.contains(&text.as_str()) =>
        {
            wrong_value(&format!("must be one of {}", values.join(", ")))
        }
        (FieldType::Timestamp, Value::Number(number)) => {
            if number.as_f64().is_some_and(|seconds| seconds.abs() < SECONDS_LIMIT) {
                Ok(())
            } else {
                wrong_unit("seconds", "milliseconds")
            }
        }
        (FieldType::Milliseconds, Value::Number(number)) => match number.as_i64() {
            None => wrong_type("a whole number of milliseconds"),
            Some(_) if number.as_f64().is_some_and(|millis| LOOKS_LIKE_SECONDS.contains(&millis)) => {
                wrong_unit("milliseconds", "seconds")
            }
            Some(_) => Ok(()),
        },
        (FieldType::Localized, Value::Object(texts)) => {
            if texts.is_empty() {
                return wrong_value("must have text in at least one language");
            }
            for (language, text) in texts {
                let checked = match text {
                    _ if !is_language_tag(language) => {
                        wrong_value("must have BCP 47 language tags as names, such as en")
                    }
                    Value::String(_) => Ok(()),
                    _ => wrong_type("an object of strings by language"),
                };
                checked.map_err(|error| error.at(pointer_step(language)))?;
            }
            Ok(())
        }
        (FieldType::List, Value::Array(items)) => match items.iter().position(|item| !item.is_string()) {
            Some(index) => wrong_type("a list of strings").map_err(|error| error.at(format!("/{index}"))),
            None => Ok(()),
        },
        (FieldType::Object, Value::Object(object)) if field.non_empty && object.is_empty() => {
            wrong_value("must have at least one member")
        }
        (FieldType::Object, Value::Object(object)) => {
            let there = |(name, _): &(&str, MemberKind)| object.has(name);
            if field.any_member && !field.members.iter().any(there) {
                let names: Vec<_> = field.members.iter().map(|(name, _)| *name).collect();
                return wrong_value(&format!("must contain one of {}", names.join(", ")));
            }
            let fits = |(name, kind): &(&str, MemberKind)| match (kind, object.member(name)) {
                (_, None) | (MemberKind::String, Some(Value::String(_))) => true,
                (MemberKind::Number, Some(value)) => value.is_number(),
                (MemberKind::String, Some(_)) => false,
            };
            match field.members.iter().find(|member| !fits(member)) {
                Some((name, kind)) => {
                    let expected = if *kind == MemberKind::String { "a string" } else { "a number" };
                    wrong_type(&format!("an object whose member {name} is {expected}"))
                        .map_err(|error| error.at(pointer_step(name)))
                }
                None => Ok(()),
            }
        }
        (FieldType::Subject, Value::Object(_)) => subject::check_value(value),
        (FieldType::Integer, Value::Number(number)) if !number.is_i64() => wrong_type("a whole number"),
        (FieldType::String | FieldType::Enum { .. }, Value::String(_))
        | (FieldType::Boolean, Value::Bool(_))
        | (FieldType::Integer, Value::Number(_)) => Ok(()),
        (FieldType::String | FieldType::Enum { .. }, _) => wrong_type("a string"),
        (FieldType::Boolean, _) => wrong_type("true or false"),
        (FieldType::Integer, _) => wrong_type("a whole number"),
        (FieldType::Timestamp, _) => wrong_type("a number of seconds since 1970"),
        (FieldType::Milliseconds, _) => wrong_type("a whole number of milliseconds"),
        (FieldType::Localized, _) => {
            wrong_type("an object of strings by language, such as { \"en\": \"…\" }")
        }
        (FieldType::List, _) => wrong_type("a list of strings"),
        (FieldType::Object, _) => wrong_type("an object"),
        (FieldType::Subject, _) => wrong_type("a subject identifier"),
    }
}

/// The outline of a BCP 47 tag: parts of one to eight letters or digits, the first of letters.
fn is_language_tag(tag: &str) -> bool {
    tag.split('-').enumerate().all(|(index, part)| {
        let fits = |byte: u8| byte.is_ascii_alphabetic() || (index > 0 && byte.is_ascii_digit());
        (1..=8).contains(&part.len()) && part.bytes().all(fits)
    })
}

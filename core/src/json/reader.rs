//! Reads JSON and notes what a plain value does not show any more, in one pass.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, map::Entry};

use super::{is, scan};
use crate::error::{Error, ErrorCode, pointer_step};

/// What was read, and what of it is not as it was written.
pub(crate) struct Reading {
    pub(crate) value: Value,
    /// In the order of the text.
    pub(crate) problems: Vec<Problem>,
}

/// A value that is not as it was written.
pub(crate) struct Problem {
    pub(crate) kind: Kind,
    pub(crate) pointer: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// The name occurs twice in its object.
    Duplicate,
    /// An integer of more than 64 bits.
    Integer,
    /// More digits than a double holds.
    Decimal,
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        let (code, message) = match problem.kind {
            Kind::Duplicate => (ErrorCode::JsonInvalid, "duplicate name in an object"),
            Kind::Integer => (ErrorCode::NumberNotExact, "the integer has more than 64 bits"),
            Kind::Decimal => {
                (ErrorCode::NumberNotExact, "the number has more digits than a double can represent")
            }
        };
        Self::new(code, message).at(problem.pointer)
    }
}

/// Why a text could not be read to its end.
pub(crate) struct Broken {
    reason: Reason,
    /// Line and column.
    position: (usize, usize),
    pointer: String,
}

enum Reason {
    TooDeep,
    Surrogate,
    /// A number beyond the doubles, such as `1e400`.
    Range,
    Syntax,
}

impl Broken {
    /// The error of it; `what` names the text.
    pub(crate) fn into_error(self, what: &str) -> Error {
        let (code, message) = match self.reason {
            Reason::TooDeep => (ErrorCode::ValueTooDeep, "the value is nested too deep"),
            Reason::Surrogate => (ErrorCode::TextNotUnicode, "the string contains an unpaired surrogate"),
            Reason::Range => (ErrorCode::NumberNotExact, "the number is outside the range of a double"),
            Reason::Syntax => {
                // Only the place: the parser's own text could quote the input.
                let (line, column) = self.position;
                let message = format!("{what} {} not JSON: line {line} column {column}", is(what));
                return Error::new(ErrorCode::JsonInvalid, message);
            }
        };
        Error::new(code, message).at(self.pointer)
    }
}

/// Reads JSON that may be nested at most `room` levels deep.
pub(crate) fn read(json: &[u8], room: usize) -> Result<Reading, Broken> {
    let mut notes = Notes { room, ..Notes::default() };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let read = Node(&mut notes).deserialize(&mut deserializer);
    let value = match read.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => value,
        Err(error) => return Err(notes.broken(json, &error)),
    };
    let mut problems: Vec<Problem> = notes
        .duplicates
        .into_iter()
        .map(|path| Problem { kind: Kind::Duplicate, pointer: pointer(path) })
        .collect();
    // A member that was written over would put the count of numbers out of step.
    if notes.floats && problems.is_empty() {
        problems = inexact(json, &value);
    }
    Ok(Reading { value, problems })
}

/// The numbers that are other ones in `value` than in its text.
fn inexact(json: &[u8], value: &Value) -> Vec<Problem> {
    let wrong = scan::numbers(json).enumerate().filter(|(_, literal)| !scan::is_exact(literal));
    let place = |(mut index, literal): (usize, &str)| {
        let kind = if scan::is_integer(literal) { Kind::Integer } else { Kind::Decimal };
        Some(Problem { kind, pointer: nth_number(value, &mut index)? })
    };
    wrong.filter_map(place).collect()
}

/// Where the number is that has `index` numbers before it.
fn nth_number(value: &Value, index: &mut usize) -> Option<String> {
    match value {
        Value::Number(_) if *index == 0 => Some(String::new()),
        Value::Number(_) => {
            *index -= 1;
            None
        }
        Value::Array(items) => items.iter().enumerate().find_map(|(position, item)| {
            nth_number(item, index).map(|inside| format!("/{position}{inside}"))
        }),
        Value::Object(members) => members
            .iter()
            .find_map(|(name, member)| nth_number(member, index).map(|inside| pointer_step(name) + &inside)),
        _ => None,
    }
}

/// A pointer of steps, the innermost first.
fn pointer(path: Vec<String>) -> String {
    path.into_iter().rev().collect()
}

/// What is noted on the way.
#[derive(Default)]
struct Notes {
    /// So many objects and lists may still be opened.
    room: usize,
    too_deep: bool,
    /// A number was read as a float, which it may not be.
    floats: bool,
    /// Paths of names that occur twice, the innermost step first.
    duplicates: Vec<Vec<String>>,
    /// The way to where reading ended early, the innermost step first.
    path: Vec<String>,
}

impl Notes {
    fn enter<E: serde::de::Error>(&mut self) -> Result<(), E> {
        let Some(room) = self.room.checked_sub(1) else {
            self.too_deep = true;
            return Err(E::custom("too deep"));
        };
        self.room = room;
        Ok(())
    }

    /// Reads a member or an item with what `read` does, and puts `step` before the places inside it.
    fn inside<T, E>(
        &mut self,
        step: impl Fn() -> String,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let known = self.duplicates.len();
        let result = read(self);
        for path in &mut self.duplicates[known..] {
            path.push(step());
        }
        if result.is_err() {
            self.path.push(step());
        }
        result
    }

    /// Why reading ended early. Everything before that place was read, so the last thing there is the reason.
    fn broken(self, json: &[u8], error: &serde_json::Error) -> Broken {
        let position = (error.line(), error.column());
        let seen = &json[..scan::offset(json, position)];
        let reason = if self.too_deep {
            Reason::TooDeep
        } else if scan::has_lone_surrogate(seen) {
            Reason::Surrogate
        } else if scan::numbers(seen).any(|literal| literal.parse::<f64>().is_ok_and(f64::is_infinite)) {
            Reason::Range
        } else {
            Reason::Syntax
        };
        Broken { reason, position, pointer: pointer(self.path) }
    }
}

/// A value to be read.
struct Node<'a>(&'a mut Notes);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let Self(notes) = self;
        notes.enter()?;
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = notes.inside(|| pointer_step(&name), |notes| map.next_value_seed(Node(notes)))?;
            match members.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(value);
                }
                Entry::Occupied(mut entry) => {
                    notes.duplicates.push(vec![pointer_step(entry.key())]);
                    entry.insert(value);
                }
            }
        }
        notes.room += 1;
        Ok(Value::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let Self(notes) = self;
        notes.enter()?;
        let mut items = Vec::new();
        while let Some(item) =
            notes.inside(|| format!("/{}", items.len()), |notes| list.next_element_seed(Node(notes)))?
        {
            items.push(item);
        }
        notes.room += 1;
        Ok(Value::Array(items))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        self.0.floats = true;
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

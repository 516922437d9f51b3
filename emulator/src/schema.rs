//! What an object must look like, as tables, and the one interpreter for them.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::subject::{self, SubjectShape};

/// The members of an object. Members that are not listed may be there (SSF §4.2.3).
pub(crate) struct Members {
    pub(crate) list: &'static [Member],
    /// At least one of these is required; empty if there is no such rule.
    pub(crate) any_of: &'static [&'static str],
}

/// One member of an object.
pub(crate) struct Member {
    name: &'static str,
    required: bool,
    shape: Shape,
}

/// What the value of a member looks like.
pub(crate) enum Shape {
    Any,
    /// A string with something in it.
    Text,
    /// A string out of a closed list.
    OneOf(&'static [&'static str]),
    TextArray,
    Number,
    Integer,
    /// Seconds since 1970: a number that is not so large that it must be milliseconds.
    Seconds,
    IpAddress,
    /// An object with at least so many members.
    Object(usize),
    /// An object with these members.
    Members(Members),
    /// Text by language (CAEP §2): an object of strings with at least one member, and with this one if given.
    Localized(Option<&'static str>),
    /// A subject in one of these shapes.
    Subject(&'static [SubjectShape]),
}

/// Seconds would reach this in the year 5138, milliseconds did in 1973.
const CERTAINLY_MILLISECONDS: f64 = 1e11;

pub(crate) const fn required(name: &'static str, shape: Shape) -> Member {
    Member { name, required: true, shape }
}

pub(crate) const fn optional(name: &'static str, shape: Shape) -> Member {
    Member { name, required: false, shape }
}

pub(crate) const fn members(list: &'static [Member]) -> Members {
    Members { list, any_of: &[] }
}

/// The first thing found wrong.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Defect {
    /// Names from the inside out.
    path: Vec<String>,
    problem: Problem,
}

#[derive(Debug, Eq, PartialEq)]
enum Problem {
    Missing,
    Wrong(String),
}

/// How a receiver words its complaints.
pub(crate) struct Wording {
    pub(crate) lead: &'static str,
    pub(crate) missing: &'static str,
    /// Whether member names are written in camelCase.
    pub(crate) camel_case: bool,
}

impl Defect {
    pub(crate) fn missing(name: impl Into<String>) -> Self {
        Self { path: vec![name.into()], problem: Problem::Missing }
    }

    pub(crate) fn wrong(text: impl Into<String>) -> Self {
        Self { path: Vec::new(), problem: Problem::Wrong(text.into()) }
    }

    /// The same, seen from the object that has the faulty one as its member `name`.
    pub(crate) fn at(mut self, name: impl Into<String>) -> Self {
        self.path.push(name.into());
        self
    }

    pub(crate) fn describe(&self, wording: &Wording) -> String {
        let names: Vec<_> = self
            .path
            .iter()
            .rev()
            .map(|name| if wording.camel_case { camel_case(name) } else { name.clone() })
            .collect();
        let problem = match &self.problem {
            Problem::Missing => wording.missing,
            Problem::Wrong(text) => text,
        };
        format!("{}'{}': {problem}", wording.lead, names.join("."))
    }
}

impl Members {
    pub(crate) fn check(&self, object: &Map<String, Value>) -> Result<(), Defect> {
        for member in self.list {
            match object.get(member.name) {
                None | Some(Value::Null) if member.required => return Err(Defect::missing(member.name)),
                None => {}
                Some(value) => member.shape.check(value).map_err(|defect| defect.at(member.name))?,
            }
        }
        let satisfied = self.any_of.is_empty() || self.any_of.iter().any(|name| object.contains_key(*name));
        if satisfied { Ok(()) } else { Err(Defect::missing(self.any_of.join(" or "))) }
    }
}

impl Shape {
    fn check(&self, value: &Value) -> Result<(), Defect> {
        let fits = match self {
            Self::Any => true,
            Self::Text => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::OneOf(list) => value.as_str().is_some_and(|text| list.contains(&text)),
            Self::TextArray => value.as_array().is_some_and(|array| array.iter().all(Value::is_string)),
            Self::Number => value.is_number(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Seconds => value.as_f64().is_some_and(|number| number.abs() < CERTAINLY_MILLISECONDS),
            Self::IpAddress => value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok()),
            Self::Object(least) => value.as_object().is_some_and(|object| object.len() >= *least),
            Self::Members(members) => {
                return members.check(value.as_object().ok_or_else(|| Defect::wrong("must be an object"))?);
            }
            Self::Localized(language) => return localized(value, *language),
            Self::Subject(shapes) => return subject::check(value, shapes),
        };
        if fits { Ok(()) } else { Err(Defect::wrong(self.demand())) }
    }

    fn demand(&self) -> String {
        match self {
            Self::Any => String::new(),
            Self::Text => "must be a string that is not empty".to_owned(),
            Self::OneOf(list) => format!("must be one of {}", list.join(", ")),
            Self::TextArray => "must be an array of strings".to_owned(),
            Self::Number => "must be a number".to_owned(),
            Self::Integer => "must be an integer".to_owned(),
            Self::Seconds => "must be a number of seconds".to_owned(),
            Self::IpAddress => "must be an IP address".to_owned(),
            Self::Object(0) | Self::Members(_) | Self::Subject(_) => "must be an object".to_owned(),
            Self::Object(least) => format!("must be an object with at least {least} member"),
            Self::Localized(_) => "must be an object of texts by language".to_owned(),
        }
    }
}

fn localized(value: &Value, language: Option<&'static str>) -> Result<(), Defect> {
    let texts = value
        .as_object()
        .filter(|texts| !texts.is_empty() && texts.values().all(Value::is_string))
        .ok_or_else(|| Defect::wrong(Shape::Localized(language).demand()))?;
    match language {
        Some(language) if !texts.contains_key(language) => Err(Defect::missing(language)),
        _ => Ok(()),
    }
}

fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.chars() {
        match letter {
            '_' | '-' => raise = true,
            letter if raise => {
                camel.extend(letter.to_uppercase());
                raise = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}

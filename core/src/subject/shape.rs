//! The forms in which receivers want a subject identifier.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{FORMAT, Subject};
use crate::{catalogue::Shape, error::pointer_step, json::ByName};

/// The discriminator of RISC drafts, now deprecated (RISC 1.0 §3.1).
const SUBJECT_TYPE: &str = "subject_type";

/// Names of formats in drafts up to 2020, where they differ from today's.
const LEGACY_NAMES: &[(&str, &str)] = &[
    ("iss_sub", "iss-sub"),
    ("jwt_id", "jwt-id"),
    ("phone_number", "phone-number"),
    ("saml_assertion_id", "saml-assertion-id"),
];

/// Another name for a format and its members.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rename {
    format: String,
    #[serde(default)]
    members: BTreeMap<String, String>,
}

/// A form of subject identifiers, as a dialect sets it.
pub(crate) struct SubjectShape<'a> {
    pub(crate) shape: Shape,
    /// A simple subject becomes this member of a complex one.
    pub(crate) wrap: Option<&'a str>,
    /// The members that a complex subject may have; none listed: any.
    pub(crate) members: &'a [String],
    pub(crate) rename: &'a BTreeMap<String, Rename>,
}

/// Why a subject cannot be read in a form.
#[derive(Debug)]
pub(crate) struct FormProblem {
    /// Where, inside the subject.
    pub(crate) pointer: String,
    pub(crate) message: String,
    /// It is the form; otherwise it is something that the receiver does not take.
    pub(crate) form: bool,
}

impl FormProblem {
    fn form(member: &str, message: impl Into<String>) -> Self {
        Self { pointer: pointer_step(member), message: message.into(), form: true }
    }

    fn within(self, member: &str) -> Self {
        Self { pointer: pointer_step(member) + &self.pointer, ..self }
    }
}

/// Whether every member is an object, and there is one.
fn of_objects(members: &Map<String, Value>) -> bool {
    !members.is_empty() && members.values().all(Value::is_object)
}

/// No other names.
static NO_RENAMES: BTreeMap<String, Rename> = BTreeMap::new();

impl SubjectShape<'_> {
    /// As RFC 9493 has it.
    pub(crate) const MODERN: Self =
        Self { shape: Shape::Modern, wrap: None, members: &[], rename: &NO_RENAMES };

    /// The subject in this form.
    pub(crate) fn apply(&self, subject: &Subject) -> Value {
        match (subject.format(), self.wrap) {
            ("complex", _) => self.complex(&subject.members),
            (_, Some(member)) => {
                let inner = self.simple(&subject.members);
                self.outer([(member.to_owned(), inner)].into_iter().collect())
            }
            _ => self.simple(&subject.members),
        }
    }

    /// The simple subject inside the complex one that [`apply`](Self::apply) would make of it.
    pub(crate) fn unwrapped(&self, subject: Subject) -> Subject {
        let inner = self.wrap.filter(|_| subject.format() == "complex" && subject.members.len() == 2);
        match inner.and_then(|member| subject.members.member(member)) {
            Some(Value::Object(members)) => Subject::from_members(members.clone()),
            _ => subject,
        }
    }

    /// The way back: the members of a subject in this form, in the form of RFC 9493.
    pub(crate) fn read(&self, members: &Map<String, Value>) -> Result<Map<String, Value>, FormProblem> {
        let has = |name| members.has(name);
        let complex = match self.shape {
            Shape::Modern if has(SUBJECT_TYPE) && !has(FORMAT) => {
                return Err(FormProblem::form(
                    SUBJECT_TYPE,
                    "the subject must have format, not subject_type",
                ));
            }
            Shape::Modern if !has(FORMAT) && of_objects(members) => {
                return Err(FormProblem::form(
                    FORMAT,
                    "a subject with several parts must have the format complex",
                ));
            }
            Shape::Modern => members.member(FORMAT).and_then(Value::as_str) == Some("complex"),
            Shape::BareComplex | Shape::Legacy
                if members.member(FORMAT).is_some_and(|format| format == "complex") =>
            {
                let message = "the object around the parts of a subject has no format here";
                return Err(FormProblem::form(FORMAT, message));
            }
            Shape::BareComplex | Shape::Legacy => !has(SUBJECT_TYPE) && !has(FORMAT) && of_objects(members),
        };
        if !complex {
            return match self.wrap {
                Some(member) => {
                    let message = format!("the identifier goes into the member {member} of the subject");
                    Err(FormProblem::form(FORMAT, message))
                }
                None => self.read_simple(members),
            };
        }
        let mut read = Map::new();
        read.insert(FORMAT.to_owned(), Value::from("complex"));
        for (name, value) in members.iter().filter(|(name, _)| *name != FORMAT) {
            if !self.members.is_empty() && !self.members.contains(name) {
                let known = self.members.join(", ");
                let message = format!("the receiver accepts only these parts of a subject: {known}");
                return Err(FormProblem { pointer: pointer_step(name), message, form: false });
            }
            let value = match value {
                Value::Object(inner) => {
                    Value::Object(self.read_simple(inner).map_err(|problem| problem.within(name))?)
                }
                other => other.clone(),
            };
            read.insert(name.clone(), value);
        }
        Ok(read)
    }

    /// The member that names the format of a simple subject.
    pub(crate) fn discriminator(&self) -> &'static str {
        if self.shape == Shape::Legacy { SUBJECT_TYPE } else { FORMAT }
    }

    fn read_simple(&self, members: &Map<String, Value>) -> Result<Map<String, Value>, FormProblem> {
        let legacy = self.shape == Shape::Legacy;
        let discriminator = self.discriminator();
        let other = if legacy { FORMAT } else { SUBJECT_TYPE };
        if members.has(other) && !members.has(discriminator) {
            let message = format!("the subject must have {discriminator}, not {other}");
            return Err(FormProblem::form(other, message));
        }
        let Some(Value::String(name)) = members.member(discriminator) else {
            // What is missing or of another type, the checks of the format tell.
            return Ok(members.clone());
        };
        if self.rename.get(name).is_some_and(|rename| rename.format != *name) {
            let message = format!("the receiver calls this format {}", self.rename[name].format);
            return Err(FormProblem::form(discriminator, message));
        }
        let renamed = self.rename.iter().find(|(_, rename)| rename.format == *name);
        let old = LEGACY_NAMES.iter().find(|(_, old)| legacy && old == name).map(|(modern, _)| *modern);
        let format = renamed.map(|(modern, _)| modern.as_str()).or(old).unwrap_or(name);

        let mut read = Map::new();
        read.insert(FORMAT.to_owned(), Value::from(format));
        for (name, value) in members.iter().filter(|(name, _)| *name != discriminator) {
            let own = renamed.and_then(|(_, rename)| rename.members.iter().find(|(_, wire)| *wire == name));
            let value = match (format, value) {
                ("aliases", Value::Array(items)) => {
                    self.read_aliases(items).map_err(|problem| problem.within(name))?
                }
                (_, value) => value.clone(),
            };
            read.insert(own.map_or(name, |(modern, _)| modern).clone(), value);
        }
        Ok(read)
    }

    /// A subject identifier that is a member of an event, beside the subject itself: never wrapped.
    pub(crate) fn apply_inner(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => self.simple(members),
            other => other.clone(),
        }
    }

    fn read_aliases(&self, items: &[Value]) -> Result<Value, FormProblem> {
        let read = |(index, item): (usize, &Value)| match item {
            Value::Object(members) => {
                let members =
                    self.read_simple(members).map_err(|problem| problem.within(&index.to_string()))?;
                Ok(Value::Object(members))
            }
            other => Ok(other.clone()),
        };
        items.iter().enumerate().map(read).collect()
    }

    fn complex(&self, members: &Map<String, Value>) -> Value {
        let parts = members.iter().filter(|(name, _)| *name != FORMAT);
        self.outer(parts.map(|(name, value)| (name.clone(), self.apply_inner(value))).collect())
    }

    /// The outer object of a complex subject.
    fn outer(&self, members: Map<String, Value>) -> Value {
        if self.shape != Shape::Modern {
            return Value::Object(members);
        }
        let mut shaped = Map::new();
        shaped.insert(FORMAT.to_owned(), Value::from("complex"));
        shaped.extend(members);
        Value::Object(shaped)
    }

    fn simple(&self, members: &Map<String, Value>) -> Value {
        let format = members.member(FORMAT).and_then(Value::as_str).unwrap_or_default();
        let rename = self.rename.get(format);
        let legacy = LEGACY_NAMES.iter().find(|(modern, _)| self.shape == Shape::Legacy && *modern == format);
        let legacy = legacy.map(|(_, legacy)| *legacy);
        let name = rename.map(|rename| rename.format.as_str()).or(legacy).unwrap_or(format);

        let mut shaped = Map::new();
        shaped.insert(self.discriminator().to_owned(), Value::from(name));
        for (name, value) in members.iter().filter(|(name, _)| *name != FORMAT) {
            let name = rename.and_then(|rename| rename.members.get(name)).unwrap_or(name);
            let value = match (format, value) {
                ("aliases", Value::Array(items)) => items.iter().map(|item| self.apply_inner(item)).collect(),
                (_, value) => value.clone(),
            };
            shaped.insert(name.clone(), value);
        }
        Value::Object(shaped)
    }
}

//! The forms in which receivers want a subject identifier.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{FORMAT, Subject};
use crate::{
    catalogue::Shape,
    error::{Error, ErrorCode, Result},
};

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

impl SubjectShape<'_> {
    /// The subject in this form.
    pub(crate) fn apply(&self, subject: &Subject) -> Result<Value> {
        match (subject.format(), self.wrap) {
            ("complex", _) => self.complex(&subject.members),
            (_, Some(member)) => {
                let inner = self.simple(&subject.members);
                Ok(self.outer([(member.to_owned(), inner)].into_iter().collect()))
            }
            _ => Ok(self.simple(&subject.members)),
        }
    }

    /// A subject identifier that is a member of an event, beside the subject itself: never wrapped.
    pub(crate) fn apply_inner(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => self.simple(members),
            other => other.clone(),
        }
    }

    fn complex(&self, members: &Map<String, Value>) -> Result<Value> {
        let mut shaped = Map::new();
        for (name, value) in members.iter().filter(|(name, _)| *name != FORMAT) {
            if !self.members.is_empty() && !self.members.contains(name) {
                let known = self.members.join(", ");
                let message = format!("the receiver takes only these members of a complex subject: {known}");
                return Err(Error::new(ErrorCode::SubjectNotAccepted, message)
                    .at(format!("/sub_id{}", crate::error::pointer_step(name))));
            }
            shaped.insert(name.clone(), self.apply_inner(value));
        }
        Ok(self.outer(shaped))
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
        let format = members.get(FORMAT).and_then(Value::as_str).unwrap_or_default();
        let rename = self.rename.get(format);
        let (discriminator, legacy) = match self.shape {
            Shape::Legacy => (SUBJECT_TYPE, LEGACY_NAMES.iter().find(|(modern, _)| *modern == format)),
            Shape::Modern | Shape::BareComplex => (FORMAT, None),
        };
        let legacy = legacy.map(|(_, legacy)| *legacy);
        let name = rename.map(|rename| rename.format.as_str()).or(legacy).unwrap_or(format);

        let mut shaped = Map::new();
        shaped.insert(discriminator.to_owned(), Value::from(name));
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

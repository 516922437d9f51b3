//! Shapes of subjects: the formats of RFC 9493 and SSF §3, and what receivers make of them.

use serde_json::{Map, Value};

use super::schema::{Defect, Member, Shape, members, required};

/// A shape a subject may have.
pub(crate) enum SubjectShape {
    /// Any value.
    Anything,
    /// A simple subject in one of these formats.
    Format(&'static [&'static str]),
    /// A simple subject in any format. A format this table does not know is a private one (SSF §3.5).
    AnyFormat,
    /// `format: complex` with at least one simple subject in it (SSF §3.3).
    Complex,
    /// An object without `format` and with at least one of these simple subjects, each in one of its formats, in
    /// any if it has none: the shape of drafts before SSF 1.0, which Okta and GOV.UK One Login kept.
    Parts(&'static [(&'static str, &'static [&'static str])]),
}

/// The members each format needs beside `format`.
static FORMATS: &[(&str, &[Member])] = &[
    ("account", &[required("uri", Shape::Text)]),
    ("aliases", &[required("identifiers", Shape::Any)]),
    ("did", &[required("url", Shape::Text)]),
    ("email", &[required("email", Shape::Text)]),
    ("ip-addresses", &[required("ip-addresses", Shape::TextArray)]),
    ("iss_sub", &[required("iss", Shape::Text), required("sub", Shape::Text)]),
    ("jwt_id", &[required("iss", Shape::Text), required("jti", Shape::Text)]),
    ("opaque", &[required("id", Shape::Text)]),
    // Not registered: the spelling of GOV.UK's schemas.
    ("phone", &[required("phone", Shape::Text)]),
    ("phone_number", &[required("phone_number", Shape::Text)]),
    ("saml_assertion_id", &[required("issuer", Shape::Text), required("assertion_id", Shape::Text)]),
    ("scim", &[required("uri", Shape::Text)]),
    ("uri", &[required("uri", Shape::Text)]),
];

/// Whether a subject has one of these shapes. With several to choose from, the complaint is about the first.
pub(crate) fn check(value: &Value, shapes: &[SubjectShape]) -> Result<(), Defect> {
    let mut first = None;
    for shape in shapes {
        match shape.check(value) {
            Ok(()) => return Ok(()),
            Err(defect) => {
                first.get_or_insert(defect);
            }
        }
    }
    first.map_or(Ok(()), Err)
}

impl SubjectShape {
    fn check(&self, value: &Value) -> Result<(), Defect> {
        if matches!(self, Self::Anything) {
            return Ok(());
        }
        let subject = object(value)?;
        match self {
            Self::Anything => Ok(()),
            Self::Format(formats) => simple(subject, formats),
            Self::AnyFormat => simple(subject, &[]),
            Self::Complex => complex(subject),
            Self::Parts(parts) => {
                if subject.contains_key("format") {
                    return Err(
                        Defect::wrong("must not be here, the members of the subject have it").at("format")
                    );
                }
                if !parts.iter().any(|(name, _)| subject.contains_key(*name)) {
                    let names: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
                    return Err(Defect::missing(names.join(" or ")));
                }
                parts.iter().try_for_each(|(name, formats)| match subject.get(*name) {
                    Some(value) => part(name, value, formats),
                    None => Ok(()),
                })
            }
        }
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>, Defect> {
    value.as_object().ok_or_else(|| Defect::wrong("must be an object"))
}

fn part(name: &str, value: &Value, formats: &[&str]) -> Result<(), Defect> {
    object(value).and_then(|part| simple(part, formats)).map_err(|defect| defect.at(name))
}

/// A subject with `format` and the members of that format; an empty list of formats allows any but `complex`,
/// which does not nest (SSF §3.3).
fn simple(subject: &Map<String, Value>, formats: &[&str]) -> Result<(), Defect> {
    let format = subject.get("format").ok_or_else(|| Defect::missing("format"))?;
    let format = format
        .as_str()
        .filter(|format| !format.is_empty())
        .ok_or_else(|| Defect::wrong("must be a string that is not empty").at("format"))?;
    if !formats.is_empty() && !formats.contains(&format) {
        return Err(Defect::wrong(format!("must be one of {}", formats.join(", "))).at("format"));
    }
    if format == "complex" {
        return Err(Defect::wrong("must be that of a simple subject").at("format"));
    }
    match FORMATS.iter().find(|(name, _)| *name == format) {
        Some((_, list)) => members(list).check(subject),
        None => Ok(()),
    }
}

fn complex(subject: &Map<String, Value>) -> Result<(), Defect> {
    if subject.get("format").and_then(Value::as_str) != Some("complex") {
        return Err(Defect::wrong("must be complex").at("format"));
    }
    let mut parts = subject.iter().filter(|(name, _)| *name != "format").peekable();
    if parts.peek().is_none() {
        return Err(Defect::wrong("must have a simple subject in it"));
    }
    parts.try_for_each(|(name, value)| part(name, value, &[]))
}

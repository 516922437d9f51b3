//! Subject identifiers (RFC 9493, SSF 1.0 §3).

mod check;
mod formats;
mod shape;

use std::fmt;

use serde_json::{Map, Value};

pub(crate) use check::is_uri;
pub(crate) use shape::{FormProblem, Rename, SubjectShape};

use crate::{
    error::{Error, ErrorCode, Result},
    json::{self, ByName},
};

/// A subject identifier.
///
/// The constructors accept any value; [`validate`](Self::validate), and building a SET, check it against its
/// format. `Debug` shows the format and nothing else.
///
/// ```
/// use ssf_transmitter::{ComplexSubject, Subject};
///
/// let user = Subject::email("ada@example.com");
/// let device = Subject::opaque("laptop-7");
/// let both = Subject::from(ComplexSubject::new().with_user(user).with_device(device));
/// assert!(both.validate().is_ok());
/// assert_eq!(format!("{both:?}"), "Subject(complex)");
/// ```
#[derive(Clone, PartialEq)]
pub struct Subject {
    members: Map<String, Value>,
    /// Whether formats that the catalogue does not know are meant, here or inside.
    private_formats: bool,
}

/// The discriminator of RFC 9493 §3.
const FORMAT: &str = "format";

impl Subject {
    /// Reads a subject identifier from JSON, and checks it like [`validate`](Self::validate).
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, Subject};
    ///
    /// let subject = Subject::from_json(r#"{ "format": "opaque", "id": 42 }"#);
    /// assert_eq!(subject.unwrap_err().code(), ErrorCode::SubjectMemberType);
    /// ```
    pub fn from_json(json: &str) -> Result<Self> {
        Self::read(json, false)
    }

    /// A subject in a private format that the parties agreed on (SSF 1.0 §3.4).
    ///
    /// ```
    /// use ssf_transmitter::Subject;
    ///
    /// let item = Subject::custom("catalog_item", [("catalog_id", "c0384/winter/2354122")]);
    /// assert!(item.validate().is_ok());
    /// ```
    pub fn custom(
        format: impl Into<String>,
        members: impl IntoIterator<Item = (impl Into<String>, impl Into<Value>)>,
    ) -> Self {
        let mut all: Map<_, _> =
            members.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        all.insert(FORMAT.to_owned(), Value::String(format.into()));
        Self { members: all, private_formats: true }
    }

    /// Reads a subject identifier from JSON in which private formats are meant (SSF 1.0 §3.4), itself or those inside it,
    /// and checks what is known of it.
    ///
    /// ```
    /// use ssf_transmitter::Subject;
    ///
    /// let json = r#"{ "format": "catalog_item", "catalog_id": "c0384/winter/2354122" }"#;
    /// assert!(Subject::from_json(json).is_err());
    /// assert_eq!(Subject::custom_from_json(json)?.format(), "catalog_item");
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn custom_from_json(json: &str) -> Result<Self> {
        Self::read(json, true)
    }

    /// A subject identifier of members that you have already, `format` among them. It is checked when a SET is prepared.
    ///
    /// ```
    /// use serde_json::json;
    /// use ssf_transmitter::Subject;
    ///
    /// let subject = Subject::from_members([("format", json!("email")), ("email", json!("nobody"))]);
    /// assert!(subject.validate().is_err());
    /// ```
    pub fn from_members(members: impl IntoIterator<Item = (impl Into<String>, impl Into<Value>)>) -> Self {
        let members = members.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { members, private_formats: false }
    }

    /// The same subject, in which private formats that the parties agreed on are meant (SSF 1.0 §3.4), itself or those inside it.
    ///
    /// ```
    /// use serde_json::json;
    /// use ssf_transmitter::Subject;
    ///
    /// let item = Subject::from_members([("format", json!("catalog_item")), ("catalog_id", json!("c0384"))]);
    /// assert!(item.validate().is_err());
    /// assert!(item.with_private_formats().validate().is_ok());
    /// ```
    pub fn with_private_formats(self) -> Self {
        Self { private_formats: true, ..self }
    }

    /// Whether private formats are meant.
    pub(crate) fn has_private_formats(&self) -> bool {
        self.private_formats
    }

    /// Reads a subject identifier as [`from_json`](Self::from_json) does, and checks it no further: that is done when a SET
    /// is prepared.
    ///
    /// ```
    /// use ssf_transmitter::Subject;
    ///
    /// let subject = Subject::parse(r#"{ "format": "email", "email": "nobody" }"#)?;
    /// assert!(subject.validate().is_err());
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn parse(json: &str) -> Result<Self> {
        // The claims contain it.
        let members = json::object_inside(json, 1, "a subject identifier")?;
        Ok(Self { members, private_formats: false })
    }

    fn read(json: &str, private_formats: bool) -> Result<Self> {
        let subject = Self { private_formats, ..Self::parse(json)? };
        subject.validate()?;
        Ok(subject)
    }

    /// Sets an additional member, if the format allows it: `externalId` of a SCIM resource, for example.
    pub fn with_member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }

    /// The name of the format; empty if there is none.
    pub fn format(&self) -> &str {
        self.members.member(FORMAT).and_then(Value::as_str).unwrap_or_default()
    }

    /// All members, `format` included.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Checks the subject against its format: members, types, values, nesting.
    pub fn validate(&self) -> Result<()> {
        check::check(&self.members, self.private_formats)
    }

    fn of_format(format: &str) -> Self {
        let mut members = Map::new();
        members.insert(FORMAT.to_owned(), Value::from(format));
        Self { members, private_formats: false }
    }

    fn string(self, name: &str, value: impl Into<String>) -> Self {
        self.with_member(name, value.into())
    }

    fn strings(self, name: &str, values: impl IntoIterator<Item = impl ToString>) -> Self {
        let values: Vec<_> = values.into_iter().map(|value| value.to_string()).collect();
        self.with_member(name, values)
    }

    fn subjects(mut self, name: &str, subjects: impl IntoIterator<Item = Self>) -> Self {
        let mut values = Vec::new();
        for subject in subjects {
            self.private_formats |= subject.private_formats;
            values.push(Value::Object(subject.members));
        }
        self.with_member(name, values)
    }
}

impl From<Subject> for Value {
    fn from(subject: Subject) -> Self {
        Self::Object(subject.members)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Subject({})", self.format())
    }
}

/// One principal described by several members at once (SSF 1.0 §3.3).
///
/// ```
/// use ssf_transmitter::{ComplexSubject, Subject};
///
/// let subject = Subject::from(
///     ComplexSubject::new().with_user(Subject::email("ada@example.com")).with_tenant(Subject::opaque("acme")),
/// );
/// assert_eq!(subject.format(), "complex");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ComplexSubject(Subject);

impl ComplexSubject {
    /// Without members; it needs one at least.
    #[allow(clippy::new_without_default, reason = "without members it is not valid yet")]
    pub fn new() -> Self {
        Self(Subject::of_format("complex"))
    }

    /// Sets a member, a simple subject, with a custom name.
    pub fn with_member(mut self, name: impl Into<String>, subject: Subject) -> Self {
        self.0.private_formats |= subject.private_formats;
        self.0.members.insert(name.into(), Value::Object(subject.members));
        self
    }
}

impl From<ComplexSubject> for Option<Subject> {
    fn from(subject: ComplexSubject) -> Self {
        Some(subject.into())
    }
}

impl From<ComplexSubject> for Subject {
    fn from(complex: ComplexSubject) -> Self {
        complex.0
    }
}

/// Checks the members of a subject identifier, private formats included.
pub(crate) fn check_members(members: &Map<String, Value>) -> Result<()> {
    check::check(members, true)
}

/// Checks a subject identifier that is a member of an event.
pub(crate) fn check_value(value: &Value) -> Result<()> {
    match value {
        Value::Object(members) => check_members(members),
        _ => Err(Error::new(ErrorCode::SubjectMemberType, "a subject identifier must be a JSON object")),
    }
}

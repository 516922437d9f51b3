//! What the specifications and this library define, as tables: event types, subject identifier formats, error codes, rules.
//!
//! The tables are generated from `core/catalogue/`; this module holds their types and the look-ups.

mod code;
mod codes;
mod events;
mod language;
mod rule;
pub(crate) mod rules;
mod settings;
mod subjects;

pub use code::{ErrorKind, Retry};
pub use codes::ErrorCode;
pub use events::EVENTS;
pub use language::Language;
pub use rule::{Effect, Rule, Severity};
pub use rules::RULES;
pub use subjects::SUBJECT_FORMATS;

/// An event type.
#[derive(Debug)]
#[non_exhaustive]
pub struct EventType {
    /// Stable id of this library, such as `caep.session-revoked`.
    pub id: &'static str,
    /// Event type URI: the name of the event in the SET. Parts in braces are set by the sender.
    pub uri: &'static str,
    /// The family: the id up to its dot.
    pub family: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// What it says.
    pub doc: &'static str,
    /// Where it is defined.
    pub section: &'static str,
    /// How far its definition has come.
    pub status: Status,
    /// Id of the event that took its place.
    pub replaced_by: Option<&'static str>,
    /// Whether it travels beside another event and has no subject of its own.
    pub companion: bool,
    /// Whether the SET must have the claim `txn`.
    pub requires_txn: bool,
    /// Members that must not be there.
    pub forbidden: &'static [&'static str],
    /// Where its definition puts the subject.
    pub placement: Placement,
    /// Whether the event may have a member `subject`.
    pub event_member: EventMember,
    /// The form of the subject inside the event.
    pub shape: Shape,
    /// Subject formats that it takes; empty: any.
    pub formats: &'static [&'static str],
    /// Its members.
    pub fields: &'static [Field],
}

/// How far a definition has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// In a final specification.
    Final,
    /// Replaced by another.
    Deprecated,
    /// Defined by one vendor.
    Vendor,
    /// Only ever published as a draft.
    Draft,
}

/// Where the definition of an event puts its subject.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Placement {
    /// `sub_id` at the top level of the SET (SSF 1.0 §3.1).
    SubId,
    /// The member `subject` of the event.
    Event,
    /// Nowhere: the event has none.
    None,
}

/// Whether an event may have a member `subject` (SSF 1.0 §3.1.1, §3.1.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum EventMember {
    /// Its definition demands it.
    Required,
    /// It may be there beside `sub_id`.
    Optional,
    /// It must not be there.
    Forbidden,
}

/// The form of a subject inside an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Shape {
    /// As RFC 9493 has it: every object with `format`.
    Modern,
    /// A complex subject without `format` on the outer object, as in SSE drafts.
    BareComplex,
    /// `subject_type` instead of `format`, and `iss-sub` with a hyphen, as in RISC drafts.
    Legacy,
}

/// A member of an event.
#[derive(Debug)]
#[non_exhaustive]
pub struct Field {
    /// Name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldType,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it must not be empty.
    pub non_empty: bool,
    /// Of an object, the members whose type is known.
    pub members: &'static [(&'static str, MemberKind)],
    /// Whether one of those is required.
    pub any_member: bool,
    /// The dialect of the one receiver that knows it.
    pub only_for: Option<&'static str>,
    /// What it says.
    pub doc: &'static str,
}

/// What a member of an event holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FieldType {
    /// A string.
    String,
    /// A boolean.
    Boolean,
    /// A whole number.
    Integer,
    /// Seconds since 1970.
    Timestamp,
    /// Milliseconds since 1970.
    Milliseconds,
    /// Texts by language tag (CAEP 1.0 §2).
    Localized,
    /// One of a list of strings.
    Enum {
        /// Whether others are possible by agreement.
        open: bool,
        /// The list.
        values: &'static [&'static str],
    },
    /// A list of strings.
    List,
    /// A subject identifier.
    Subject,
    /// Any JSON object.
    Object,
}

/// The type of a member of an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MemberKind {
    /// A string.
    String,
    /// A number.
    Number,
}

/// A subject identifier format.
#[derive(Debug)]
#[non_exhaustive]
pub struct SubjectFormat {
    /// Value of `format`.
    pub name: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// What it names.
    pub doc: &'static str,
    /// Where it is defined.
    pub section: &'static str,
    /// How far its definition has come.
    pub status: Status,
    /// Whether it may have members beyond those listed.
    pub open: Open,
    /// Its members, besides `format`.
    pub members: &'static [SubjectMember],
}

/// Whether a format may have members beyond those listed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Open {
    /// No others.
    No,
    /// Any others.
    Any,
    /// Others, each a simple subject identifier.
    Subject,
}

/// A member of a subject identifier.
#[derive(Debug)]
#[non_exhaustive]
pub struct SubjectMember {
    /// Name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: MemberType,
    /// The rule for each of its strings.
    pub check: Check,
    /// Whether it must be there.
    pub required: bool,
    /// What it says.
    pub doc: &'static str,
}

/// What a member of a subject identifier holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MemberType {
    /// A string.
    String,
    /// A list of strings, at least one.
    Strings,
    /// A simple subject identifier.
    Subject,
    /// A list of simple subject identifiers, at least one, all different.
    Subjects,
}

/// The rule that a string has to pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Check {
    /// Not empty.
    NonEmpty,
    /// `acct:` URI (RFC 7565).
    AcctUri,
    /// Bare email address (RFC 5322 addr-spec).
    Email,
    /// E.164 phone number.
    E164,
    /// DID or DID URL.
    Did,
    /// URI with a scheme (RFC 3986).
    Uri,
    /// IPv4 or IPv6 address.
    IpAddress,
}

impl EventType {
    /// The event type with this id, such as `caep.session-revoked`.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        EVENTS.iter().find(|event| event.id == id)
    }

    /// The event type with this URI.
    ///
    /// ```
    /// use ssf_transmitter::catalogue::EventType;
    ///
    /// let event = EventType::by_uri("https://vocab.account.gov.uk/secevent/v1/accountDisabled/eventDetails");
    /// assert_eq!(event.map(|event| event.id), Some("govuk.event-details"));
    /// ```
    pub fn by_uri(uri: &str) -> Option<&'static Self> {
        match events::index_of(uri) {
            Some(index) => EVENTS.get(index),
            None => EVENTS.iter().find(|event| event.uri.contains('{') && fits_template(event.uri, uri)),
        }
    }
}

impl SubjectFormat {
    /// The format with this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        SUBJECT_FORMATS.iter().find(|format| format.name == name)
    }
}

/// Whether `uri` is `template` with its one `{…}` replaced by a path segment.
fn fits_template(template: &str, uri: &str) -> bool {
    let Some((before, rest)) = template.split_once('{') else {
        return false;
    };
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    uri.strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|segment| !segment.is_empty() && !segment.contains('/'))
}

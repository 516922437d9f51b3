//! Events.
//!
//! One struct per event type, in a module per family, generated from the catalogue. Each turns into an [`Event`], the
//! form that a SET is built from. An event that no catalogue knows is a [`CustomEvent`].

// Generated: one module per family, and the lists of values.
pub mod caep;
pub mod govuk;
pub mod login_gov;
mod lookup;
pub mod oauth;
pub mod okta;
pub mod risc;
pub mod scim;
pub mod ssf;
mod values;

mod localized;
mod members;
mod validate;

use std::{borrow::Cow, fmt};

use serde_json::{Map, Value};

pub use localized::LocalizedText;
use members::{Members, members_of};
pub(crate) use validate::{check_member, check_uri as check_event_uri, is_milliseconds};
pub use values::*;

use crate::{
    catalogue::EventType,
    error::{Error, ErrorCode, Result, pointer_step},
    json::{self, ByName},
};

/// An event as it goes into a SET: its type and its members.
///
/// ```
/// use ssf_transmitter::event::{ChangeType, CredentialType, Event, caep};
///
/// let event = Event::from(caep::CredentialChange::new(CredentialType::Password, ChangeType::Update));
/// assert_eq!(event.uri(), "https://schemas.openid.net/secevent/caep/event-type/credential-change");
/// assert!(event.validate().is_ok());
/// ```
#[derive(Clone, PartialEq)]
pub struct Event {
    uri: Cow<'static, str>,
    members: Map<String, Value>,
}

impl Event {
    /// Reads an event from the JSON form that it has in a SET: an object of one member, named by the event type URI.
    ///
    /// Checks it like [`validate`](Self::validate).
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, Event};
    ///
    /// let event = Event::from_json(
    ///     r#"{ "https://schemas.openid.net/secevent/caep/event-type/risk-level-change": { "principal": "USER" } }"#,
    /// );
    /// assert_eq!(event.unwrap_err().code(), ErrorCode::EventMemberMissing);
    /// ```
    pub fn from_json(json: &str) -> Result<Self> {
        let event = Self::parse(json)?;
        event.validate()?;
        Ok(event)
    }

    /// Reads an event as [`from_json`](Self::from_json) does, and looks only at its form: what its definition says is
    /// checked when a SET is prepared.
    ///
    /// ```
    /// use ssf_transmitter::Event;
    ///
    /// let uri = "https://schemas.openid.net/secevent/caep/event-type/risk-level-change";
    /// let event = Event::parse(&format!(r#"{{ "{uri}": {{ "principal": "USER" }} }}"#))?;
    /// assert!(event.validate().is_err());
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn parse(json: &str) -> Result<Self> {
        // The claims contain it.
        let read = json::object_inside(json, 1, "an event").map_err(|error| error.inside("/events"))?;
        Self::from_value(Value::Object(read))
    }

    /// An event from a value that is parsed already. Checks only its form: its definition is checked when a SET is
    /// prepared.
    ///
    /// ```
    /// use serde_json::json;
    /// use ssf_transmitter::Event;
    ///
    /// let uri = "https://schemas.openid.net/secevent/caep/event-type/risk-level-change";
    /// assert!(Event::from_value(json!({ uri: {} }))?.validate().is_err());
    /// assert!(Event::from_value(json!({ uri: "HIGH" })).is_err());
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn from_value(value: Value) -> Result<Self> {
        let mut members = match value {
            Value::Object(object) => object.into_iter(),
            _ => return Err(Error::new(ErrorCode::JsonInvalid, "an event is a JSON object")),
        };
        let (Some((uri, value)), None) = (members.next(), members.next()) else {
            let message = "an event must be an object with a single member, named by the event type URI";
            return Err(Error::new(ErrorCode::JsonInvalid, message));
        };
        let Value::Object(members) = value else {
            let message = "the members of an event are a JSON object";
            return Err(Error::new(ErrorCode::EventMemberType, message).at(event_pointer(&uri)));
        };
        Ok(Self { uri: uri.into(), members })
    }

    /// For the generated code: an event of the catalogue.
    fn catalogued(uri: impl Into<Cow<'static, str>>, members: Members) -> Self {
        Self { uri: uri.into(), members: members.into_map() }
    }

    /// The event type URI.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The catalogue's id, such as `caep.session-revoked`; `None` for an event that it does not know.
    pub fn id(&self) -> Option<&'static str> {
        self.event_type().map(|kind| kind.id)
    }

    /// The definition of this event type in the catalogue.
    pub fn event_type(&self) -> Option<&'static EventType> {
        EventType::by_uri(&self.uri)
    }

    /// The members, without the subject, which the SET adds in the form for the receiver.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The event type URI and the members.
    pub(crate) fn into_parts(self) -> (Cow<'static, str>, Map<String, Value>) {
        (self.uri, self.members)
    }

    /// Checks the event against its definition: required members, types, values, units.
    ///
    /// Building a SET does this too. The error's pointer leads into the SET: `/events/<URI>/<member>`.
    pub fn validate(&self) -> Result<()> {
        match self.members.member("subject") {
            Some(_) => {
                let place = event_pointer(&self.uri) + &pointer_step("subject");
                check_event_uri(&self.uri).and(Err(self.has_no_subject().at(place)))
            }
            None => validate::check(self, false),
        }
    }

    /// Checks it for a receiver that wants a subject in the event, and may read times in milliseconds.
    pub(crate) fn validate_for(&self, takes_milliseconds: bool) -> Result<()> {
        validate::check(self, takes_milliseconds)
    }

    /// The error of an event with a subject of its own (SSF 1.0 §3.1.2).
    pub(crate) fn has_no_subject(&self) -> Error {
        let id = self.id().unwrap_or("of your own");
        Error::new(
            ErrorCode::EventMemberForbidden,
            format!("the event {id} must not have the member subject"),
        )
    }
}

/// Shows which event it is, and nothing of what it says.
impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Event").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// An event outside the catalogue, or a catalogue event whose members you already have as JSON.
///
/// An event of the catalogue is checked by its definition nevertheless. Members that come as a JSON text are read exactly by
/// [`json::parse_object`]. `Value::from(f64::NAN)` is null: `serde_json` decides that before this library sees the value.
///
/// ```
/// use serde_json::json;
/// use ssf_transmitter::{CustomEvent, Event};
///
/// let event = Event::from(CustomEvent::new("https://edr.example.com/events/quarantine", [("host", json!("laptop-7"))]));
/// assert!(event.validate().is_ok());
/// ```
#[derive(Clone, PartialEq)]
pub struct CustomEvent {
    uri: String,
    members: Map<String, Value>,
}

impl CustomEvent {
    /// An event of the type `uri` with these members.
    pub fn new(
        uri: impl Into<String>,
        members: impl IntoIterator<Item = (impl Into<String>, impl Into<Value>)>,
    ) -> Self {
        Self { uri: uri.into(), members: members_of(members) }
    }
}

impl From<CustomEvent> for Event {
    fn from(event: CustomEvent) -> Self {
        Self { uri: event.uri.into(), members: event.members }
    }
}

redacted_debug!(CustomEvent);

/// `Debug` that shows the type's name and no content: events hold personal data.
macro_rules! redacted_debug {
    ($name:ident) => {
        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}
use redacted_debug;

/// Whether one of the events of a SET needs `txn` (RFC 9967 §2.5.1.3).
pub(crate) fn requires_txn(events: &Map<String, Value>) -> bool {
    events.keys().any(|uri| EventType::by_uri(uri).is_some_and(|kind| kind.requires_txn))
}

/// The place of an event in its SET.
pub(crate) fn event_pointer(uri: &str) -> String {
    format!("/events{}", pointer_step(uri))
}

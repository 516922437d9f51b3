//! An entry of the System Log.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::time::Timestamp;

/// An entry of Okta's System Log.
///
/// Okta adds members and leaves others out: what is missing, or of another type than documented, is absent here, and all that
/// came is in the JSON.
///
/// ```
/// use ssf_transmitter::okta::LogEvent;
///
/// let event = LogEvent::from_json(r#"{
///     "uuid": "2d7b8a0f", "published": "2026-11-29T13:05:00.250Z",
///     "eventType": "security.events.provider.receive_event",
///     "target": [{ "id": "00u1", "type": "User", "alternateId": "ada@example.com" }]
/// }"#)?;
/// assert_eq!(event.event_type(), "security.events.provider.receive_event");
/// assert_eq!(event.targets().next().and_then(|user| user.alternate_id()), Some("ada@example.com"));
/// assert!(!format!("{event:?}").contains("ada@example.com"));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// An entry holds personal data. `Debug` shows id, time and type alone.
#[derive(Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct LogEvent(Map<String, Value>);

/// Whoever did something, or something was done to, in a [`LogEvent`].
#[derive(Clone, Copy, PartialEq)]
pub struct LogEntity<'a>(&'a Map<String, Value>);

impl LogEvent {
    /// Reads an entry, which is a JSON object.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(Self)
    }

    pub(super) fn of(value: Value) -> Option<Self> {
        match value {
            Value::Object(members) => Some(Self(members)),
            _ => None,
        }
    }

    /// The id of the entry (`uuid`), empty if it has none.
    pub fn uuid(&self) -> &str {
        text(&self.0, "uuid").unwrap_or_default()
    }

    /// The time of the entry.
    pub fn published(&self) -> Option<Timestamp> {
        text(&self.0, "published").and_then(Timestamp::from_rfc3339)
    }

    /// What happened, such as `security.events.provider.receive_event`; empty if it does not say.
    pub fn event_type(&self) -> &str {
        text(&self.0, "eventType").unwrap_or_default()
    }

    /// How severe it is: `DEBUG`, `INFO`, `WARN` or `ERROR`.
    pub fn severity(&self) -> Option<&str> {
        text(&self.0, "severity")
    }

    /// What happened, for people.
    pub fn display_message(&self) -> Option<&str> {
        text(&self.0, "displayMessage")
    }

    /// How it ended, such as `SUCCESS`, `FAILURE` or `SKIPPED`.
    pub fn result(&self) -> Option<&str> {
        text(object(&self.0, "outcome")?, "result")
    }

    /// The reason for the result.
    pub fn reason(&self) -> Option<&str> {
        text(object(&self.0, "outcome")?, "reason")
    }

    /// The actor.
    pub fn actor(&self) -> Option<LogEntity<'_>> {
        object(&self.0, "actor").map(LogEntity)
    }

    /// The targets.
    pub fn targets(&self) -> impl Iterator<Item = LogEntity<'_>> {
        let targets = self.0.get("target").and_then(Value::as_array);
        targets.into_iter().flatten().filter_map(Value::as_object).map(LogEntity)
    }

    /// What Okta adds for the search for causes (`debugContext.debugData`). Its members are not documented.
    pub fn debug_data(&self) -> Option<&Map<String, Value>> {
        object(object(&self.0, "debugContext")?, "debugData")
    }

    /// The complete entry, as received.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl<'a> LogEntity<'a> {
    /// The id.
    pub fn id(&self) -> Option<&'a str> {
        text(self.0, "id")
    }

    /// What it is, such as `User`.
    pub fn kind(&self) -> Option<&'a str> {
        text(self.0, "type")
    }

    /// The alternate id; for a user, the sign-in name.
    pub fn alternate_id(&self) -> Option<&'a str> {
        text(self.0, "alternateId")
    }

    /// The name for people.
    pub fn display_name(&self) -> Option<&'a str> {
        text(self.0, "displayName")
    }
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

fn object<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    object.get(name)?.as_object()
}

impl fmt::Debug for LogEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LogEvent")
            .field("uuid", &self.uuid())
            .field("published", &self.published())
            .field("event_type", &self.event_type())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LogEntity<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LogEntity").field("kind", &self.kind()).finish_non_exhaustive()
    }
}

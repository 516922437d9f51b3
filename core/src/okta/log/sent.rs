//! What is looked for in the System Log: a SET that was sent.

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use crate::{delivery::Receipt, set::SignedSet, time::Timestamp};

/// How far the clocks of transmitter and org may be apart.
const SKEW: Duration = Duration::from_mins(1);
/// A SET may have arrived at an earlier attempt, but hardly more than this before the answer to the last one.
const LONGEST_DELIVERY: Duration = Duration::from_hours(24);

/// A SET that an org has answered, as [`Confirmation`](super::Confirmation) looks for it: from a [`Receipt`], or from a SET
/// and the time of the answer, where another process has sent it.
///
/// ```
/// use ssf_transmitter::{SignedSet, Timestamp, okta::Sent};
///
/// let compact = concat!("eyJhbGciOiJFZERTQSIsInR5cCI6InNlY2V2ZW50K2p3dCJ9.", "eyJqdGkiOiIxIn0.", "c2ln");
/// let sent = Sent::new(&SignedSet::parse(compact)?, Timestamp::now());
/// assert_eq!(sent.jti(), "1");
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone)]
pub struct Sent {
    jti: String,
    pub(super) issuer: String,
    /// The URI of its event.
    pub(super) event: String,
    /// What identifies its user, in lower case. None where the event is about a device alone.
    pub(super) users: Vec<String>,
    issued_at: Option<Timestamp>,
    answered_at: Timestamp,
}

impl Sent {
    /// A SET that was answered at this time.
    pub fn new(set: &SignedSet, answered_at: Timestamp) -> Self {
        // A SET that can be sent can be decoded.
        let claims = set.decode().map(|set| set.claims().clone()).unwrap_or_default();
        let text = |name| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let events = claims.get("events").and_then(Value::as_object);
        let subjects = events.into_iter().flat_map(Map::values).filter_map(|event| event.get("subject"));
        let mut users = Vec::new();
        subjects.chain(claims.get("sub_id")).for_each(|subject| collect_user(subject, &mut users));
        Self {
            jti: set.jti().to_owned(),
            issuer: text("iss"),
            event: events.and_then(|events| events.keys().next()).cloned().unwrap_or_default(),
            users,
            issued_at: claims.get("iat").and_then(Value::as_number).and_then(Timestamp::from_json_seconds),
            answered_at,
        }
    }

    /// The id of the SET.
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// From when on its traces may be in the log.
    pub(super) fn since(&self) -> Timestamp {
        let earliest = self.answered_at.minus(LONGEST_DELIVERY);
        self.issued_at.unwrap_or(self.answered_at).clamp(earliest, self.answered_at).minus(SKEW)
    }
}

/// What identifies the user of a subject: a simple one, or a complex one with or without `format`.
fn collect_user(subject: &Value, users: &mut Vec<String>) {
    let Some(members) = subject.as_object() else { return };
    let is_complex = members.get("format").is_none_or(|format| format == "complex");
    if is_complex && !members.contains_key("subject_type") {
        return members.get("user").into_iter().for_each(|user| collect_user(user, users));
    }
    if let Some(aliases) = members.get("identifiers").and_then(Value::as_array) {
        return aliases.iter().for_each(|alias| collect_user(alias, users));
    }
    for name in ["email", "id", "sub", "phone_number", "uri", "url"] {
        let value = members.get(name).and_then(Value::as_str).map(str::to_lowercase);
        let value = value.map(|value| value.strip_prefix("acct:").map(str::to_owned).unwrap_or(value));
        users.extend(value.filter(|value| !value.is_empty()));
    }
}

impl From<&Receipt> for Sent {
    fn from(receipt: &Receipt) -> Self {
        Self::new(receipt.set(), receipt.answered_at())
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sent").field("jti", &self.jti).finish_non_exhaustive()
    }
}

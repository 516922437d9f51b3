//! An event as one line of JSON: what `ssf event new` prints.

use serde_json::{Value, json};
use ssf_transmitter::{Event, Subject, Timestamp};

/// An event to send, whoever receives it.
pub(super) struct EventLine {
    pub(super) event: Event,
    pub(super) subject: Option<Subject>,
    pub(super) txn: Option<String>,
    pub(super) toe: Option<Timestamp>,
}

impl EventLine {
    /// The line, without the id of a SET.
    pub(super) fn to_json(&self) -> Value {
        let mut line = json!({ "event": { self.event.uri(): self.event.members() } });
        if let Some(subject) = &self.subject {
            // Only a private format is not known to everybody.
            let is_known = Subject::from_members(subject.members().clone()).validate().is_ok();
            let name = if is_known { "subject" } else { "custom_subject" };
            line[name] = subject.members().clone().into();
        }
        if let Some(txn) = &self.txn {
            line["txn"] = txn.as_str().into();
        }
        if let Some(toe) = self.toe {
            line["toe"] = toe.into();
        }
        line
    }
}

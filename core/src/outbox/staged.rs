//! Entries in JSON, for a table or a queue of the host that hands them over to an outbox.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Content, Entry, Priority, store::fresh_jti};
use crate::{
    error::{Error, ErrorCode, Result},
    time::Timestamp,
};

const VERSION: u32 = 1;

#[derive(Deserialize, Serialize)]
struct Staged {
    version: u32,
    content: Value,
    to: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    idempotency_key: String,
    /// In milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<i64>,
    /// In milliseconds.
    max_age: u64,
    priority: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    supersedes: Option<String>,
    ordered: bool,
}

impl Entry {
    /// The entry as JSON, to keep it in a table of your own until it is enqueued. An entry without an
    /// [idempotency key](Self::idempotency_key) gets a random one, so an entry that is enqueued twice is delivered once.
    ///
    /// ```
    /// use ssf_transmitter::{Subject, event::caep, outbox::Entry};
    ///
    /// let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme");
    /// let text = entry.to_json()?; // INSERT it in your transaction
    /// let entry = Entry::from_json(&text)?; // later: enqueue it, then DELETE the row
    /// assert_eq!(entry.receivers(), ["acme"]);
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    ///
    /// The text contains the subject in clear. Errors are those of [`to_message`](Self::to_message).
    pub fn to_json(&self) -> Result<String> {
        self.check()?;
        let internal = |error| Error::internal("an entry is JSON").because(error);
        let staged = Staged {
            version: VERSION,
            content: serde_json::from_slice(&self.content.to_json()?).map_err(internal)?,
            to: self.receivers.clone(),
            jti: self.jti.clone(),
            idempotency_key: self.idempotency_key.clone().map_or_else(fresh_jti, Ok)?,
            not_before: self.not_before.map(Timestamp::as_unix_millis),
            max_age: u64::try_from(self.max_age.as_millis()).unwrap_or(u64::MAX),
            priority: self.priority.rank(),
            supersedes: self.supersedes.clone(),
            ordered: self.ordered,
        };
        serde_json::to_string(&staged).map_err(internal)
    }

    /// Reads what [`to_json`](Self::to_json) wrote; fails with [`ErrorCode::OutboxEntryInvalid`] otherwise.
    pub fn from_json(json: &str) -> Result<Self> {
        let invalid = || Error::new(ErrorCode::OutboxEntryInvalid, "this is not the JSON of an entry");
        // The error of the parser would contain values.
        let staged: Staged = serde_json::from_str(json).map_err(|_| invalid())?;
        if staged.version != VERSION {
            let message = "a newer version of the library wrote this entry";
            return Err(Error::new(ErrorCode::OutboxEntryInvalid, message));
        }
        Ok(Self {
            content: Content::from_json(staged.content.to_string().as_bytes()).map_err(|_| invalid())?,
            receivers: staged.to,
            jti: staged.jti,
            idempotency_key: Some(staged.idempotency_key),
            not_before: staged.not_before.map(Timestamp::from_unix_millis),
            max_age: Duration::from_millis(staged.max_age),
            priority: Priority::by_rank(staged.priority).ok_or_else(invalid)?,
            supersedes: staged.supersedes,
            ordered: staged.ordered,
        })
    }
}

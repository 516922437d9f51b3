//! Failures, states of receivers and messages as JSON, for columns of a store.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Failure, Message, Mode, Priority, ReceiverState, Status, Tag, entry::check_text, store::MessageDelivery,
};
use crate::{
    base64,
    error::{Error, ErrorCode, Result},
    time::Timestamp,
};

/// How messages are written.
const VERSION: u32 = 1;

#[derive(Deserialize, Serialize)]
struct StoredFailure {
    code: String,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl From<&Failure> for StoredFailure {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code.as_str().to_owned(),
            message: failure.message.clone(),
            status: failure.status,
            error: failure.receiver_error.clone(),
            description: failure.description.clone(),
        }
    }
}

impl From<StoredFailure> for Failure {
    fn from(stored: StoredFailure) -> Self {
        // A newer version may know more codes.
        let code = ErrorCode::by_name(&stored.code).unwrap_or(ErrorCode::Internal);
        Self::new(code, stored.message).with_answer(stored.status, stored.error, stored.description)
    }
}

/// Times are in milliseconds since 1970.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct StoredState {
    /// Left out where a worker sends, as in all states before there were streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    status: String,
    failure: Option<StoredFailure>,
    since: Option<i64>,
    resume_at: Option<i64>,
    failures: u32,
    probes: u32,
    allowance: Option<u32>,
    delivered_at: Option<i64>,
    failed_at: Option<i64>,
}

/// Times are in milliseconds since 1970, spans in milliseconds. Bytes are in base64url.
#[derive(Deserialize, Serialize)]
struct StoredMessage {
    version: u32,
    /// `jti` and receiver of each.
    deliveries: Vec<(String, String)>,
    event: String,
    payload: String,
    issued_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idempotency: Option<String>,
    fingerprint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<i64>,
    max_age: u64,
    priority: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    supersedes: Option<String>,
    ordered: bool,
}

impl StoredMessage {
    fn into_message(self) -> Option<Message> {
        let tag = |text: String| Tag::from_bytes(&base64::decode(&text)?);
        // The outer `None` is for one that cannot be read.
        let tag_of = |text: Option<String>| text.map_or(Some(None), |text| tag(text).map(Some));
        let deliveries = self.deliveries.into_iter();
        Some(Message {
            deliveries: deliveries.map(|(jti, receiver)| MessageDelivery { jti, receiver }).collect(),
            event: self.event,
            payload: base64::decode(&self.payload)?.into(),
            issued_at: Timestamp::from_unix_millis(self.issued_at),
            subject: tag_of(self.subject)?,
            idempotency: tag_of(self.idempotency)?,
            fingerprint: tag(self.fingerprint)?,
            not_before: self.not_before.map(Timestamp::from_unix_millis),
            max_age: Duration::from_millis(self.max_age),
            priority: Priority::by_rank(self.priority)?,
            supersedes: tag_of(self.supersedes)?,
            ordered: self.ordered,
        })
    }
}

impl Message {
    /// The message as JSON, for a table that a store takes it from later. The text contains no NUL character.
    ///
    /// Fails with [`ErrorCode::OutboxEntryInvalid`] if a name or an id contains one: databases cannot keep it.
    pub fn to_json(&self) -> Result<String> {
        self.check_texts()?;
        let tag = |tag: &Option<Tag>| tag.as_ref().map(|tag| base64::encode(tag.as_bytes()));
        let deliveries = self.deliveries.iter();
        write(&StoredMessage {
            version: VERSION,
            deliveries: deliveries.map(|one| (one.jti.clone(), one.receiver.clone())).collect(),
            event: self.event.clone(),
            payload: base64::encode(self.payload.as_bytes()),
            issued_at: self.issued_at.as_unix_millis(),
            subject: tag(&self.subject),
            idempotency: tag(&self.idempotency),
            fingerprint: base64::encode(self.fingerprint.as_bytes()),
            not_before: self.not_before.map(Timestamp::as_unix_millis),
            max_age: u64::try_from(self.max_age.as_millis()).unwrap_or(u64::MAX),
            priority: self.priority.rank(),
            supersedes: tag(&self.supersedes),
            ordered: self.ordered,
        })
    }

    /// The message that [`to_json`](Self::to_json) wrote, else [`ErrorCode::OutboxEntryInvalid`].
    pub fn from_json(json: &str) -> Result<Self> {
        let invalid = || Error::new(ErrorCode::OutboxEntryInvalid, "this is not the JSON of a message");
        // The error of the parser would contain values.
        let stored: StoredMessage = serde_json::from_str(json).map_err(|_| invalid())?;
        if stored.version != VERSION {
            let message = "a newer version of the library wrote this message";
            return Err(Error::new(ErrorCode::OutboxEntryInvalid, message));
        }
        let message = stored.into_message().ok_or_else(invalid)?;
        message.check_texts()?;
        if message.deliveries.is_empty() { Err(invalid()) } else { Ok(message) }
    }

    fn check_texts(&self) -> Result<()> {
        let names = self.deliveries.iter();
        let names = names.flat_map(|one| [("the name of a receiver", &one.receiver), ("the jti", &one.jti)]);
        for (what, text) in names.clone() {
            check_text(what, text)?;
        }
        match names.chain([("the event type", &self.event)]).find(|(_, text)| text.contains('\0')) {
            None => Ok(()),
            Some((what, _)) => {
                Err(Error::new(ErrorCode::OutboxEntryInvalid, format!("{what} contains a NUL character")))
            }
        }
    }
}

impl Failure {
    /// The failure as JSON, for a column of a store.
    pub fn to_json(&self) -> Result<String> {
        write(&StoredFailure::from(self))
    }

    /// The failure that [`to_json`](Self::to_json) wrote, else [`ErrorCode::OutboxCorrupt`].
    pub fn from_json(json: &str) -> Result<Self> {
        read::<StoredFailure>(json).map(Self::from)
    }
}

impl ReceiverState {
    /// The state as JSON, for a column of a store.
    pub fn to_json(&self) -> Result<String> {
        let millis = |time: Option<Timestamp>| time.map(Timestamp::as_unix_millis);
        write(&StoredState {
            mode: (self.mode != Mode::Pushed).then(|| self.mode.as_str().to_owned()),
            status: self.status.as_str().to_owned(),
            failure: self.failure.as_ref().map(StoredFailure::from),
            since: millis(self.since),
            resume_at: millis(self.resume_at),
            failures: self.failures,
            probes: self.probes,
            allowance: self.allowance,
            delivered_at: millis(self.delivered_at),
            failed_at: millis(self.failed_at),
        })
    }

    /// The state that [`to_json`](Self::to_json) wrote, else [`ErrorCode::OutboxCorrupt`].
    pub fn from_json(json: &str) -> Result<Self> {
        let time = |millis: Option<i64>| millis.map(Timestamp::from_unix_millis);
        let stored: StoredState = read(json)?;
        let mode = stored.mode.as_deref().map_or(Some(Mode::Pushed), Mode::by_name);
        Ok(Self {
            mode: mode.ok_or_else(corrupt)?,
            status: Status::by_name(&stored.status).ok_or_else(corrupt)?,
            failure: stored.failure.map(Failure::from),
            since: time(stored.since),
            resume_at: time(stored.resume_at),
            failures: stored.failures,
            probes: stored.probes,
            allowance: stored.allowance,
            delivered_at: time(stored.delivered_at),
            failed_at: time(stored.failed_at),
        })
    }
}

fn write(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::internal("what a store keeps can be written as JSON").because(error))
}

fn read<T: for<'a> Deserialize<'a>>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|_| corrupt())
}

fn corrupt() -> Error {
    Error::new(
        ErrorCode::OutboxCorrupt,
        "what the outbox has stored of a failure or a receiver cannot be read",
    )
}

//! Failures and the states of receivers as JSON, for columns of a store.

use serde::{Deserialize, Serialize};

use super::{Failure, Mode, ReceiverState, Status};
use crate::{
    error::{Error, ErrorCode, Result},
    time::Timestamp,
};

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

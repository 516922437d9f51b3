//! What an outbox tells of its deliveries and receivers, by value. Times are in seconds since 1970, spans in seconds.

use ssf_transmitter::{
    self as sdk,
    catalogue::Language,
    outbox::{Cursor, Discard},
};

use crate::{
    failure::Result,
    policy::{moment_of, seconds_of},
    records::{Finding, findings},
};

/// The ledger in numbers.
#[derive(uniffi::Record)]
pub struct OutboxCounts {
    pub enqueued: u64,
    pub waiting: u64,
    pub in_flight: u64,
    pub delivered: u64,
    pub dead: u64,
    pub expired: u64,
    pub superseded: u64,
    pub removed: u64,
}

impl From<sdk::outbox::Counts> for OutboxCounts {
    fn from(counts: sdk::outbox::Counts) -> Self {
        Self {
            enqueued: counts.enqueued,
            waiting: counts.waiting,
            in_flight: counts.in_flight,
            delivered: counts.delivered,
            dead: counts.dead,
            expired: counts.expired,
            superseded: counts.superseded,
            removed: counts.removed,
        }
    }
}

/// How an outbox is.
#[derive(uniffi::Record)]
pub struct OutboxHealth {
    pub oldest_waiting: Option<f64>,
    pub delivered_in_last_minute: u64,
    pub paused: u64,
    pub file_bytes: Option<u64>,
    pub log_bytes: Option<u64>,
}

impl From<sdk::outbox::StoreHealth> for OutboxHealth {
    fn from(health: sdk::outbox::StoreHealth) -> Self {
        Self {
            oldest_waiting: health.oldest_waiting.map(seconds_of),
            delivered_in_last_minute: health.delivered_in_last_minute,
            paused: health.paused,
            file_bytes: health.file_bytes,
            log_bytes: health.log_bytes,
        }
    }
}

/// Why a delivery failed.
#[derive(uniffi::Record)]
pub struct OutboxFailure {
    pub code: String,
    pub message: String,
    pub status: Option<u16>,
    pub receiver_error: Option<String>,
    pub receiver_description: Option<String>,
}

impl From<sdk::outbox::Failure> for OutboxFailure {
    fn from(failure: sdk::outbox::Failure) -> Self {
        Self {
            code: failure.code.as_str().to_owned(),
            message: Language::Swift.text(&failure.message),
            status: failure.status,
            receiver_error: failure.receiver_error,
            receiver_description: failure.description,
        }
    }
}

/// One attempt to deliver a SET.
#[derive(uniffi::Record)]
pub struct OutboxAttempt {
    pub at: f64,
    pub duration: f64,
    pub kid: Option<String>,
    pub status: Option<u16>,
    pub failure: Option<OutboxFailure>,
}

impl From<sdk::outbox::Attempt> for OutboxAttempt {
    fn from(attempt: sdk::outbox::Attempt) -> Self {
        Self {
            at: seconds_of(attempt.at),
            duration: attempt.duration.as_secs_f64(),
            kid: attempt.kid,
            status: attempt.status,
            failure: attempt.failure.map(Into::into),
        }
    }
}

/// A delivery.
#[derive(uniffi::Record)]
pub struct OutboxDelivery {
    pub jti: String,
    pub receiver: String,
    pub event: String,
    pub state: String,
    pub enqueued_at: f64,
    pub priority: String,
    pub attempts: u32,
    pub due_at: Option<f64>,
    pub expires_at: f64,
    pub ended_at: Option<f64>,
    pub failure: Option<OutboxFailure>,
    /// `expired`, `superseded` or `removed`.
    pub discard: Option<String>,
    pub superseded_by: Option<String>,
}

impl From<sdk::outbox::Record> for OutboxDelivery {
    fn from(record: sdk::outbox::Record) -> Self {
        let (discard, superseded_by) = match record.discard {
            Some(Discard::Expired) => (Some("expired"), None),
            Some(Discard::Superseded { by }) => (Some("superseded"), Some(by)),
            Some(Discard::Removed) => (Some("removed"), None),
            _ => (None, None),
        };
        Self {
            jti: record.jti,
            receiver: record.receiver,
            event: record.event,
            state: record.state.as_str().to_owned(),
            enqueued_at: seconds_of(record.enqueued_at),
            priority: record.priority.as_str().to_owned(),
            attempts: record.attempts,
            due_at: record.due_at.map(seconds_of),
            expires_at: seconds_of(record.expires_at),
            ended_at: record.ended_at.map(seconds_of),
            failure: record.failure.map(Into::into),
            discard: discard.map(str::to_owned),
            superseded_by,
        }
    }
}

/// A delivery and all its attempts.
#[derive(uniffi::Record)]
pub struct OutboxHistory {
    pub delivery: OutboxDelivery,
    pub attempts: Vec<OutboxAttempt>,
}

impl From<sdk::outbox::History> for OutboxHistory {
    fn from(history: sdk::outbox::History) -> Self {
        Self {
            delivery: history.record.into(),
            attempts: history.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

/// A receiver of an outbox.
#[derive(uniffi::Record)]
pub struct OutboxReceiver {
    pub name: String,
    pub status: String,
    pub since: Option<f64>,
    pub resume_at: Option<f64>,
    pub failure: Option<OutboxFailure>,
    pub delivered_at: Option<f64>,
    pub failed_at: Option<f64>,
    pub oldest_waiting: Option<f64>,
    pub enqueued: u64,
    pub waiting: u64,
    pub in_flight: u64,
    pub delivered: u64,
    pub dead: u64,
    pub discarded: u64,
}

impl From<sdk::outbox::ReceiverRecord> for OutboxReceiver {
    fn from(receiver: sdk::outbox::ReceiverRecord) -> Self {
        let (state, counts) = (receiver.state, receiver.counts);
        Self {
            name: receiver.name,
            status: state.status.as_str().to_owned(),
            since: state.since.map(seconds_of),
            resume_at: state.resume_at.map(seconds_of),
            failure: state.failure.map(Into::into),
            delivered_at: state.delivered_at.map(seconds_of),
            failed_at: state.failed_at.map(seconds_of),
            oldest_waiting: receiver.oldest_waiting.map(seconds_of),
            enqueued: counts.enqueued,
            waiting: counts.waiting,
            in_flight: counts.in_flight,
            delivered: counts.delivered,
            dead: counts.dead,
            discarded: counts.discarded(),
        }
    }
}

/// What was accepted.
#[derive(uniffi::Record)]
pub struct Enqueued {
    pub jtis: Vec<String>,
    pub repeated: bool,
    pub findings: Vec<Finding>,
}

impl From<sdk::outbox::Enqueued> for Enqueued {
    fn from(enqueued: sdk::outbox::Enqueued) -> Self {
        let found = findings(&enqueued.findings);
        Self { jtis: enqueued.jtis, repeated: enqueued.repeated, findings: found }
    }
}

/// The last delivery of a page.
#[derive(uniffi::Record)]
pub struct OutboxCursor {
    pub enqueued_at: f64,
    pub jti: String,
}

impl OutboxCursor {
    pub(crate) fn core(self) -> Result<Cursor> {
        let at = moment_of(self.enqueued_at)?;
        Ok(Cursor::after(&sdk::outbox::Record::new(self.jti, "", "", at, at)))
    }
}

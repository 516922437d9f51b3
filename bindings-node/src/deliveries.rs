//! What an outbox tells of its deliveries and receivers. Times are in milliseconds since 1970.

use napi_derive::napi;
use ssf_transmitter::{
    self as sdk, Timestamp,
    catalogue::Language,
    outbox::{Discard, ReceiverRecord, Record, StoreHealth},
};

/// A time as a JavaScript date takes it.
#[allow(clippy::cast_precision_loss, reason = "a time that a store keeps fits")]
pub(crate) fn time(time: Timestamp) -> f64 {
    time.as_unix_millis() as f64
}

/// A number as JavaScript has it.
#[allow(clippy::cast_precision_loss, reason = "nobody counts so far")]
pub(crate) fn count(count: u64) -> f64 {
    count as f64
}

/// The ledger in numbers.
#[napi(object, object_from_js = false)]
pub struct OutboxCounts {
    pub enqueued: f64,
    pub waiting: f64,
    pub in_flight: f64,
    pub delivered: f64,
    pub dead: f64,
    pub expired: f64,
    pub superseded: f64,
    pub removed: f64,
}

impl From<sdk::outbox::Counts> for OutboxCounts {
    fn from(counts: sdk::outbox::Counts) -> Self {
        Self {
            enqueued: count(counts.enqueued),
            waiting: count(counts.waiting),
            in_flight: count(counts.in_flight),
            delivered: count(counts.delivered),
            dead: count(counts.dead),
            expired: count(counts.expired),
            superseded: count(counts.superseded),
            removed: count(counts.removed),
        }
    }
}

/// How an outbox is.
#[napi(object, object_from_js = false)]
pub struct OutboxHealth {
    pub oldest_waiting: Option<f64>,
    pub delivered_in_last_minute: f64,
    pub paused: f64,
    pub refused: Option<f64>,
    pub oldest_snapshot: Option<f64>,
    pub file_bytes: Option<f64>,
    pub log_bytes: Option<f64>,
}

impl From<StoreHealth> for OutboxHealth {
    fn from(health: StoreHealth) -> Self {
        Self {
            oldest_waiting: health.oldest_waiting.map(time),
            delivered_in_last_minute: count(health.delivered_in_last_minute),
            paused: count(health.paused),
            refused: health.refused.map(count),
            oldest_snapshot: health.oldest_snapshot.map(time),
            file_bytes: health.file_bytes.map(count),
            log_bytes: health.log_bytes.map(count),
        }
    }
}

/// Why a delivery failed.
#[napi(object, object_from_js = false)]
pub struct DeliveryFailure {
    pub code: &'static str,
    pub message: String,
    pub remedy: &'static str,
    pub status: Option<u16>,
    pub receiver_error: Option<String>,
    pub receiver_description: Option<String>,
}

impl From<sdk::outbox::Failure> for DeliveryFailure {
    fn from(failure: sdk::outbox::Failure) -> Self {
        Self {
            code: failure.code.as_str(),
            message: Language::Node.text(&failure.message),
            remedy: failure.code.remedy(),
            status: failure.status,
            receiver_error: failure.receiver_error,
            receiver_description: failure.description,
        }
    }
}

/// One attempt to deliver a SET.
#[napi(object, object_from_js = false)]
pub struct Attempt {
    pub at: f64,
    /// In milliseconds.
    pub duration: f64,
    pub kid: Option<String>,
    pub status: Option<u16>,
    pub failure: Option<DeliveryFailure>,
}

impl From<sdk::outbox::Attempt> for Attempt {
    fn from(attempt: sdk::outbox::Attempt) -> Self {
        Self {
            at: time(attempt.at),
            duration: attempt.duration.as_secs_f64() * 1000.0,
            kid: attempt.kid,
            status: attempt.status,
            failure: attempt.failure.map(Into::into),
        }
    }
}

/// One event to one receiver.
#[napi(object, object_from_js = false)]
pub struct Delivery {
    pub jti: String,
    pub receiver: String,
    pub event: String,
    pub state: &'static str,
    pub enqueued_at: f64,
    pub priority: &'static str,
    pub attempts: u32,
    pub due_at: Option<f64>,
    pub expires_at: f64,
    pub ended_at: Option<f64>,
    pub failure: Option<DeliveryFailure>,
    pub discard: Option<&'static str>,
    pub superseded_by: Option<String>,
}

impl From<Record> for Delivery {
    fn from(record: Record) -> Self {
        let (discard, superseded_by) = match record.discard {
            Some(Discard::Expired) => (Some("expired"), None),
            Some(Discard::Superseded { by }) => (Some("superseded"), Some(by)),
            Some(_) => (Some("removed"), None),
            None => (None, None),
        };
        Self {
            jti: record.jti,
            receiver: record.receiver,
            event: record.event,
            state: record.state.as_str(),
            enqueued_at: time(record.enqueued_at),
            priority: record.priority.as_str(),
            attempts: record.attempts,
            due_at: record.due_at.map(time),
            expires_at: time(record.expires_at),
            ended_at: record.ended_at.map(time),
            failure: record.failure.map(Into::into),
            discard,
            superseded_by,
        }
    }
}

/// A delivery and all its attempts.
#[napi(object, object_from_js = false)]
pub struct History {
    pub delivery: Delivery,
    pub attempts: Vec<Attempt>,
}

impl From<sdk::outbox::History> for History {
    fn from(history: sdk::outbox::History) -> Self {
        Self {
            delivery: history.record.into(),
            attempts: history.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

/// An entry of a transaction that could not be taken over.
#[napi(object, object_from_js = false)]
#[allow(clippy::struct_field_names, reason = "its users know it by this name")]
pub struct Refused {
    pub id: i64,
    pub enqueued_at: f64,
    pub refused_at: f64,
    pub code: &'static str,
    pub event: Option<String>,
    pub jtis: Vec<String>,
    pub receivers: Vec<String>,
}

impl From<ssf_bindings::outbox::Refused> for Refused {
    fn from(refused: ssf_bindings::outbox::Refused) -> Self {
        Self {
            id: refused.id,
            enqueued_at: time(refused.enqueued_at),
            refused_at: time(refused.refused_at),
            code: refused.code.as_str(),
            event: refused.event,
            jtis: refused.jtis,
            receivers: refused.receivers,
        }
    }
}

/// A receiver of an outbox.
#[napi(object, object_from_js = false)]
pub struct OutboxReceiver {
    pub name: String,
    pub status: &'static str,
    pub since: Option<f64>,
    pub resume_at: Option<f64>,
    pub failure: Option<DeliveryFailure>,
    pub delivered_at: Option<f64>,
    pub failed_at: Option<f64>,
    pub oldest_waiting: Option<f64>,
    pub enqueued: f64,
    pub waiting: f64,
    pub in_flight: f64,
    pub delivered: f64,
    pub dead: f64,
    pub discarded: f64,
}

impl From<ReceiverRecord> for OutboxReceiver {
    fn from(receiver: ReceiverRecord) -> Self {
        let (state, counts) = (receiver.state, receiver.counts);
        Self {
            name: receiver.name,
            status: state.status.as_str(),
            since: state.since.map(time),
            resume_at: state.resume_at.map(time),
            failure: state.failure.map(Into::into),
            delivered_at: state.delivered_at.map(time),
            failed_at: state.failed_at.map(time),
            oldest_waiting: receiver.oldest_waiting.map(time),
            enqueued: count(counts.enqueued),
            waiting: count(counts.waiting),
            in_flight: count(counts.in_flight),
            delivered: count(counts.delivered),
            dead: count(counts.dead),
            discarded: count(counts.discarded()),
        }
    }
}

//! What is printed of an outbox: lines for people, and JSON.

use serde_json::{Value, json};
use ssf_transmitter::{
    Timestamp,
    outbox::{Attempt, Counts, Discard, Failure, ReceiverRecord, Record, Status, StoreHealth},
};
use ssf_transmitter_postgres::Refused;

pub(super) fn counts_json(counts: &Counts) -> Value {
    json!({
        "enqueued": counts.enqueued,
        "waiting": counts.waiting,
        "in_flight": counts.in_flight,
        "delivered": counts.delivered,
        "dead": counts.dead,
        "expired": counts.expired,
        "superseded": counts.superseded,
        "removed": counts.removed,
    })
}

pub(super) fn counts_text(counts: &Counts) -> String {
    let Counts { enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed, .. } = counts;
    [
        ("enqueued", enqueued),
        ("waiting", waiting),
        ("in flight", in_flight),
        ("delivered", delivered),
        ("dead", dead),
        ("expired", expired),
        ("superseded", superseded),
        ("removed", removed),
    ]
    .map(|(name, count)| format!("{name:<10}  {count}"))
    .join("\n")
}

pub(super) fn health_json(health: &StoreHealth) -> Value {
    json!({
        "oldest_waiting": health.oldest_waiting.map(time),
        "delivered_in_last_minute": health.delivered_in_last_minute,
        "paused": health.paused,
        "refused": health.refused,
        "oldest_snapshot": health.oldest_snapshot.map(time),
        "file_bytes": health.file_bytes,
        "log_bytes": health.log_bytes,
    })
}

pub(super) fn health_text(health: &StoreHealth) -> String {
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let oldest = health.oldest_waiting.map(|oldest| format!("the oldest one waits since {}\n", time(oldest)));
    let snapshot = health
        .oldest_snapshot
        .map(|oldest| format!("\nthe oldest transaction of the database is open since {}", time(oldest)));
    let size = health.file_bytes.zip(health.log_bytes);
    let size = size.map(|(file, log)| format!("; file {} MiB, log {} MiB", mebibytes(file), mebibytes(log)));
    format!(
        "{}{} delivered in the last minute; {} receivers paused{}{}",
        oldest.unwrap_or_default(),
        health.delivered_in_last_minute,
        health.paused,
        size.unwrap_or_default(),
        snapshot.unwrap_or_default(),
    )
}

pub(super) fn receiver_json(receiver: &ReceiverRecord) -> Value {
    let state = &receiver.state;
    json!({
        "name": receiver.name,
        "status": state.status.as_str(),
        "since": state.since.map(time),
        "resume_at": state.resume_at.map(time),
        "failure": state.failure.as_ref().map(failure_json),
        "delivered_at": state.delivered_at.map(time),
        "failed_at": state.failed_at.map(time),
        "oldest_waiting": receiver.oldest_waiting.map(time),
        "counts": counts_json(&receiver.counts),
    })
}

/// A line, if there is something to know of the receiver.
pub(super) fn receiver_text(receiver: &ReceiverRecord) -> Option<String> {
    let (state, counts) = (&receiver.state, &receiver.counts);
    if state.status == Status::Active && counts.waiting + counts.in_flight + counts.dead == 0 {
        return None;
    }
    let Counts { waiting, in_flight, dead, .. } = counts;
    let mut parts = vec![format!(
        "{}: {}, {waiting} waiting, {in_flight} in flight, {dead} dead",
        receiver.name,
        state.status.as_str()
    )];
    if let Some(oldest) = receiver.oldest_waiting {
        parts.push(format!(", the oldest since {}", time(oldest)));
    }
    if let Some(failure) = &state.failure {
        parts.push(format!("\n    {}", failure_text(failure)));
    }
    if let Some(probe) = state.resume_at.filter(|_| state.status == Status::Paused) {
        parts.push(format!("\n    next probe at {}", time(probe)));
    }
    Some(parts.concat())
}

pub(super) fn refused_json(entry: &Refused) -> Value {
    let deliveries = entry.message.iter().flat_map(|message| &message.deliveries);
    json!({
        "id": entry.id,
        "enqueued_at": time(entry.enqueued_at),
        "refused_at": time(entry.refused_at),
        "code": entry.code.as_str(),
        "event": entry.message.as_ref().map(|message| &message.event),
        "jtis": deliveries.clone().map(|delivery| &delivery.jti).collect::<Vec<_>>(),
        "receivers": deliveries.map(|delivery| &delivery.receiver).collect::<Vec<_>>(),
    })
}

pub(super) fn refused_text(entry: &Refused) -> String {
    let refused = format!("{}  refused at {}: {}", entry.id, time(entry.refused_at), entry.code.as_str());
    match &entry.message {
        None => format!("{refused}; it is not an entry"),
        Some(message) => {
            let receivers: Vec<_> = message.deliveries.iter().map(|delivery| &*delivery.receiver).collect();
            format!("{refused}; {} to {}", message.event, receivers.join(", "))
        }
    }
}

pub(super) fn record_json(record: &Record) -> Value {
    let (discard, by) = discarded(record.discard.as_ref());
    json!({
        "jti": record.jti,
        "receiver": record.receiver,
        "event": record.event,
        "state": record.state.as_str(),
        "priority": record.priority.as_str(),
        "enqueued_at": time(record.enqueued_at),
        "attempts": record.attempts,
        "due_at": record.due_at.map(time),
        "expires_at": time(record.expires_at),
        "ended_at": record.ended_at.map(time),
        "failure": record.failure.as_ref().map(failure_json),
        "discard": discard,
        "superseded_by": by,
    })
}

pub(super) fn record_text(record: &Record) -> String {
    let Record { jti, receiver, event, enqueued_at, attempts, .. } = record;
    let mut parts =
        vec![format!("{jti}  {}  {receiver}  {event}  {}", record.state.as_str(), time(*enqueued_at))];
    if *attempts > 0 {
        parts.push(format!("  attempts: {attempts}"));
    }
    match discarded(record.discard.as_ref()) {
        (Some(why), Some(by)) => parts.push(format!("  {why} by {by}")),
        (Some(why), None) => parts.push(format!("  {why}")),
        _ => {}
    }
    if let Some(due) = record.due_at {
        parts.push(format!("  due at {}", time(due)));
    }
    if let Some(failure) = &record.failure {
        parts.push(format!("\n    {}", failure_text(failure)));
    }
    parts.concat()
}

fn discarded(discard: Option<&Discard>) -> (Option<&'static str>, Option<&str>) {
    match discard {
        Some(Discard::Expired) => (Some("expired"), None),
        Some(Discard::Superseded { by }) => (Some("superseded"), Some(by)),
        Some(_) => (Some("removed"), None),
        None => (None, None),
    }
}

pub(super) fn attempt_json(attempt: &Attempt) -> Value {
    json!({
        "at": time(attempt.at),
        "duration_ms": u64::try_from(attempt.duration.as_millis()).unwrap_or(u64::MAX),
        "kid": attempt.kid,
        "status": attempt.status,
        "failure": attempt.failure.as_ref().map(failure_json),
    })
}

pub(super) fn attempt_text(attempt: &Attempt) -> String {
    let outcome = match (&attempt.failure, attempt.status) {
        (Some(failure), _) => failure_text(failure),
        (None, Some(status)) => format!("delivered with status {status}"),
        (None, None) => "delivered".to_owned(),
    };
    let kid = attempt.kid.as_deref().map(|kid| format!("  signed by {kid}")).unwrap_or_default();
    format!("    {}  {} ms{kid}  {outcome}", time(attempt.at), attempt.duration.as_millis())
}

pub(super) fn failure_json(failure: &Failure) -> Value {
    json!({
        "code": failure.code.as_str(),
        "message": failure.message,
        "remedy": failure.code.remedy(),
        "status": failure.status,
        "receiver_error": failure.receiver_error,
        "receiver_description": failure.description,
    })
}

pub(super) fn failure_text(failure: &Failure) -> String {
    let words = failure.description.as_ref().map(|words| format!("; receiver: {words}"));
    format!("{} [{}]{}", failure.message, failure.code.as_str(), words.unwrap_or_default())
}

fn time(time: Timestamp) -> String {
    time.to_rfc3339()
}

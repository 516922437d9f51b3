//! The members of what every language returns: `tests/vectors/records.json`.

#![cfg(feature = "client")]

use std::error::Error as _;

use serde_json::{Value, json};
use ssf_transmitter::{
    Error, Receipt,
    client::{Check, Counters, Diagnosis, Drained, Health},
    explain::Explanation,
    lint::Finding,
    outbox::{Attempt, Counts, Enqueued, Failure, History, ReceiverRecord, Record, StoreHealth},
};

/// The names of methods and fields, each of which exists: it is used in a function that nobody calls.
macro_rules! members {
    ($type:ty { $($method:ident),* } { $($($field:ident).+),* }) => {{
        let _uses = |record: &$type| {
            $(let _ = record.$method();)*
            $(let _ = &record.$($field).+;)*
        };
        json!([$(stringify!($method),)* $(stringify!($($field).+),)*])
    }};
}

#[test]
fn every_member_exists_in_rust() {
    let found = json!({
        "Finding": members!(Finding {
            rule, severity, effect, code, pointer, message, remedy, doc, source
        } {}),
        "Explanation": members!(Explanation {
            is_delivered, reason, cause, remedy, possible, findings, said
        } {}),
        "Receipt": members!(Receipt {
            jti, set, status, attempts, answered_at, is_expected, notes, findings
        } {}),
        "Error": members!(Error {
            code, kind, message, remedy, is_retryable, pointer, status, retry_after, receiver_error,
            receiver_description, findings, source
        } {}),
        "Counters": members!(Counters {} { enqueued, delivered, failed, in_flight, attempts, failures }),
        "Diagnosis": members!(Diagnosis { is_healthy, checks } {}),
        "Check": members!(Check {} { id, outcome, message, remedy, duration }),
        "Enqueued": members!(Enqueued {} { jtis, repeated, findings }),
        "OutboxCounts": members!(Counts {} {
            enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed
        }),
        "OutboxHealth": members!(StoreHealth {} {
            oldest_waiting, delivered_in_last_minute, paused, file_bytes, log_bytes, refused, oldest_snapshot
        }),
        "Delivery": members!(Record {} {
            jti, receiver, event, state, enqueued_at, priority, attempts, due_at, expires_at, ended_at, failure, discard
        }),
        "History": members!(History {} { record, attempts }),
        "Attempt": members!(Attempt {} { at, duration, kid, status, failure }),
        "Failure": members!(Failure { remedy } { code, message, status, receiver_error, description }),
        "OutboxReceiver": members!(ReceiverRecord {} {
            name, state.status, state.since, state.resume_at, state.failure, state.delivered_at, state.failed_at,
            oldest_waiting, counts.enqueued, counts.waiting, counts.in_flight, counts.delivered, counts.dead
        }),
        "WorkerHealth": members!(Health {} { in_flight, delivered, failed, lost, store_errors, store_error }),
        "Drained": members!(Drained {} { delivered, failed }),
    });
    let file = crate::common::file("records.json");
    let expected: Value = file["records"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, names)| (name.clone(), names["rust"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(found, expected);
}

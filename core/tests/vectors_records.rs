//! The members of what every language returns: `tests/vectors/records.json`.

#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use std::error::Error as _;

use serde_json::{Value, json};
use ssf_transmitter::{
    Error, Receipt,
    client::{Check, Counters, Diagnosis},
    explain::Explanation,
    lint::Finding,
};

/// The names of methods and fields, each of which exists: it is used in a function that nobody calls.
macro_rules! members {
    ($type:ty { $($method:ident),* } { $($field:ident),* }) => {{
        let _uses = |record: &$type| {
            $(let _ = record.$method();)*
            $(let _ = &record.$field;)*
        };
        json!([$(stringify!($method),)* $(stringify!($field),)*])
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
        "Check": members!(Check {} { id, outcome, message, remedy }),
    });
    let file = common::file("records.json");
    let expected: Value = file["records"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, names)| (name.clone(), names["rust"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into();
    assert_eq!(found, expected);
}

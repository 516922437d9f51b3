//! What a store keeps.

use serde_json::json;
use ssf_transmitter::{
    ErrorCode, Subject, Timestamp,
    event::caep,
    outbox::{Entry, Failure},
};

use super::text;

/// Columns as a store writes them.
pub(super) fn rows() -> Vec<Vec<u8>> {
    let now = Timestamp::from_unix_seconds(1_767_225_600);
    let entry = Entry::new(
        caep::SessionRevoked::new().with_reason_admin("en", "Lost"),
        Subject::email("ada@example.com"),
    );
    let entry = entry.to("acme").txn("1").supersedes("ada").idempotency_key("k").ordered();
    let failure = Failure::new(ErrorCode::ReceiverRejected, "no").with_answer(
        Some(400),
        Some("invalid_key".to_owned()),
        None,
    );
    let failure = failure.to_json().unwrap();
    let state = r#"{"mode":"polled","status":"paused","since":1,"resume_at":2,"failures":3,"probes":1}"#;
    let paused = format!("{{\"status\":\"paused\",\"failure\":{failure},\"since\":1,\"allowance\":2}}");
    let message = entry.to_message(None, now).unwrap().to_json().unwrap();
    [entry.to_json().unwrap(), message, failure, state.to_owned(), paused].map(String::into_bytes).into()
}

/// What only the library reads, after a byte that says which it is.
pub(super) fn payloads() -> Vec<Vec<u8>> {
    let uri = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    let subject = json!({ "format": "opaque", "id": "1" });
    let content = json!({ "events": [{ uri: { "event_timestamp": 1_767_225_600 } }], "subject": subject });
    let private = json!({
        "events": [{ "urn:x": {} }], "subject": { "format": "own" }, "private_formats": true, "txn": "1", "toe": 1,
    });
    let claims =
        json!({ "iss": "https://tr.example.com", "jti": "1", "iat": 1, "aud": "a", "events": { uri: {} } });
    let configuration = json!({
        "aud": "https://acme.example.com", "events_requested": [uri], "delivery": { "method": "urn:ietf:rfc:8936" },
        "dialect": "okta", "reason": "why", "verified_at": 1, "active_at": 2,
    });
    let compact = "eyJhbGciOiJFZERTQSIsInR5cCI6InNlY2V2ZW50K2p3dCJ9.eyJqdGkiOiIxIn0.c2ln";
    let all = [
        (0, text(&content)),
        (0, text(&private)),
        (1, text(&claims)),
        (1, compact.into()),
        (2, text(&configuration)),
        (0, vec![1, 2, 3]),
    ];
    all.into_iter().map(|(which, bytes)| [&[which], &bytes[..]].concat()).collect()
}

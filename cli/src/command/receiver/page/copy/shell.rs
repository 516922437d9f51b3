//! `ssf emit`.

use serde_json::Value;
use ssf_transmitter::catalogue::EventType;

use super::{Sent, text};

/// The command. Values follow `=`, so that none is read as an option.
pub(super) fn command(sent: &Sent<'_>) -> String {
    let event = EventType::by_uri(sent.uri).filter(|event| event.uri == sent.uri);
    let event = event.map_or(sent.uri, |event| event.id);
    let mut options = vec![
        ("endpoint", sent.endpoint.to_owned()),
        ("audience", sent.audience.to_owned()),
        ("dialect", sent.dialect.to_owned()),
        ("issuer", sent.issuer.to_owned()),
        ("key", "signing-key.pem".to_owned()),
        ("event", event.to_owned()),
    ];
    if !sent.members.is_empty() {
        options.push(("claims", text::json(&Value::Object(sent.members.clone()))));
    }
    if let Some(subject) = sent.subject {
        let name = if sent.is_private { "custom-subject" } else { "subject" };
        options.push((name, text::json(&Value::Object(subject.clone()))));
    }
    options.extend(sent.txn.map(|txn| ("txn", txn.to_owned())));
    options.extend(sent.toe.map(|toe| ("toe", toe.to_string())));
    if let Some((url, id)) = sent.token {
        options.extend([("token-url", url.clone()), ("client-id", id.clone())]);
    }
    let words = options.iter().map(|(name, value)| format!(" \\\n  --{name}={}", text::shell(value)));
    format!("ssf emit --allow-loopback{}", words.collect::<String>())
}

//! What the org writes about a SET. Okta documents which entries there are, but not their members: those of any entry are
//! taken, and the `jti` is left out unless a setting includes it.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Entry;
use crate::random;

/// The entry about the arrival, and for a change of a user's risk the one about the judgement.
pub(super) fn of(
    claims: &Map<String, Value>,
    (provider, name): &(String, String),
    published: OffsetDateTime,
    shows_jti: bool,
) -> Vec<Entry> {
    let events = claims.get("events").and_then(Value::as_object);
    let Some((uri, event)) = events.and_then(|events| events.iter().next()) else {
        return Vec::new();
    };
    let targets: Vec<_> =
        ["user", "device"].iter().filter_map(|kind| target(kind, &event["subject"][*kind])).collect();
    let mut debug = json!({ "requestUri": "/security/api/v1/security-events" });
    if shows_jti {
        debug["jti"] = claims.get("jti").cloned().unwrap_or_default();
    }
    let reporter = json!({
        "id": provider, "type": "SecurityEventsProvider", "alternateId": "unknown", "displayName": name,
    });
    let system = json!({ "id": "okta", "type": "SystemPrincipal", "alternateId": "system@okta.com" });
    let arrival =
        ("security.events.provider.receive_event", "Security events provider reported risk", reporter);
    let judgement = ("user.risk.detect", "User risk level changed", system);
    let is_judged = uri.ends_with("/user-risk-change") && event["subject"]["user"].is_object();
    let all = [Some(arrival), is_judged.then_some(judgement)];
    let write = |(event_type, message, actor): (&'static str, &str, Value)| Entry {
        published,
        event_type,
        shown: json!({
            "uuid": random::identifier("").unwrap_or_default(),
            "published": published.format(&Rfc3339).unwrap_or_default(),
            "eventType": event_type,
            "version": "0",
            "severity": "INFO",
            "displayMessage": message,
            "actor": actor,
            "outcome": { "result": "SUCCESS", "reason": null },
            "target": targets,
            "debugContext": { "debugData": debug },
        }),
    };
    all.into_iter().flatten().map(write).collect()
}

/// A user or a device by what identifies it in the SET.
fn target(kind: &str, subject: &Value) -> Option<Value> {
    let name = ["email", "id", "sub", "phone_number", "uri", "url"];
    let name = name.iter().find_map(|member| subject.get(*member)?.as_str())?;
    let (kind, prefix) = if kind == "user" { ("User", "00u") } else { ("Device", "guo") };
    let id = random::identifier(prefix).unwrap_or_default();
    Some(json!({ "id": id, "type": kind, "alternateId": name, "displayName": name }))
}

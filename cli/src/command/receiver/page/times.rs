//! The times in a SET, in words.

use serde_json::{Map, Value, json};
use ssf_transmitter::{
    Timestamp,
    catalogue::{EventType, FieldType},
};

/// The claims that are times (RFC 7519 §4.1, RFC 8417 §2.2).
const CLAIMS: [&str; 4] = ["iat", "toe", "exp", "nbf"];
/// The time in every event of CAEP and others.
const EVENT_TIME: &str = "event_timestamp";
/// From this number on, it can only be milliseconds.
const SECONDS_LIMIT: f64 = 1e11;

/// The times of a SET that arrived then: where each is, its date, and how far it is from the arrival.
pub(super) fn times(claims: &Map<String, Value>, arrived: Timestamp) -> Vec<Value> {
    let own = CLAIMS.iter().filter_map(|name| Some(((*name).to_owned(), claims.get(*name)?)));
    let events = claims.get("events").and_then(Value::as_object).into_iter().flatten();
    let members = events.flat_map(|(uri, event)| {
        let event = event.as_object().into_iter().flatten();
        event.filter(move |(name, _)| is_time(uri, name)).map(|(name, value)| (name.clone(), value))
    });
    own.chain(members).filter_map(|(name, value)| Some(shown(&name, moment(value)?, arrived))).collect()
}

fn is_time(uri: &str, name: &str) -> bool {
    let is_time = |kind| matches!(kind, FieldType::Timestamp | FieldType::Milliseconds);
    let fields = EventType::by_uri(uri).map_or(&[][..], |event| event.fields);
    name == EVENT_TIME || fields.iter().any(|field| field.name == name && is_time(field.kind))
}

/// In seconds or in milliseconds, whatever the receiver wants.
fn moment(value: &Value) -> Option<Timestamp> {
    let number = value.as_f64()?;
    if number.abs() < SECONDS_LIMIT {
        return serde_json::from_value(value.clone()).ok();
    }
    value.as_i64().map(Timestamp::from_unix_millis)
}

fn shown(name: &str, moment: Timestamp, arrived: Timestamp) -> Value {
    json!({ "name": name, "date": date(moment), "words": apart(moment, arrived) })
}

/// Such as `2026-11-29 13:05:00 UTC`.
pub(super) fn date(moment: Timestamp) -> String {
    let text = moment.to_rfc3339();
    let seconds = text.split_once('.').map_or(text.as_str(), |(seconds, _)| seconds);
    format!("{} UTC", seconds.replace('T', " "))
}

/// How far a time is from the arrival, in words.
fn apart(moment: Timestamp, arrived: Timestamp) -> String {
    let (before, after) = (arrived.since(moment).as_secs(), moment.since(arrived).as_secs());
    match (before, after) {
        (0, 0) => "as it arrived".to_owned(),
        (0, after) => format!("{} after it arrived", span(after)),
        (before, _) => format!("{} before it arrived", span(before)),
    }
}

/// In the largest unit of which there are two at least, rounded down.
fn span(seconds: u64) -> String {
    let units = [("day", 86_400), ("hour", 3600), ("minute", 60)];
    let (name, length) = units.into_iter().find(|(_, length)| seconds >= 2 * length).unwrap_or(("second", 1));
    match seconds / length {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use ssf_transmitter::Timestamp;

    use super::{apart, date, times};

    const ARRIVED: Timestamp = Timestamp::from_unix_millis(1_767_225_600_900);

    #[test]
    fn distances_are_in_words() {
        let at = |seconds: i64| apart(Timestamp::from_unix_seconds(1_767_225_600 + seconds), ARRIVED);
        assert_eq!(at(0), "as it arrived");
        assert_eq!(at(-1), "1 second before it arrived");
        assert_eq!(at(-119), "119 seconds before it arrived");
        assert_eq!(at(-120), "2 minutes before it arrived");
        assert_eq!(at(2), "1 second after it arrived");
        assert_eq!(at(7201), "2 hours after it arrived");
        assert_eq!(at(-86_400 * 400), "400 days before it arrived");
        assert_eq!(date(ARRIVED), "2026-01-01 00:00:00 UTC");
    }

    #[test]
    fn times_are_those_of_claims_and_events() {
        let claims = json!({
            "iat": 1_767_225_600,
            "toe": "yesterday",
            "jti": 7,
            "events": { "https://edr.example.com/own": { "event_timestamp": 1_767_225_599_000_i64, "count": 12 } },
        });
        let times = times(claims.as_object().unwrap(), ARRIVED);
        assert_eq!(
            times,
            [
                json!({ "name": "iat", "date": "2026-01-01 00:00:00 UTC", "words": "as it arrived" }),
                json!({
                    "name": "event_timestamp",
                    "date": "2025-12-31 23:59:59 UTC",
                    "words": "1 second before it arrived",
                }),
            ]
        );
    }
}

//! What the page shows of a request. The page itself knows nothing about SETs.

use serde_json::{Map, Value, json};
use ssf_emulator::{Arrival, Config, Emulator, Entry, Like};
use ssf_transmitter::{
    Dialect, Timestamp,
    catalogue::{EventType, Language},
    http::Response,
    lint::Linter,
};

use super::{
    super::super::{Result, output},
    copy, times,
};

/// The receiver whose page it is.
pub(super) struct Receiver {
    like: Like,
    issuer: Option<String>,
    pub(super) audience: String,
    pub(super) push: String,
    /// The token endpoint, and the client that it knows.
    pub(super) token: Option<(String, String)>,
}

/// How requests to a receiver are shown.
pub(super) struct View {
    receiver: Receiver,
    dialect: Dialect,
}

impl View {
    pub(super) fn new(emulator: &Emulator, config: &Config) -> Result<Self> {
        let receiver = Receiver {
            like: config.like,
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            push: emulator.push_url(),
            token: emulator.token_url().zip(config.client.as_ref().map(|client| client.id.clone())),
        };
        let dialect = match receiver.like {
            Like::Rfc8935 => Dialect::default(),
            like => Dialect::built_in(like.name())?,
        };
        Ok(Self { receiver, dialect })
    }

    /// Where the receiver is, and what it expects.
    pub(super) fn receiver(&self) -> Value {
        let Receiver { like, issuer, audience, push, .. } = &self.receiver;
        json!({ "like": like.name(), "push": push, "issuer": issuer, "audience": audience })
    }

    /// A request and its outcome.
    pub(super) fn shown(&self, arrival: &Arrival) -> Value {
        let entry = &arrival.entry;
        let arrived = Timestamp::from(arrival.at);
        let claims = entry.claims.as_ref().and_then(Value::as_object);
        let (outcome, verdict, reason) = verdict(entry);
        let mut shown = json!({
            "sequence": entry.sequence,
            "date": times::date(arrived),
            "title": title(entry),
            "subject": claims.map(subject),
            "outcome": outcome,
            "verdict": verdict,
            "reason": reason,
            "events": claims.map(events),
            "times": claims.map(|claims| times::times(claims, arrived)),
            "claims": entry.claims.as_ref().map(pretty),
            "header": entry.header.as_ref().map(pretty),
            "request": request(arrival),
            "answer": answer(arrival),
            "copies": claims.map(|claims| copy::copies(claims, &self.receiver, self.dialect.id())),
        });
        // What is not there in full cannot be judged.
        if !arrival.body.is_empty() && !arrival.is_cut {
            self.explain(arrival, arrived, &mut shown);
        }
        shown
    }

    /// Adds what the library says about it.
    fn explain(&self, arrival: &Arrival, arrived: Timestamp, shown: &mut Value) {
        let mut linter = Linter::new(&self.dialect).audience(self.receiver.audience.as_str()).now(arrived);
        if let Some(issuer) = &self.receiver.issuer {
            linter = linter.issuer(issuer);
        }
        if let Some(content_type) = &arrival.entry.request.content_type {
            linter = linter.sent_as(content_type);
        }
        let set = arrival.body.trim();
        shown["findings"] = linter.jwt(set).iter().map(output::finding).collect();
        if arrival.entry.status != 0 {
            let answer = Response::new(arrival.entry.status, [], arrival.answer.clone().into_bytes());
            let explanation = linter.explain(set, &answer).in_language(Language::Command);
            if !explanation.is_delivered() {
                shown["cause"] = explanation.cause().into();
                shown["remedy"] = explanation.remedy().into();
            }
        }
    }
}

/// The outcome: a word for programs, one for people, and the reason.
fn verdict(entry: &Entry) -> (&'static str, String, Option<String>) {
    let by_fault = entry.fault.as_ref().map(|fault| format!("The fault {fault} is on."));
    let status = entry.status;
    if entry.accepted {
        let answered =
            if status == 0 { "not answered".to_owned() } else { format!("answered with {status}") };
        return match entry.dropped {
            // As the ledger has it.
            Some(dropped) => {
                let reason = serde_json::to_value(dropped).ok();
                let reason = reason.as_ref().and_then(Value::as_str).unwrap_or_default();
                ("dropped", format!("Accepted, {answered}, and dropped: {reason}"), by_fault)
            }
            None => ("accepted", format!("Accepted, {answered}"), by_fault),
        };
    }
    match status {
        0 => ("unanswered", "Not accepted, not answered".to_owned(), by_fault),
        400.. => {
            let err = entry.err.as_ref().map(|err| format!(": {err}")).unwrap_or_default();
            (
                "rejected",
                format!("Rejected, answered with {status}{err}"),
                entry.description.clone().or(by_fault),
            )
        }
        _ => ("other", format!("Answered with {status}"), by_fault),
    }
}

/// The events by their titles; without a SET, method and path.
fn title(entry: &Entry) -> String {
    let events = entry.claims.as_ref().and_then(|claims| claims.get("events")?.as_object());
    let titles: Vec<_> = events.into_iter().flatten().map(|(uri, _)| event_title(uri)).collect();
    if titles.is_empty() { format!("{} {}", entry.method, entry.path) } else { titles.join(", ") }
}

fn event_title(uri: &str) -> String {
    EventType::by_uri(uri).map_or(uri, |event| event.title).to_owned()
}

/// What is known of the events.
fn events(claims: &Map<String, Value>) -> Vec<Value> {
    let events = claims.get("events").and_then(Value::as_object).into_iter().flatten();
    let shown = |(uri, _): (&String, _)| {
        let known = EventType::by_uri(uri);
        json!({
            "uri": uri,
            "title": event_title(uri),
            "doc": known.map(|event| event.doc),
            "source": known.map(|event| event.section),
        })
    };
    events.map(shown).collect()
}

/// Whom it is about: the values of the subject, in a row.
fn subject(claims: &Map<String, Value>) -> String {
    let events = claims.get("events").and_then(Value::as_object).into_iter().flatten();
    let inside = events.filter_map(|(_, event)| event.get("subject"));
    let mut values = Vec::new();
    if let Some(subject) = claims.get("sub_id").or_else(|| inside.into_iter().next()) {
        values_of(subject, &mut values);
    }
    values.join(" · ")
}

fn values_of<'a>(value: &'a Value, values: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => values.push(text),
        Value::Array(items) => items.iter().for_each(|item| values_of(item, values)),
        Value::Object(members) => {
            let told =
                members.iter().filter(|(name, _)| !["format", "subject_type"].contains(&name.as_str()));
            told.for_each(|(_, value)| values_of(value, values));
        }
        _ => {}
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The request as it came, as far as it is kept.
fn request(arrival: &Arrival) -> String {
    let headers = arrival.headers.iter().map(|(name, value)| format!("\n{name}: {value}"));
    let cut = if arrival.is_cut { "\n[and more]" } else { "" };
    let (entry, headers) = (&arrival.entry, headers.collect::<String>());
    format!("{} {}{headers}\n\n{}{cut}", entry.method, entry.path, arrival.body).trim_end().to_owned()
}

fn answer(arrival: &Arrival) -> Option<String> {
    let status = arrival.entry.status;
    (status != 0).then(|| format!("{status}\n\n{}", arrival.answer).trim_end().to_owned())
}

//! The configuration of a stream: what a receiver may set, and what it reads (SSF 1.0 §8.1.1).

use serde_json::{Map, Value, json};

use super::{
    problem::Problem,
    request::Members,
    settings::Settings,
    stored::{Delivery, Stream},
};
use crate::{
    http::Endpoint,
    metadata::{DELIVERY_POLL, DELIVERY_PUSH},
    secret::Secret,
    token::check,
};

/// How older receivers call the methods; Apple does.
const OLD_PUSH: &str = "https://schemas.openid.net/secevent/risc/delivery-method/push";
const OLD_POLL: &str = "https://schemas.openid.net/secevent/risc/delivery-method/poll";
/// A longer description is cut (§8.1.1), in characters.
const MAX_DESCRIPTION: usize = 1000;
/// The most events that a receiver can request.
const MAX_EVENTS: usize = 500;
/// What the transmitter sets. In an update it may be present, and must not differ (§8.1.1.3).
const TRANSMITTER_SUPPLIED: &[&str] = &[
    "iss",
    "aud",
    "events_supported",
    "events_delivered",
    "min_verification_interval",
    "inactivity_timeout",
];

/// What happens to members that a request leaves out.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Absent {
    /// They stay (PATCH).
    Stays,
    /// They are deleted (POST and PUT).
    IsDeleted,
}

impl Stream {
    /// What the receiver reads. The value of `authorization_header` is never in it.
    pub(super) fn to_json(&self, settings: &Settings) -> Value {
        let Self { record, configuration } = self;
        let delivery = &configuration.delivery;
        let polled = || settings.routes.poll_url(&record.id);
        let mut all = json!({
            "stream_id": record.id,
            "iss": settings.issuer,
            "aud": configuration.aud,
            "delivery": {
                "method": delivery.method,
                "endpoint_url": delivery.endpoint_url.clone().unwrap_or_else(polled),
            },
            "events_supported": settings.events,
            "events_requested": configuration.events_requested,
            "events_delivered": record.events,
        });
        if let Some(description) = &configuration.description {
            all["description"] = json!(description);
        }
        if let Some(interval) = settings.min_verification_interval.map(|interval| interval.as_secs()) {
            all["min_verification_interval"] = json!(interval);
        }
        if let Some((timeout, _)) = settings.inactivity {
            all["inactivity_timeout"] = json!(timeout.as_secs());
        }
        all
    }

    /// Takes over what a receiver sets.
    pub(super) fn set(
        &mut self,
        members: &Members,
        absent: Absent,
        settings: &Settings,
    ) -> Result<(), Problem> {
        if let Some(requested) = members.strings("events_requested")? {
            if requested.len() > MAX_EVENTS {
                return Err(Problem::member(
                    "events_requested",
                    &format!("has more than {MAX_EVENTS} items"),
                ));
            }
            // Values that the transmitter does not know are ignored (§8.1.1).
            let delivered = settings.events.iter().filter(|event| requested.contains(event));
            self.record.events = delivered.cloned().collect();
            self.configuration.events_requested = requested;
        } else if absent == Absent::IsDeleted {
            self.record.events.clear();
            self.configuration.events_requested.clear();
        }
        if let Some(description) = members.string("description")? {
            self.configuration.description = Some(description.chars().take(MAX_DESCRIPTION).collect());
        } else if absent == Absent::IsDeleted {
            self.configuration.description = None;
        }
        match members.object("delivery")? {
            Some(delivery) => self.set_delivery(delivery, settings)?,
            // Without delivery, the receiver polls (§8.1.1.1).
            None if absent == Absent::IsDeleted => self.set_delivery(&Map::new(), settings)?,
            None => {}
        }
        Ok(())
    }

    fn set_delivery(&mut self, delivery: &Map<String, Value>, settings: &Settings) -> Result<(), Problem> {
        let text = |name: &str| match delivery.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(Problem::member(&format!("delivery.{name}"), "must be a string")),
        };
        let method = text("method")?.unwrap_or(DELIVERY_POLL);
        let (endpoint_url, authorization_header) = (text("endpoint_url")?, text("authorization_header")?);
        self.configuration.delivery = match method {
            DELIVERY_POLL | OLD_POLL => {
                let own = settings.routes.poll_url(&self.record.id);
                if endpoint_url.is_some_and(|url| url != own) {
                    let what = "is set by the transmitter where the receiver polls: leave it out";
                    return Err(Problem::member("delivery.endpoint_url", what));
                }
                Delivery { method: method.to_owned(), endpoint_url: None, authorization_header: None }
            }
            DELIVERY_PUSH | OLD_PUSH if settings.push.is_some() => Delivery {
                method: method.to_owned(),
                endpoint_url: Some(push_url(endpoint_url, settings)?),
                authorization_header: authorization_header.map(header_value).transpose()?,
            },
            _ => {
                let what = "is not one of delivery_methods_supported of the transmitter";
                return Err(Problem::member("delivery.method", what));
            }
        };
        self.record.polled = self.configuration.delivery.endpoint_url.is_none();
        Ok(())
    }

    /// Refuses an update in which a value of the transmitter differs.
    pub(super) fn check_supplied(&self, members: &Members, settings: &Settings) -> Result<(), Problem> {
        let own = self.to_json(settings);
        let differs = |name: &&&str| members.get(name).is_some_and(|value| own.get(**name) != Some(value));
        match TRANSMITTER_SUPPLIED.iter().find(differs) {
            Some(name) => Err(Problem::member(
                name,
                "is set by the transmitter: send the value as it is, or leave it out",
            )),
            None => Ok(()),
        }
    }
}

/// The endpoint of a receiver, judged before it is kept: a worker judges again where it connects.
fn push_url(url: Option<&str>, settings: &Settings) -> Result<String, Problem> {
    let name = "delivery.endpoint_url";
    let url = url.ok_or_else(|| Problem::member(name, "is required for push"))?;
    let endpoint =
        Endpoint::parse(url, settings.loopback).map_err(|error| Problem::member(name, error.message()))?;
    if settings.routes.is_own(&endpoint) {
        return Err(Problem::member(name, "is on the host of the transmitter"));
    }
    if let Some(judge) = settings.push.as_ref().filter(|_| !endpoint.is_allowed_loopback()) {
        judge(url).map_err(|error| Problem::member(name, error.message()))?;
    }
    Ok(url.to_owned())
}

fn header_value(value: &str) -> Result<Secret<String>, Problem> {
    let checked = check::verbatim(value);
    checked.map_err(|_| {
        Problem::member("delivery.authorization_header", "must be printable ASCII without spaces around it")
    })?;
    Ok(value.into())
}

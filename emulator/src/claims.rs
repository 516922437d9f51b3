//! The claims of a SET, except `iss`, which selects the keys to verify with.

use serde_json::{Map, Value};

use super::answer::{ErrorCode, Refusal};
use super::clock;
use super::profile::{Audience, EventType, EventsPerSet, Profile, UnknownEvents};
use super::schema::Defect;

/// How far `iat` may lie in the future: both clocks are on one machine, but need not tick together.
const TOLERANCE_SECONDS: u64 = 3;

/// `aud`: the receiver has to be meant.
pub(crate) fn check_audience(
    claims: &Map<String, Value>,
    expected: &str,
    form: Audience,
) -> Result<(), Refusal> {
    let meant = match (claims.get("aud"), form) {
        (Some(Value::String(audience)), _) => audience == expected,
        (Some(Value::Array(audiences)), Audience::TextOrArray) => {
            audiences.iter().all(Value::is_string) && audiences.iter().any(|audience| audience == expected)
        }
        _ => false,
    };
    if meant {
        return Ok(());
    }
    let form = match form {
        Audience::Text => "be the string",
        Audience::TextOrArray => "be, or contain,",
    };
    Err(Refusal::new(ErrorCode::InvalidAudience, format!("The audience has to {form} {expected}")))
}

/// Everything else but the events. Answers the `jti`.
pub(crate) fn check_rest<'a>(claims: &'a Map<String, Value>, profile: &Profile) -> Result<&'a str, Refusal> {
    let refuse = |defect: Defect| Refusal::request(defect.describe(&profile.wording));
    check_issued_at(claims).map_err(refuse)?;
    let jti = claims.get("jti").ok_or_else(|| refuse(Defect::missing("jti")))?;
    let jti = jti
        .as_str()
        .filter(|jti| !jti.is_empty())
        .ok_or_else(|| refuse(Defect::wrong("must be a string that is not empty").at("jti")))?;
    if let Some(name) = profile.absent_claims.iter().find(|name| claims.contains_key(**name)) {
        return Err(refuse(Defect::wrong("must not be here").at(*name)));
    }
    profile.claims.check(claims).map_err(refuse)?;
    Ok(jti)
}

/// `iat`: seconds (RFC 7519 §2), whole ones, and past. Milliseconds lie in the far future.
fn check_issued_at(claims: &Map<String, Value>) -> Result<(), Defect> {
    let issued_at = claims.get("iat").ok_or_else(|| Defect::missing("iat"))?;
    let issued_at =
        issued_at.as_u64().ok_or_else(|| Defect::wrong("must be a whole number of seconds").at("iat"))?;
    if issued_at > clock::now().as_secs() + TOLERANCE_SECONDS {
        return Err(Defect::wrong("must not be in the future").at("iat"));
    }
    Ok(())
}

/// `events`: an object, its members objects (RFC 8417 §2.2), and each as its type demands. Answers them.
pub(crate) fn check_events<'a>(
    claims: &'a Map<String, Value>,
    profile: &Profile,
) -> Result<Vec<&'a Map<String, Value>>, Refusal> {
    let refuse = |defect: Defect| Refusal::request(defect.describe(&profile.wording));
    let events = claims.get("events").ok_or_else(|| refuse(Defect::missing("events")))?;
    let events = events.as_object().ok_or_else(|| refuse(Defect::wrong("must be an object").at("events")))?;
    let mut payloads = Vec::with_capacity(events.len());
    for (uri, payload) in events {
        let event = profile.events.iter().find(|event| event.uri == uri);
        let name = event.and_then(|event| event.name).unwrap_or(uri);
        let is_companion = profile.companions.iter().any(|part| uri.contains(part));
        let payload = check_event(uri, payload, event, is_companion, profile)
            .map_err(|defect| refuse(defect.at(name).at("events")))?;
        if !is_companion {
            payloads.push(payload);
        }
    }
    match (payloads.len(), profile.events_per_set) {
        (0, _) => Err(refuse(Defect::wrong("must have a member").at("events"))),
        (1, _) | (_, EventsPerSet::Several) => Ok(payloads),
        _ => Err(refuse(Defect::wrong("must have exactly one member").at("events"))),
    }
}

fn check_event<'a>(
    uri: &str,
    payload: &'a Value,
    event: Option<&EventType>,
    is_companion: bool,
    profile: &Profile,
) -> Result<&'a Map<String, Value>, Defect> {
    let payload = payload.as_object().ok_or_else(|| Defect::wrong("must be an object"))?;
    match event {
        Some(event) => event.members.check(payload)?,
        None if is_companion || profile.unknown_events == UnknownEvents::Accepted => {}
        None => return Err(Defect::wrong(format!("the event type {uri} is not supported"))),
    }
    Ok(payload)
}

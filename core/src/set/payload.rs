//! Whole payloads of SETs, as guides print them.

use serde_json::{Map, Value};

use super::{Audience, SetBuilder};
use crate::{
    error::{Error, ErrorCode, Result, pointer_step},
    event::CustomEvent,
    json,
    subject::Subject,
    time::Timestamp,
};

impl SetBuilder {
    /// From a whole payload in JSON, as guides print it: `iss`, `aud` and `events`, and whatever else is in it.
    ///
    /// A `jti` or `iat` that is missing is filled in when the SET is prepared. Every other member is sent unchanged, or rejected.
    ///
    /// ```
    /// use ssf_transmitter::{Dialect, KeyType, SetBuilder, SigningKey};
    ///
    /// let payload = r#"{
    ///     "iss": "https://edr.example.com",
    ///     "aud": "https://acme.okta.com",
    ///     "events": {
    ///         "https://schemas.openid.net/secevent/risc/event-type/identifier-changed": {
    ///             "subject": { "user": { "format": "email", "email": "john@example.com" } },
    ///             "new-value": "john.roe@example.com",
    ///             "event_timestamp": 1615304991
    ///         }
    ///     }
    /// }"#;
    /// let key = SigningKey::generate(KeyType::Rsa2048)?;
    /// let set = SetBuilder::from_payload(payload)?.dialect(&Dialect::okta()).sign(&key)?;
    /// assert_eq!(set.decode()?.claims()["iss"], "https://edr.example.com");
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn from_payload(json: &str) -> Result<Self> {
        let mut claims = json::parse_object(json, "the payload")?;
        let mut take = |name: &str| claims.shift_remove(name);
        let missing = |code: ErrorCode, name: &str| {
            Error::new(code, format!("the payload has no {name}")).at(pointer_step(name))
        };
        let issuer = take("iss").ok_or_else(|| missing(ErrorCode::IssuerInvalid, "iss"))?;
        let audience = take("aud").ok_or_else(|| missing(ErrorCode::AudienceMissing, "aud"))?;
        let events = take("events").ok_or_else(|| missing(ErrorCode::EventMissing, "events"))?;

        let mut set = Self::new(text(issuer, "/iss")?, audience_of(audience)?);
        for (uri, members) in object(events, "/events")? {
            let members = object(members, &format!("/events{}", pointer_step(&uri)))?;
            set = set.event(CustomEvent::new(uri, members));
        }
        if let Some(subject) = take("sub_id") {
            // The builder checks it.
            set = set.subject(Subject::from_members(object(subject, "/sub_id")?));
        }
        if let Some(jti) = take("jti") {
            set = set.jti(text(jti, "/jti")?);
        }
        if let Some(txn) = take("txn") {
            set = set.txn(text(txn, "/txn")?);
        }
        if let Some(time) = take("iat") {
            set = set.issued_at(seconds(time, "/iat")?);
        }
        if let Some(time) = take("toe") {
            set = set.toe(seconds(time, "/toe")?);
        }
        Ok(claims.into_iter().fold(set, |set, (name, value)| set.claim(name, value)))
    }
}

fn audience_of(value: Value) -> Result<Audience> {
    match value {
        Value::Array(several) => {
            let several = several.into_iter().map(|one| text(one, "/aud"));
            Ok(several.collect::<Result<Vec<String>>>()?.into())
        }
        one => Ok(text(one, "/aud")?.into()),
    }
}

fn text(value: Value, place: &str) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(invalid("a string", place)),
    }
}

fn object(value: Value, place: &str) -> Result<Map<String, Value>> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(invalid("an object", place)),
    }
}

/// Whole seconds only: a fraction would not be sent unchanged.
fn seconds(value: Value, place: &str) -> Result<Timestamp> {
    let invalid = || invalid("a whole number of seconds since 1970", place);
    value.as_i64().and_then(|_| serde_json::from_value(value).ok()).ok_or_else(invalid)
}

fn invalid(expected: &str, place: &str) -> Error {
    Error::new(ErrorCode::ClaimInvalid, format!("expected {expected}")).at(place)
}

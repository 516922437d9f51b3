//! A JWT as it arrives: taken apart, and believed in nothing.

use serde_json::{Map, Value};

use crate::{
    base64,
    denial::DenialReason,
    json::{self, Kind},
};

/// A JWT whose signature was not verified. Of the header, `alg`, `kid` and `typ` are read. `jku`, `x5u`, `x5c` and `jwk` would let
/// the caller choose the key (RFC 8725 §3.10), so nothing reads them.
pub(crate) struct Unverified<'a> {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    pub(super) claims: Map<String, Value>,
    pub(super) signing_input: &'a str,
    pub(super) signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Whether a token has the form of a JWT: three parts, separated by dots.
    pub(crate) fn looks_like_one(token: &str) -> bool {
        token.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    pub(crate) fn parse(token: &'a str) -> Result<Self, DenialReason> {
        const MALFORMED: DenialReason = DenialReason::TokenMalformed;
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MALFORMED);
        };
        let mut members = object(header)?;
        if members.contains_key("crit") {
            return Err(DenialReason::HeaderCritical);
        }
        let mut text = |name: &str| match members.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(MALFORMED),
        };
        Ok(Self {
            alg: text("alg")?.ok_or(MALFORMED)?,
            kid: text("kid")?,
            typ: text("typ")?,
            claims: object(payload)?,
            signing_input: &token[..header.len() + 1 + payload.len()],
            signature: base64::decode(signature).ok_or(MALFORMED)?,
        })
    }

    /// Who claims to have issued it: to find the settings to verify it with.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// The key that it names: to look for it among those of the issuer.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }
}

/// A JSON object without a name that occurs twice: two readers could see two tokens. Numbers may be inexact, those of other
/// claims are none of our business.
fn object(part: &str) -> Result<Map<String, Value>, DenialReason> {
    let bytes = base64::decode(part).ok_or(DenialReason::TokenMalformed)?;
    let reading = json::read(&bytes, json::MAX_DEPTH).map_err(|_| DenialReason::TokenMalformed)?;
    match reading.value {
        Value::Object(members) if !reading.problems.iter().any(|problem| problem.kind == Kind::Duplicate) => {
            Ok(members)
        }
        _ => Err(DenialReason::TokenMalformed),
    }
}

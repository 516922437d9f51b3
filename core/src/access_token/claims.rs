//! The claims of an access token whose signature is verified.

use serde_json::{Map, Value};

use super::TrustedIssuer;
use crate::{denial::DenialReason, json::ByName as _, time::Timestamp};

/// A member that binds a token to a key or a certificate (RFC 7800, RFC 8705, RFC 9449).
const BINDING: &str = "cnf";

/// What a token says of its caller.
pub(super) struct Facts {
    pub(super) client: String,
    pub(super) scopes: Vec<String>,
}

/// Checks the claims of a token of this issuer, and reads who calls.
pub(super) fn check(
    claims: &Map<String, Value>,
    issuer: &TrustedIssuer,
    now: Timestamp,
) -> Result<Facts, DenialReason> {
    let profile = &issuer.profile;
    if claims.member("iss").and_then(Value::as_str) != Some(&issuer.issuer) {
        return Err(DenialReason::IssuerUnknown);
    }
    let is_other = |(name, value): (&String, &String)| {
        claims.member(name).is_some_and(|found| found.as_str() != Some(value.as_str()))
    };
    if profile.fixed.iter().any(is_other) || profile.forbidden.iter().any(|name| claims.has(name)) {
        return Err(DenialReason::NotAnAccessToken);
    }
    if claims.has(BINDING) {
        return Err(DenialReason::TokenBound);
    }
    audience(claims, issuer)?;
    times(claims, issuer, now)?;
    if profile.required.iter().any(|name| !claims.has(name)) {
        return Err(DenialReason::ClaimInvalid);
    }
    Ok(Facts { client: client(claims, issuer)?, scopes: scopes(claims, issuer)? })
}

/// RFC 7519 §4.1.3: one of the audiences is ours.
fn audience(claims: &Map<String, Value>, issuer: &TrustedIssuer) -> Result<(), DenialReason> {
    let is_ours = |name: &str| issuer.audiences.iter().any(|own| own == name);
    let ours = match claims.member("aud") {
        None => !issuer.profile.needs_audience,
        Some(Value::String(name)) => is_ours(name),
        Some(Value::Array(_)) => texts(claims, "aud")?.iter().any(|name| is_ours(name)),
        Some(_) => return Err(DenialReason::ClaimInvalid),
    };
    if ours { Ok(()) } else { Err(DenialReason::AudienceMismatch) }
}

fn times(claims: &Map<String, Value>, issuer: &TrustedIssuer, now: Timestamp) -> Result<(), DenialReason> {
    let time = |name: &str| match claims.member(name) {
        None => Ok(None),
        Some(Value::Number(number)) => {
            Timestamp::from_json_seconds(number).map(Some).ok_or(DenialReason::ClaimInvalid)
        }
        Some(_) => Err(DenialReason::ClaimInvalid),
    };
    let expires = time("exp")?.ok_or(DenialReason::ClaimInvalid)?;
    let (not_before, issued_at) = (time("nbf")?, time("iat")?);
    let (earliest, latest) = (now.minus(issuer.leeway), now.plus(issuer.leeway));
    // RFC 7519 §4.1.4: at `exp`, it has expired.
    if expires <= earliest {
        return Err(DenialReason::TokenExpired);
    }
    if not_before.is_some_and(|time| time > latest) || issued_at.is_some_and(|time| time > latest) {
        return Err(DenialReason::TokenNotYetValid);
    }
    if expires.since(issued_at.unwrap_or(now)) > issuer.longest() {
        return Err(DenialReason::LifetimeTooLong);
    }
    Ok(())
}

fn client(claims: &Map<String, Value>, issuer: &TrustedIssuer) -> Result<String, DenialReason> {
    let found = issuer.profile.client.iter().find_map(|name| claims.member(name));
    match found.and_then(Value::as_str) {
        Some(client) if !client.is_empty() => Ok(client.to_owned()),
        _ => Err(DenialReason::ClaimInvalid),
    }
}

/// Scopes as a string with spaces (RFC 6749 §3.3), or as a list.
fn scopes(claims: &Map<String, Value>, issuer: &TrustedIssuer) -> Result<Vec<String>, DenialReason> {
    let mut scopes = Vec::new();
    for name in &issuer.profile.scope {
        match claims.member(name) {
            None => {}
            Some(Value::String(text)) => scopes.extend(text.split(' ').map(str::to_owned)),
            Some(Value::Array(_)) => scopes.extend(texts(claims, name)?.into_iter().map(str::to_owned)),
            Some(_) => return Err(DenialReason::ClaimInvalid),
        }
    }
    Ok(scopes)
}

/// The strings of a list that has nothing else.
fn texts<'a>(claims: &'a Map<String, Value>, name: &str) -> Result<Vec<&'a str>, DenialReason> {
    let items = claims.member(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item.as_str().ok_or(DenialReason::ClaimInvalid)).collect()
}

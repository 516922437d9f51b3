//! What one key of a JWK Set is to SETs: a key, somebody else's business, or damaged.
//!
//! RFC 7517 §5: a reader ignores keys that it does not understand. What is nearly understood is a mistake.

use serde_json::{Map, Value};

use super::{Algorithm, KeyFamily, PublicKey};
use crate::{
    error::{Error, ErrorCode, Result},
    near,
};

/// A key of a published set.
pub(crate) enum Entry {
    /// It verifies SETs.
    Key(Box<PublicKey>),
    /// It serves something else, or is of a type that signs no SETs: readers ignore it.
    Foreign(&'static str),
    /// It is meant to verify SETs, and cannot.
    Malformed(Error),
}

/// What a key has to be able to do (RFC 7517 §4.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operation {
    Sign,
    Verify,
}

/// The types of keys that sign SETs (RFC 7518 §6.1, RFC 8037 §2).
const TYPES: [&str; 3] = ["RSA", "EC", "OKP"];
/// The names of our curves, and what others call them.
const CURVES: [(&str, &[&str]); 4] = [
    ("P-256", &["secp256r1", "prime256v1", "nistp256"]),
    ("P-384", &["secp384r1", "nistp384"]),
    ("P-521", &["secp521r1", "nistp521", "p512"]),
    ("Ed25519", &["curveed25519"]),
];

impl Entry {
    /// Reads a key of a published set.
    pub(crate) fn of(jwk: &Map<String, Value>) -> Self {
        match foreign(jwk) {
            Some(why) => Self::Foreign(why),
            None => match checked(jwk, Operation::Verify).and_then(|()| PublicKey::of_jwk(jwk)) {
                Ok(key) => Self::Key(Box::new(key)),
                Err(error) => Self::Malformed(error),
            },
        }
    }
}

/// Why a key is no matter of SETs; `None` if it is one, whole or damaged.
pub(crate) fn foreign(jwk: &Map<String, Value>) -> Option<&'static str> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if let Some(kty) = text("kty")
        && meant_type(kty).is_none()
    {
        return Some(if kty == "oct" { "it is symmetric" } else { "its key type (kty) cannot sign SETs" });
    }
    if let Some(curve) = text("crv")
        && text("kty") != Some("RSA")
        && meant_curve(curve).is_none()
    {
        return Some("its curve (crv) cannot sign SETs");
    }
    if let Some(usage) = text("use")
        && !is_signature(usage)
    {
        return Some("it is not for signatures (use)");
    }
    if let Some(Value::Array(operations)) = jwk.get("key_ops")
        && !operations.iter().any(|operation| operation == "sign" || operation == "verify")
    {
        return Some("it is not for signatures (key_ops)");
    }
    if let Some(name) = text("alg")
        && name.parse::<Algorithm>().is_err()
        && near::meant(name, Algorithm::ALL.iter().map(|known| known.as_str())).is_none()
    {
        return Some("its algorithm (alg) cannot sign SETs");
    }
    None
}

/// Checks what says that a key is for signatures, and finds names that are nearly right.
pub(crate) fn checked(jwk: &Map<String, Value>, operation: Operation) -> Result<()> {
    if let Some(kty) = jwk.get("kty").and_then(Value::as_str)
        && let Some(meant) = meant_type(kty).filter(|meant| *meant != kty)
    {
        return Err(misspelt("kty", meant));
    }
    if let Some(curve) = jwk.get("crv").and_then(Value::as_str)
        && KeyFamily::of_curve(curve).is_none()
        && let Some(meant) = meant_curve(curve)
    {
        return Err(misspelt("crv", meant));
    }
    match jwk.get("use") {
        None => {}
        Some(Value::String(usage)) if usage == "sig" => {}
        Some(Value::String(usage)) if usage == "enc" => {
            let message = "the JWK is for encryption (use: enc), not for signatures";
            return Err(Error::new(ErrorCode::KeyUse, message).at("/use"));
        }
        Some(_) => {
            let message = "the use of the JWK is not sig";
            return Err(Error::new(ErrorCode::KeyUse, message).at("/use"));
        }
    }
    let name = match operation {
        Operation::Sign => "sign",
        Operation::Verify => "verify",
    };
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|operation| operation == name) => Ok(()),
        Some(_) => {
            let message = format!("the key_ops of the JWK do not contain {name}");
            Err(Error::new(ErrorCode::KeyOps, message).at("/key_ops"))
        }
    }
}

/// Whether a `use` is that of signatures, or a misspelling of it.
fn is_signature(usage: &str) -> bool {
    ["sig", "sign", "signing", "signature", "verify"].iter().any(|known| known.eq_ignore_ascii_case(usage))
}

fn meant_type(name: &str) -> Option<&'static str> {
    TYPES.into_iter().find(|known| near::same(known, name))
}

fn meant_curve(name: &str) -> Option<&'static str> {
    CURVES
        .iter()
        .find(|(curve, others)| near::same(curve, name) || others.iter().any(|other| near::same(other, name)))
        .map(|(curve, _)| *curve)
}

fn misspelt(member: &str, meant: &str) -> Error {
    let message = format!("the member {member} of the JWK has an unknown value: did you mean {meant}?");
    let code = ErrorCode::KeyTypeUnsupported;
    Error::new(code, message).at(format!("/{member}"))
}

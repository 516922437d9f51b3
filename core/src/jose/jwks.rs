//! Sets of public keys (RFC 7517 §5).

use serde_json::{Value, json};

use super::{Algorithm, Entry, PublicKey};
use crate::{
    error::{Error, ErrorCode, Result},
    pem::BOM,
};

/// The public keys of a transmitter: the document at its `jwks_uri`.
///
/// Serve [`to_json`](Self::to_json) with the content type `application/json`, which Okta asks for.
#[derive(Clone, Debug, Default)]
pub struct Jwks {
    keys: Vec<PublicKey>,
}

impl Jwks {
    /// A set of these keys. Two different keys with the same `kid` are an error.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self> {
        let mut set = Self::default();
        for key in keys {
            match set.keys.iter().find(|other| other.kid() == key.kid()) {
                Some(other) if other.thumbprint() == key.thumbprint() => {}
                Some(_) => {
                    let message = format!("two different keys have the kid {}", key.kid());
                    return Err(Error::new(ErrorCode::KidDuplicate, message));
                }
                None => set.keys.push(key),
            }
        }
        Ok(set)
    }

    /// Reads a set as it is published. Keys that verify no SETs are left out: of other types, for another use, or damaged
    /// (RFC 7517 §5). [`lint::jwks`](crate::lint::jwks) says which, and why.
    ///
    /// ```
    /// use ssf_transmitter::Jwks;
    ///
    /// let jwks = Jwks::from_json(r#"{ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }"#)?;
    /// assert!(jwks.keys().is_empty());
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn from_json(json: &str) -> Result<Self> {
        if json.starts_with(BOM) {
            let message = "a JWK Set starts with a byte order mark, which JSON must not have (RFC 8259 §8.1)";
            return Err(Error::new(ErrorCode::JsonInvalid, message));
        }
        let object = crate::json::parse_object(json, "a JWK Set")?;
        let Some(Value::Array(keys)) = object.get("keys") else {
            let message = "a JWK Set must have an array `keys`";
            return Err(Error::new(ErrorCode::KeyMemberInvalid, message).at("/keys"));
        };
        let key = |jwk| match Entry::of(jwk) {
            Entry::Key(key) => Some(*key),
            Entry::Foreign(_) | Entry::Malformed(_) => None,
        };
        Ok(Self { keys: keys.iter().filter_map(Value::as_object).filter_map(key).collect() })
    }

    /// The keys.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The document to publish. It never holds a private member.
    pub fn to_json(&self) -> String {
        json!({ "keys": self.keys.iter().map(PublicKey::to_jwk).collect::<Vec<_>>() }).to_string()
    }

    /// Verifies with the key that `kid` names, or without `kid` with any key that fits.
    pub(crate) fn verify(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        input: &[u8],
        signature: &[u8],
    ) -> Result<&PublicKey> {
        let mut last = Error::new(ErrorCode::KeyNotFound, "no key in the set matches the header of the SET");
        for key in &self.keys {
            let named = kid.is_none_or(|kid| kid == key.kid());
            if !named || key.family() != algorithm.family() {
                continue;
            }
            match key.verify(algorithm, input, signature) {
                Ok(()) => return Ok(key),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

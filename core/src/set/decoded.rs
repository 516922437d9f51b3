//! A SET taken apart, for inspection and tests.

use std::fmt;

use serde_json::{Map, Value};

use crate::{
    error::{Error, ErrorCode, Result},
    jose::{Compact, Jwks, PublicKey},
};

/// A decoded SET: header and claims. Decoding does not verify the signature; [`verify`](Self::verify) does.
///
/// ```
/// use ssf_transmitter::{Jwks, KeyType, SetBuilder, SigningKey, Subject, event::caep, set::DecodedSet};
///
/// let key = SigningKey::generate(KeyType::Ed25519)?;
/// let set = SetBuilder::new("https://edr.example.com", "https://receiver.example.net")
///     .event(caep::SessionRevoked::new())
///     .subject(Subject::opaque("session-1"))
///     .sign(&key)?;
///
/// let decoded = DecodedSet::parse(set.as_str())?;
/// assert_eq!(decoded.header()["typ"], "secevent+jwt");
/// assert_eq!(decoded.claims()["sub_id"]["id"], "session-1");
/// decoded.verify(&Jwks::new([key.public_key().clone()])?)?;
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone)]
pub struct DecodedSet {
    compact: String,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl DecodedSet {
    /// Decodes a compact SET. Does not check the signature.
    pub fn parse(compact: &str) -> Result<Self> {
        let parts = Compact::parse(compact)?;
        Ok(Self { compact: compact.to_owned(), header: parts.header, claims: parts.payload })
    }

    /// The JOSE header.
    pub fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// The claims.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Verifies the signature with the key of the set that the header's `kid` names, or, without `kid`, with any that
    /// fits. Returns that key.
    ///
    /// `alg: none`, symmetric algorithms, a `typ` other than `secevent+jwt` and critical extensions are refused (RFC 8725
    /// §3.1, §3.11, RFC 7515 §4.1.11).
    pub fn verify<'a>(&self, jwks: &'a Jwks) -> Result<&'a PublicKey> {
        let parts = Compact::parse(&self.compact)?;
        let algorithm = parts.algorithm()?;
        if parts.header.get("typ").and_then(Value::as_str) != Some(crate::jose::SET_TYPE) {
            return Err(Error::new(ErrorCode::SetMalformed, "the typ of a SET is secevent+jwt").at("/typ"));
        }
        // RFC 7515 §4.1.11: extensions that the reader does not understand make the JWS invalid. None is understood here.
        if parts.header.contains_key("crit") {
            let message = "the header has critical extensions (crit)";
            return Err(Error::new(ErrorCode::SetMalformed, message).at("/crit"));
        }
        jwks.verify(parts.kid(), algorithm, parts.signing_input.as_bytes(), &parts.signature)
    }
}

impl fmt::Debug for DecodedSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DecodedSet").field("header", &self.header).finish_non_exhaustive()
    }
}

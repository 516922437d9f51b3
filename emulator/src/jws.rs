//! Compact JWS (RFC 7515 §7.1), taken apart without trusting it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};

use super::answer::Refusal;

/// A signature algorithm and the keys it goes with (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignatureAlgorithm {
    pub(crate) name: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) kty: &'static str,
    pub(crate) crv: Option<&'static str>,
}

pub(crate) const RS256: SignatureAlgorithm = rsa("RS256", Algorithm::RS256);
pub(crate) const RS384: SignatureAlgorithm = rsa("RS384", Algorithm::RS384);
pub(crate) const RS512: SignatureAlgorithm = rsa("RS512", Algorithm::RS512);
pub(crate) const PS256: SignatureAlgorithm = rsa("PS256", Algorithm::PS256);
pub(crate) const PS384: SignatureAlgorithm = rsa("PS384", Algorithm::PS384);
pub(crate) const PS512: SignatureAlgorithm = rsa("PS512", Algorithm::PS512);
pub(crate) const ES256: SignatureAlgorithm = curve("ES256", Algorithm::ES256, "EC", "P-256");
pub(crate) const ES384: SignatureAlgorithm = curve("ES384", Algorithm::ES384, "EC", "P-384");
pub(crate) const EDDSA: SignatureAlgorithm = curve("EdDSA", Algorithm::EdDSA, "OKP", "Ed25519");
/// The fully specified name of the same thing (RFC 9864 §2.2).
pub(crate) const ED25519: SignatureAlgorithm = curve("Ed25519", Algorithm::EdDSA, "OKP", "Ed25519");

const fn rsa(name: &'static str, algorithm: Algorithm) -> SignatureAlgorithm {
    SignatureAlgorithm { name, algorithm, kty: "RSA", crv: None }
}

const fn curve(
    name: &'static str,
    algorithm: Algorithm,
    kty: &'static str,
    crv: &'static str,
) -> SignatureAlgorithm {
    SignatureAlgorithm { name, algorithm, kty, crv: Some(crv) }
}

/// The three parts of a compact JWS as they were sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompactJws<'a> {
    /// What the signature is over: the first two parts and the dot between them.
    pub(crate) signing_input: &'a str,
    pub(crate) header: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) signature: &'a str,
}

impl<'a> CompactJws<'a> {
    /// The body has to be the JWS and nothing else (RFC 8935 §2.1), so not even a line feed may follow it.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Refusal> {
        let text = str::from_utf8(body).map_err(|_| Refusal::request("The body is not a SET"))?;
        if text.starts_with('"') {
            return Err(Refusal::request("The body is a JSON string, not a SET"));
        }
        let parts: Vec<_> = text.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            return Err(Refusal::request("The body is not a compact JWS: it has to have three parts"));
        };
        if [header, payload, signature].iter().any(|part| !is_base64url(part)) {
            return Err(Refusal::request("The body is not a compact JWS: each part has to be base64url"));
        }
        Ok(Self { signing_input: &text[..header.len() + 1 + payload.len()], header, payload, signature })
    }
}

fn is_base64url(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The JSON object in one part of a JWS.
pub(crate) fn decode(part: &str, what: &str) -> Result<Map<String, Value>, Refusal> {
    let bytes =
        URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::request(format!("The {what} is not base64url")))?;
    serde_json::from_slice(&bytes).map_err(|_| Refusal::request(format!("The {what} is not a JSON object")))
}

/// What the judge needs of a JOSE header.
#[derive(Debug)]
pub(crate) struct JoseHeader<'a> {
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) kid: Option<&'a str>,
}

impl<'a> JoseHeader<'a> {
    pub(crate) fn of(
        header: &'a Map<String, Value>,
        algorithms: &[SignatureAlgorithm],
    ) -> Result<Self, Refusal> {
        // SSF §4.1.1: explicit typing, without the prefix `application/` (RFC 7515 §4.1.9).
        if header.get("typ").and_then(Value::as_str) != Some("secevent+jwt") {
            return Err(Refusal::request("The header typ has to be secevent+jwt"));
        }
        // RFC 7515 §4.1.11: extensions that are not understood make the JWS invalid, and none are.
        if header.contains_key("crit") {
            return Err(Refusal::request("The header crit asks for extensions that are not supported"));
        }
        let name = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        // RFC 8725 §3.1: out of a fixed list. `none` is in none.
        let Some(algorithm) = algorithms.iter().copied().find(|known| known.name == name) else {
            let names: Vec<_> = algorithms.iter().map(|known| known.name).collect();
            return Err(Refusal::request(format!("The header alg has to be one of {}", names.join(", "))));
        };
        match header.get("kid") {
            None => Ok(Self { algorithm, kid: None }),
            Some(Value::String(kid)) => Ok(Self { algorithm, kid: Some(kid) }),
            Some(_) => Err(Refusal::request("The header kid has to be a string")),
        }
    }
}

//! Compact serialization (RFC 7515 §7.1).

use serde_json::{Map, Value};

use super::Algorithm;
use crate::{
    base64,
    error::{Error, ErrorCode, Result},
};

/// The `typ` of a SET (RFC 8417 §2.3, SSF 1.0 §4.1.1).
pub(crate) const SET_TYPE: &str = "secevent+jwt";

/// The header of a SET.
pub(crate) fn header(algorithm: Algorithm, kid: Option<String>) -> Map<String, Value> {
    typed_header(algorithm, kid, SET_TYPE)
}

/// A JOSE header: `alg`, `kid` and `typ`.
pub(crate) fn typed_header(algorithm: Algorithm, kid: Option<String>, typ: &str) -> Map<String, Value> {
    let members = [("alg", Some(algorithm.as_str().to_owned())), ("kid", kid), ("typ", Some(typ.to_owned()))];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
}

/// The bytes that are signed: header and payload, encoded (RFC 7515 §5.1).
pub(crate) fn signing_input(header: &Map<String, Value>, payload: &[u8]) -> Result<String> {
    let header =
        serde_json::to_vec(header).map_err(|error| Error::internal("a header is JSON").because(error))?;
    // Room for the signature too: it is appended to the same string.
    let mut input = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 800);
    base64::encode_to(&mut input, header);
    input.push('.');
    base64::encode_to(&mut input, payload);
    Ok(input)
}

/// A compact JWS taken apart.
pub(crate) struct Compact<'a> {
    pub(crate) header: Map<String, Value>,
    pub(crate) payload: Map<String, Value>,
    pub(crate) signing_input: &'a str,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self> {
        let malformed = |message: &str| Error::new(ErrorCode::SetMalformed, message);
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("a compact SET has three parts, separated by dots"));
        };
        let object =
            |part: &str, name: &str| match base64::decode(part).map(|bytes| serde_json::from_slice(&bytes)) {
                Some(Ok(Value::Object(object))) => Ok(object),
                Some(_) => Err(malformed(&format!("the {name} is not a JSON object"))),
                None => Err(malformed(&format!("the {name} is not base64url"))),
            };
        Ok(Self {
            header: object(header, "header")?,
            payload: object(payload, "payload")?,
            signing_input: &text[..header.len() + 1 + payload.len()],
            signature: base64::decode(signature)
                .ok_or_else(|| malformed("the signature is not base64url"))?,
        })
    }

    /// The algorithm that the header names.
    pub(crate) fn algorithm(&self) -> Result<Algorithm> {
        match self.header.get("alg").and_then(Value::as_str) {
            Some(name) => name.parse().map_err(|error: Error| error.at("/alg")),
            None => Err(Error::new(ErrorCode::SetMalformed, "the header has no alg").at("/alg")),
        }
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.header.get("kid").and_then(Value::as_str)
    }
}

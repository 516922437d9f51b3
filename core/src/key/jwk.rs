//! Private keys from and to JWK (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use std::fmt;

use openssl::{
    bn::{BigNum, BigNumRef},
    error::ErrorStack,
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    der::too_short,
    factors::{crt_parameters, primes},
    material::{self, Material, Point, inconsistent, secret_number},
};
use crate::{
    base64,
    error::{Error, ErrorCode, Result},
    jose::{Algorithm, KeyFamily, Numbers, Operation, PublicKey, checked, foreign},
    lookalike::{self, Form},
    pem,
    secret::Secret,
};

/// The private members, each wiped on drop; everything else of the JWK is public.
#[derive(Deserialize)]
struct Jwk {
    d: Option<Text>,
    p: Option<Text>,
    q: Option<Text>,
    dp: Option<Text>,
    dq: Option<Text>,
    qi: Option<Text>,
    k: Option<Text>,
    oth: Option<IgnoredAny>,
    #[serde(flatten)]
    public: Map<String, Value>,
}

/// A private member; `None` if it is not a string.
struct Text(Option<Zeroizing<String>>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not by an untagged enum: that would buffer the text in memory that nobody wipes.
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member of a JWK")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(Some(Zeroizing::new(text.to_owned()))))
    }

    fn visit_string<E>(self, text: String) -> Result<Text, E> {
        Ok(Text(Some(Zeroizing::new(text))))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Text, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

/// A private JWK, read and checked.
pub(super) struct Parsed {
    pub(super) key: Material,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) kid: Option<String>,
}

/// Reads a JWK, or the one key of a JWK Set that can sign or that `kid` names.
pub(super) fn parse(json: &str, kid: Option<&str>) -> Result<Parsed> {
    #[derive(Deserialize)]
    struct Outline {
        keys: Option<IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Jwk>,
    }

    let inner = pem::unwrapped(json);
    let json = inner.as_deref().map_or(json, String::as_str).trim_start_matches(pem::BOM);
    // Read in two passes: one that could be either would buffer private members in memory that nobody wipes.
    let unreadable = |error| unreadable(json, error);
    let outline: Outline = serde_json::from_str(json).map_err(unreadable)?;
    if outline.keys.is_some() {
        let set: Set = serde_json::from_str(json).map_err(unreadable)?;
        let (index, jwk) = choose(set.keys, kid)?;
        return jwk.read().map_err(|error| error.within(&format!("/keys/{index}")));
    }
    let jwk: Jwk = serde_json::from_str(json).map_err(unreadable)?;
    if kid.is_none_or(|kid| jwk.text("kid") == Some(kid)) {
        jwk.read()
    } else {
        Err(not_found("the JWK has another kid"))
    }
}

/// The parser's own text could quote a private member; only the place is told.
#[allow(clippy::needless_pass_by_value, reason = "the shape of `map_err`")]
fn unreadable(json: &str, error: serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    if error.classify() == serde_json::error::Category::Data {
        let message = format!(
            "neither a JWK nor a JWK Set: members are strings, a set has an array of keys (line {line} column {column})"
        );
        Error::new(ErrorCode::KeyFormatUnknown, message)
    } else {
        let place = format!("it is not JSON, at line {line} column {column}");
        lookalike::refused(Form::Jwk, "a JWK", json.as_bytes(), &place)
    }
}

/// The key of a set that is meant.
fn choose(keys: Vec<Jwk>, kid: Option<&str>) -> Result<(usize, Jwk)> {
    let only = keys.len() == 1;
    let mut fitting = keys.into_iter().enumerate().filter(|(_, jwk)| match kid {
        Some(kid) => jwk.text("kid") == Some(kid),
        // A set of one: its own error says more than "not found".
        None => only || (jwk.d.is_some() && foreign(&jwk.public).is_none()),
    });
    let found =
        fitting.next().ok_or_else(|| not_found("the JWK Set contains no matching private signing key"))?;
    if fitting.next().is_some() {
        let message = "the JWK Set contains several private signing keys: select one by its kid";
        return Err(Error::new(ErrorCode::KeySetAmbiguous, message));
    }
    Ok(found)
}

impl Jwk {
    fn text(&self, name: &str) -> Option<&str> {
        self.public.get(name).and_then(Value::as_str)
    }

    fn read(self) -> Result<Parsed> {
        if self.k.is_some() || self.text("kty") == Some("oct") {
            let message = "a symmetric key (kty: oct) cannot sign SETs";
            return Err(Error::new(ErrorCode::KeySymmetric, message).at("/kty"));
        }
        checked(&self.public, Operation::Sign)?;
        let numbers = Numbers::of_jwk(&self.public)?;
        let algorithm = self.algorithm(numbers.family())?;
        let kid = match self.public.get("kid") {
            None => None,
            Some(Value::String(kid)) if !kid.is_empty() => Some(kid.clone()),
            Some(_) => {
                return Err(Error::new(ErrorCode::KidInvalid, "a kid must be a non-empty string").at("/kid"));
            }
        };
        let key = match &numbers {
            Numbers::Rsa { n, e } => self.rsa(n, e)?,
            Numbers::Curve { family: KeyFamily::Ed25519, x, .. } => self.ed25519(x)?,
            Numbers::Curve { family, x, y } => self.curve(*family, x, y.as_deref().unwrap_or_default())?,
        };
        Ok(Parsed { key, algorithm, kid })
    }

    fn algorithm(&self, family: KeyFamily) -> Result<Option<Algorithm>> {
        match self.public.get("alg") {
            None => Ok(None),
            Some(Value::String(name)) => {
                let algorithm: Algorithm = name.parse().map_err(|_| {
                    let message = "the alg of the JWK is no signature algorithm for SETs";
                    Error::new(ErrorCode::KeyAlgorithmMismatch, message).at("/alg")
                })?;
                family.check(algorithm).map(Some).map_err(|error| error.at("/alg"))
            }
            Some(_) => {
                Err(Error::new(ErrorCode::KeyMemberInvalid, "the alg of the JWK is not a string").at("/alg"))
            }
        }
    }

    #[allow(clippy::many_single_char_names, reason = "the names of RFC 7518 §6.3")]
    fn rsa(&self, n: &str, e: &str) -> Result<Material> {
        if self.oth.is_some() {
            let message = "RSA keys with more than two primes cannot sign SETs here";
            return Err(Error::new(ErrorCode::KeyTypeUnsupported, message).at("/oth"));
        }
        let crt = [("p", &self.p), ("q", &self.q), ("dp", &self.dp), ("dq", &self.dq), ("qi", &self.qi)];
        let given = crt.iter().filter(|(_, member)| member.is_some()).count();
        let d = Self::secret("d", self.d.as_ref(), given > 0)?;
        let number = |text: &str| BigNum::from_slice(&base64::decode(text).unwrap_or_default());
        let (n, e) = (number(n).map_err(inconsistent)?, number(e).map_err(inconsistent)?);
        let bits = n.num_bits();
        if bits < 2048 {
            return Err(too_short(bits).at("/n"));
        }

        let d = secret_number(&d)?;
        let numbers = if given == 0 {
            // RFC 7518 §6.3.2: n, e and d are enough; the primes follow from them.
            let (p, q) = primes(&n, &e, &d).map_err(inconsistent)?.ok_or_else(|| inconsistent(()))?;
            let [dp, dq, qi] = crt_parameters(&d, &p, &q).map_err(inconsistent)?;
            [d, p, q, dp, dq, qi]
        } else {
            // RFC 7518 §6.3.2: with one of them, all of them.
            let member = |index: usize| {
                let (name, member) = crt[index];
                secret_number(&Self::secret(name, member.as_ref(), true)?)
            };
            [d, member(0)?, member(1)?, member(2)?, member(3)?, member(4)?]
        };
        material::rsa(n, e, numbers)
    }

    fn curve(&self, family: KeyFamily, x: &str, y: &str) -> Result<Material> {
        let d = Self::secret("d", self.d.as_ref(), false)?;
        check_length("d", &d, family)?;
        let number = |text: &str| base64::decode(text).unwrap_or_default();
        material::curve(family, &d, &Point::Coordinates(&number(x), &number(y)))
    }

    fn ed25519(&self, x: &str) -> Result<Material> {
        let d = Self::secret("d", self.d.as_ref(), false)?;
        check_length("d", &d, KeyFamily::Ed25519)?;
        material::ed25519(&d, Some(&base64::decode(x).unwrap_or_default()))
    }

    /// A private member, decoded. Without any of them the JWK is a public key.
    fn secret(name: &str, member: Option<&Text>, private: bool) -> Result<Zeroizing<Vec<u8>>> {
        let place = format!("/{name}");
        match member {
            Some(Text(None)) => {
                let message = format!("the member {name} of the JWK is not a string");
                Err(Error::new(ErrorCode::KeyMemberInvalid, message).at(place))
            }
            Some(Text(Some(text))) => {
                base64::decode_secret(text).filter(|bytes| !bytes.is_empty()).ok_or_else(|| {
                    let message = format!("the member {name} of the JWK is not base64url without padding");
                    Error::new(ErrorCode::KeyMemberInvalid, message).at(place)
                })
            }
            None if private => {
                let message = format!("the private JWK lacks the member {name}");
                Err(Error::new(ErrorCode::KeyPrivateMemberMissing, message).at(place))
            }
            None => {
                let message = format!("the JWK is a public key: its private member {name} is missing");
                Err(Error::new(ErrorCode::KeyIsPublic, message).at(place))
            }
        }
    }
}

/// Writes a private key as a JWK.
pub(super) fn write(Material { key, seed, .. }: &Material, public: &PublicKey) -> Result<Secret<String>> {
    let failed = |error: ErrorStack| Error::internal("the key cannot be written as a JWK").because(error);
    let encode = |number: &BigNumRef| Zeroizing::new(base64::encode(&*material::bytes(number)));
    let mut members: Vec<(&str, Zeroizing<String>)> = Vec::new();
    match public.family() {
        KeyFamily::Rsa => {
            let rsa = key.rsa().map_err(failed)?;
            members.push(("d", encode(rsa.d())));
            let crt =
                [("p", rsa.p()), ("q", rsa.q()), ("dp", rsa.dmp1()), ("dq", rsa.dmq1()), ("qi", rsa.iqmp())];
            members.extend(crt.into_iter().filter_map(|(name, number)| Some((name, encode(number?)))));
        }
        KeyFamily::Ed25519 => {
            members.extend(seed.iter().map(|seed| ("d", Zeroizing::new(base64::encode(&**seed)))));
        }
        family => {
            let length = family.curve().map_or(0, |(_, length)| length);
            let ec = key.ec_key().map_err(failed)?;
            let raw = material::padded(ec.private_key(), length).map_err(failed)?;
            members.push(("d", Zeroizing::new(base64::encode(&*raw))));
        }
    }
    let public = public.to_jwk().to_string();
    let length =
        public.len() + members.iter().map(|(name, value)| name.len() + value.len() + 6).sum::<usize>();
    // Allocated once: growing would leave unwiped copies behind.
    let mut json = Zeroizing::new(String::with_capacity(length));
    json.push_str(public.trim_end_matches('}'));
    for (name, value) in &members {
        json.push_str(",\"");
        json.push_str(name);
        json.push_str("\":\"");
        json.push_str(value);
        json.push('"');
    }
    json.push('}');
    Ok(json.into())
}

fn check_length(name: &str, bytes: &[u8], family: KeyFamily) -> Result<()> {
    match family.curve() {
        Some((_, length)) if bytes.len() != length => {
            let message =
                format!("the member {name} of the JWK has {} bytes; the curve needs {length}", bytes.len());
            Err(Error::new(ErrorCode::KeyMemberInvalid, message).at(format!("/{name}")))
        }
        _ => Ok(()),
    }
}

fn not_found(message: &str) -> Error {
    Error::new(ErrorCode::KeyNotFound, message)
}

impl Drop for Jwk {
    fn drop(&mut self) {
        // A private member under an unexpected name would be in `public`.
        for value in self.public.values_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

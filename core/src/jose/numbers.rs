//! The numbers of a public key: from OpenSSL and from a JWK, and back.

use openssl::{
    bn::{BigNum, BigNumContext, BigNumRef},
    ec::{Asn1Flag, EcGroup, EcKey},
    nid::Nid,
    pkey::{HasPublic, Id, PKey, PKeyRef, Public},
    rsa::Rsa,
    sha::sha256,
};
use serde_json::{Map, Value, json};

use super::KeyFamily;
use crate::{
    base64,
    error::{Error, ErrorCode, Result},
};

/// The required members of a public JWK, encoded.
#[derive(Clone, PartialEq)]
pub(crate) enum Numbers {
    Rsa { n: String, e: String },
    Curve { family: KeyFamily, x: String, y: Option<String> },
}

impl Numbers {
    pub(super) fn of(key: &PKeyRef<impl HasPublic>) -> Result<Self> {
        let failed = |error| Error::internal("OpenSSL does not return the numbers of the key").because(error);
        match key.id() {
            Id::RSA | Id::RSA_PSS => {
                let rsa = key.rsa().map_err(failed)?;
                let bits = rsa.n().num_bits();
                if bits < 2048 {
                    let message = format!("the RSA key has {bits} bits; the minimum is 2048");
                    return Err(Error::new(ErrorCode::KeyRsaTooShort, message));
                }
                check_exponent(rsa.e())?;
                Ok(Self::Rsa { n: base64::encode(rsa.n().to_vec()), e: base64::encode(rsa.e().to_vec()) })
            }
            Id::EC => {
                let ec = key.ec_key().map_err(failed)?;
                if ec.group().asn1_flag() != Asn1Flag::NAMED_CURVE {
                    return Err(explicit_curve());
                }
                let family = match ec.group().curve_name() {
                    Some(Nid::X9_62_PRIME256V1) => KeyFamily::P256,
                    Some(Nid::SECP384R1) => KeyFamily::P384,
                    Some(Nid::SECP521R1) => KeyFamily::P521,
                    Some(Nid::SECP256K1) => return Err(unsupported("the curve secp256k1")),
                    _ => return Err(unsupported("this elliptic curve")),
                };
                let mut context = BigNumContext::new().map_err(failed)?;
                let (mut x, mut y) = (BigNum::new().map_err(failed)?, BigNum::new().map_err(failed)?);
                ec.public_key()
                    .affine_coordinates(ec.group(), &mut x, &mut y, &mut context)
                    .map_err(failed)?;
                let coordinate = |number: &BigNum| -> Result<String> {
                    let length = family.curve().map_or(0, |(_, length)| i32::try_from(length).unwrap_or(0));
                    Ok(base64::encode(number.to_vec_padded(length).map_err(failed)?))
                };
                Ok(Self::Curve { family, x: coordinate(&x)?, y: Some(coordinate(&y)?) })
            }
            Id::ED25519 => {
                let x = base64::encode(key.raw_public_key().map_err(failed)?);
                Ok(Self::Curve { family: KeyFamily::Ed25519, x, y: None })
            }
            Id::ED448 => Err(unsupported("Ed448")),
            Id::X25519 | Id::X448 => Err(unsupported("a curve for key agreement (X25519, X448)")),
            _ => Err(unsupported("this type of key")),
        }
    }

    /// The public members of a JWK, with their lengths checked (RFC 7518 §6.2, §6.3, RFC 8037 §2).
    pub(crate) fn of_jwk(jwk: &Map<String, Value>) -> Result<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        match text("kty") {
            Some("RSA") => {
                let (n, e) = (number(jwk, "n", None)?, number(jwk, "e", None)?);
                let exponent = BigNum::from_slice(&base64::decode(&e).unwrap_or_default());
                exponent
                    .map_err(|error| Error::internal("OpenSSL reads no number").because(error))
                    .and_then(|exponent| check_exponent(&exponent))
                    .map_err(|error| error.at("/e"))?;
                Ok(Self::Rsa { n, e })
            }
            Some(kty @ ("EC" | "OKP")) => {
                let Some(curve) = text("crv") else {
                    return Err(invalid("crv", "is missing or not a string"));
                };
                let family = KeyFamily::of_curve(curve)
                    .filter(|family| (*family == KeyFamily::Ed25519) == (kty == "OKP"))
                    .ok_or_else(|| unsupported("this curve").at("/crv"))?;
                let length = family.curve().map(|(_, length)| length);
                let y = if kty == "EC" { Some(number(jwk, "y", length)?) } else { None };
                Ok(Self::Curve { family, x: number(jwk, "x", length)?, y })
            }
            Some("oct") => {
                let message = "a symmetric key (kty: oct) cannot sign SETs";
                Err(Error::new(ErrorCode::KeySymmetric, message).at("/kty"))
            }
            Some(_) => Err(unsupported("this type of key").at("/kty")),
            None => Err(invalid("kty", "is missing or not a string")),
        }
    }

    pub(crate) fn family(&self) -> KeyFamily {
        match self {
            Self::Rsa { .. } => KeyFamily::Rsa,
            Self::Curve { family, .. } => *family,
        }
    }

    pub(crate) fn to_members(&self) -> Map<String, Value> {
        let members = match self {
            Self::Rsa { n, e } => json!({ "kty": "RSA", "n": n, "e": e }),
            Self::Curve { family, x, y: None } => {
                json!({ "kty": "OKP", "crv": family.curve().map(|(name, _)| name), "x": x })
            }
            Self::Curve { family, x, y } => {
                json!({ "kty": "EC", "crv": family.curve().map(|(name, _)| name), "x": x, "y": y })
            }
        };
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    /// RFC 7638 §3: the required members in lexicographic order, no white space, SHA-256.
    pub(super) fn thumbprint(&self) -> String {
        // Written by hand: a `Map` keeps the order of insertion or not, depending on a feature of serde_json. The values
        // are base64url and names of curves, so there is nothing to escape.
        let curve = |family: &KeyFamily| family.curve().map_or("", |(name, _)| name);
        let json = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::Curve { family, x, y: None } => {
                format!(r#"{{"crv":"{}","kty":"OKP","x":"{x}"}}"#, curve(family))
            }
            Self::Curve { family, x, y: Some(y) } => {
                format!(r#"{{"crv":"{}","kty":"EC","x":"{x}","y":"{y}"}}"#, curve(family))
            }
        };
        base64::encode(sha256(json.as_bytes()))
    }

    /// The key that the numbers make.
    pub(super) fn to_key(&self) -> Result<PKey<Public>> {
        let refused = |_| {
            let message = "the public members of the JWK are not a valid key: the point is not on the curve, or a number is wrong";
            Error::new(ErrorCode::KeyInconsistent, message)
        };
        let big = |text: &str| BigNum::from_slice(&base64::decode(text).unwrap_or_default());
        match self {
            Self::Rsa { n, e } => big(n)
                .and_then(|n| Rsa::from_public_components(n, big(e)?))
                .and_then(PKey::from_rsa)
                .map_err(refused),
            Self::Curve { family: KeyFamily::Ed25519, x, .. } => {
                PKey::public_key_from_raw_bytes(&base64::decode(x).unwrap_or_default(), Id::ED25519)
                    .map_err(refused)
            }
            Self::Curve { family, x, y } => {
                let group = EcGroup::from_curve_name(family.nid()).map_err(refused)?;
                let (x, y) =
                    (big(x).map_err(refused)?, big(y.as_deref().unwrap_or_default()).map_err(refused)?);
                EcKey::from_public_key_affine_coordinates(&group, &x, &y)
                    .and_then(PKey::from_ec_key)
                    .map_err(refused)
            }
        }
    }
}

impl KeyFamily {
    /// OpenSSL's number of the curve.
    pub(crate) fn nid(self) -> Nid {
        match self {
            Self::P256 => Nid::X9_62_PRIME256V1,
            Self::P384 => Nid::SECP384R1,
            Self::P521 => Nid::SECP521R1,
            Self::Rsa | Self::Ed25519 => Nid::UNDEF,
        }
    }
}

/// A base64url number of a JWK, of `length` bytes if the curve fixes it.
fn number(jwk: &Map<String, Value>, name: &str, length: Option<usize>) -> Result<String> {
    let Some(text) = jwk.get(name).and_then(Value::as_str) else {
        return Err(invalid(name, "is missing or not a string"));
    };
    match (base64::decode(text), length) {
        (None, _) => Err(invalid(name, "is not base64url without padding")),
        (Some(bytes), Some(length)) if bytes.len() != length => {
            Err(invalid(name, &format!("has {} bytes; the curve needs {length}", bytes.len())))
        }
        (Some(bytes), None) if bytes.is_empty() => Err(invalid(name, "is empty")),
        // RFC 7518 §6.3.1.1: without leading zero octets; some writers keep them.
        (Some(bytes), None) => {
            Ok(base64::encode(bytes.iter().position(|byte| *byte != 0).map_or(&[][..], |at| &bytes[at..])))
        }
        (Some(_), Some(_)) => Ok(text.to_owned()),
    }
}

fn invalid(name: &str, what: &str) -> Error {
    Error::new(ErrorCode::KeyMemberInvalid, format!("the member {name} of the JWK {what}"))
        .at(format!("/{name}"))
}

/// RFC 8017 §3.1: odd, and at least 3. Verifiers that hold it in 32 bits refuse a longer one.
fn check_exponent(e: &BigNumRef) -> Result<()> {
    const MOST_BITS: i32 = 32;
    match e.num_bits() {
        ..=1 => Err(unsupported("an RSA key with an exponent (e) below 3")),
        bits if bits > MOST_BITS => {
            Err(unsupported("an RSA key with an exponent (e) of more than 32 bits, which verifiers reject,"))
        }
        _ if !e.is_bit_set(0) => Err(unsupported("an RSA key with an even exponent (e)")),
        _ => Ok(()),
    }
}

/// `what` signs no SETs: the error says what does.
pub(crate) fn unsupported(what: &str) -> Error {
    let message = format!("{what} is not supported: use RSA, P-256, P-384, P-521 or Ed25519");
    Error::new(ErrorCode::KeyTypeUnsupported, message)
}

/// RFC 5480 §2.1.1: a curve is named. Its parameters written out may be those of another curve that looks alike
/// (CVE-2020-0601).
pub(crate) fn explicit_curve() -> Error {
    let message = "the key spells out the parameters of its curve, instead of naming it: \
        `openssl ec -in KEY -param_enc named_curve -out NEW` converts it";
    Error::new(ErrorCode::KeyTypeUnsupported, message)
}

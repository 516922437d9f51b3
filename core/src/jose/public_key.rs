//! Public keys: what receivers verify with.

use std::fmt;

use josekit::jws::{ES256, ES384, ES512, EdDSA, JwsVerifier, PS256, PS384, PS512, RS256, RS384, RS512};
use openssl::{
    bn::{BigNum, BigNumContext, BigNumRef},
    ec::{Asn1Flag, EcGroup, EcKey},
    nid::Nid,
    pkey::{HasPublic, Id, PKey, PKeyRef, Public},
    rsa::Rsa,
    sha::sha256,
    x509::X509,
};
use serde_json::{Map, Value, json};

use super::{Algorithm, KeyFamily};
use crate::{
    base64,
    error::{Error, ErrorCode, Result},
    lookalike::{self, Form},
    pem,
};

/// A public key, as it is published in a JWKS.
///
/// ```
/// use ssf_transmitter::{KeyType, SigningKey};
///
/// let key = SigningKey::generate(KeyType::P256)?;
/// let public = key.public_key();
/// assert_eq!(public.kid(), public.thumbprint());
/// assert_eq!(public.to_jwk()["use"], "sig");
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone)]
pub struct PublicKey {
    numbers: Numbers,
    algorithm: Option<Algorithm>,
    kid: String,
    spki: Vec<u8>,
}

/// The required members of a public JWK, encoded.
#[derive(Clone, PartialEq)]
pub(crate) enum Numbers {
    Rsa { n: String, e: String },
    Curve { family: KeyFamily, x: String, y: Option<String> },
}

impl PublicKey {
    /// Reads a public key in PEM (`PUBLIC KEY`, `RSA PUBLIC KEY`), as key stores give it, or that of a certificate. Its `kid` is the thumbprint.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self> {
        const EXPECTED: &str = "a public key in PEM";
        let bytes = pem.as_ref();
        let otherwise =
            || lookalike::refused(Form::Pem, EXPECTED, bytes, "there is no block from BEGIN to END");
        let text = std::str::from_utf8(bytes).map_err(|_| otherwise())?;
        let inner = pem::unwrapped(text);
        let blocks = pem::blocks(inner.as_deref().map_or(text, String::as_str));
        let refused =
            |what: &str| Error::new(ErrorCode::KeyFormatUnknown, format!("not {EXPECTED}, but {what}"));
        let damaged = || refused("a damaged block");
        let block = blocks.iter().find(|block| block.label != "EC PARAMETERS").ok_or_else(otherwise)?;
        match block.label {
            "PUBLIC KEY" | "RSA PUBLIC KEY" => {
                Self::of_spki(&block.contents().ok_or_else(damaged)?.der)?.ok_or_else(damaged)
            }
            "CERTIFICATE" => {
                let contents = block.contents().ok_or_else(damaged)?;
                let key = X509::from_der(&contents.der).and_then(|certificate| certificate.public_key());
                let key = key.map_err(|_| damaged())?;
                Self::of(&key)
            }
            label if label.ends_with("PRIVATE KEY") => Err(refused("a private key: pass its public key")),
            _ => Err(refused("a block of another kind")),
        }
    }

    /// Reads a public key in DER (`SubjectPublicKeyInfo`, or `RSAPublicKey`). Its `kid` is the thumbprint.
    pub fn from_der(der: impl AsRef<[u8]>) -> Result<Self> {
        let der = der.as_ref();
        let forms = "not a DER public key (expected SubjectPublicKeyInfo or RSAPublicKey)";
        Self::of_spki(der)?.ok_or_else(|| lookalike::refused(Form::Der, "a public key in DER", der, forms))
    }

    /// Reads the public members of a JWK.
    pub fn from_jwk(json: &str) -> Result<Self> {
        Self::of_jwk(&crate::json::parse_object(json.trim_start_matches(pem::BOM), "a JWK")?)
    }

    /// The same key with another `kid`.
    pub fn with_kid(mut self, kid: impl Into<String>) -> Result<Self> {
        self.kid = kid.into();
        if self.kid.is_empty() {
            return Err(Error::new(ErrorCode::KidInvalid, "a kid is not empty"));
        }
        Ok(self)
    }

    /// The same key for another of its algorithms.
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Result<Self> {
        self.algorithm = Some(self.family().check(algorithm)?);
        Ok(self)
    }

    /// The key id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm: the one it was given, or the default for its type.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm.unwrap_or_else(|| self.family().default_algorithm())
    }

    /// SHA-256 thumbprint (RFC 7638), base64url: the same for the private and the public key, whatever their `kid`.
    pub fn thumbprint(&self) -> String {
        self.numbers.thumbprint()
    }

    /// The JWK for publication: public members, `use`, `alg` and `kid` (RFC 7517 §4).
    pub fn to_jwk(&self) -> Value {
        let mut jwk = self.numbers.to_members();
        jwk.insert("use".into(), Value::from("sig"));
        jwk.insert("alg".into(), Value::from(self.algorithm().as_str()));
        jwk.insert("kid".into(), Value::from(self.kid.as_str()));
        Value::Object(jwk)
    }

    /// The key in DER: `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
    ///
    /// ```
    /// use ssf_transmitter::{KeyType, PublicKey, SigningKey};
    ///
    /// let key = SigningKey::generate(KeyType::P256)?.public_key().clone();
    /// assert_eq!(PublicKey::from_der(key.to_der())?.thumbprint(), key.thumbprint());
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn to_der(&self) -> Vec<u8> {
        self.spki.clone()
    }

    /// The key in PEM (`PUBLIC KEY`), for receivers that are given it by hand.
    pub fn to_pem(&self) -> Result<String> {
        let failed = |error| Error::internal("the public key cannot be written as PEM").because(error);
        let pem =
            PKey::public_key_from_der(&self.spki).and_then(|key| key.public_key_to_pem()).map_err(failed)?;
        String::from_utf8(pem).map_err(|error| Error::internal("PEM is ASCII").because(error))
    }

    /// A public key in DER; `None` if it is none.
    fn of_spki(der: &[u8]) -> Result<Option<Self>> {
        let key = PKey::public_key_from_der(der)
            .or_else(|_| Rsa::public_key_from_der_pkcs1(der).and_then(PKey::from_rsa));
        key.ok().map(|key| Self::of(&key)).transpose()
    }

    /// The public half of an OpenSSL key.
    pub(crate) fn of(key: &PKeyRef<impl HasPublic>) -> Result<Self> {
        let numbers = Numbers::of(key)?;
        // From the numbers: the algorithm identifier is then the plain one, for RSASSA-PSS keys too.
        let spki = numbers
            .to_key()?
            .public_key_to_der()
            .map_err(|error| Error::internal("no public key").because(error))?;
        Ok(Self { kid: numbers.thumbprint(), numbers, algorithm: None, spki })
    }

    pub(crate) fn of_jwk(jwk: &Map<String, Value>) -> Result<Self> {
        let numbers = Numbers::of_jwk(jwk)?;
        let parsed = numbers.to_key()?;
        let mut key = Self::of(&parsed)?;
        if let Some(name) = jwk.get("alg").and_then(Value::as_str) {
            key = key.with_algorithm(name.parse()?)?;
        }
        match jwk.get("kid").and_then(Value::as_str) {
            Some(kid) => key.with_kid(kid),
            None => Ok(key),
        }
    }

    pub(crate) fn family(&self) -> KeyFamily {
        self.numbers.family()
    }

    /// Whether it is a key for signatures of this algorithm.
    pub(crate) fn verifies(&self, algorithm: Algorithm) -> bool {
        let same_signature = |own: Algorithm| own == algorithm || own.family() == KeyFamily::Ed25519;
        self.family() == algorithm.family() && self.algorithm.is_none_or(same_signature)
    }

    /// Verifies a JWS signature. One key, one algorithm: a key that names its algorithm takes no other (RFC 8725 §3.1).
    pub(crate) fn verify(&self, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> Result<()> {
        if !self.verifies(algorithm) {
            let message = format!("the header says {algorithm}, the key is for {}", self.algorithm());
            return Err(Error::new(ErrorCode::SignatureInvalid, message));
        }
        let broken = |_| Error::internal("the verifier rejects the key");
        let spki = &self.spki;
        let verifier: Box<dyn JwsVerifier> = match algorithm {
            Algorithm::Rs256 => Box::new(RS256.verifier_from_der(spki).map_err(broken)?),
            Algorithm::Rs384 => Box::new(RS384.verifier_from_der(spki).map_err(broken)?),
            Algorithm::Rs512 => Box::new(RS512.verifier_from_der(spki).map_err(broken)?),
            Algorithm::Ps256 => Box::new(PS256.verifier_from_der(spki).map_err(broken)?),
            Algorithm::Ps384 => Box::new(PS384.verifier_from_der(spki).map_err(broken)?),
            Algorithm::Ps512 => Box::new(PS512.verifier_from_der(spki).map_err(broken)?),
            Algorithm::Es256 => Box::new(ES256.verifier_from_der(spki).map_err(broken)?),
            Algorithm::Es384 => Box::new(ES384.verifier_from_der(spki).map_err(broken)?),
            Algorithm::Es512 => Box::new(ES512.verifier_from_der(spki).map_err(broken)?),
            Algorithm::EdDsa | Algorithm::Ed25519 => Box::new(EdDSA.verifier_from_der(spki).map_err(broken)?),
        };
        verifier.verify(input, signature).map_err(|_| {
            Error::new(ErrorCode::SignatureInvalid, "the signature does not verify with the key")
        })
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PublicKey")
            .field("algorithm", &self.algorithm().as_str())
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl Numbers {
    fn of(key: &PKeyRef<impl HasPublic>) -> Result<Self> {
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
    fn thumbprint(&self) -> String {
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
    fn to_key(&self) -> Result<PKey<Public>> {
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

//! Public keys: what receivers verify with.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use josekit::jws::{ES256, ES384, ES512, EdDSA, JwsVerifier, PS256, PS384, PS512, RS256, RS384, RS512};
use openssl::{
    pkey::{HasPublic, PKey, PKeyRef},
    rsa::Rsa,
    x509::X509,
};
use serde_json::{Map, Value};

use super::{Algorithm, KeyFamily, Numbers};
use crate::{
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
    /// Made for the first signature: to read the key takes longer than to verify with it. Clones share it.
    verifier: Arc<OnceLock<(Algorithm, Box<dyn JwsVerifier>)>>,
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
        Ok(Self { kid: numbers.thumbprint(), numbers, algorithm: None, spki, verifier: Arc::default() })
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
        let invalid =
            |_| Error::new(ErrorCode::SignatureInvalid, "the signature does not verify with the key");
        // A key that names no algorithm may verify others, too: they are rare.
        let own = self.verifier.get().filter(|(own, _)| *own == algorithm);
        if let Some((_, verifier)) = own {
            return verifier.verify(input, signature).map_err(invalid);
        }
        let (_, verifier) = match self.verifier.set((algorithm, self.verifier_for(algorithm)?)) {
            Ok(()) => return self.verify(algorithm, input, signature),
            Err(other) => other,
        };
        verifier.verify(input, signature).map_err(invalid)
    }

    fn verifier_for(&self, algorithm: Algorithm) -> Result<Box<dyn JwsVerifier>> {
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
        Ok(verifier)
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

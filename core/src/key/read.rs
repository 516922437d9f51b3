//! Keys in an unknown form: PEM, DER, a JWK or a JWK Set, with or without another base64 encoding.

use super::{SigningKey, import, material::Material};
use crate::{error::Result, jose::Algorithm, pem, secret::Secret};

/// Options for reading a key in an unknown form.
///
/// ```
/// use ssf_transmitter::{Algorithm, KeyType, SigningKey, key::KeyOptions};
///
/// let pem = SigningKey::generate(KeyType::Rsa2048)?.export_encrypted_pem("correct horse")?;
/// let options = KeyOptions::new().kid("2026-11").algorithm(Algorithm::Ps256).password("correct horse");
/// let key = SigningKey::from_any(pem.expose(), &options)?;
/// assert_eq!((key.kid(), key.algorithm()), ("2026-11", Algorithm::Ps256));
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct KeyOptions {
    pub(crate) kid: Option<String>,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) password: Option<Secret<String>>,
}

impl KeyOptions {
    /// No options: the key has its own `kid` and algorithm, and is not encrypted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the `kid`: it selects a key of a JWK Set, and names a key in any other form.
    pub fn kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = Some(kid.into());
        self
    }

    /// Sets the algorithm to sign with, if the key supports several, such as PS256.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// Sets the password that decrypts the key. A key that is not encrypted does not need it.
    pub fn password(mut self, password: impl Into<Secret<String>>) -> Self {
        self.password = Some(password.into());
        self
    }
}

/// The form of a key.
enum Form<'a> {
    Json(&'a str),
    Der(&'a [u8]),
    /// Also anything that is not a key: the PEM reader reports what it is instead.
    Pem,
}

impl SigningKey {
    /// Reads a key in any form that the other functions read, and in base64: as files, variables and secret stores keep it.
    ///
    /// Without a `kid`, a JWK Set must contain a single private signing key. See [`KeyOptions`] for an example.
    pub fn from_any(key: impl AsRef<[u8]>, options: &KeyOptions) -> Result<Self> {
        let bytes = key.as_ref();
        let text = std::str::from_utf8(bytes).ok();
        let decoded = text.and_then(pem::any_base64);
        let password = options.password.as_ref().map(|password| password.expose().as_str());
        let key = match form(bytes, text, decoded.as_ref().map(|decoded| decoded.as_slice())) {
            Form::Json(json) => match &options.kid {
                Some(kid) => Self::from_jwks(json, kid),
                None => Self::from_jwk(json),
            },
            Form::Der(der) => named(import::der(der, password), options),
            Form::Pem => named(import::pem(bytes, password), options),
        }?;
        match options.algorithm {
            Some(algorithm) => key.with_algorithm(algorithm),
            None => Ok(key),
        }
    }
}

fn form<'a>(bytes: &'a [u8], text: Option<&'a str>, decoded: Option<&'a [u8]>) -> Form<'a> {
    /// A SEQUENCE (X.690 §8.9).
    const SEQUENCE: Option<&u8> = Some(&0x30);
    let is_json = |text: &str| {
        text.trim_start_matches(|letter: char| letter == pem::BOM || letter.is_whitespace()).starts_with('{')
    };
    match (text, decoded) {
        (Some(text), _) if is_json(text) => Form::Json(text),
        (Some(_), Some(der)) if der.first() == SEQUENCE => Form::Der(der),
        // The reader of JWKs decodes it by itself.
        (Some(text), Some(inner)) if std::str::from_utf8(inner).is_ok_and(is_json) => Form::Json(text),
        (None, _) if bytes.first() == SEQUENCE => Form::Der(bytes),
        _ => Form::Pem,
    }
}

fn named(material: Result<Material>, options: &KeyOptions) -> Result<SigningKey> {
    let key = SigningKey::of(material?)?;
    match &options.kid {
        Some(kid) => key.with_kid(kid),
        None => Ok(key),
    }
}

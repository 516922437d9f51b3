//! Signing keys, sets of them, and signatures that were made elsewhere.

use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};
use ssf_transmitter::{self as sdk, KeyType};

use crate::{
    arguments::{Data, Moment, Span, no_others},
    errors::Result,
    fork::{detached, inside},
    jwks::{Jwks, PublicKey},
};

/// A private key that signs SETs, with its algorithm and `kid`. Threads may share it.
///
/// >>> key = SigningKey.generate("P-256")
/// >>> key.algorithm
/// 'ES256'
/// >>> key.kid == key.public_key.thumbprint
/// True
#[pyclass(frozen, module = "ssf_transmitter")]
pub(crate) struct SigningKey(pub(crate) sdk::SigningKey);

#[pymethods]
impl SigningKey {
    /// Generates a key. An RSA key takes from a tenth of a second (2048 bits) to seconds (4096 bits).
    #[staticmethod]
    #[pyo3(signature = (kind = "RSA-2048"))]
    fn generate(py: Python<'_>, kind: &str) -> Result<Self> {
        let kind: KeyType = kind
            .parse()
            .map_err(|error: sdk::Error| PyValueError::new_err(format!("kind: {}", error.message())))?;
        Ok(Self(detached(py, || sdk::SigningKey::generate(kind))?))
    }

    /// Reads a key in PEM: PKCS#8, PKCS#1 or SEC1, encrypted or not.
    #[staticmethod]
    #[pyo3(signature = (data, *, password = None, **unknown), text_signature = "(data, *, password=None)")]
    fn from_pem(data: Data<'_>, password: Option<&str>, unknown: Option<&Bound<'_, PyDict>>) -> Result<Self> {
        no_others(unknown, "SigningKey.from_pem", &["data", "password"])?;
        Ok(Self(match password {
            Some(password) => inside(|| sdk::SigningKey::from_encrypted_pem(data, password))?,
            None => inside(|| sdk::SigningKey::from_pem(data))?,
        }))
    }

    /// Reads a key in DER: PKCS#8, PKCS#1 or SEC1; encrypted as PKCS#8.
    #[staticmethod]
    #[pyo3(signature = (data, *, password = None, **unknown), text_signature = "(data, *, password=None)")]
    fn from_der(data: &[u8], password: Option<&str>, unknown: Option<&Bound<'_, PyDict>>) -> Result<Self> {
        no_others(unknown, "SigningKey.from_der", &["data", "password"])?;
        Ok(Self(match password {
            Some(password) => inside(|| sdk::SigningKey::from_encrypted_der(data, password))?,
            None => inside(|| sdk::SigningKey::from_der(data))?,
        }))
    }

    /// Reads a private JWK, or a private key of a JWK Set: the one with this `kid`, or the only one.
    #[staticmethod]
    #[pyo3(signature = (json, *, kid = None, **unknown), text_signature = "(json, *, kid=None)")]
    fn from_jwk(json: &str, kid: Option<&str>, unknown: Option<&Bound<'_, PyDict>>) -> Result<Self> {
        no_others(unknown, "SigningKey.from_jwk", &["json", "kid"])?;
        Ok(Self(match kid {
            Some(kid) => inside(|| sdk::SigningKey::from_jwks(json, kid))?,
            None => inside(|| sdk::SigningKey::from_jwk(json))?,
        }))
    }

    /// The same key with another `kid`. Without this it is the RFC 7638 thumbprint.
    fn with_kid(&self, kid: &str) -> Result<Self> {
        Ok(Self(self.0.clone().with_kid(kid)?))
    }

    /// The same key for another algorithm that fits it: `PS256` instead of `RS256`, for example.
    fn with_algorithm(&self, algorithm: &str) -> Result<Self> {
        Ok(Self(self.0.clone().with_algorithm(algorithm.parse()?)?))
    }

    /// The algorithm that it signs with.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.algorithm().as_str()
    }

    /// The key id, published in the JWKS and named in the header of SETs.
    #[getter]
    fn kid(&self) -> &str {
        self.0.kid()
    }

    /// The public half.
    #[getter]
    fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key().clone())
    }

    /// The private key as a JWK. Whoever has it can sign in your name.
    fn export_private_jwk(&self) -> Result<String> {
        Ok(inside(|| self.0.export_private_jwk())?.expose().clone())
    }

    /// The private key as PEM (PKCS#8), encrypted if there is a password. Whoever has it can sign in your name.
    #[pyo3(signature = (*, password = None, **unknown), text_signature = "(self, *, password=None)")]
    fn export_private_pem(
        &self,
        py: Python<'_>,
        password: Option<&str>,
        unknown: Option<&Bound<'_, PyDict>>,
    ) -> Result<String> {
        no_others(unknown, "SigningKey.export_private_pem", &["password"])?;
        let pem = match password {
            Some(password) => detached(py, || self.0.export_encrypted_pem(password))?,
            None => inside(|| self.0.export_private_pem())?,
        };
        Ok(pem.expose().clone())
    }

    fn __repr__(&self) -> String {
        format!("<SigningKey {} kid={}>", self.0.algorithm(), self.0.kid())
    }
}

/// The keys of a transmitter over time: one signs, all are published.
///
/// Receivers cache the JWKS, so a key is published before it signs: `stage` the next key, wait, `rotate`, wait, `remove`
/// the retired one.
#[pyclass(frozen, module = "ssf_transmitter")]
pub(crate) struct KeySet(pub(crate) sdk::KeySet);

#[pymethods]
impl KeySet {
    /// A set with one key, which signs.
    #[new]
    fn new(active: &SigningKey) -> Self {
        Self(sdk::KeySet::new(active.0.clone()))
    }

    /// The key that signs now.
    #[getter]
    fn active(&self) -> SigningKey {
        SigningKey(self.0.active())
    }

    /// The key that is published and does not sign yet.
    #[getter]
    fn next(&self) -> Option<SigningKey> {
        self.0.next().map(SigningKey)
    }

    /// The keys that signed before and are still published.
    #[getter]
    fn retired(&self) -> Vec<SigningKey> {
        self.0.retired().into_iter().map(SigningKey).collect()
    }

    /// The set to publish: active, next and retired keys.
    fn jwks(&self) -> Result<Jwks> {
        Ok(Jwks(self.0.jwks()?))
    }

    /// Publishes the next key, from now on or from `at`. It takes the place of a next key that was staged before.
    #[pyo3(signature = (key, *, at = None, **unknown), text_signature = "(self, key, *, at=None)")]
    fn stage(&self, key: &SigningKey, at: Option<Moment>, unknown: Option<&Bound<'_, PyDict>>) -> Result<()> {
        no_others(unknown, "KeySet.stage", &["key", "at"])?;
        Ok(self.0.stage(key.0.clone(), now(at))?)
    }

    /// Lets the next key sign, if it has been published for so long, and retires the active one, whose `kid` it returns.
    #[pyo3(signature = (*, published, at = None, **unknown), text_signature = "(self, *, published, at=None)")]
    fn rotate(
        &self,
        published: Span,
        at: Option<Moment>,
        unknown: Option<&Bound<'_, PyDict>>,
    ) -> Result<String> {
        no_others(unknown, "KeySet.rotate", &["published", "at"])?;
        Ok(self.0.rotate(now(at), published.0)?)
    }

    /// Takes a next or retired key out of the set.
    fn remove(&self, kid: &str) -> Result<()> {
        Ok(self.0.remove(kid)?)
    }

    fn __repr__(&self) -> String {
        format!("<KeySet active={}>", self.0.active().kid())
    }
}

fn now(at: Option<Moment>) -> sdk::Timestamp {
    at.map_or_else(sdk::Timestamp::now, |at| at.0)
}

/// A signature that was made elsewhere.
#[pyclass(frozen, module = "ssf_transmitter")]
pub(crate) struct Signature(pub(crate) sdk::Signature);

#[pymethods]
impl Signature {
    /// As JWS has it: the RSA or Ed25519 signature, or R and S of fixed length.
    #[staticmethod]
    fn raw(data: &[u8]) -> Self {
        Self(sdk::Signature::Raw(data.to_vec()))
    }

    /// ECDSA as a DER `SEQUENCE` of R and S, as AWS KMS, the Secure Enclave and `cryptography` give it.
    #[staticmethod]
    fn der(data: &[u8]) -> Self {
        Self(sdk::Signature::Der(data.to_vec()))
    }
}

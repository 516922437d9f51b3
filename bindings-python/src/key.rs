//! Signing keys, and signatures that were made elsewhere.

use std::path::PathBuf;

use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};
use ssf_bindings::key;
use ssf_transmitter::{self as sdk, KeyType, key::KeyOptions};

use crate::{
    arguments::{Data, Span, no_others},
    errors::Result,
    fork::{detached, inside},
    jwks::PublicKey,
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
        Ok(Self(inside(|| key::from_pem(data, password))?))
    }

    /// Reads a key in DER: PKCS#8, PKCS#1 or SEC1; encrypted as PKCS#8.
    #[staticmethod]
    #[pyo3(signature = (data, *, password = None, **unknown), text_signature = "(data, *, password=None)")]
    fn from_der(data: &[u8], password: Option<&str>, unknown: Option<&Bound<'_, PyDict>>) -> Result<Self> {
        no_others(unknown, "SigningKey.from_der", &["data", "password"])?;
        Ok(Self(inside(|| key::from_der(data, password))?))
    }

    /// Reads a private JWK, or a private key of a JWK Set: the one with this `kid`, or the only one.
    #[staticmethod]
    #[pyo3(signature = (json, *, kid = None, **unknown), text_signature = "(json, *, kid=None)")]
    fn from_jwk(json: &str, kid: Option<&str>, unknown: Option<&Bound<'_, PyDict>>) -> Result<Self> {
        no_others(unknown, "SigningKey.from_jwk", &["json", "kid"])?;
        Ok(Self(inside(|| key::from_jwk(json, kid))?))
    }

    /// Reads a key in any form: PEM, DER, a JWK or a JWK Set, in base64 or not. `kid` selects a key of a JWK Set, and names any
    /// other key.
    #[staticmethod]
    #[pyo3(
        signature = (data, *, kid = None, algorithm = None, password = None, **unknown),
        text_signature = "(data, *, kid=None, algorithm=None, password=None)"
    )]
    fn from_any(
        data: Data<'_>,
        kid: Option<String>,
        algorithm: Option<&str>,
        password: Option<String>,
        unknown: Option<&Bound<'_, PyDict>>,
    ) -> Result<Self> {
        no_others(unknown, "SigningKey.from_any", &["data", "kid", "algorithm", "password"])?;
        let mut options = KeyOptions::new();
        if let Some(kid) = kid {
            options = options.kid(kid);
        }
        if let Some(algorithm) = algorithm {
            options = options.algorithm(algorithm.parse()?);
        }
        if let Some(password) = password {
            options = options.password(password);
        }
        Ok(Self(inside(|| sdk::SigningKey::from_any(data, &options))?))
    }

    /// Reads the key in an environment variable, in any form.
    #[staticmethod]
    #[pyo3(
        signature = (name, *, kid = None, algorithm = None, password = None, **unknown),
        text_signature = "(name, *, kid=None, algorithm=None, password=None)"
    )]
    fn from_env(
        py: Python<'_>,
        name: &str,
        kid: Option<String>,
        algorithm: Option<&str>,
        password: Option<String>,
        unknown: Option<&Bound<'_, PyDict>>,
    ) -> Result<Self> {
        no_others(unknown, "SigningKey.from_env", &["name", "kid", "algorithm", "password"])?;
        let source = sdk::KeySource::parse(&format!("env:{name}"))?;
        Self::read(py, &with_options(source, kid, algorithm, password, None)?)
    }

    /// Reads the key in a file, in any form.
    #[staticmethod]
    #[pyo3(
        signature = (path, *, kid = None, algorithm = None, password = None, **unknown),
        text_signature = "(path, *, kid=None, algorithm=None, password=None)"
    )]
    fn from_file(
        py: Python<'_>,
        path: PathBuf,
        kid: Option<String>,
        algorithm: Option<&str>,
        password: Option<String>,
        unknown: Option<&Bound<'_, PyDict>>,
    ) -> Result<Self> {
        no_others(unknown, "SigningKey.from_file", &["path", "kid", "algorithm", "password"])?;
        let source = sdk::KeySource::file(path);
        Self::read(py, &with_options(source, kid, algorithm, password, None)?)
    }

    /// Reads the key where `source` says: `env:NAME`, `file:PATH` or a path, `dir:PATH` (the first by name), `cmd:PROGRAM ARG…`
    /// (its output, within the time limit of 30 seconds), or `stdin:`. No shell runs.
    ///
    /// >>> SigningKey.from_source("cmd:openssl genpkey -algorithm ed25519").algorithm
    /// 'EdDSA'
    #[staticmethod]
    #[pyo3(
        signature = (source, *, kid = None, algorithm = None, password = None, time_limit = None, **unknown),
        text_signature = "(source, *, kid=None, algorithm=None, password=None, time_limit=None)"
    )]
    fn from_source(
        py: Python<'_>,
        source: &str,
        kid: Option<String>,
        algorithm: Option<&str>,
        password: Option<String>,
        time_limit: Option<Span>,
        unknown: Option<&Bound<'_, PyDict>>,
    ) -> Result<Self> {
        let known = ["source", "kid", "algorithm", "password", "time_limit"];
        no_others(unknown, "SigningKey.from_source", &known)?;
        let source = sdk::KeySource::parse(source)?;
        Self::read(py, &with_options(source, kid, algorithm, password, time_limit)?)
    }

    /// The same key with another `kid`. Without this it is the RFC 7638 thumbprint.
    fn with_kid(&self, kid: &str) -> Result<Self> {
        Ok(Self(self.0.clone().with_kid(kid)?))
    }

    /// The same key for another of its algorithms: `PS256` instead of `RS256`, for example.
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

impl SigningKey {
    /// Fetching waits, and takes no lock: a fork need not wait for it. Reading does not wait.
    fn read(py: Python<'_>, source: &sdk::KeySource) -> Result<Self> {
        let fetched = py.detach(|| source.fetch())?;
        Ok(Self(inside(|| fetched.key())?))
    }
}

pub(crate) fn with_options(
    mut source: sdk::KeySource,
    kid: Option<String>,
    algorithm: Option<&str>,
    password: Option<String>,
    time_limit: Option<Span>,
) -> Result<sdk::KeySource> {
    if let Some(kid) = kid {
        source = source.kid(kid);
    }
    if let Some(algorithm) = algorithm {
        source = source.algorithm(algorithm.parse()?);
    }
    if let Some(password) = password {
        source = source.password(password);
    }
    if let Some(Span(limit)) = time_limit {
        source = source.time_limit(limit);
    }
    Ok(source)
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

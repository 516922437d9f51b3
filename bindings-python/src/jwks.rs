//! Public keys, and sets of them.

use pyo3::prelude::*;
use ssf_transmitter as sdk;

use crate::{
    arguments::{Data, loads},
    errors::Result,
    fork::inside,
};

/// A public key: what receivers verify with.
#[pyclass(frozen, module = "ssf_transmitter")]
pub(crate) struct PublicKey(pub(crate) sdk::PublicKey);

#[pymethods]
impl PublicKey {
    /// Reads a public key in PEM, or the one of a certificate.
    #[staticmethod]
    fn from_pem(data: Data<'_>) -> Result<Self> {
        Ok(Self(inside(|| sdk::PublicKey::from_pem(data))?))
    }

    /// Reads a public key in DER (`SubjectPublicKeyInfo`).
    #[staticmethod]
    fn from_der(data: &[u8]) -> Result<Self> {
        Ok(Self(inside(|| sdk::PublicKey::from_der(data))?))
    }

    /// Reads a public JWK.
    #[staticmethod]
    fn from_jwk(json: &str) -> Result<Self> {
        Ok(Self(inside(|| sdk::PublicKey::from_jwk(json))?))
    }

    /// The same key with another `kid`.
    fn with_kid(&self, kid: &str) -> Result<Self> {
        Ok(Self(self.0.clone().with_kid(kid)?))
    }

    /// The same key for another of its algorithms.
    fn with_algorithm(&self, algorithm: &str) -> Result<Self> {
        Ok(Self(self.0.clone().with_algorithm(algorithm.parse()?)?))
    }

    /// The key id.
    #[getter]
    fn kid(&self) -> &str {
        self.0.kid()
    }

    /// The signature algorithm that it is published for.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.algorithm().as_str()
    }

    /// The RFC 7638 thumbprint.
    #[getter]
    fn thumbprint(&self) -> String {
        inside(|| self.0.thumbprint())
    }

    /// The key as a JWK.
    fn to_jwk<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &self.0.to_jwk().to_string())
    }

    /// The key in PEM (`SubjectPublicKeyInfo`).
    fn to_pem(&self) -> Result<String> {
        Ok(inside(|| self.0.to_pem())?)
    }

    fn __repr__(&self) -> String {
        format!("<PublicKey {} kid={}>", self.0.algorithm(), self.0.kid())
    }
}

/// The public keys of a transmitter: the document at its `jwks_uri`.
#[pyclass(frozen, module = "ssf_transmitter")]
pub(crate) struct Jwks(pub(crate) sdk::Jwks);

#[pymethods]
impl Jwks {
    /// A set of these keys. Two different keys with the same `kid` are an error.
    #[new]
    fn new(keys: Vec<Py<PublicKey>>) -> Result<Self> {
        Ok(Self(sdk::Jwks::new(keys.into_iter().map(|key| key.get().0.clone()))?))
    }

    /// Reads a set as it is published. Keys that sign no SETs are left out.
    #[staticmethod]
    fn from_json(json: &str) -> Result<Self> {
        Ok(Self(inside(|| sdk::Jwks::from_json(json))?))
    }

    /// The keys.
    #[getter]
    fn keys(&self) -> Vec<PublicKey> {
        self.0.keys().iter().cloned().map(PublicKey).collect()
    }

    /// The document to publish, as `application/json`. It never holds a private member.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    fn __len__(&self) -> usize {
        self.0.keys().len()
    }

    fn __repr__(&self) -> String {
        let kids: Vec<_> = self.0.keys().iter().map(sdk::PublicKey::kid).collect();
        format!("<Jwks {}>", kids.join(" "))
    }
}

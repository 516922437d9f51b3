//! SETs: unsigned, signed, taken apart; and the receipt for one that was delivered.

use std::time::SystemTime;

use pyo3::{
    Borrowed,
    prelude::*,
    types::{PyString, PyTuple},
};
use serde_json::{Map, Value};
use ssf_bindings::set;
use ssf_transmitter::{self as sdk, set::Audience};

use crate::{
    arguments::{Moment, datetime, expected, loads},
    emission::{AnyEvent, AnySubject},
    errors::Result,
    fork::{detached, inside},
    json,
    jwks::{Jwks, PublicKey},
    key::{Signature, SigningKey},
    lint::{self, Lint},
    receiver::Dialect,
};

/// An unsigned SET whose `jti`, `iat` and header are fixed.
#[pyclass(frozen, module = "ssf_transmitter")]
pub(crate) struct UnsignedSet(pub(crate) sdk::UnsignedSet);

#[pymethods]
impl UnsignedSet {
    /// The bytes to sign: header and claims, encoded (RFC 7515 §5.1).
    #[getter]
    fn signing_input(&self) -> &[u8] {
        self.0.signing_input()
    }

    /// The digest of the bytes to sign, for key services that sign digests; `None` for Ed25519.
    #[getter]
    fn digest(&self) -> Option<Vec<u8>> {
        inside(|| self.0.digest())
    }

    /// The algorithm that the header names.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.0.algorithm().as_str()
    }

    /// The id of the SET.
    #[getter]
    fn jti(&self) -> &str {
        self.0.jti()
    }

    /// Header and claims, for inspection.
    fn decode(&self) -> Result<DecodedSet> {
        Ok(DecodedSet(self.0.decode()?))
    }

    /// The reported findings.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        lint::findings(py, self.0.findings())
    }

    /// Signs with a key of this process.
    fn sign(&self, py: Python<'_>, key: &SigningKey) -> Result<SignedSet> {
        Ok(SignedSet(detached(py, || self.0.clone().sign(&key.0))?))
    }

    /// Attaches a signature over `signing_input`. Its form and length are checked. `bytes` are a raw signature.
    fn attach(&self, signature: SignatureArgument) -> Result<SignedSet> {
        Ok(SignedSet(inside(|| self.0.clone().attach(signature.0))?))
    }

    fn __repr__(&self) -> String {
        format!("<UnsignedSet {}>", self.0.jti())
    }
}

/// A signature, or the bytes of a raw one.
pub(crate) struct SignatureArgument(pub(crate) sdk::Signature);

impl FromPyObject<'_, '_> for SignatureArgument {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(signature) = given.cast::<Signature>() {
            return Ok(Self(signature.get().0.clone()));
        }
        let raw: &[u8] = given.extract().map_err(|_| expected("bytes or a Signature", given))?;
        Ok(Self(sdk::Signature::Raw(raw.to_vec())))
    }
}

/// A signed SET. `str` gives its compact form; however often it is sent, its bytes are the same.
#[pyclass(frozen, eq, module = "ssf_transmitter")]
#[derive(PartialEq)]
pub(crate) struct SignedSet(pub(crate) sdk::SignedSet);

#[pymethods]
impl SignedSet {
    /// Takes a SET that was signed elsewhere, or stored. Its outline is checked, not its signature.
    #[staticmethod]
    fn parse(compact: &str) -> Result<Self> {
        Ok(Self(sdk::SignedSet::parse(compact)?))
    }

    /// The id of the SET.
    #[getter]
    fn jti(&self) -> &str {
        self.0.jti()
    }

    /// The reported findings from its preparation.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        lint::findings(py, self.0.findings())
    }

    /// The id of its event, such as `caep.session-revoked`, or the URI of one that the catalogue does not know.
    #[getter]
    fn event(&self) -> &str {
        self.0.event()
    }

    /// Header and claims, for inspection.
    fn decode(&self) -> Result<DecodedSet> {
        Ok(DecodedSet(self.0.decode()?))
    }

    fn __str__(&self) -> &str {
        self.0.as_str()
    }

    fn __repr__(&self) -> String {
        format!("<SignedSet {}>", self.0.jti())
    }
}

/// A decoded SET. Decoding does not verify the signature; `verify` does.
#[pyclass(frozen, module = "ssf_transmitter")]
pub(crate) struct DecodedSet(sdk::set::DecodedSet);

#[pymethods]
impl DecodedSet {
    /// Decodes a compact SET. Does not check the signature.
    #[staticmethod]
    fn parse(compact: &str) -> Result<Self> {
        Ok(Self(sdk::set::DecodedSet::parse(compact)?))
    }

    /// The JOSE header.
    #[getter]
    fn header<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        object(py, self.0.header())
    }

    /// The claims.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        object(py, self.0.claims())
    }

    /// Verifies the signature, and returns the key that fits.
    fn verify(&self, py: Python<'_>, jwks: &Jwks) -> Result<PublicKey> {
        Ok(PublicKey(detached(py, || self.0.verify(&jwks.0).cloned())?))
    }
}

fn object<'py>(py: Python<'py>, members: &Map<String, Value>) -> PyResult<Bound<'py, PyAny>> {
    loads(py, &Value::Object(members.clone()).to_string())
}

/// Confirms that a receiver accepted a SET. It does not say whether the receiver processed it (RFC 8935 §2.2).
#[pyclass(frozen, module = "ssf_transmitter")]
pub(crate) struct Receipt(pub(crate) sdk::Receipt);

#[pymethods]
impl Receipt {
    /// The id of the SET.
    #[getter]
    fn jti(&self) -> &str {
        self.0.jti()
    }

    /// The SET as it was sent.
    #[getter]
    fn set(&self) -> SignedSet {
        SignedSet(self.0.set().clone())
    }

    /// The HTTP status of the answer.
    #[getter]
    fn status(&self) -> u16 {
        self.0.status()
    }

    /// How often the SET was sent.
    #[getter]
    fn attempts(&self) -> u32 {
        self.0.attempts()
    }

    /// When the answer arrived, by the local clock.
    #[getter]
    fn answered_at(&self) -> SystemTime {
        datetime(self.0.answered_at())
    }

    /// Whether the status is the one that the receiver documents.
    #[getter]
    fn is_expected(&self) -> bool {
        self.0.is_expected()
    }

    /// Anything unusual about the answer, such as `already_received` or `body_broken`. A note is about the answer, a
    /// finding about the SET; neither changes that it is delivered.
    #[getter]
    fn notes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.notes().iter().map(|note| note.as_str()))
    }

    /// What lint found in the SET and was to report.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        lint::findings(py, self.0.findings())
    }

    fn __repr__(&self) -> String {
        format!("<Receipt {} status={} attempts={}>", self.0.jti(), self.0.status(), self.0.attempts())
    }
}

/// A SET from all its parts, without a transmitter. Preparing it is what checks them.
#[pyfunction]
#[pyo3(signature = (
    issuer, audience, events, subject, dialect, algorithm, kid, txn, toe, jti, issued_at, claims, lint, /
))]
#[allow(clippy::too_many_arguments, reason = "the parts of a SET")]
pub(crate) fn prepare_set(
    issuer: &Bound<'_, PyString>,
    audience: Addressee,
    events: Vec<AnyEvent>,
    subject: Option<AnySubject>,
    dialect: &Dialect,
    algorithm: String,
    kid: Option<String>,
    txn: Option<Bound<'_, PyString>>,
    toe: Option<Moment>,
    jti: Option<Bound<'_, PyString>>,
    issued_at: Option<Moment>,
    claims: Option<Bound<'_, PyAny>>,
    lint: Option<Lint>,
) -> Result<UnsignedSet> {
    let text =
        |text: Option<Bound<'_, PyString>>, pointer| text.map(|text| json::text(&text, pointer)).transpose();
    let parts = set::SetParts {
        issuer: json::text(issuer, "/iss")?,
        audience: audience.into(),
        events: events.into_iter().map(|event| event.0).collect(),
        subject: subject.map(|subject| subject.0),
        dialect: Some(dialect.0.clone()),
        txn: text(txn, "/txn")?,
        toe: toe.map(|toe| toe.0),
        jti: text(jti, "/jti")?,
        issued_at: issued_at.map(|issued_at| issued_at.0),
        claims: claims.map(|claims| json::object(&claims, json::CLAIMS)).transpose()?.unwrap_or_default(),
        lint: lint.map(|lint| lint.0),
        algorithm,
        kid,
    };
    Ok(UnsignedSet(parts.prepare()?))
}

/// An audience: a string, or a list of them.
#[derive(Clone)]
pub(crate) enum Addressee {
    One(String),
    Several(Vec<String>),
}

impl FromPyObject<'_, '_> for Addressee {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(one) = given.cast::<PyString>() {
            return Ok(Self::One(json::text(&one, "/aud")?));
        }
        let several: Vec<Bound<'_, PyString>> =
            given.extract().map_err(|_| expected("str or a list of str", given))?;
        Ok(Self::Several(several.iter().map(|one| json::text(one, "/aud")).collect::<Result<_>>()?))
    }
}

impl From<Addressee> for Audience {
    fn from(addressee: Addressee) -> Self {
        match addressee {
            Addressee::One(one) => one.into(),
            Addressee::Several(several) => several.into(),
        }
    }
}

//! Signers: functions of Python that sign with an external key.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use pyo3::{
    PyTraverseError, PyVisit,
    exceptions::PyTypeError,
    prelude::*,
    types::{PyBytes, PyDict},
};
use ssf_bindings::transmitter::{external_key, to_sign};
use ssf_transmitter::{
    self as sdk,
    key::{ExternalKey, TransmitterKey},
};

use crate::{
    arguments::{expected, no_others},
    errors::Result,
    fork::inside,
    jwks::PublicKey,
    key::SigningKey,
};

/// A key outside this process, and the function that signs with it.
///
/// Use it like a `SigningKey`: as the key of a transmitter, or in a `KeySet`. The function returns the bytes of a raw signature, or
/// a `Signature`. It may be an async function in an `AsyncTransmitter`.
///
/// >>> signer = Signer(lambda signing_input: b"...", algorithm="ES256", kid="2026-11")
/// >>> signer.algorithm, signer.kid
/// ('ES256', '2026-11')
///
/// Args:
///     sign: Takes the signing input, and signs it.
///     sign_digest: Instead, takes the digest of the signing input, for key services that accept few bytes. Ed25519 has none.
///     algorithm: The algorithm of the key.
///     kid: The key id under which the public key is published; by default, that of `public_key`.
///     public_key: The public key. `jwks` publishes it, and lint and doctor compare it with what is published.
///
/// Raises:
///     ConfigError: If the public key does not match the algorithm.
#[allow(clippy::doc_markdown, reason = "it is a docstring of Python")]
#[pyclass(frozen, module = "ssf_transmitter")]
pub(crate) struct Signer {
    key: ExternalKey,
    function: Py<PyAny>,
    signs_digest: bool,
}

#[pymethods]
impl Signer {
    #[new]
    #[pyo3(
        signature = (sign = None, *, sign_digest = None, algorithm, kid = None, public_key = None, **unknown),
        text_signature = "(sign=None, *, sign_digest=None, algorithm, kid=None, public_key=None)"
    )]
    fn new(
        sign: Option<Bound<'_, PyAny>>,
        sign_digest: Option<Bound<'_, PyAny>>,
        algorithm: &str,
        kid: Option<String>,
        public_key: Option<&PublicKey>,
        unknown: Option<&Bound<'_, PyDict>>,
    ) -> Result<Self> {
        no_others(unknown, "Signer", &["sign", "sign_digest", "algorithm", "kid", "public_key"])?;
        let (name, function, digests) = match (sign, sign_digest) {
            (Some(function), None) => ("sign", function, false),
            (None, Some(function)) => ("sign_digest", function, true),
            _ => return Err(PyTypeError::new_err("pass either sign or sign_digest").into()),
        };
        if !function.is_callable() {
            let found = function.get_type().name()?.to_string();
            return Err(PyTypeError::new_err(format!("{name}: expected a callable, got {found}")).into());
        }
        let public_key = public_key.map(|key| key.0.clone());
        let key = inside(|| external_key(algorithm, kid, public_key, digests))?;
        Ok(Self { key, function: function.unbind(), signs_digest: digests })
    }

    /// The algorithm of the key.
    #[getter]
    fn algorithm(&self) -> &'static str {
        self.key.algorithm().as_str()
    }

    /// The key id under which the public key is published, if it is known.
    #[getter]
    fn kid(&self) -> Option<&str> {
        self.key.kid()
    }

    /// The public key, if it is known.
    #[getter]
    fn public_key(&self) -> Option<PublicKey> {
        self.key.public_key().cloned().map(PublicKey)
    }

    /// The function that signs.
    #[getter]
    pub(crate) fn function(&self, py: Python<'_>) -> Py<PyAny> {
        self.function.clone_ref(py)
    }

    fn __repr__(&self) -> String {
        format!("<Signer {} kid={}>", self.key.algorithm(), self.key.kid().unwrap_or("None"))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.function)
    }
}

impl Signer {
    /// What its function is given for a SET.
    pub(crate) fn input<'py>(
        &self,
        py: Python<'py>,
        unsigned: &sdk::UnsignedSet,
    ) -> Result<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &inside(|| to_sign(unsigned, self.signs_digest))?))
    }
}

/// A key of a set: a `SigningKey`, or a `Signer`.
pub(crate) enum AnyKey {
    Local(Py<SigningKey>),
    External(Py<Signer>),
}

impl FromPyObject<'_, '_> for AnyKey {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(key) = given.cast::<SigningKey>() {
            return Ok(Self::Local(key.to_owned().unbind()));
        }
        let signer = given.cast::<Signer>().map_err(|_| expected("a SigningKey or a Signer", given))?;
        Ok(Self::External(signer.to_owned().unbind()))
    }
}

/// The signers of a set of keys, by `kid`. A signer stays when its key is removed, as a SET may still wait for it.
#[derive(Default)]
pub(crate) struct Signers {
    any: AtomicBool,
    by_kid: Mutex<HashMap<Option<String>, Py<Signer>>>,
}

impl Signers {
    /// Gives a key to the core, and remembers its signer if the core takes it. A signer that the core refuses does not take the
    /// place of another one with the same `kid`.
    pub(crate) fn admit<T>(
        &self,
        key: AnyKey,
        give: impl FnOnce(TransmitterKey) -> sdk::Result<T>,
    ) -> sdk::Result<T> {
        let signer = match key {
            AnyKey::Local(key) => return inside(|| give(key.get().0.clone().into())),
            AnyKey::External(signer) => signer,
        };
        let key = signer.get().key.clone();
        let kid = key.kid().map(str::to_owned);
        let (given, replaced) = inside(|| {
            // Held until the signer is there: once the core has the key, another thread may ask for it.
            let mut by_kid = self.by_kid.lock().unwrap_or_else(PoisonError::into_inner);
            let given = give(key.into())?;
            self.any.store(true, Ordering::Release);
            Ok::<_, sdk::Error>((given, by_kid.insert(kid, signer)))
        })?;
        // Not under the lock: the end of a signer may run code of Python.
        drop(replaced);
        Ok(given)
    }

    /// Whether there is one.
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// The signer of a key; `None` for a key of this process.
    pub(crate) fn of(&self, py: Python<'_>, key: &TransmitterKey) -> Option<Py<Signer>> {
        if key.local().is_some() {
            return None;
        }
        let kid = key.kid().map(str::to_owned);
        inside(|| {
            let signers = self.by_kid.lock().unwrap_or_else(PoisonError::into_inner);
            signers.get(&kid).map(|signer| signer.clone_ref(py))
        })
    }

    /// A key of the core as Python knows it.
    pub(crate) fn shown(&self, py: Python<'_>, key: &TransmitterKey) -> PyResult<Py<PyAny>> {
        match (key.local(), self.of(py, key)) {
            (Some(key), _) => Ok(Py::new(py, SigningKey(key.clone()))?.into_any()),
            (None, signer) => Ok(signer.into_pyobject(py)?.unbind()),
        }
    }
}

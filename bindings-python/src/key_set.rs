//! Sets of keys: rotated by their owner, or following a source.

use std::{sync::Arc, time::Duration};

use pyo3::{prelude::*, types::PyDict};
use ssf_transmitter as sdk;

use crate::{
    arguments::{Moment, Span, no_others},
    errors::{Result, exception},
    fork::inside,
    jwks::Jwks,
    key::with_options,
    signer::{AnyKey, Signers},
};

/// The keys of a transmitter over time: one signs, all are published.
///
/// Receivers cache the JWKS, so a key is published before it signs: `stage` the next key, wait, `rotate`, wait, `remove`
/// the retired one.
///
/// >>> keys = KeySet(SigningKey.generate("P-256"))
/// >>> len(keys.jwks().keys)
/// 1
#[pyclass(frozen, module = "ssf_transmitter")]
pub(crate) struct KeySet {
    pub(crate) core: sdk::KeySet,
    pub(crate) signers: Arc<Signers>,
}

#[pymethods]
impl KeySet {
    /// A set with one key, which signs: a `SigningKey` or a `Signer`.
    #[new]
    fn new(active: AnyKey) -> Result<Self> {
        let signers = Arc::<Signers>::default();
        Ok(Self { core: signers.admit(active, |key| Ok(sdk::KeySet::new(key)))?, signers })
    }

    /// The key that signs now.
    #[getter]
    fn active(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.signers.shown(py, &inside(|| self.core.active()))
    }

    /// The key that is published but does not sign yet.
    #[getter]
    fn next(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        inside(|| self.core.next()).map(|key| self.signers.shown(py, &key)).transpose()
    }

    /// The keys that signed before and are still published.
    #[getter]
    fn retired(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        inside(|| self.core.retired()).into_iter().map(|key| self.signers.shown(py, &key)).collect()
    }

    /// The keys of a source that are published but do not sign: all except the first.
    #[getter]
    fn standby(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        inside(|| self.core.standby()).into_iter().map(|key| self.signers.shown(py, &key)).collect()
    }

    /// The source that the set follows.
    #[getter]
    fn source(&self) -> Option<String> {
        self.core.source().map(ToString::to_string)
    }

    /// Why the last reload of the keys failed, if it did.
    #[getter]
    fn last_error(&self, py: Python<'_>) -> Option<PyErr> {
        inside(|| self.core.last_error()).map(|error| exception(py, &error))
    }

    /// A set that follows a source, as `SigningKey.from_source` takes it: the first key signs, the others are published too.
    ///
    /// It reads the source now, and again when the set is used and `every` (60 seconds by default) has passed; nothing runs in
    /// between. A command runs in the background, while the old key signs. A key that signed and disappears stays published until it is
    /// removed. If reading fails, the keys stay as they are, and `last_error` says why.
    ///
    /// >>> keys = KeySet.watch("cmd:openssl genpkey -algorithm ed25519", every=3600)
    /// >>> keys.source, len(keys.jwks().keys)
    /// ('cmd:openssl …', 1)
    #[staticmethod]
    #[pyo3(
        signature = (
            source, *, every = Span(Duration::from_mins(1)), kid = None, algorithm = None, password = None, time_limit = None,
            **unknown
        ),
        text_signature = "(source, *, every=60, kid=None, algorithm=None, password=None, time_limit=None)"
    )]
    #[allow(clippy::too_many_arguments, reason = "the options of a source")]
    fn watch(
        py: Python<'_>,
        source: &str,
        every: Span,
        kid: Option<String>,
        algorithm: Option<&str>,
        password: Option<String>,
        time_limit: Option<Span>,
        unknown: Option<&Bound<'_, PyDict>>,
    ) -> Result<Self> {
        let known = ["source", "every", "kid", "algorithm", "password", "time_limit"];
        no_others(unknown, "KeySet.watch", &known)?;
        let source = with_options(sdk::KeySource::parse(source)?, kid, algorithm, password, time_limit)?;
        let fetched = py.detach(|| source.fetch())?;
        let core = inside(|| sdk::KeySet::watch_fetched(fetched, every.0))?;
        Ok(Self { core, signers: Arc::default() })
    }

    /// Reads the source now, and returns whether the keys changed. It waits for a command.
    fn refresh(&self, py: Python<'_>) -> Result<bool> {
        match py.detach(|| self.core.fetch()) {
            Some(fetched) => Ok(inside(|| self.core.refresh_fetched(&fetched))?),
            None => Ok(false),
        }
    }

    /// The set to publish: active, next, standby and retired keys.
    fn jwks(&self) -> Result<Jwks> {
        Ok(Jwks(inside(|| self.core.jwks())?))
    }

    /// Publishes the next key, from now on or from `at`. It replaces a next key that was staged before. The public key of a `Signer`
    /// must be known.
    #[pyo3(signature = (key, *, at = None, **unknown), text_signature = "(self, key, *, at=None)")]
    fn stage(&self, key: AnyKey, at: Option<Moment>, unknown: Option<&Bound<'_, PyDict>>) -> Result<()> {
        no_others(unknown, "KeySet.stage", &["key", "at"])?;
        Ok(self.signers.admit(key, |key| self.core.stage(key, now(at)))?)
    }

    /// Lets the next key sign, if it has been published for this long, and retires the active one, whose `kid` it returns.
    #[pyo3(signature = (*, published, at = None, **unknown), text_signature = "(self, *, published, at=None)")]
    fn rotate(
        &self,
        published: Span,
        at: Option<Moment>,
        unknown: Option<&Bound<'_, PyDict>>,
    ) -> Result<String> {
        no_others(unknown, "KeySet.rotate", &["published", "at"])?;
        Ok(self.core.rotate(now(at), published.0)?)
    }

    /// Removes a next or retired key from the set.
    fn remove(&self, kid: &str) -> Result<()> {
        Ok(self.core.remove(kid)?)
    }

    fn __repr__(&self) -> String {
        format!("<KeySet active={}>", inside(|| self.core.active()).kid().unwrap_or("None"))
    }
}

fn now(at: Option<Moment>) -> sdk::Timestamp {
    at.map_or_else(sdk::Timestamp::now, |at| at.0)
}

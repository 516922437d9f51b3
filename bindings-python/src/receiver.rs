//! Receivers, their dialects, and credentials for access tokens.

use pyo3::{exceptions::PyTypeError, prelude::*};
use ssf_bindings::receiver::{self, ClientProof, Credentials, Kind};
use ssf_transmitter::{self as sdk, client::ReceiverBuilder, set::Audience};

use crate::{
    config::Config, errors::Result, fork::inside, key::SigningKey, process::PerProcess, sets::Addressee,
};

/// The requirements of one kind of receiver for SETs.
#[pyclass(frozen, module = "ssf_transmitter")]
pub(crate) struct Dialect(pub(crate) sdk::Dialect);

#[pymethods]
impl Dialect {
    /// The ids of the built-in dialects.
    #[staticmethod]
    fn ids() -> Vec<&'static str> {
        sdk::Dialect::ids().collect()
    }

    /// The built-in dialect with this id.
    #[staticmethod]
    fn built_in(id: &str) -> Result<Self> {
        Ok(Self(sdk::Dialect::built_in(id)?))
    }

    /// Reads a dialect of your own. `extends` names a built-in one, `ssf-1.0` by default.
    #[staticmethod]
    fn from_toml(text: &str) -> Result<Self> {
        Ok(Self(sdk::Dialect::from_toml(text)?))
    }

    /// Reads a dialect that extends this one, whatever its `extends` says.
    fn extended(&self, text: &str) -> Result<Self> {
        Ok(Self(self.0.extended(text)?))
    }

    /// Its id.
    #[getter]
    fn id(&self) -> &str {
        self.0.id()
    }

    /// Its title, for people.
    #[getter]
    fn title(&self) -> &str {
        self.0.title()
    }

    /// Where its settings were found.
    #[getter]
    fn source(&self) -> &str {
        self.0.source()
    }

    /// Whether a receiver without credentials is a mistake.
    #[getter]
    fn requires_authorization(&self) -> bool {
        self.0.requires_authorization()
    }

    fn __repr__(&self) -> String {
        format!("<Dialect {}>", self.0.id())
    }
}

/// Client credentials, and the endpoint that issues access tokens for them.
#[pyclass(frozen, subclass, module = "ssf_transmitter._native")]
pub(crate) struct ClientCredentials(pub(crate) sdk::token::ClientCredentials);

#[pymethods]
impl ClientCredentials {
    #[new]
    #[pyo3(signature = (token_url, client_id, *, client_secret, key, in_body, parameters))]
    fn new(
        token_url: String,
        client_id: String,
        client_secret: Option<String>,
        key: Option<&SigningKey>,
        in_body: bool,
        parameters: Vec<(String, String)>,
    ) -> PyResult<Self> {
        let proof = ClientProof::one_of(client_secret, key.map(|key| key.0.clone()), in_body)
            .ok_or_else(|| PyTypeError::new_err("pass either client_secret or key"))?;
        Ok(Self(receiver::client_credentials(token_url, client_id, proof, parameters)))
    }
}

/// Where SETs go. What it shares between deliveries, tokens among it, is per process.
#[pyclass(frozen, subclass, module = "ssf_transmitter._native")]
pub(crate) struct Receiver {
    builder: ReceiverBuilder,
    core: PerProcess<sdk::Receiver>,
}

#[pymethods]
impl Receiver {
    #[new]
    #[pyo3(signature = (
        kind, address, *, audience, dialect, time_unit, subject_shape, bearer, authorization, client_credentials,
        allow_loopback, concurrency, rate_limit, config = None
    ))]
    #[allow(clippy::too_many_arguments, reason = "the settings of a receiver")]
    fn new(
        py: Python<'_>,
        kind: &str,
        address: String,
        audience: Option<Addressee>,
        dialect: Option<&Dialect>,
        time_unit: Option<String>,
        subject_shape: Option<String>,
        bearer: Option<String>,
        authorization: Option<String>,
        client_credentials: Option<&ClientCredentials>,
        allow_loopback: bool,
        concurrency: usize,
        rate_limit: Option<f64>,
        config: Option<&Config>,
    ) -> Result<Self> {
        // The receiver of a file, by its name: it has no other settings.
        if let Some(config) = config {
            return Self::named(py, &config.0, &address);
        }
        let kind = Kind::named(kind);
        if audience.is_none() && kind != Kind::Okta {
            return Err(PyTypeError::new_err("audience: expected a str or a list of str").into());
        }
        let client = client_credentials.map(|credentials| credentials.0.clone());
        let credentials = Credentials::one_of(bearer, authorization, client).ok_or_else(|| {
            PyTypeError::new_err("pass exactly one of bearer, authorization and client_credentials")
        })?;
        let settings = receiver::ReceiverSettings {
            kind,
            address,
            audience: audience.map(Audience::from),
            dialect: dialect.map(|dialect| dialect.0.clone()),
            time_unit,
            subject_shape,
            credentials,
            allow_loopback,
            concurrency: Some(concurrency),
            rate_limit,
        };
        let receiver = Self { builder: settings.builder()?, core: PerProcess::new() };
        receiver.core()?;
        Ok(receiver)
    }

    /// Its audience, exactly as the receiver documents it.
    #[getter]
    fn audience<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        Ok(match self.core()?.audience() {
            Audience::Several(several) => several.into_pyobject(py)?.into_any(),
            Audience::One(one) => one.into_pyobject(py).map_err(PyErr::from)?.into_any(),
            _ => py.None().into_bound(py),
        })
    }

    /// Its dialect.
    #[getter]
    fn dialect(&self) -> Result<Dialect> {
        Ok(Dialect(self.core()?.dialect().clone()))
    }

    /// The host of its push endpoint.
    #[getter]
    fn host(&self) -> Result<&str> {
        Ok(self.core()?.host())
    }

    fn __repr__(&self) -> Result<String> {
        let receiver = self.core()?;
        Ok(format!("<Receiver {} dialect={}>", receiver.host(), receiver.dialect().id()))
    }
}

impl Receiver {
    /// Fetching waits, and takes no lock: a fork need not wait for it. Building does not wait.
    fn named(py: Python<'_>, config: &sdk::config::Config, name: &str) -> Result<Self> {
        let fetched = py.detach(|| config.fetch_receiver(name))?;
        let receiver = Self { builder: inside(|| fetched.builder())?, core: PerProcess::new() };
        receiver.core.get(|| config.build(name, receiver.builder.clone()))?;
        Ok(receiver)
    }

    /// The receiver of this process.
    pub(crate) fn core(&self) -> Result<&sdk::Receiver> {
        Ok(self.core.get(|| self.builder.clone().build())?)
    }
}

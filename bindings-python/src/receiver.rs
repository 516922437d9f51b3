//! Receivers, their dialects, and credentials for access tokens.

use pyo3::{exceptions::PyTypeError, prelude::*};
use ssf_transmitter::{
    self as sdk,
    client::ReceiverBuilder,
    set::Audience,
    token::{Authorization, ClientAuthentication},
};

use crate::{errors::Result, key::SigningKey, process::PerProcess, sets::Addressee};

/// What one kind of receiver wants of a SET.
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

/// Client credentials, and the endpoint that gives access tokens for them.
#[pyclass(frozen, subclass, module = "ssf_transmitter._native")]
pub(crate) struct ClientCredentials(pub(crate) sdk::token::ClientCredentials);

#[pymethods]
impl ClientCredentials {
    #[new]
    #[pyo3(signature = (token_url, client_id, *, client_secret, key, in_body, parameters))]
    fn new(
        token_url: &str,
        client_id: &str,
        client_secret: Option<&str>,
        key: Option<&SigningKey>,
        in_body: bool,
        parameters: Vec<(String, String)>,
    ) -> PyResult<Self> {
        let credentials = match (client_secret, key) {
            (Some(secret), None) => sdk::token::ClientCredentials::new(token_url, client_id, secret),
            (None, Some(key)) => sdk::token::ClientCredentials::with_key(token_url, client_id, key.0.clone()),
            _ => return Err(PyTypeError::new_err("give either client_secret or key")),
        };
        let credentials =
            if in_body { credentials.authentication(ClientAuthentication::Body) } else { credentials };
        let add =
            |credentials: sdk::token::ClientCredentials, (name, value)| credentials.parameter(name, value);
        Ok(Self(parameters.into_iter().fold(credentials, add)))
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
        allow_loopback, concurrency, rate_limit
    ))]
    #[allow(clippy::too_many_arguments, reason = "the settings of a receiver")]
    fn new(
        kind: &str,
        address: &str,
        audience: Option<Addressee>,
        dialect: Option<&Dialect>,
        time_unit: Option<&str>,
        subject_shape: Option<&str>,
        bearer: Option<&str>,
        authorization: Option<&str>,
        client_credentials: Option<&ClientCredentials>,
        allow_loopback: bool,
        concurrency: usize,
        rate_limit: Option<f64>,
    ) -> Result<Self> {
        let audience = audience.map(Audience::from);
        let mut builder = match (kind, audience) {
            ("okta", None) => sdk::Receiver::okta(address),
            ("okta", Some(audience)) => sdk::Receiver::okta(address).audience(audience),
            ("govuk-one-login", Some(audience)) => sdk::Receiver::govuk_one_login(address, audience),
            (_, Some(audience)) => sdk::Receiver::builder(address, audience),
            (_, None) => return Err(PyTypeError::new_err("audience: expected a str or a list of str").into()),
        };
        if let Some(dialect) = dialect {
            builder = builder.dialect(&dialect.0);
        }
        if let Some(unit) = time_unit {
            builder = builder.time_unit(unit.parse()?);
        }
        if let Some(shape) = subject_shape {
            builder = builder.subject_shape(shape.parse()?);
        }
        builder = match (bearer, authorization, client_credentials) {
            (None, None, None) => builder,
            (Some(token), None, None) => builder.bearer(token),
            (None, Some(value), None) => builder.authorization(Authorization::Header(value.into())),
            (None, None, Some(credentials)) => builder.client_credentials(credentials.0.clone()),
            _ => {
                let message = "give one of bearer, authorization and client_credentials";
                return Err(PyTypeError::new_err(message).into());
            }
        };
        if allow_loopback {
            builder = builder.allow_loopback();
        }
        if let Some(rate) = rate_limit {
            builder = builder.rate_limit(rate);
        }
        let receiver = Self { builder: builder.concurrency(concurrency), core: PerProcess::new() };
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
    /// The receiver of this process.
    pub(crate) fn core(&self) -> Result<&sdk::Receiver> {
        Ok(self.core.get(|| self.builder.clone().build())?)
    }
}

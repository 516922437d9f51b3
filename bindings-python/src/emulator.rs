//! The receiver emulator, in this process.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
};
use ssf_emulator::{self as receiver, ApiTokens, Client, Config, KeySource, Like, Published, Script};

use crate::{
    arguments::{Span, loads},
    errors::Result,
    jwks::Jwks,
    process::PerProcess,
    runtime::wait,
};

/// A receiver on the loopback interface that judges SETs as a known one does.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Emulator(PerProcess<Mutex<Option<Running>>>);

struct Running {
    emulator: receiver::Emulator,
    /// The server of the keys, if they were given and are not published elsewhere.
    _published: Option<Published>,
}

/// The receivers, by the names that the command line has for them.
const LIKE: &[Like] = &[Like::Okta, Like::GovUkOneLogin, Like::Rfc8935];

#[pymethods]
impl Emulator {
    /// Starts it.
    #[new]
    #[pyo3(signature = (
        *, like, issuer, audience, jwks, jwks_uri, users, client, token_lifetime, script, tls, ledger_size, api_token,
        log
    ))]
    #[allow(clippy::too_many_arguments, reason = "the settings of an emulator")]
    fn new(
        py: Python<'_>,
        like: &str,
        issuer: &str,
        audience: &str,
        jwks: Option<&Jwks>,
        jwks_uri: Option<String>,
        users: Vec<String>,
        client: Option<(String, String)>,
        token_lifetime: Span,
        script: Option<&str>,
        tls: bool,
        ledger_size: usize,
        api_token: Option<String>,
        log: (Span, usize, bool),
    ) -> Result<Self> {
        let refused = |error: receiver::Error| PyValueError::new_err(error.to_string());
        let Some(like) = LIKE.iter().find(|known| known.name() == like) else {
            let names: Vec<_> = LIKE.iter().map(|like| like.name()).collect();
            let message = format!("like: no such receiver; known are {}", names.join(", "));
            return Err(PyValueError::new_err(message).into());
        };
        let published = match jwks {
            None => None,
            Some(jwks) => {
                let started = wait(py, Published::start(jwks.0.to_json()))?;
                Some(started.map_err(|error| PyRuntimeError::new_err(error.to_string()))?)
            }
        };
        let uri = published.as_ref().map(|published| published.jwks_uri().to_owned()).or(jwks_uri);
        let uri = uri.ok_or_else(|| PyValueError::new_err("keys: expected keys, or the URL of a JWKS"))?;
        let mut config = Config::new(*like, issuer, KeySource::JwksUri(uri), audience);
        config.users = users;
        config.client = client.map(|(id, secret)| Client { id, secret });
        config.token_lifetime = token_lifetime.0;
        config.api = api_token.map(ApiTokens::new);
        (config.log.delay, config.log.page, config.log.shows_jti) = (log.0.0, log.1, log.2);
        config.tls = tls;
        config.ledger_size = ledger_size;
        if let Some(script) = script {
            config.script = Script::from_json(script).map_err(refused)?;
        }
        let emulator = wait(py, receiver::Emulator::start(config))?.map_err(refused)?;
        let here = PerProcess::new();
        here.get(|| Ok::<_, PyErr>(Mutex::new(Some(Running { emulator, _published: published }))))?;
        Ok(Self(here))
    }

    /// The URL of the server, without a slash at its end.
    #[getter]
    fn base_url(&self) -> Result<String> {
        self.with(|running| running.emulator.base_url().to_owned())
    }

    /// The URL SETs are pushed to.
    #[getter]
    fn push_url(&self) -> Result<String> {
        self.with(|running| running.emulator.push_url())
    }

    /// The URL of the token endpoint, if there is one.
    #[getter]
    fn token_url(&self) -> Result<Option<String>> {
        self.with(|running| running.emulator.token_url())
    }

    /// The authority of its certificate (PEM), if it speaks TLS.
    #[getter]
    fn ca_pem(&self) -> Result<Option<String>> {
        self.with(|running| running.emulator.ca_pem().map(str::to_owned))
    }

    /// What it saw.
    fn ledger<'py>(&self, py: Python<'py>) -> Result<Bound<'py, PyAny>> {
        let entries = self.with(|running| serde_json::to_string(&running.emulator.ledger()))?;
        let entries = entries.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        Ok(loads(py, &entries)?)
    }

    /// Forgets what it saw.
    fn clear(&self) -> Result<()> {
        self.with(|running| running.emulator.clear())
    }

    /// How often each `jti` was accepted.
    fn accepted(&self) -> Result<BTreeMap<String, u64>> {
        self.with(|running| running.emulator.accepted())
    }

    /// Stops it, when requests under way are answered.
    fn stop(&self, py: Python<'_>) -> Result<()> {
        let running =
            self.0.here().and_then(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).take());
        match running {
            Some(running) => wait(py, running.emulator.stop()),
            None => Ok(()),
        }
    }
}

impl Emulator {
    fn with<T>(&self, read: impl FnOnce(&Running) -> T) -> Result<T> {
        let running = self.0.here().map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner));
        let there = running.as_ref().and_then(|running| running.as_ref()).map(read);
        Ok(there
            .ok_or_else(|| PyRuntimeError::new_err("the emulator is stopped, or runs in another process"))?)
    }
}

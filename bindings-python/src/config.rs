//! The file of settings, `ssf.toml`.

use std::path::PathBuf;

use pyo3::prelude::*;
use ssf_bindings::config;
use ssf_transmitter as sdk;

use crate::errors::Result;

/// The settings in a file. Nothing in it belongs to a process.
#[pyclass(frozen, subclass, module = "ssf_transmitter._native")]
pub(crate) struct Config(pub(crate) sdk::config::Config);

#[pymethods]
impl Config {
    /// Reads a text, or the file at a path; without either, the nearest file.
    #[new]
    #[pyo3(signature = (path, *, text))]
    fn new(path: Option<PathBuf>, text: Option<&str>) -> Result<Self> {
        Ok(Self(match text {
            Some(text) => sdk::config::Config::from_toml(text)?,
            None => config::read(path)?,
        }))
    }

    /// The `iss` of the SETs.
    #[getter]
    fn issuer(&self) -> Option<&str> {
        self.0.issuer()
    }

    /// The names of the receivers.
    #[getter]
    fn receiver_names(&self) -> Vec<&str> {
        self.0.receiver_names().collect()
    }

    fn __repr__(&self) -> String {
        let names = self.0.receiver_names().collect::<Vec<_>>().join(", ");
        format!("<Config {} receivers=[{names}]>", self.0.issuer().unwrap_or("without issuer"))
    }
}

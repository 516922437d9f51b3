//! Errors of the core on their way to Python: their parts, from which `ssf_transmitter.errors` makes exceptions.

use std::{error::Error as _, iter};

use pyo3::{prelude::*, sync::PyOnceLock, types::PyFunction};
use ssf_transmitter::{self as sdk, catalogue::Language};

use crate::{imports::import, lint::findings};

/// An error of the core, or one that Python raised.
pub(crate) enum Failure {
    Core(sdk::Error),
    Python(PyErr),
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// The exception for an error of the core.
pub(crate) fn exception(py: Python<'_>, error: &sdk::Error) -> PyErr {
    static MAKE: PyOnceLock<Py<PyFunction>> = PyOnceLock::new();
    let causes: Vec<_> =
        iter::successors(error.source(), |&cause| cause.source()).map(ToString::to_string).collect();
    let found = match findings(py, error.findings()) {
        Ok(found) => found,
        Err(failed) => return failed,
    };
    let parts = (
        error.code().as_str(),
        Language::Python.text(error.message()),
        error.pointer(),
        error.status(),
        error.retry_after(),
        error.receiver_error(),
        error.receiver_description(),
        found,
        causes,
    );
    match import(&MAKE, py, "ssf_transmitter.errors", "_of_core").and_then(|make| make.call1(parts)) {
        Ok(exception) => PyErr::from_value(exception),
        Err(failed) => failed,
    }
}

impl From<sdk::Error> for Failure {
    fn from(error: sdk::Error) -> Self {
        Self::Core(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Core(error) => Python::attach(|py| exception(py, &error)),
            Failure::Python(error) => error,
        }
    }
}

ssf_bindings::error_parts!(#[derive(FromPyObject)] pub(crate));

/// The code of this name.
pub(crate) fn code_named(name: &str) -> sdk::ErrorCode {
    sdk::ErrorCode::by_name(name).unwrap_or(sdk::ErrorCode::Internal)
}

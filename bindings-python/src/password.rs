//! The password of a database, which a function of Python may return.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use ssf_bindings::outbox::{Password, PasswordQuestion as Asked};
use ssf_transmitter::secret::Secret;

use crate::attach;

/// A password, or a function that is given a question for it and returns at once.
#[derive(FromPyObject)]
pub(crate) enum PasswordArgument {
    Text(String),
    Function(Py<PyAny>),
}

impl From<PasswordArgument> for Password {
    fn from(given: PasswordArgument) -> Self {
        let function = match given {
            PasswordArgument::Text(password) => return Self::Fixed(Secret::new(password)),
            PasswordArgument::Function(function) => Arc::new(function),
        };
        Self::Asked(Arc::new(move |asked| {
            let function = Arc::clone(&function);
            attach::later(move |py| {
                let question = PasswordQuestion(Mutex::new(Some(asked)));
                if let Err(error) = function.call1(py, (question,)) {
                    error.write_unraisable(py, None);
                }
            });
        }))
    }
}

/// Asks for the password of a new connection.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct PasswordQuestion(Mutex<Option<Asked>>);

#[pymethods]
impl PasswordQuestion {
    /// This is it.
    fn answer(&self, password: String) {
        if let Some(asked) = self.take() {
            asked.answer(password);
        }
    }

    /// The function has failed, with this kind of exception.
    fn fail(&self, what: &str) {
        if let Some(asked) = self.take() {
            asked.fail(what);
        }
    }
}

impl PasswordQuestion {
    fn take(&self) -> Option<Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

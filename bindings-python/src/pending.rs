//! What waits for a signature that Python makes.

use std::sync::{Mutex, PoisonError};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use ssf_transmitter as sdk;

use crate::{
    batch::Batch,
    errors::{ErrorParts, Result, code_named},
    futures::{Mailbox, Task},
    process::Own,
    runtime::{FORKED, wait_directly},
    sets::{Receipt, SignatureArgument},
    transmitter::{Checked, checked},
};

/// An emit that waits for its signature.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Pending(Mutex<Option<Own<sdk::client::Pending>>>);

#[pymethods]
impl Pending {
    /// The bytes to sign.
    #[getter]
    fn signing_input(&self) -> Result<Vec<u8>> {
        self.look(|pending| pending.unsigned().signing_input().to_vec())
    }

    /// How many seconds are left.
    #[getter]
    fn time_left(&self) -> Result<f64> {
        self.look(|pending| pending.time_left().as_secs_f64())
    }

    fn deliver(&self, py: Python<'_>, signature: SignatureArgument) -> Result<Receipt> {
        let pending = take(&self.0)?;
        Ok(Receipt(wait_directly(py, pending.deliver(signature.0))??))
    }

    fn deliver_async(
        &self,
        signature: SignatureArgument,
        mailbox: &Mailbox,
        future: Py<PyAny>,
    ) -> Result<Task> {
        mailbox.spawn(future, take(&self.0)?.deliver(signature.0), Receipt)
    }

    fn deliver_in(&self, batch: &Batch, signature: SignatureArgument) -> Result<usize> {
        batch.push(take(&self.0)?.deliver(signature.0))
    }

    /// Ends it without a signature; without a code it was abandoned. What has ended stays as it is.
    #[pyo3(signature = (code, /))]
    fn fail(&self, code: Option<&str>) {
        let pending = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (pending.and_then(Own::into_inner), code) {
            (Some(pending), Some(code)) => pending.fail(code_named(code)),
            (pending, _) => drop(pending),
        }
    }
}

impl Pending {
    pub(crate) fn of(pending: sdk::client::Pending) -> Self {
        Self(Mutex::new(Some(Own::new(pending))))
    }

    fn look<T>(&self, look: impl FnOnce(&sdk::client::Pending) -> T) -> Result<T> {
        let pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = pending.as_ref().ok_or_else(ended)?;
        Ok(pending.get().map(look).ok_or_else(forked)?)
    }
}

/// What a doctor found so far.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Examination(Mutex<Option<Own<sdk::client::Examination>>>);

#[pymethods]
impl Examination {
    /// The bytes to sign, and how many seconds there are for it; `None` if no SET is to be sent.
    #[getter]
    fn waits(&self) -> Option<(Vec<u8>, f64)> {
        let examination = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = examination.as_ref()?.get()?.pending()?;
        Some((pending.unsigned().signing_input().to_vec(), pending.time_left().as_secs_f64()))
    }

    /// The checks, with that of the SET by its signature, or by the exception that tells why there is none.
    fn finish(&self, py: Python<'_>, signed: Signed) -> Result<Vec<Checked>> {
        let examination = take(&self.0)?;
        Ok(checked(&wait_directly(py, examination.finish(signed.core()))?))
    }

    fn finish_async(&self, signed: Signed, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let finished = take(&self.0)?.finish(signed.core());
        mailbox.spawn(future, async { Ok(finished.await) }, |diagnosis| checked(&diagnosis))
    }

    /// Ends it without the rest of the checks. What has ended stays as it is.
    fn abandon(&self) {
        drop(take(&self.0));
    }
}

impl Examination {
    pub(crate) fn of(examination: sdk::client::Examination) -> Self {
        Self(Mutex::new(Some(Own::new(examination))))
    }
}

/// A signature, or the exception that tells why there is none.
#[derive(FromPyObject)]
enum Signed {
    Failed(ErrorParts),
    Given(SignatureArgument),
}

impl Signed {
    fn core(self) -> sdk::Result<sdk::Signature> {
        match self {
            Self::Failed(error) => Err(error.into()),
            Self::Given(signature) => Ok(signature.0),
        }
    }
}

fn take<T>(slot: &Mutex<Option<Own<T>>>) -> PyResult<T> {
    let taken = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    taken.ok_or_else(ended)?.into_inner().ok_or_else(forked)
}

/// The signer has forked, and returns in the child, too.
fn forked() -> PyErr {
    PyRuntimeError::new_err(FORKED)
}

fn ended() -> PyErr {
    PyRuntimeError::new_err("it has ended already")
}

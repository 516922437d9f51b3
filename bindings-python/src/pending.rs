//! What waits for a signature that Python makes.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyBytes};
use ssf_transmitter::{self as sdk, key::BoxFuture};

use crate::{
    batch::Batch,
    errors::{ErrorParts, Result, code_named},
    futures::{Mailbox, Task},
    process::Own,
    runtime::{FORKED, wait_directly},
    sets::{Receipt, SignatureArgument},
    signer::{Signer, Signers},
    transmitter::{Checked, checked},
};

/// An emit that waits for its signature.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Pending {
    core: Mutex<Option<Own<sdk::client::Pending>>>,
    signer: Option<Py<Signer>>,
}

/// The function that signs, what it is given, and how many seconds it may take.
type Request<'py> = (Py<PyAny>, Bound<'py, PyBytes>, f64);

#[pymethods]
impl Pending {
    /// The signature that it waits for; `None` for a key of this process.
    #[getter]
    fn request<'py>(&self, py: Python<'py>) -> Result<Option<Request<'py>>> {
        let Some(signer) = &self.signer else { return Ok(None) };
        let pending = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = pending.as_ref().ok_or_else(ended)?.get().ok_or_else(forked)?;
        Ok(Some(request(py, signer, pending)?))
    }

    /// Signs with the key of this process, and delivers.
    fn sign(&self, py: Python<'_>) -> Result<Receipt> {
        let pending = take(&self.core)?;
        Ok(Receipt(wait_directly(py, pending.sign())??))
    }

    fn sign_async(&self, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        mailbox.spawn(future, take(&self.core)?.sign(), Receipt)
    }

    fn sign_in(&self, batch: &Batch) -> Result<usize> {
        batch.push(take(&self.core)?.sign())
    }

    fn deliver(&self, py: Python<'_>, signature: SignatureArgument) -> Result<Receipt> {
        let pending = take(&self.core)?;
        Ok(Receipt(wait_directly(py, pending.deliver(signature.0))??))
    }

    fn deliver_async(
        &self,
        signature: SignatureArgument,
        mailbox: &Mailbox,
        future: Py<PyAny>,
    ) -> Result<Task> {
        mailbox.spawn(future, take(&self.core)?.deliver(signature.0), Receipt)
    }

    fn deliver_in(&self, batch: &Batch, signature: SignatureArgument) -> Result<usize> {
        batch.push(take(&self.core)?.deliver(signature.0))
    }

    /// Ends it without a signature; without a code it was abandoned. What has ended stays as it is.
    #[pyo3(signature = (code, /))]
    fn fail(&self, code: Option<&str>) {
        let pending = self.core.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (pending.and_then(Own::into_inner), code) {
            (Some(pending), Some(code)) => pending.fail(code_named(code)),
            (pending, _) => drop(pending),
        }
    }
}

impl Pending {
    pub(crate) fn of(pending: sdk::client::Pending, signer: Option<Py<Signer>>) -> Self {
        Self { core: Mutex::new(Some(Own::new(pending))), signer }
    }
}

/// The function that signs, and what it is given.
pub(crate) fn signing<'py>(
    py: Python<'py>,
    signer: &Py<Signer>,
    set: &sdk::UnsignedSet,
) -> Result<(Py<PyAny>, Bound<'py, PyBytes>)> {
    let signer = signer.get();
    Ok((signer.function(py), signer.input(py, set)?))
}

fn request<'py>(
    py: Python<'py>,
    signer: &Py<Signer>,
    pending: &sdk::client::Pending,
) -> Result<Request<'py>> {
    let (function, input) = signing(py, signer, pending.unsigned())?;
    Ok((function, input, pending.time_left().as_secs_f64()))
}

/// What a doctor found so far.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Examination {
    core: Mutex<Option<Own<sdk::client::Examination>>>,
    signers: Arc<Signers>,
}

#[pymethods]
impl Examination {
    /// The signature that it waits for; `None` if no function of Python must sign.
    #[getter]
    fn request<'py>(&self, py: Python<'py>) -> Result<Option<Request<'py>>> {
        let examination = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let examination = examination.as_ref().and_then(Own::get);
        let Some(pending) = examination.and_then(sdk::client::Examination::pending) else { return Ok(None) };
        let signer = self.signers.of(py, pending.key());
        signer.map(|signer| request(py, &signer, pending)).transpose()
    }

    /// The checks, with that of the SET by its signature, or by the exception that tells why there is none.
    fn finish(&self, py: Python<'_>, signed: Option<Signed>) -> Result<Vec<Checked>> {
        let finished = finished(take(&self.core)?, signed);
        Ok(checked(&wait_directly(py, finished)?))
    }

    fn finish_async(&self, signed: Option<Signed>, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let finished = finished(take(&self.core)?, signed);
        mailbox.spawn(future, async { Ok(finished.await) }, |diagnosis| checked(&diagnosis))
    }

    /// Ends it without the rest of the checks. What has ended stays as it is.
    fn abandon(&self) {
        drop(take(&self.core));
    }
}

impl Examination {
    pub(crate) fn of(examination: sdk::client::Examination, signers: Arc<Signers>) -> Self {
        Self { core: Mutex::new(Some(Own::new(examination))), signers }
    }
}

/// A signature, or the exception that tells why there is none.
#[derive(FromPyObject)]
enum Signed {
    Failed(ErrorParts),
    Given(SignatureArgument),
}

/// Ends an examination; without a signature the core signs.
fn finished(
    examination: sdk::client::Examination,
    signed: Option<Signed>,
) -> BoxFuture<'static, sdk::client::Diagnosis> {
    match signed {
        Some(Signed::Failed(error)) => examination.finish(Err(error.into())),
        Some(Signed::Given(signature)) => examination.finish(Ok(signature.0)),
        None => examination.sign(),
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

//! Many deliveries at once, waited for from a thread.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use ssf_transmitter as sdk;

use crate::{
    errors::{Result, exception},
    fork::Guarded,
    process::Own,
    runtime::{FORKED, shared, wait},
    sets::Receipt,
};

/// A bound on the requests on the wire.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct RequestLimit(pub(crate) sdk::client::RequestLimit);

#[pymethods]
impl RequestLimit {
    #[new]
    fn new(requests: usize) -> Self {
        Self(sdk::client::RequestLimit::new(requests))
    }

    /// Maximum number of pending deliveries.
    #[getter]
    fn window(&self) -> usize {
        self.0.window()
    }
}

/// Its index, and its receipt or its exception.
type EmittedTuple = (usize, Option<Receipt>, Option<Py<PyAny>>);

/// Pending deliveries; dropping it abandons them. One thread waits for it.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Batch {
    limit: sdk::client::RequestLimit,
    /// Empty while `next` waits, and after `close`.
    batch: Mutex<Option<Own<sdk::client::Batch>>>,
}

#[pymethods]
impl Batch {
    #[new]
    fn new(requests: usize) -> Self {
        let batch = sdk::client::Batch::new(requests);
        Self { limit: batch.limit().clone(), batch: Mutex::new(Some(Own::new(batch))) }
    }

    /// Whether another delivery may be started.
    fn has_room(&self) -> bool {
        self.with(|batch| batch.as_mut().and_then(Own::get_mut).is_some_and(|batch| batch.has_room()))
    }

    /// The next that is done; `None` if nothing is pending.
    fn next(&self, py: Python<'_>) -> Result<Option<EmittedTuple>> {
        let Some(mut batch) = self.with(Option::take) else { return Err(not_open().into()) };
        let Some(under_way) = batch.get_mut() else { return Err(PyRuntimeError::new_err(FORKED).into()) };
        let emitted = wait(py, under_way.next());
        self.with(|slot| *slot = Some(batch));
        let Some(sdk::client::Emitted { index, result, .. }) = emitted? else { return Ok(None) };
        Ok(Some(match result {
            Ok(receipt) => (index, Some(Receipt(receipt)), None),
            Err(error) => (index, None, Some(exception(py, &error).into_value(py).into_any())),
        }))
    }

    /// Abandons pending deliveries.
    fn close(&self) {
        drop(self.with(Option::take));
    }
}

impl Batch {
    pub(crate) fn limit(&self) -> &sdk::client::RequestLimit {
        &self.limit
    }

    /// Starts a delivery, and returns its index.
    pub(crate) fn push(
        &self,
        work: impl Future<Output = sdk::Result<sdk::Receipt>> + Send + 'static,
    ) -> Result<usize> {
        let _inside = shared()?.enter();
        let pushed = self.with(|batch| {
            let batch = batch.as_mut().and_then(Own::get_mut)?;
            Some(batch.push(Guarded::new(work)))
        });
        Ok(pushed.ok_or_else(not_open)?)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Option<Own<sdk::client::Batch>>) -> T) -> T {
        change(&mut self.batch.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn not_open() -> PyErr {
    PyRuntimeError::new_err("another thread takes from this batch, or it is closed")
}

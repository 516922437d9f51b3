//! Many deliveries at once, waited for from a thread.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use ssf_transmitter as sdk;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    errors::{Result, exception},
    fork::Guarded,
    process::Own,
    runtime::{ELSEWHERE, wait},
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
}

/// Its index, and its receipt or its exception.
type Told = (usize, Option<Receipt>, Option<Py<PyAny>>);

type Done = (usize, sdk::error::Result<sdk::Receipt>);

/// Deliveries under way; they are abandoned when it goes. One thread waits for it.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Batch {
    limit: RequestLimit,
    /// Empty while `next` waits, and after `close`.
    tasks: Mutex<Option<Own<JoinSet<Done>>>>,
}

#[pymethods]
impl Batch {
    #[new]
    fn new(requests: usize) -> Self {
        Self { limit: RequestLimit::new(requests), tasks: Mutex::new(Some(Own::new(JoinSet::new()))) }
    }

    /// The next that is done; `None` if nothing is under way.
    fn next(&self, py: Python<'_>) -> Result<Option<Told>> {
        let Some(mut tasks) = self.with(Option::take) else {
            return Err(PyRuntimeError::new_err("another thread takes from this one, or it is closed").into());
        };
        let Some(under_way) = tasks.get_mut() else { return Err(PyRuntimeError::new_err(ELSEWHERE).into()) };
        let joined = wait(py, under_way.join_next());
        self.with(|slot| *slot = Some(tasks));
        match joined?.transpose() {
            Ok(None) => Ok(None),
            Ok(Some((index, Ok(receipt)))) => Ok(Some((index, Some(Receipt(receipt)), None))),
            Ok(Some((index, Err(error)))) => {
                Ok(Some((index, None, Some(exception(py, &error).into_value(py).into_any()))))
            }
            Err(error) => {
                Err(PyRuntimeError::new_err(format!("a delivery ended without a result: {error}")).into())
            }
        }
    }

    /// Abandons what is under way.
    fn close(&self) {
        drop(self.with(Option::take));
    }
}

impl Batch {
    pub(crate) fn limit(&self) -> &RequestLimit {
        &self.limit
    }

    pub(crate) fn spawn(
        &self,
        runtime: &Runtime,
        index: usize,
        work: impl Future<Output = sdk::error::Result<sdk::Receipt>> + Send + 'static,
    ) {
        self.with(|tasks| {
            if let Some(tasks) = tasks.as_mut().and_then(Own::get_mut) {
                tasks.spawn_on(Guarded::new(async move { (index, work.await) }), runtime.handle());
            }
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut Option<Own<JoinSet<Done>>>) -> T) -> T {
        change(&mut self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

//! Work that asyncio waits for.
//!
//! Results are put into the mailbox of their event loop without the interpreter. One thread wakes the loops: while it waits
//! for its turn more results come in, and the loop takes all of them at one call.

use std::{
    future::Future,
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyCFunction, PyTuple},
};
use ssf_transmitter as sdk;
use tokio::task::AbortHandle;

use crate::{
    attach,
    errors::{Result, exception},
    fork::Guarded,
    imports::name,
    logging::{self, Patience},
    process::Own,
    runtime::shared,
};

/// Where the results for one event loop lie until it takes them.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Mailbox(Arc<Inner>);

struct Inner {
    event_loop: Py<PyAny>,
    results: Mutex<Vec<Completion>>,
    /// Whether the loop was told, and has not come yet.
    told: AtomicBool,
}

/// A future of asyncio, and how to make its result.
struct Completion {
    future: Py<PyAny>,
    open: Open,
}

type Open = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

#[pymethods]
impl Mailbox {
    #[new]
    fn new(event_loop: Py<PyAny>) -> Self {
        Self(Arc::new(Inner { event_loop, results: Mutex::default(), told: AtomicBool::new(false) }))
    }

    /// The loop that it is for.
    #[getter]
    fn event_loop(&self, py: Python<'_>) -> Py<PyAny> {
        self.0.event_loop.clone_ref(py)
    }
}

impl Mailbox {
    /// Runs work, and sets the result of `future` when it is done.
    pub(crate) fn spawn<T, R>(
        &self,
        future: Py<PyAny>,
        work: impl Future<Output = sdk::error::Result<T>> + Send + 'static,
        convert: impl FnOnce(T) -> R + Send + 'static,
    ) -> Result<Task>
    where
        T: Send + 'static,
        R: for<'py> IntoPyObjectExt<'py>,
    {
        let inner = Arc::clone(&self.0);
        let task = shared()?.spawn(Guarded::new(async move {
            let done = work.await;
            let open = Box::new(move |py: Python<'_>| match done {
                Ok(value) => convert(value).into_py_any(py),
                Err(error) => Err(exception(py, &error)),
            });
            inner.put(Completion { future, open });
        }));
        Ok(Task(Own::new(task.abort_handle())))
    }
}

impl Inner {
    fn put(self: Arc<Self>, completion: Completion) {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).push(completion);
        if !self.told.swap(true, Ordering::AcqRel) {
            tell(self);
        }
    }

    /// Called by the loop.
    fn take(&self, py: Python<'_>) {
        self.told.store(false, Ordering::Release);
        let completions = mem::take(&mut *self.results.lock().unwrap_or_else(PoisonError::into_inner));
        logging::forward(py, Patience::Short);
        for completion in completions {
            if let Err(error) = completion.deliver(py) {
                error.write_unraisable(py, None);
            }
        }
    }
}

impl Completion {
    fn deliver(self, py: Python<'_>) -> PyResult<()> {
        let future = self.future.bind(py);
        // It may have been cancelled when the result was on its way.
        if future.call_method0(name!(py, "done")?)?.is_truthy()? {
            return Ok(());
        }
        match (self.open)(py) {
            Ok(value) => future.call_method1(name!(py, "set_result")?, (value,))?,
            Err(error) => future.call_method1(name!(py, "set_exception")?, (error.into_value(py),))?,
        };
        Ok(())
    }
}

/// Has the loop told that there is something for it.
fn tell(inner: Arc<Inner>) {
    // At the end of the interpreter nobody waits any more.
    attach::later(move |py| wake(py, &inner));
}

fn wake(py: Python<'_>, inner: &Arc<Inner>) {
    let theirs = Arc::clone(inner);
    let take = move |arguments: &Bound<'_, PyTuple>, _: Option<&Bound<'_, pyo3::types::PyDict>>| {
        theirs.take(arguments.py());
    };
    let told = PyCFunction::new_closure(py, None, None, take)
        .and_then(|take| inner.event_loop.call_method1(py, name!(py, "call_soon_threadsafe")?, (take,)));
    if told.is_err() {
        // The loop is closed: its futures will not be asked for again.
        drop(mem::take(&mut *inner.results.lock().unwrap_or_else(PoisonError::into_inner)));
    }
}

/// Pending work.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Task(Own<AbortHandle>);

#[pymethods]
impl Task {
    /// Stops it, wherever it is. A child leaves the work of its parent alone.
    fn cancel(&self) {
        if let Some(task) = self.0.get() {
            task.abort();
        }
    }
}

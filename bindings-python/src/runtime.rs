//! The runtime, one for each process, and waiting for it from Python.

use std::{future::Future, io, pin::pin, time::Duration};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokio::runtime::{Builder, Runtime};

use crate::{errors::Result, logging, process::PerProcess};

static RUNTIME: PerProcess<Runtime> = PerProcess::new();

/// How long a call waits before it looks whether Python has a signal to handle.
const SLICE: Duration = Duration::from_millis(50);

/// The runtime of this process.
pub(crate) fn runtime() -> Result<&'static Runtime> {
    let make = || Builder::new_multi_thread().thread_name("ssf-transmitter").enable_all().build();
    let failed = |error: io::Error| PyRuntimeError::new_err(format!("no runtime can be started: {error}"));
    Ok(RUNTIME.get(make).map_err(failed)?)
}

/// Waits for work on this thread, while other threads of Python run. Ctrl-C ends the wait, and drops the work.
pub(crate) fn wait<T: Send>(py: Python<'_>, work: impl Future<Output = T> + Send) -> Result<T> {
    let runtime = runtime()?;
    let mut work = pin!(work);
    loop {
        let slice = || runtime.block_on(async { tokio::time::timeout(SLICE, &mut work).await.ok() });
        let done = py.detach(slice);
        logging::forward(py);
        match done {
            Some(done) => return Ok(done),
            None => py.check_signals()?,
        }
    }
}

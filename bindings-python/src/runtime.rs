//! The runtimes, each one for each process, and waiting for them from Python.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake},
    thread,
    time::Duration,
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use tokio::runtime::{Builder, Runtime};

use crate::{
    errors::Result,
    fork::Guarded,
    logging::{self, Patience},
    process::{Own, PerProcess},
};

/// With threads of its own, for work that goes on while nobody waits.
static SHARED: PerProcess<Runtime> = PerProcess::new();

/// Without threads: whoever waits does the work. A call that has to wake another thread to send, and is woken by it when
/// the answer is there, takes half as long again.
static DIRECT: PerProcess<Runtime> = PerProcess::new();

/// The message for a child that continues a call of its parent.
pub(crate) const FORKED: &str = "the process was forked during this call, which continues only in the parent";

/// How long a call waits before it looks whether Python has a signal to handle.
const SLICE: Duration = Duration::from_millis(50);

/// The runtime with threads of its own.
pub(crate) fn shared() -> Result<&'static Runtime> {
    let make = || Builder::new_multi_thread().thread_name("ssf-transmitter").enable_all().build();
    Ok(SHARED.get(make).map_err(failed)?)
}

/// Waits for work of the shared runtime.
pub(crate) fn wait<T: Send>(py: Python<'_>, work: impl Future<Output = T> + Send) -> Result<T> {
    wait_on(py, shared()?, work)
}

/// Does work on this thread. What it opens, such as connections, is for [`wait_directly`] alone.
pub(crate) fn wait_directly<T: Send>(py: Python<'_>, work: impl Future<Output = T> + Send) -> Result<T> {
    let make = || Builder::new_current_thread().thread_name("ssf-transmitter").enable_all().build();
    let work = async {
        catch_up().await;
        work.await
    };
    wait_on(py, DIRECT.get(make).map_err(failed)?, work)
}

/// Does what is left to do for connections that nobody uses any more.
#[pyfunction]
pub(crate) fn settle(py: Python<'_>) -> Result<()> {
    match DIRECT.here() {
        Some(_) => wait_directly(py, catch_up()),
        None => Ok(()),
    }
}

/// Lets other tasks of the runtime see what has happened while nobody waited: that the other side has closed a connection,
/// or that this one is to be closed. Each turn lets them be polled once, after a look at their sockets.
async fn catch_up() {
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

/// Waits for work that other threads do, such as that of an outbox: it needs no runtime.
pub(crate) fn wait_parked<T: Send>(py: Python<'_>, work: impl Future<Output = T> + Send) -> Result<T> {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    wait_in_slices(py, work, |work| {
        let waker = Arc::new(Unpark(thread::current())).into();
        let mut context = Context::from_waker(&waker);
        let mut poll = || match Pin::new(&mut *work).poll(&mut context) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        };
        poll().or_else(|| {
            // Ends at a wake-up, which may be for nothing, or after a slice of time.
            thread::park_timeout(SLICE);
            poll()
        })
    })
}

fn wait_on<T: Send>(py: Python<'_>, runtime: &Runtime, work: impl Future<Output = T> + Send) -> Result<T> {
    wait_in_slices(py, work, |work| runtime.block_on(async { tokio::time::timeout(SLICE, work).await.ok() }))
}

/// Waits on this thread, while other threads of Python run. Ctrl-C ends the wait, and drops the work.
fn wait_in_slices<T: Send, W: Future<Output = T> + Send>(
    py: Python<'_>,
    work: W,
    slice: impl Fn(&mut Guarded<W>) -> Option<T> + Sync,
) -> Result<T> {
    let mut work = Guarded::new(work);
    let here = Own::new(());
    loop {
        let done = py.detach(|| slice(&mut work));
        let signals = match done {
            Some(_) => {
                logging::forward(py, Patience::Long);
                Ok(())
            }
            None => py.check_signals(),
        };
        // A signal handler or a logging handler may have forked, and then returns here in the child, too.
        if !here.is_here() {
            return Err(PyRuntimeError::new_err(FORKED).into());
        }
        signals?;
        if let Some(done) = done {
            return Ok(done);
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn failed(error: io::Error) -> PyErr {
    PyRuntimeError::new_err(format!("no runtime can be started: {error}"))
}

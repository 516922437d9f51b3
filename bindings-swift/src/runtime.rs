//! The threads that sign and send.
//!
//! They are the library's own, because a write to a connection that the other side has closed is answered by Linux with the signal
//! SIGPIPE, which ends a process that does not expect it. Rust's programs ignore it, and so do Python and Node.js; a program of Swift's
//! does not, and what it does with signals is not for a library to change. These threads keep the signal from themselves.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::failure::{Failure, Result};

/// One can send while the other signs. An agent has no use for more.
const THREADS: usize = 2;

/// The runtime.
pub(crate) fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("ssf-transmitter")
        .on_thread_start(without_broken_pipes)
        .enable_all()
        .build();
    let made = made.map_err(|error| Failure::internal(format!("no threads can be started: {error}")))?;
    Ok(RUNTIME.get_or_init(|| made))
}

/// A write to a closed connection then fails with an error, as it does on Apple's systems, where sockets are told so.
fn without_broken_pipes() {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::signal::{SigSet, Signal};
        // It fails for no signal that there is.
        let _ = SigSet::from(Signal::SIGPIPE).thread_block();
    }
}

//! The threads that sign and send.
//!
//! They are the library's own, because a write to a connection that the other side has closed is answered by Linux with the signal
//! SIGPIPE, which ends a process that does not expect it. Rust's programs ignore it, and so do Python and Node.js; a program of Swift's
//! does not, and what it does with signals is not for a library to change. These threads keep the signal from themselves.

use tokio::runtime::{Builder, Runtime};

use crate::failure::Result;

/// One can send while the other signs. An agent has no use for more.
const THREADS: usize = 2;

/// The runtime.
pub(crate) fn runtime() -> Result<&'static Runtime> {
    let configure = |builder: &mut Builder| {
        builder.worker_threads(THREADS).on_thread_start(without_broken_pipes);
    };
    Ok(ssf_bindings::runtime::shared(configure)?)
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

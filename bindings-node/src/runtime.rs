//! The threads that sign and send: one runtime for the whole process, whichever of its JavaScript threads asks.
//!
//! Node.js may end a worker thread at any time, so the runtime belongs to none of them, and is never shut down.

use tokio::runtime::{Builder, Runtime};

use crate::{failure::Failure, mailbox};

/// After so many tasks a thread looks for answers of receivers. Tasks that sign take long, so it is less than tokio's 61.
const TASKS_BETWEEN_LOOKS: u32 = 16;

/// The runtime.
pub(crate) fn runtime() -> Result<&'static Runtime, Failure> {
    let configure = |builder: &mut Builder| {
        builder.on_thread_start(give_way).on_thread_park(mailbox::post).event_interval(TASKS_BETWEEN_LOOKS);
    };
    Ok(ssf_bindings::runtime::shared(configure)?)
}

/// Lets the threads of JavaScript go first: where all cores are busy with signatures, the event loop would have to wait
/// for its turn, for milliseconds. On Linux the nice value is that of the thread; elsewhere it is that of the process, and
/// is left alone.
fn give_way() {
    // Where it is not allowed, nothing is lost but that.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(10);
}

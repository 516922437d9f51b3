//! The threads that sign and send: one runtime for the whole process, whichever of its JavaScript threads asks.
//!
//! Node.js may end a worker thread at any time, so the runtime belongs to none of them, and is never shut down.

use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// The runtime.
pub(crate) fn runtime() -> Result<&'static Runtime, Failure> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made = Builder::new_multi_thread().thread_name("ssf-transmitter").enable_all().build();
    let made = made.map_err(|error| Failure::internal(format!("no threads can be started: {error}")))?;
    Ok(RUNTIME.get_or_init(|| made))
}

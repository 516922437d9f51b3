//! The threads that sign and send: one tokio runtime for the whole process, which is never shut down.

use std::sync::OnceLock;

use ssf_transmitter::{Error, ErrorCode, Result};
use tokio::runtime::{Builder, Runtime};

/// The runtime. The first call makes it as `configure` says.
pub fn shared(configure: impl FnOnce(&mut Builder)) -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let mut builder = Builder::new_multi_thread();
    configure(builder.thread_name("ssf-transmitter").enable_all());
    let made = builder
        .build()
        .map_err(|error| Error::new(ErrorCode::Internal, format!("cannot start threads: {error}")))?;
    Ok(RUNTIME.get_or_init(|| made))
}

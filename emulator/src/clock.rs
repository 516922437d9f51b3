//! The one place that reads the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since 1970-01-01T00:00:00Z, the scale of `iat` (RFC 7519 §2, `NumericDate`).
#[allow(
    clippy::disallowed_methods,
    reason = "the emulator judges `iat` and token lifetimes by its own clock"
)]
pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

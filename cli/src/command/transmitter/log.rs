//! What the library reports while the transmitter runs.

use std::io;

use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Writes warnings and errors of the library to standard error from now on.
///
/// They hold no secret, subject or payload. Other crates promise nothing of theirs, which are left out.
pub(super) fn start() {
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .without_time()
        .with_target(false)
        // By default, it panics when standard error is closed.
        .log_internal_errors(false);
    let ours = Targets::new().with_target("ssf_transmitter", LevelFilter::WARN);
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
}

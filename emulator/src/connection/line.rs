//! What requests can do to the connection they came by.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// No end of what may be written.
const UNLIMITED: u64 = u64::MAX;

/// How a connection ends that is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    /// As if there was nothing more to say (FIN).
    Close,
    /// With an error (RST).
    Reset,
}

/// What requests can do to the connection they came by.
#[derive(Debug)]
pub(crate) struct Line {
    pub(super) cut: OnceLock<Cut>,
    pub(super) was_cut: Notify,
    pub(super) hangs: AtomicBool,
    /// How many bytes may still be written before this side is closed.
    pub(super) left: AtomicU64,
}

impl Line {
    pub(super) fn new() -> Self {
        Self {
            cut: OnceLock::new(),
            was_cut: Notify::new(),
            hangs: AtomicBool::new(false),
            left: AtomicU64::new(UNLIMITED),
        }
    }

    /// Ends the connection at once, and with it the caller.
    pub(crate) async fn cut<T>(&self, cut: Cut) -> T {
        // The first one counts if several requests want it.
        let _ = self.cut.set(cut);
        self.was_cut.notify_one();
        std::future::pending().await
    }

    /// Waits until the other side gives up.
    pub(crate) async fn hang<T>(&self) -> T {
        self.stays_open();
        std::future::pending().await
    }

    /// Something on this connection does not end: who stops does not wait for it.
    pub(crate) fn stays_open(&self) {
        self.hangs.store(true, Ordering::Relaxed);
    }

    /// Closes this side after so many bytes more. The other side may go on sending; nobody listens.
    pub(crate) fn end_after(&self, bytes: u64) {
        self.left.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn is_limited(&self) -> bool {
        self.left.load(Ordering::Relaxed) != UNLIMITED
    }
}

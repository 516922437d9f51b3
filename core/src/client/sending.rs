//! One pending SET: counted once, within its bounds. All ways to send end here.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{Receiver, RequestLimit, Transmitter, counters::Entry, driver::Circumstances};
use crate::{
    delivery::Receipt,
    error::{Error, ErrorCode, Result},
    retry::{Bounds, RetryPolicy},
    set::SignedSet,
    time::Timestamp,
};

/// What a call sets for its SET; the transmitter's settings hold for the rest.
#[derive(Default)]
pub(super) struct Terms {
    pub(super) deadline: Option<Duration>,
    pub(super) retry: RetryPolicy,
    /// Bounds how many requests are on the wire at once.
    pub(super) requests: Option<Arc<Semaphore>>,
    /// The SET may have been sent before.
    pub(super) repeated: bool,
}

impl Terms {
    pub(super) fn limited_by(&mut self, limit: &RequestLimit) {
        self.requests = Some(limit.requests());
    }
}

/// A pending SET, signed or unsigned. Dropped, it counts as `abandoned`.
pub(super) struct Sending {
    transmitter: Transmitter,
    receiver: Receiver,
    entry: Entry,
    bounds: Bounds,
    ends: Timestamp,
    circumstances: Circumstances,
}

impl Sending {
    /// Checks what bounds it, counts it, and starts its deadline. Work that begins later [starts](Self::start) it anew.
    pub(super) fn begin(transmitter: &Transmitter, receiver: Receiver, terms: Terms) -> Result<Self> {
        let Terms { deadline, retry, requests, repeated } = terms;
        let (entry, bounds) = transmitter.begin(deadline, &retry)?;
        let ends = transmitter.steady().now().plus(bounds.deadline);
        let circumstances = Circumstances { requests, repeated };
        Ok(Self { transmitter: transmitter.clone(), receiver, entry, bounds, ends, circumstances })
    }

    /// Starts the deadline, now that the work begins.
    pub(super) fn start(&mut self) {
        self.ends = self.transmitter.steady().now().plus(self.bounds.deadline);
    }

    pub(super) fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// What is left of the deadline.
    pub(super) fn time_left(&self) -> Duration {
        self.ends.since(self.transmitter.steady().now())
    }

    /// Delivers the SET in the time that is left, or ends with the error that prevented it.
    pub(super) async fn deliver(mut self, set: Result<SignedSet>) -> Result<Receipt> {
        self.bounds.deadline = self.time_left();
        match set {
            Ok(set) => {
                let Self { transmitter, receiver, entry, bounds, circumstances, .. } = self;
                transmitter.run(entry, &set, &receiver, &bounds, circumstances).await
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Ends it with an error.
    pub(super) fn fail(self, error: Error) -> Error {
        self.entry.failed(error.code());
        error
    }

    /// Ends it for the reason that `code` names.
    pub(super) fn fail_with(self, code: ErrorCode) {
        self.entry.failed(code);
    }
}

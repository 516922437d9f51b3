//! Many events from an iterator.

use super::{Batch, Emit, Emitted, Progress, RequestLimit, batch::CONCURRENCY};

/// Many events on their way, from [`Transmitter::emit_all`](super::Transmitter::emit_all). Dropping it abandons those that
/// are pending.
#[must_use = "nothing is sent until `next` is awaited"]
#[derive(Debug)]
pub struct EmitAll<I> {
    emits: I,
    batch: Batch,
}

impl<I: Iterator<Item = Emit>> EmitAll<I> {
    pub(super) fn new(emits: I) -> Self {
        Self { emits, batch: Batch::new(CONCURRENCY) }
    }

    /// Limits concurrent requests; 32 by default. Sixteen times as many events are taken from the
    /// iterator, and no more until some are done.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.batch.set_limit(RequestLimit::new(requests));
        self
    }

    /// The next result, in the order in which they arrive; `None` when there is nothing left.
    pub async fn next(&mut self) -> Option<Emitted> {
        while self.batch.has_room() {
            let Some(emit) = self.emits.next() else { break };
            self.batch.push(emit.limited_by(self.batch.limit()));
        }
        self.batch.next().await
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.batch.progress()
    }
}

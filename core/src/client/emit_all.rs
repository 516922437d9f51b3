//! Many events at once.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinSet};

use super::Emit;
use crate::{
    delivery::Receipt,
    error::{Error, Result},
};

/// So many requests are on the wire at once, if nothing else is said.
const CONCURRENCY: usize = 32;
/// For each request on the wire, so many deliveries may be under way: waiting for a slot, a token, the next attempt.
const WINDOW: usize = 16;

/// A bound on the requests on the wire, shared by all that are given it. Cheap to clone.
///
/// For those who start deliveries one by one and still want the bound that [`EmitAll::concurrency`] sets.
///
/// ```no_run
/// # use ssf_transmitter::{Receiver, Subject, Transmitter, client::RequestLimit, event::caep};
/// # async fn example(transmitter: Transmitter, receiver: Receiver) -> Result<(), ssf_transmitter::Error> {
/// let limit = RequestLimit::new(32);
/// let subject = Subject::email("ada@example.com");
/// transmitter.emit(caep::SessionRevoked::new(), subject, &receiver).limited_by(&limit).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RequestLimit(Arc<Semaphore>);

impl RequestLimit {
    /// So many requests at once; from one to 1024.
    pub fn new(requests: usize) -> Self {
        Self(Arc::new(Semaphore::new(requests.clamp(1, 1024))))
    }

    pub(super) fn requests(&self) -> Arc<Semaphore> {
        self.0.clone()
    }
}

/// The result of one of many.
#[derive(Debug)]
#[non_exhaustive]
pub struct Emitted {
    /// Which one: the place in the order in which they were given, from zero.
    pub index: usize,
    /// What became of it.
    pub result: Result<Receipt>,
}

/// How far many have come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Taken from what was given.
    pub started: usize,
    /// Delivered, and told by [`EmitAll::next`].
    pub delivered: usize,
    /// Not delivered, and told by [`EmitAll::next`].
    pub failed: usize,
}

impl Progress {
    /// Started and not told yet.
    pub fn in_flight(self) -> usize {
        self.started - self.delivered - self.failed
    }
}

/// Many events on their way, from [`Transmitter::emit_all`](super::Transmitter::emit_all). Dropping it abandons those that
/// are under way.
#[must_use = "nothing is sent until `next` is awaited"]
#[derive(Debug)]
pub struct EmitAll<I> {
    emits: I,
    requests: Arc<Semaphore>,
    window: usize,
    tasks: JoinSet<Emitted>,
    progress: Progress,
}

impl<I: Iterator<Item = Emit>> EmitAll<I> {
    pub(super) fn new(emits: I) -> Self {
        Self {
            emits,
            requests: Arc::new(Semaphore::new(CONCURRENCY)),
            window: CONCURRENCY * WINDOW,
            tasks: JoinSet::new(),
            progress: Progress::default(),
        }
    }

    /// Sets how many requests may be on the wire at once; 32 by default. Sixteen times as many events are taken from what
    /// was given, and no more, until some are done.
    pub fn concurrency(mut self, requests: usize) -> Self {
        let requests = requests.clamp(1, 1024);
        self.requests = Arc::new(Semaphore::new(requests));
        self.window = requests * WINDOW;
        self
    }

    /// The next result, in the order in which they come; `None` when there is nothing left.
    pub async fn next(&mut self) -> Option<Emitted> {
        while self.tasks.len() < self.window {
            let Some(emit) = self.emits.next() else { break };
            let (index, work) = (self.progress.started, emit.run(Some(self.requests.clone())));
            self.progress.started += 1;
            self.tasks.spawn(async move { Emitted { index, result: work.await } });
        }
        let emitted = match self.tasks.join_next().await? {
            Ok(emitted) => emitted,
            // A task that is neither aborted nor panics ends with its result; which one it was is not known here.
            Err(error) => {
                let result = Err(Error::internal("a delivery ended without a result").because(error));
                Emitted { index: usize::MAX, result }
            }
        };
        match &emitted.result {
            Ok(_) => self.progress.delivered += 1,
            Err(_) => self.progress.failed += 1,
        }
        Some(emitted)
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.progress
    }
}

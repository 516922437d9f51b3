//! Concurrent deliveries, within one bound.

use std::{
    collections::HashMap,
    fmt,
    future::{Future, IntoFuture},
    sync::Arc,
};

use tokio::{
    sync::Semaphore,
    task::{Id, JoinSet},
};

use crate::{
    delivery::Receipt,
    error::{Error, Result},
};

/// The default number of requests on the wire at once.
pub(super) const CONCURRENCY: usize = 32;
/// Pending deliveries for each request on the wire: they wait for a slot, a token or the next attempt.
const WINDOW: usize = 16;

/// A limit of concurrent requests, shared by all operations that use it. Cheap to clone.
///
/// Use it to start deliveries one by one and still keep the bound that [`EmitAll::concurrency`](super::EmitAll::concurrency)
/// sets.
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
pub struct RequestLimit {
    requests: Arc<Semaphore>,
    window: usize,
}

impl RequestLimit {
    /// A limit of concurrent requests, from 1 to 1024.
    pub fn new(requests: usize) -> Self {
        let requests = requests.clamp(1, 1024);
        Self { requests: Arc::new(Semaphore::new(requests)), window: requests * WINDOW }
    }

    /// How many deliveries are pending at once: more than requests, because some wait for a token or their next attempt,
    /// but not all of them, because each takes memory.
    pub fn window(&self) -> usize {
        self.window
    }

    pub(super) fn requests(&self) -> Arc<Semaphore> {
        self.requests.clone()
    }
}

/// The result of one of many.
#[derive(Debug)]
#[non_exhaustive]
pub struct Emitted {
    /// The index of the emission, from zero.
    pub index: usize,
    /// The receipt, or why there is none.
    pub result: Result<Receipt>,
}

/// How far many have come.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The emission.
    pub started: usize,
    /// Delivered, and returned as a result.
    pub delivered: usize,
    /// Not delivered, and returned as a result.
    pub failed: usize,
}

impl Progress {
    /// Started, and not returned yet.
    pub fn in_flight(self) -> usize {
        self.started - self.delivered - self.failed
    }
}

/// Pending deliveries: push new ones, and take results. For callers that cannot hand over an
/// iterator as [`Transmitter::emit_all`](super::Transmitter::emit_all) takes. Dropping it abandons pending deliveries.
///
/// ```no_run
/// # use ssf_transmitter::{Receiver, Subject, Transmitter, client::Batch, event::caep};
/// # async fn example(transmitter: Transmitter, receiver: Receiver, mut users: Vec<String>) {
/// let mut batch = Batch::new(32);
/// loop {
///     while batch.has_room() {
///         let Some(user) = users.pop() else { break };
///         let emit = transmitter.emit(caep::SessionRevoked::new(), Subject::email(user), &receiver);
///         batch.push(emit.limited_by(batch.limit()));
///     }
///     let Some(emitted) = batch.next().await else { break };
///     if let Err(error) = emitted.result {
///         eprintln!("{}: {error}", emitted.index);
///     }
/// }
/// # }
/// ```
#[must_use = "dropped, it abandons pending deliveries"]
pub struct Batch {
    limit: RequestLimit,
    tasks: JoinSet<Result<Receipt>>,
    /// Which delivery a task is.
    indexes: HashMap<Id, usize>,
    progress: Progress,
}

impl Batch {
    /// A batch with this many concurrent requests, from 1 to 1024.
    pub fn new(requests: usize) -> Self {
        let (limit, tasks) = (RequestLimit::new(requests), JoinSet::new());
        Self { limit, tasks, indexes: HashMap::new(), progress: Progress::default() }
    }

    /// The bound to share with each delivery before it is pushed.
    pub fn limit(&self) -> &RequestLimit {
        &self.limit
    }

    /// Sets the bound for deliveries that are pushed from now on.
    pub(super) fn set_limit(&mut self, limit: RequestLimit) {
        self.limit = limit;
    }

    /// Whether another delivery may be pushed without exceeding the limit; see [`RequestLimit::window`].
    pub fn has_room(&self) -> bool {
        self.tasks.len() < self.limit.window
    }

    /// Starts a delivery: an [`Emit`](super::Emit), a [`Deliver`](super::Deliver), or
    /// [`Pending::deliver`](super::Pending::deliver). Returns its index, counted from zero. It needs a tokio runtime.
    pub fn push<D>(&mut self, delivery: D) -> usize
    where
        D: IntoFuture<Output = Result<Receipt>>,
        D::IntoFuture: Future + Send + 'static,
    {
        let index = self.progress.started;
        self.progress.started += 1;
        let task = self.tasks.spawn(delivery.into_future());
        self.indexes.insert(task.id(), index);
        index
    }

    /// The next result, in the order in which they arrive; `None` if nothing is pending. Dropping the future loses none.
    pub async fn next(&mut self) -> Option<Emitted> {
        let (id, result) = match self.tasks.join_next_with_id().await? {
            Ok(done) => done,
            Err(error) => {
                let id = error.id();
                (id, Err(Error::internal("a delivery ended without a result").because(error)))
            }
        };
        match &result {
            Ok(_) => self.progress.delivered += 1,
            Err(_) => self.progress.failed += 1,
        }
        let index = self.indexes.remove(&id).unwrap_or_default();
        Some(Emitted { index, result })
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.progress
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Batch").field("progress", &self.progress).finish_non_exhaustive()
    }
}

//! Sends what waits in an outbox.

mod attempt;
mod freezer;
mod health;
mod run;

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::watch;

pub use health::{Drained, Health};

use super::{Receivers, Transmitter};
use crate::{
    error::{Error, ErrorCode, Result},
    key::{BoxFuture, ExternalKey},
    outbox::{Alert, Outbox, Retention, Schedule},
    set::{SignedSet, UnsignedSet},
};
use health::Vitals;

/// Deliveries in flight at once, by default.
const CONCURRENCY: u32 = 64;
/// Deliveries to one receiver that are claimed at once, by default.
const PER_RECEIVER: u32 = 8;
/// How often the store is looked at if it reports no change, by default.
const POLL: Duration = Duration::from_secs(1);

/// Signs for keys without a signer.
pub(super) type SignBy =
    Arc<dyn Fn(ExternalKey, UnsignedSet) -> BoxFuture<'static, Result<SignedSet>> + Send + Sync>;

/// What is called when a receiver is paused or resumed: its name, and what happened.
type OnAlert = Arc<dyn Fn(&str, &Alert) + Send + Sync>;

/// Sends what waits in an [`Outbox`]: claims deliveries, builds and signs the SETs, delivers them, and settles them.
///
/// Several workers, in any number of processes, may share a store. Run as many as you need. A worker does not end because of an
/// error of the store; it reports the error in its [`Health`] and tries again.
///
/// ```no_run
/// use std::collections::HashMap;
/// use ssf_transmitter::{Receiver, Transmitter, client::Worker, outbox::Outbox};
///
/// # async fn example(
/// #     outbox: Outbox, transmitter: Transmitter, acme: Receiver,
/// # ) -> Result<(), ssf_transmitter::Error> {
/// let worker = Worker::new(outbox, transmitter, HashMap::from([("acme".to_owned(), acme)]))
///     .on_alert(|receiver, alert| eprintln!("{receiver}: {alert:?}"));
/// let handle = worker.handle();
/// let running = tokio::spawn(worker.run());
/// // At the end of the process:
/// handle.stop();
/// running.await.ok();
/// # Ok(())
/// # }
/// ```
#[must_use = "a worker does nothing until it runs"]
pub struct Worker {
    outbox: Outbox,
    transmitter: Transmitter,
    receivers: Arc<dyn Receivers>,
    concurrency: u32,
    per_receiver: u32,
    lease: Option<Duration>,
    grace: Option<Duration>,
    poll: Duration,
    schedule: Schedule,
    retention: Retention,
    on_alert: Option<OnAlert>,
    sign_by: Option<SignBy>,
    stop: watch::Sender<bool>,
    vitals: Arc<Vitals>,
}

impl Worker {
    /// A worker that sends from this outbox with this transmitter, and finds receivers here.
    pub fn new(outbox: Outbox, transmitter: Transmitter, receivers: impl Receivers + 'static) -> Self {
        Self {
            outbox,
            transmitter,
            receivers: Arc::new(receivers),
            concurrency: CONCURRENCY,
            per_receiver: PER_RECEIVER,
            lease: None,
            grace: None,
            poll: POLL,
            schedule: Schedule::new(),
            retention: Retention::default(),
            on_alert: None,
            sign_by: None,
            stop: watch::Sender::new(false),
            vitals: Arc::default(),
        }
    }

    /// Sets how many deliveries are in flight at once; 64 by default.
    pub fn concurrency(mut self, deliveries: u32) -> Self {
        self.concurrency = deliveries;
        self
    }

    /// Sets how many deliveries to one receiver are claimed at once; 8 by default.
    pub fn per_receiver(mut self, deliveries: u32) -> Self {
        self.per_receiver = deliveries;
        self
    }

    /// Sets how long a claim holds; by default twice the deadline of the transmitter, and a minute at least. The worker extends the
    /// leases of deliveries that take longer. After a crash, its deliveries wait until their leases end.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// Sets how long deliveries may take to end after [`WorkerHandle::stop`]; by default the deadline of the transmitter. Those
    /// that have not ended are released, and no attempt is spent.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// Sets how often the worker looks at the store if nothing reports a change; once a second by default. The interval is shortened at random,
    /// by a quarter at most, so that many workers do not ask at the same moments.
    pub fn poll(mut self, interval: Duration) -> Self {
        self.poll = interval;
        self
    }

    /// Sets how often deliveries are attempted.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Sets how long deliveries are kept after they ended.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Sets what is called when a receiver is paused or resumed: once for each change. It must return soon.
    pub fn on_alert(mut self, call: impl Fn(&str, &Alert) + Send + Sync + 'static) -> Self {
        self.on_alert = Some(Arc::new(call));
        self
    }

    /// Sets what signs for external keys that have no signer, where the caller of [`Emit::begin`](super::Emit::begin) would
    /// sign.
    pub fn sign_by<F, S>(mut self, sign: F) -> Self
    where
        F: Fn(ExternalKey, UnsignedSet) -> S + Send + Sync + 'static,
        S: Future<Output = Result<SignedSet>> + Send + 'static,
    {
        self.sign_by = Some(Arc::new(move |key, set| Box::pin(sign(key, set))));
        self
    }

    /// Stops the worker and tells of its health, also while it [runs](Self::run).
    pub fn handle(&self) -> WorkerHandle {
        WorkerHandle { stop: self.stop.clone(), vitals: self.vitals.clone() }
    }

    fn check(&self) -> Result<()> {
        let wrong = |message| Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        if self.concurrency == 0 || self.per_receiver == 0 {
            return wrong("the concurrency of a worker must be at least 1");
        }
        if self.lease_time().is_zero() || self.poll.is_zero() {
            return wrong("the lease and the poll interval of a worker must be greater than zero");
        }
        self.schedule.check()
    }

    fn lease_time(&self) -> Duration {
        self.lease.unwrap_or_else(|| (self.transmitter.deadline() * 2).max(Duration::from_mins(1)))
    }

    fn grace_time(&self) -> Duration {
        self.grace.unwrap_or_else(|| self.transmitter.deadline())
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Worker")
            .field("outbox", &self.outbox)
            .field("concurrency", &self.concurrency)
            .field("per_receiver", &self.per_receiver)
            .finish_non_exhaustive()
    }
}

/// A running worker, from outside. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WorkerHandle {
    stop: watch::Sender<bool>,
    vitals: Arc<Vitals>,
}

impl WorkerHandle {
    /// Asks the worker to end: it claims nothing more, lets deliveries end, and releases those that have not ended within the
    /// [grace](Worker::grace).
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// How the worker is.
    pub fn health(&self) -> Health {
        self.vitals.read()
    }
}

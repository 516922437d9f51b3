//! A signed SET on its way.

use std::{fmt, future::IntoFuture, time::Duration};

use super::{Receiver, RequestLimit, Transmitter, drive::Circumstances};
use crate::{
    delivery::{Receipt, RetryPolicy},
    error::Result,
    key::BoxFuture,
    set::SignedSet,
};

/// A signed SET on its way, from [`Transmitter::deliver`]: set how it is tried, then await it.
///
/// ```no_run
/// # use std::time::Duration;
/// # use ssf_transmitter::{Receiver, SignedSet, Transmitter};
/// # async fn example(transmitter: Transmitter, set: SignedSet, receiver: Receiver) -> Result<(), ssf_transmitter::Error> {
/// let receipt = transmitter.deliver(&set, &receiver).deadline(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent until it is awaited"]
pub struct Deliver {
    transmitter: Transmitter,
    set: SignedSet,
    receiver: Receiver,
    deadline: Option<Duration>,
    retry: RetryPolicy,
    circumstances: Circumstances,
}

impl Deliver {
    pub(super) fn new(transmitter: Transmitter, set: SignedSet, receiver: Receiver) -> Self {
        let (retry, circumstances) = (RetryPolicy::default(), Circumstances::default());
        Self { transmitter, set, receiver, deadline: None, retry, circumstances }
    }

    /// Sets how long this operation may take.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how often this operation is tried: the members that are given, the others are the transmitter's.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Shares a bound on the requests on the wire with others.
    pub fn limited_by(mut self, limit: &RequestLimit) -> Self {
        self.circumstances.requests = Some(limit.requests());
        self
    }

    /// Says that the SET may have been sent before, in a call that ended without a result. A receiver that says it has the
    /// SET already then counts as delivered, with [`ReceiptNote::AlreadyReceived`](crate::delivery::ReceiptNote::AlreadyReceived).
    pub fn repeated(mut self) -> Self {
        self.circumstances.repeated = true;
        self
    }
}

impl IntoFuture for Deliver {
    type Output = Result<Receipt>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    /// The delivery begins, and is counted, here.
    fn into_future(self) -> Self::IntoFuture {
        let Self { transmitter, set, receiver, deadline, retry, circumstances } = self;
        let begun = transmitter.begin(deadline, &retry);
        Box::pin(async move {
            let (entry, bounds) = begun?;
            transmitter.run(entry, &set, &receiver, &bounds, circumstances).await
        })
    }
}

impl fmt::Debug for Deliver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Deliver")
            .field("set", &self.set)
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}

//! A signed SET on its way.

use std::{fmt, future::IntoFuture, time::Duration};

use super::{
    Receiver, RequestLimit, Transmitter,
    sending::{Sending, Terms},
};
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
    terms: Terms,
}

impl Deliver {
    pub(super) fn new(transmitter: Transmitter, set: SignedSet, receiver: Receiver) -> Self {
        Self { transmitter, set, receiver, terms: Terms::default() }
    }

    /// Sets the deadline of this operation.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.terms.deadline = Some(deadline);
        self
    }

    /// Sets the retry policy of this operation; members that are not set keep the values of the transmitter.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.terms.retry = policy;
        self
    }

    /// Shares a bound on the requests on the wire with others.
    pub fn limited_by(mut self, limit: &RequestLimit) -> Self {
        self.terms.limited_by(limit);
        self
    }

    /// Declares that the SET may have been sent before, in a call that ended without a result. A receiver that says it has the
    /// SET already then counts as delivered, with [`ReceiptNote::AlreadyReceived`](crate::delivery::ReceiptNote::AlreadyReceived).
    pub fn repeated(mut self) -> Self {
        self.terms.repeated = true;
        self
    }
}

impl IntoFuture for Deliver {
    type Output = Result<Receipt>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    /// The delivery begins, and is counted, here.
    fn into_future(self) -> Self::IntoFuture {
        let Self { transmitter, set, receiver, terms } = self;
        let sending = Sending::begin(&transmitter, receiver, terms);
        Box::pin(async move {
            let mut sending = sending?;
            sending.start();
            sending.deliver(Ok(set)).await
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

//! The loop around the delivery machine: does what it asks for, counts, and tells `tracing`.
//!
//! A delivery is a span, `ssf.deliver`. Events have the target `ssf_transmitter` and the names `ssf.attempt`, `ssf.delivered` and `ssf.failed`, with the fields
//! `host`, `event`, `jti`, `attempt` or `attempts`, `code`, `status` and `latency_ms`. No subject, token or payload is in
//! them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::sync::Semaphore;
use tracing::Instrument as _;

use super::{
    Receiver,
    counters::{Entry, Ledger},
    transport::Transport,
};
use crate::{
    delivery::{Action, Bounds, Delivery, Input, Receipt},
    error::{Error, ErrorCode, Result},
    key::BoxFuture,
    set::SignedSet,
    time::Clock,
};

/// What drives deliveries.
pub(super) struct Driver {
    pub(super) transport: Transport,
    /// What waits, deadlines and the lives of tokens go by.
    pub(super) steady: Box<dyn Clock>,
    pub(super) ledger: Ledger,
    /// Where the jitter of the next delivery starts: random for the process, and another one for each delivery.
    pub(super) seed: AtomicU64,
}

/// What a delivery has to know beside the policy of its attempts.
pub(super) struct Circumstances {
    /// Bounds how many requests are on the wire at once.
    pub(super) requests: Option<Arc<Semaphore>>,
    /// The SET may have been sent before.
    pub(super) repeated: bool,
}

/// Signs the claims of a SET again with the key that is current now, if it is another one than before.
pub(super) type SignAgain<'a> = dyn Fn(&SignedSet) -> BoxFuture<'a, Option<SignedSet>> + Send + Sync + 'a;

impl Driver {
    /// Delivers a SET, or fails within the deadline.
    pub(super) async fn deliver(
        &self,
        entry: Entry,
        set: &SignedSet,
        receiver: &Receiver,
        bounds: &Bounds,
        circumstances: Circumstances,
        sign_again: &SignAgain<'_>,
    ) -> Result<Receipt> {
        let began = self.steady.now();
        let span =
            tracing::debug_span!("ssf.deliver", host = receiver.host(), event = set.event(), jti = set.jti());
        // On the heap at once: it is large, and moving it is what costs.
        let work = Box::pin(self.drive(&entry, set, receiver, bounds, circumstances, sign_again));
        let result = work.instrument(span).await;

        let (host, event, jti) = (receiver.host(), set.event(), set.jti());
        let latency_ms = self.steady.now().since(began).as_millis();
        match &result {
            Ok(receipt) => {
                entry.delivered();
                let (attempts, status) = (receipt.attempts(), receipt.status());
                tracing::info!(name: "ssf.delivered", host, event, jti, attempts, status, latency_ms, "delivered");
            }
            Err(error) => {
                let (code, status) = (error.code().as_str(), error.status());
                entry.failed(error.code());
                tracing::warn!(name: "ssf.failed", host, event, jti, code, status, latency_ms, "not delivered");
            }
        }
        result
    }

    async fn drive(
        &self,
        entry: &Entry,
        set: &SignedSet,
        receiver: &Receiver,
        bounds: &Bounds,
        Circumstances { requests, repeated }: Circumstances,
        sign_again: &SignAgain<'_>,
    ) -> Result<Receipt> {
        // The machine keeps the deadline for what it does itself; these are the waits for others.
        let ends = self.steady.now().plus(bounds.deadline);
        let _slot = self.within(bounds.deadline, receiver.slot()).await??;
        let mut delivery = Delivery::new(set.clone(), receiver.target())
            // What a wait for the slot took is gone.
            .with_bounds(Bounds { deadline: ends.since(self.steady.now()), ..bounds.clone() })
            .with_gate(receiver.gate())
            .with_seed(self.seed.fetch_add(1, Ordering::Relaxed));
        if repeated {
            delivery = delivery.with_unknown_outcome();
        }
        let mut attempt = 0_u32;
        let mut input = Input::Started;
        loop {
            input = match delivery.step(self.steady.now(), input) {
                Action::Authorize { refused } => {
                    let authorize = receiver.authorize(&self.transport, &*self.steady, refused.as_ref());
                    match self.within(ends.since(self.steady.now()), authorize).await? {
                        Ok(value) => Input::Authorized(value),
                        Err(error) => Input::Unauthorized(error),
                    }
                }
                Action::SignAgain => {
                    let signed = self.within(ends.since(self.steady.now()), sign_again(set)).await?;
                    signed.map_or(Input::NotSignedAgain, Input::SignedAgain)
                }
                Action::Send { request, timeout } => {
                    let _request = match &requests {
                        Some(requests) => {
                            self.within(ends.since(self.steady.now()), requests.acquire()).await?.ok()
                        }
                        None => None,
                    };
                    let timeout = timeout.min(ends.since(self.steady.now()));
                    attempt += 1;
                    entry.attempt();
                    let (host, event, jti) = (receiver.host(), set.event(), set.jti());
                    match self.transport.send(&request, timeout).await {
                        Ok(response) => {
                            let status = response.status;
                            tracing::debug!(name: "ssf.attempt", host, event, jti, attempt, status, "answered");
                            Input::Answered(response)
                        }
                        Err(failure) => {
                            let code = failure.code().as_str();
                            tracing::debug!(name: "ssf.attempt", host, event, jti, attempt, code, "no answer");
                            Input::Broken(failure)
                        }
                    }
                }
                Action::Wait { until } => {
                    tokio::time::sleep(until.since(self.steady.now())).await;
                    Input::Woken
                }
                Action::Done(receipt) => return Ok(receipt),
                Action::Fail(error) => return Err(error),
            };
        }
    }

    /// Waits for something, but no longer than this. What is done at once starts no timer.
    pub(super) async fn within<T>(&self, time: Duration, work: impl Future<Output = T>) -> Result<T> {
        let mut work = std::pin::pin!(work);
        if let Poll::Ready(done) =
            std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await
        {
            return Ok(done);
        }
        tokio::time::timeout(time, work).await.map_err(|_| {
            Error::new(
                ErrorCode::DeadlineExceeded,
                "the deadline passed in a wait for a slot, a token or a signature",
            )
        })
    }
}

//! Drives deliveries: waits for a slot, counts, and tells `tracing`.
//!
//! A delivery is a span, `ssf.deliver`. Events have the target `ssf_transmitter` and the names `ssf.attempt`, `ssf.delivered` and `ssf.failed`, with the fields
//! `host`, `event`, `jti`, `attempt` or `attempts`, `code`, `status` and `latency_ms`. No subject, token or payload is in
//! them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;
use tracing::Instrument as _;

use super::{
    Receiver, Transmitter,
    counters::{Entry, Tracker},
    drive::{Surroundings, drive, within},
    transport::Transport,
};
use crate::{
    delivery::{Delivery, Receipt},
    error::Result,
    http::{Failure, Request, Response},
    retry::Bounds,
    secret::Secret,
    set::SignedSet,
    time::{Clock, Timestamp},
};

/// What drives deliveries.
pub(super) struct Driver {
    pub(super) transport: Transport,
    /// The clock of waits, deadlines and token lifetimes.
    pub(super) steady: Box<dyn Clock>,
    pub(super) tracker: Tracker,
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

impl Transmitter {
    /// Delivers a SET that was counted as `entry`, or fails within the deadline.
    pub(super) async fn run(
        &self,
        entry: Entry,
        set: &SignedSet,
        receiver: &Receiver,
        bounds: &Bounds,
        circumstances: Circumstances,
    ) -> Result<Receipt> {
        let Driver { steady, seed, .. } = self.driver();
        let began = steady.now();
        let (host, event, jti) = (receiver.host(), set.event(), set.jti());
        let span = tracing::debug_span!("ssf.deliver", host, event, jti);
        let Circumstances { requests, repeated } = circumstances;
        let ends = began.plus(bounds.deadline);
        let around = Around {
            transmitter: self,
            entry: &entry,
            set,
            receiver,
            requests,
            ends,
            attempt: AtomicU32::new(0),
        };
        // On the heap at once: it is large, and moving it is what costs.
        let work = Box::pin(async {
            let _slot = within(bounds.deadline, receiver.slot()).await??;
            let mut delivery = Delivery::new(set.clone(), receiver.target())
                // What a wait for the slot took is gone.
                .with_bounds(Bounds { deadline: around.left(), ..bounds.clone() })
                .with_gate(receiver.gate())
                .with_seed(seed.fetch_add(1, Ordering::Relaxed));
            if repeated {
                delivery = delivery.with_unknown_outcome();
            }
            drive(&mut delivery, &around).await
        });
        let result = work.instrument(span).await;

        let latency_ms = steady.now().since(began).as_millis();
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
}

/// One delivery, with all that it needs.
struct Around<'a> {
    transmitter: &'a Transmitter,
    entry: &'a Entry,
    set: &'a SignedSet,
    receiver: &'a Receiver,
    requests: Option<Arc<Semaphore>>,
    ends: Timestamp,
    /// How many attempts there were.
    attempt: AtomicU32,
}

impl Surroundings for Around<'_> {
    fn now(&self) -> Timestamp {
        self.transmitter.steady().now()
    }

    fn ends(&self) -> Timestamp {
        self.ends
    }

    async fn authorize(&self, refused: Option<Secret<String>>) -> Result<Secret<String>> {
        let (transport, clock) = (self.transmitter.transport(), self.transmitter.steady());
        self.receiver.authorize(transport, clock, refused.as_ref()).await
    }

    async fn sign_again(&self) -> Option<SignedSet> {
        self.transmitter.sign_again(self.set).await
    }

    async fn send(&self, request: &Request, timeout: Duration) -> Result<Result<Response, Failure>> {
        let _request = match &self.requests {
            Some(requests) => within(self.left(), requests.acquire()).await?.ok(),
            None => None,
        };
        let attempt = self.attempt.fetch_add(1, Ordering::Relaxed) + 1;
        self.entry.attempt();
        let (host, event, jti) = (self.receiver.host(), self.set.event(), self.set.jti());
        let answer = self.transmitter.transport().send(request, timeout.min(self.left())).await;
        match &answer {
            Ok(response) => {
                let status = response.status;
                tracing::debug!(name: "ssf.attempt", host, event, jti, attempt, status, "answered");
            }
            Err(failure) => {
                let code = failure.code().as_str();
                tracing::debug!(name: "ssf.attempt", host, event, jti, attempt, code, "no answer");
            }
        }
        Ok(answer)
    }
}

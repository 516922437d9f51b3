//! The loop around the machines: executes their requests, and returns the results to them.

use std::{future::Future, task::Poll, time::Duration};

use crate::{
    delivery::{Action, Delivery, Input, Receipt},
    error::{Error, ErrorCode, Result},
    http::{Failure, Request, Response},
    okta::Calling,
    secret::Secret,
    set::SignedSet,
    time::Timestamp,
};

/// A state machine without input and output.
pub(super) trait Machine {
    /// What it ends with.
    type Done;

    /// The next action.
    fn step(&mut self, now: Timestamp, input: Input) -> Action<Self::Done>;
}

impl Machine for Delivery {
    type Done = Receipt;

    fn step(&mut self, now: Timestamp, input: Input) -> Action {
        self.step(now, input)
    }
}

impl<T> Machine for Calling<T> {
    type Done = T;

    fn step(&mut self, now: Timestamp, input: Input) -> Action<T> {
        self.step(now, input)
    }
}

/// What a machine asks for.
pub(super) trait Surroundings {
    /// The time that waits and deadlines go by.
    fn now(&self) -> Timestamp;

    /// When the operation ends. The machine keeps the deadline for what it does itself; this bounds the waits for others.
    fn ends(&self) -> Timestamp;

    /// The value of the header `Authorization`, other than the `refused` one.
    fn authorize(
        &self,
        refused: Option<Secret<String>>,
    ) -> impl Future<Output = Result<Secret<String>>> + Send;

    /// The same claims, signed with the current key, if it is another one than before.
    fn sign_again(&self) -> impl Future<Output = Option<SignedSet>> + Send {
        async { None }
    }

    /// Sends a request, as soon as it may go.
    fn send(
        &self,
        request: &Request,
        timeout: Duration,
    ) -> impl Future<Output = Result<Result<Response, Failure>>> + Send;

    /// What is left of the deadline.
    fn left(&self) -> Duration {
        self.ends().since(self.now())
    }
}

/// Drives a machine to its end.
pub(super) async fn drive<M: Machine>(machine: &mut M, around: &impl Surroundings) -> Result<M::Done> {
    let mut input = Input::Started;
    loop {
        input = match machine.step(around.now(), input) {
            Action::Authorize { refused } => match within(around.left(), around.authorize(refused)).await? {
                Ok(value) => Input::Authorized(value),
                Err(error) => Input::Unauthorized(error),
            },
            Action::SignAgain => {
                let signed = within(around.left(), around.sign_again()).await?;
                signed.map_or(Input::NotSignedAgain, Input::SignedAgain)
            }
            Action::Send { request, timeout } => match around.send(&request, timeout).await? {
                Ok(response) => Input::Answered(response),
                Err(failure) => Input::Broken(failure),
            },
            Action::Wait { until } => {
                tokio::time::sleep(until.since(around.now())).await;
                Input::Woken
            }
            Action::Done(done) => return Ok(done),
            Action::Fail(error) => return Err(error),
        };
    }
}

/// Waits for something, but no longer than this. What is done at once starts no timer.
pub(super) async fn within<T>(time: Duration, work: impl Future<Output = T>) -> Result<T> {
    let mut work = std::pin::pin!(work);
    if let Poll::Ready(done) = std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await
    {
        return Ok(done);
    }
    tokio::time::timeout(time, work).await.map_err(|_| {
        Error::new(
            ErrorCode::DeadlineExceeded,
            "the deadline passed while waiting for a slot, a token or a signature",
        )
    })
}

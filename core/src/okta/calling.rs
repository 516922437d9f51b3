//! A call with its attempts, as a state machine.

use std::{fmt, mem, time::Duration};

use super::Call;
use crate::{
    delivery::{Action, Input},
    error::{Error, ErrorCode, Result},
    retry::{Attempts, Bounds, Next, RetryPolicy},
    secret::Secret,
    time::Timestamp,
};

/// A [`Call`] with its attempts: it is retried if that is safe, with a fresh token if the last one was rejected,
/// and within a deadline. Drive it like a [`Delivery`](crate::delivery::Delivery); it never asks to
/// [sign again](Action::SignAgain).
///
/// ```
/// use ssf_transmitter::{Timestamp, delivery::{Action, Input}, http::Response, okta::{Calling, ProvidersApi}};
///
/// # fn send(_: &ssf_transmitter::http::Request) -> Response { Response::new(200, [], b"[]".to_vec()) }
/// let api = ProvidersApi::new("https://acme.okta.com")?;
/// let mut calling = Calling::new(api.list());
/// let mut input = Input::Started;
/// let page = loop {
///     input = match calling.step(Timestamp::now(), input) {
///         Action::Authorize { .. } => Input::Authorized("SSWS 00abc".into()),
///         Action::Send { request, .. } => Input::Answered(send(&request)),
///         Action::Wait { until } => {
///             std::thread::sleep(until.since(Timestamp::now()));
///             Input::Woken
///         }
///         Action::Done(page) => break page,
///         Action::Fail(error) => return Err(error),
///         _ => unreachable!("every action is handled"),
///     };
/// };
/// assert!(page.providers().is_empty());
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
pub struct Calling<T> {
    call: Call<T>,
    attempts: Attempts,
    /// What the latest attempt was authorized with.
    authorization: Option<Secret<String>>,
    /// Whether another authorization may be had: once for each attempt.
    renews: bool,
    /// The attempt goes on with another authorization.
    renewing: bool,
}

impl<T> Calling<T> {
    /// Starts a call; the first input is [`Input::Started`].
    pub fn new(call: Call<T>) -> Self {
        let attempts = Attempts::new(Bounds::default());
        Self { call, attempts, authorization: None, renews: false, renewing: false }
    }

    /// Asks for another authorization, once in each attempt, where one is refused: for access tokens that are fetched.
    pub fn with_renewal(mut self) -> Self {
        self.renews = true;
        self
    }

    /// Sets how often to try, and how long the waits are.
    pub fn with_policy(mut self, policy: &RetryPolicy) -> Self {
        self.attempts.set_policy(policy);
        self
    }

    /// Sets how long the call may take, from its first step; 30 seconds by default.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.attempts.set_deadline(deadline);
        self
    }

    /// Sets where the jitter of waits starts.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.attempts.set_seed(seed);
        self
    }

    /// Shares bounds and their end with other calls.
    #[cfg(feature = "client")]
    pub(crate) fn within(mut self, bounds: Bounds, ends: Timestamp) -> Self {
        self.attempts.set_bounds(bounds);
        self.attempts.end_at(ends);
        self
    }

    /// What it does: see [`Call::operation`].
    pub fn operation(&self) -> &'static str {
        self.call.operation()
    }

    /// The next action, at `now`. Sooner or later, whatever the inputs, it is [`Action::Done`] or [`Action::Fail`].
    pub fn step(&mut self, now: Timestamp, input: Input) -> Action<T> {
        let now = self.attempts.note(now);
        match input {
            Input::Answered(response) => {
                let answer = self.call.answered(now, &response);
                self.attempted(answer)
            }
            Input::Broken(failure) => {
                let error = self.call.broken(&failure);
                self.attempted(Err(error))
            }
            Input::Unauthorized(error) => {
                if !mem::take(&mut self.renewing) {
                    self.attempts.begin();
                }
                self.attempted(Err(error))
            }
            _ if self.attempts.is_late() => Action::Fail(self.attempts.too_late()),
            Input::Started | Input::Woken => {
                if self.renews {
                    self.attempts.allow_renewal();
                }
                Action::Authorize { refused: None }
            }
            Input::Authorized(value) => {
                let is_same_attempt = mem::take(&mut self.renewing);
                let timeout = if is_same_attempt { self.attempts.timeout() } else { self.attempts.begin() };
                self.authorization = Some(value.clone());
                Action::Send { request: self.call.request(value), timeout }
            }
            Input::SignedAgain(_) | Input::NotSignedAgain => {
                Action::Fail(Error::new(ErrorCode::Internal, "a call of an API is not signed"))
            }
        }
    }

    fn attempted(&mut self, result: Result<T>) -> Action<T> {
        let error = match result {
            Ok(done) => return Action::Done(done),
            Err(error) => error,
        };
        match self.attempts.after(&error, |_| true) {
            Next::Wait(until) => Action::Wait { until },
            Next::Renew => {
                self.renewing = true;
                Action::Authorize { refused: self.authorization.take() }
            }
            // What the attempt says tells more than that the deadline has passed meanwhile.
            Next::GiveUp | Next::TooLate | Next::SignAgain => Action::Fail(error),
        }
    }
}

impl<T> fmt::Debug for Calling<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Calling").field("call", &self.call).finish_non_exhaustive()
    }
}

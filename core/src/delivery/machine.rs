//! The delivery of one SET to one receiver.

use std::{sync::Arc, time::Duration};

use super::{
    Action, Gate, Input, Receipt, RetryPolicy, Target,
    classify::{self, Verdict},
    gate::Admission,
    retry::{Bounds, Jitter},
};
use crate::{
    error::{Error, ErrorCode, Retry},
    http::{Body, Request, Response},
    reason::{Reason, Redaction},
    secret::Secret,
    set::{DecodedSet, SignedSet},
    time::Timestamp,
};

/// The delivery of one SET to one receiver. Every attempt sends the same bytes, so the receiver recognizes a repeat.
#[derive(Debug)]
pub struct Delivery {
    set: SignedSet,
    target: Target,
    bounds: Bounds,
    gate: Arc<Gate>,
    jitter: Jitter,
    attempts: u32,
    /// The latest time that was told; a clock that jumps backwards stops here.
    now: Option<Timestamp>,
    deadline: Option<Timestamp>,
    authorization: Option<Secret<String>>,
    renewed: bool,
    signed_again: bool,
    /// The receiver may have the SET: an attempt ended without saying what became of it.
    may_be_there: bool,
    last: Option<Error>,
}

impl Delivery {
    /// Starts the delivery of `set`; the first input is [`Input::Started`].
    pub fn new(set: SignedSet, target: Target) -> Self {
        Self {
            set,
            target,
            bounds: Bounds::default(),
            gate: Arc::default(),
            jitter: Jitter::new(0),
            attempts: 0,
            now: None,
            deadline: None,
            authorization: None,
            renewed: false,
            signed_again: false,
            may_be_there: false,
            last: None,
        }
    }

    /// Sets how often to try, and how long the waits are.
    pub fn with_policy(mut self, policy: &RetryPolicy) -> Self {
        self.bounds = self.bounds.with(None, policy);
        self
    }

    /// Sets how long the delivery may take, from its first step; 30 seconds by default.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.bounds.deadline = deadline;
        self
    }

    #[cfg(feature = "client")]
    pub(crate) fn with_bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Shares the gate of the receiver with its other deliveries.
    pub fn with_gate(mut self, gate: Arc<Gate>) -> Self {
        self.gate = gate;
        self
    }

    /// Sets where the jitter of waits starts; deliveries should differ in it.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.jitter = Jitter::new(seed);
        self
    }

    /// Says that this SET may have been sent before, as after a crash. An answer "I have it already" then means delivered.
    pub fn with_unknown_outcome(mut self) -> Self {
        self.may_be_there = true;
        self
    }

    /// The next action, at `now`. Sooner or later, whatever the inputs, it is [`Action::Done`] or [`Action::Fail`].
    pub fn step(&mut self, now: Timestamp, input: Input) -> Action {
        let now = self.now.map_or(now, |latest| latest.max(now));
        self.now = Some(now);
        let deadline = *self.deadline.get_or_insert_with(|| now.plus(self.bounds.deadline));

        match input {
            Input::Answered(response) => self.answered(now, deadline, &response),
            Input::Broken(failure) => {
                let error = failure.error(self.target.host());
                self.failed(now, deadline, error)
            }
            Input::Unauthorized(error) => self.unauthorized(now, deadline, error),
            Input::NotSignedAgain => self.fail(),
            // Whatever else came too late is not begun any more.
            _ if now >= deadline => self.too_late(),
            Input::Started | Input::Woken => self.go(now, deadline),
            Input::Authorized(value) => {
                self.authorization = Some(value);
                self.send(now, deadline)
            }
            Input::SignedAgain(set) => {
                self.set = set;
                self.send(now, deadline)
            }
        }
    }

    /// Through the gate, and on.
    fn go(&mut self, now: Timestamp, deadline: Timestamp) -> Action {
        match self.gate.admit(now) {
            Admission::Granted if self.target.authorizes => Action::Authorize { refused: None },
            Admission::Granted => self.send(now, deadline),
            Admission::After(until) | Admission::OpenUntil(until) if until < deadline => {
                Action::Wait { until }
            }
            Admission::After(_) => self.too_late(),
            Admission::OpenUntil(_) => {
                let message =
                    format!("{} has failed too often; the circuit to it is open", self.target.host());
                self.fail_with(Error::new(ErrorCode::CircuitOpen, message))
            }
        }
    }

    fn send(&mut self, now: Timestamp, deadline: Timestamp) -> Action {
        self.attempts += 1;
        // RFC 8935 §2.1.
        let (endpoint, body) = (self.target.endpoint.clone(), Body::Set(self.set.shared()));
        let request = Request::post(endpoint, self.authorization.clone(), body);
        Action::Send { request, timeout: self.bounds.attempt_timeout.min(deadline.since(now)) }
    }

    fn answered(&mut self, now: Timestamp, deadline: Timestamp, response: &Response) -> Action {
        let reason = if response.is_success() { Reason::default() } else { self.reason(response) };
        let verdict = classify::verdict(response, &reason, &self.target.dialect);
        match verdict {
            Verdict::Refused => {}
            // Only after an attempt that may have brought it there; else another SET has this jti.
            Verdict::Duplicate if !self.may_be_there => {}
            Verdict::Delivered | Verdict::DeliveredOtherwise | Verdict::Duplicate => {
                self.gate.alive();
                self.gate.budget.fill();
                return Action::Done(Receipt {
                    set: self.set.clone(),
                    status: response.status,
                    attempts: self.attempts,
                    answered_at: now,
                    expected: verdict == Verdict::Delivered,
                    notes: classify::notes(verdict, response),
                });
            }
        }
        let error = classify::refusal(response, reason, verdict, self.target.host(), now);
        self.failed(now, deadline, error)
    }

    /// What the receiver says about its refusal, without what was sent to it.
    fn reason(&self, response: &Response) -> Reason {
        let claims = self.set.decode().ok();
        let claims = claims.as_ref().map(DecodedSet::claims);
        let mut redaction = Redaction::default().set(self.set.as_str(), claims);
        if let Some(value) = &self.authorization {
            redaction = redaction.authorization(value.expose());
        }
        Reason::of(response, &redaction)
    }

    /// The attempt failed: by its code the table says what comes next.
    fn failed(&mut self, now: Timestamp, deadline: Timestamp, error: Error) -> Action {
        let retry = error.code().retry();
        self.may_be_there |= classify::leaves_open(error.code());
        match error.code() {
            // A proxy that is missing or refuses says nothing about the receiver.
            ErrorCode::ProxyUnreachable | ErrorCode::ProxyRefused => self.gate.undecided(),
            // An answer that says no is an answer; no TLS is none.
            ErrorCode::TlsFailed
            | ErrorCode::TlsIncompatible
            | ErrorCode::TlsNotSpoken
            | ErrorCode::TlsClientCertificateRequired
            | ErrorCode::TlsClientCertificateRefused => self.gate.failed(now),
            _ if error.is_retryable() => self.gate.failed(now),
            _ => self.gate.alive(),
        }
        self.last = Some(error);
        match retry {
            Retry::Later => self.wait(now, deadline),
            Retry::AfterRenewal if self.target.authorizes && !self.renewed && now < deadline => {
                self.renewed = true;
                Action::Authorize { refused: self.authorization.take() }
            }
            Retry::AfterSigningAgain if !self.signed_again && now < deadline => {
                self.signed_again = true;
                Action::SignAgain
            }
            Retry::Never | Retry::ByCaller | Retry::AfterRenewal | Retry::AfterSigningAgain => self.fail(),
        }
    }

    /// No token: the token endpoint may be back later. After a renewal was needed, the refusal says more.
    fn unauthorized(&mut self, now: Timestamp, deadline: Timestamp, error: Error) -> Action {
        self.gate.undecided();
        if error.code().retry() != Retry::Later {
            // A fixed authorization has nothing to say about the refusal but what the receiver said.
            return match &self.last {
                Some(last) if last.code() == error.code() => {
                    let error = error.with_answer_of(last);
                    self.fail_with(error)
                }
                _ => self.fail_with(error),
            };
        }
        self.last = Some(error);
        self.attempts += 1;
        self.wait(now, deadline)
    }

    /// Tries again later, if attempts, budget and deadline allow it.
    fn wait(&mut self, now: Timestamp, deadline: Timestamp) -> Action {
        if now >= deadline {
            return self.too_late();
        }
        if self.attempts >= self.bounds.max_attempts {
            return self.fail();
        }
        let retry_after = self.last.as_ref().and_then(Error::retry_after);
        let until = now.plus(self.bounds.wait(self.attempts, retry_after, self.jitter.next()));
        // A wait that ends past the deadline is not begun: the caller learns now what it would learn then.
        if until >= deadline || !self.gate.budget.take(now) {
            return self.fail();
        }
        Action::Wait { until }
    }

    fn fail(&mut self) -> Action {
        match self.last.take() {
            Some(error) => Action::Fail(error),
            None => Action::Fail(Error::internal("a delivery fails for a reason")),
        }
    }

    fn fail_with(&mut self, error: Error) -> Action {
        Action::Fail(match self.last.take() {
            Some(last) => error.because(last),
            None => error,
        })
    }

    fn too_late(&mut self) -> Action {
        let message = format!("the deadline of {} ms passed", self.bounds.deadline.as_millis());
        self.fail_with(Error::new(ErrorCode::DeadlineExceeded, message))
    }
}

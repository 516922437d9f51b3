//! The delivery of one SET to one receiver.

use std::{sync::Arc, time::Duration};

use super::{
    Action, Gate, Input, Receipt, RetryPolicy, Target,
    classify::{self, Verdict},
    gate::Admission,
};
use crate::{
    error::{Error, ErrorCode, Retry},
    http::{Body, Request, Response},
    reason::{Reason, Redaction},
    retry::{Attempts, Bounds, Next},
    secret::Secret,
    set::{DecodedSet, SignedSet},
    time::Timestamp,
};

/// The delivery of one SET to one receiver. Every attempt sends the same bytes, so the receiver recognizes a repeat.
#[derive(Debug)]
pub struct Delivery {
    set: SignedSet,
    target: Target,
    gate: Arc<Gate>,
    attempts: Attempts,
    authorization: Option<Secret<String>>,
    /// The receiver may have the SET: an attempt ended with an unknown outcome.
    may_be_there: bool,
    last: Option<Error>,
}

impl Delivery {
    /// Starts the delivery of `set`; the first input is [`Input::Started`].
    pub fn new(set: SignedSet, target: Target) -> Self {
        let mut attempts = Attempts::new(Bounds::default());
        attempts.allow_signing_again();
        if target.authorizes {
            attempts.allow_renewal();
        }
        Self {
            set,
            target,
            gate: Arc::default(),
            attempts,
            authorization: None,
            may_be_there: false,
            last: None,
        }
    }

    /// Sets how often to try, and how long the waits are.
    pub fn with_policy(mut self, policy: &RetryPolicy) -> Self {
        self.attempts.set_policy(policy);
        self
    }

    /// Sets the deadline of the delivery, from its first step; 30 seconds by default.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.attempts.set_deadline(deadline);
        self
    }

    #[cfg(feature = "client")]
    pub(crate) fn with_bounds(mut self, bounds: Bounds) -> Self {
        self.attempts.set_bounds(bounds);
        self
    }

    /// Shares the gate of the receiver with its other deliveries.
    pub fn with_gate(mut self, gate: Arc<Gate>) -> Self {
        self.gate = gate;
        self
    }

    /// Sets where the jitter of waits starts; deliveries should differ in it.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.attempts.set_seed(seed);
        self
    }

    /// Says that this SET may have been sent before, as after a crash. An answer "I have it already" then means delivered.
    pub fn with_unknown_outcome(mut self) -> Self {
        self.may_be_there = true;
        self
    }

    /// The next action, at `now`. Sooner or later, whatever the inputs, it is [`Action::Done`] or [`Action::Fail`].
    pub fn step(&mut self, now: Timestamp, input: Input) -> Action {
        let now = self.attempts.note(now);
        match input {
            Input::Answered(response) => self.answered(now, &response),
            Input::Broken(failure) => {
                let error = failure.error(self.target.host());
                self.failed(now, error)
            }
            Input::Unauthorized(error) => self.unauthorized(error),
            Input::NotSignedAgain => self.fail(),
            // Whatever else came too late is not begun any more.
            _ if self.attempts.is_late() => self.too_late(),
            Input::Started | Input::Woken => self.go(now),
            Input::Authorized(value) => {
                self.authorization = Some(value);
                self.send()
            }
            Input::SignedAgain(set) => {
                self.set = set;
                self.send()
            }
        }
    }

    /// Through the gate, and on.
    fn go(&mut self, now: Timestamp) -> Action {
        match self.gate.admit(now) {
            Admission::Granted if self.target.authorizes => Action::Authorize { refused: None },
            Admission::Granted => self.send(),
            Admission::After(until) | Admission::OpenUntil(until) if until < self.attempts.ends() => {
                Action::Wait { until }
            }
            Admission::After(_) => self.too_late(),
            Admission::OpenUntil(_) => {
                let message =
                    format!("{} failed repeatedly; its circuit breaker is open", self.target.host());
                self.fail_with(Error::new(ErrorCode::CircuitOpen, message))
            }
        }
    }

    fn send(&mut self) -> Action {
        let timeout = self.attempts.begin();
        // RFC 8935 §2.1.
        let (endpoint, body) = (self.target.endpoint.clone(), Body::Set(self.set.shared()));
        Action::Send { request: Request::post(endpoint, self.authorization.clone(), body), timeout }
    }

    fn answered(&mut self, now: Timestamp, response: &Response) -> Action {
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
                    attempts: self.attempts.made(),
                    answered_at: now,
                    expected: verdict == Verdict::Delivered,
                    notes: classify::notes(verdict, response),
                });
            }
        }
        let error = classify::refusal(response, reason, verdict, self.target.host(), now);
        self.failed(now, error)
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
    fn failed(&mut self, now: Timestamp, error: Error) -> Action {
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
        self.next(error)
    }

    /// What follows an error, by the table of classes.
    fn next(&mut self, error: Error) -> Action {
        let budget = |now| self.gate.budget.take(now);
        let next = self.attempts.after(&error, budget);
        self.last = Some(error);
        match next {
            Next::Wait(until) => Action::Wait { until },
            Next::Renew => Action::Authorize { refused: self.authorization.take() },
            Next::SignAgain => Action::SignAgain,
            Next::GiveUp => self.fail(),
            Next::TooLate => self.too_late(),
        }
    }

    /// No token: the token endpoint may be back later. After a renewal was needed, the refusal says more.
    fn unauthorized(&mut self, error: Error) -> Action {
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
        self.attempts.begin();
        self.next(error)
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
        self.fail_with(self.attempts.too_late())
    }
}

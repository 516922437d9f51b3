//! The attempts of one operation.

use std::{mem, time::Duration};

use super::{Bounds, Jitter, RetryPolicy};
use crate::{
    error::{Error, ErrorCode, Retry},
    time::Timestamp,
};

/// What follows an attempt that failed.
#[derive(Debug, PartialEq)]
pub(crate) enum Next {
    /// Try again at this time.
    Wait(Timestamp),
    /// Try again at once, with another authorization.
    Renew,
    /// Try again at once, signed with the current key.
    SignAgain,
    /// Fail with the error of the attempt.
    GiveUp,
    /// Fail because of the deadline.
    TooLate,
}

/// The attempts of one operation: how many there were, and until when there may be more.
#[derive(Debug)]
pub(crate) struct Attempts {
    bounds: Bounds,
    jitter: Jitter,
    made: u32,
    /// The latest time that was told; a clock that jumps backwards stops here.
    now: Option<Timestamp>,
    ends: Option<Timestamp>,
    /// Whether another authorization may be had.
    renews: bool,
    /// Whether the SET may be signed again; once in an operation.
    signs_again: bool,
}

impl Attempts {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let jitter = Jitter::new(0);
        Self { bounds, jitter, made: 0, now: None, ends: None, renews: false, signs_again: false }
    }

    /// Allows to go on once with another authorization.
    pub(crate) fn allow_renewal(&mut self) {
        self.renews = true;
    }

    /// Allows one attempt with another signature.
    pub(crate) fn allow_signing_again(&mut self) {
        self.signs_again = true;
    }

    pub(crate) fn set_policy(&mut self, policy: &RetryPolicy) {
        self.bounds = self.bounds.with(None, policy);
    }

    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client merges its settings"))]
    pub(crate) fn set_bounds(&mut self, bounds: Bounds) {
        self.bounds = bounds;
    }

    pub(crate) fn set_deadline(&mut self, deadline: Duration) {
        self.bounds.deadline = deadline;
    }

    pub(crate) fn set_seed(&mut self, seed: u64) {
        self.jitter = Jitter::new(seed);
    }

    /// Sets when the operation ends, where its deadline began before it.
    #[cfg_attr(
        not(feature = "client"),
        allow(dead_code, reason = "the client makes several calls in one deadline")
    )]
    pub(crate) fn end_at(&mut self, ends: Timestamp) {
        self.ends = Some(ends);
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Notes the time, and returns the latest that was noted. The first time starts the deadline.
    pub(crate) fn note(&mut self, now: Timestamp) -> Timestamp {
        let now = self.now.map_or(now, |latest| latest.max(now));
        self.now = Some(now);
        self.ends.get_or_insert_with(|| now.plus(self.bounds.deadline));
        now
    }

    /// When the deadline passes.
    pub(crate) fn ends(&self) -> Timestamp {
        self.ends.unwrap_or(Timestamp::from_unix_millis(i64::MAX))
    }

    /// Whether the deadline has passed.
    pub(crate) fn is_late(&self) -> bool {
        self.now.is_some_and(|now| now >= self.ends())
    }

    /// Counts an attempt, and returns how long it may take.
    pub(crate) fn begin(&mut self) -> Duration {
        self.made += 1;
        self.timeout()
    }

    /// How long an attempt may take that begins now.
    pub(crate) fn timeout(&self) -> Duration {
        let left = self.now.map_or(self.bounds.deadline, |now| self.ends().since(now));
        self.bounds.attempt_timeout.min(left)
    }

    /// How many attempts there were.
    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// Counts anew, for the next call of an operation that makes several.
    pub(crate) fn reset(&mut self) {
        self.made = 0;
    }

    /// What follows an attempt that failed with `error`. `budget` grants a retry, or refuses it.
    pub(crate) fn after(&mut self, error: &Error, budget: impl FnOnce(Timestamp) -> bool) -> Next {
        let late = self.is_late();
        match error.code().retry() {
            Retry::Later => self.later(error.retry_after(), budget),
            Retry::AfterRenewal if !late && mem::take(&mut self.renews) => Next::Renew,
            Retry::AfterSigningAgain if !late && mem::take(&mut self.signs_again) => Next::SignAgain,
            Retry::Never | Retry::ByCaller | Retry::AfterRenewal | Retry::AfterSigningAgain => Next::GiveUp,
        }
    }

    /// Another attempt later, if their number, the deadline and the budget allow it.
    fn later(&mut self, retry_after: Option<Duration>, budget: impl FnOnce(Timestamp) -> bool) -> Next {
        let Some(now) = self.now else { return Next::GiveUp };
        if self.is_late() {
            return Next::TooLate;
        }
        if self.made >= self.bounds.max_attempts {
            return Next::GiveUp;
        }
        let until = now.plus(self.bounds.wait(self.made, retry_after, self.jitter.next()));
        // A wait that ends past the deadline is not begun: the caller learns now what it would learn then.
        if until >= self.ends() || !budget(now) { Next::GiveUp } else { Next::Wait(until) }
    }

    /// The error of an operation whose deadline has passed.
    pub(crate) fn too_late(&self) -> Error {
        let message = format!("the deadline of {} ms passed", self.bounds.deadline.as_millis());
        Error::new(ErrorCode::DeadlineExceeded, message)
    }
}

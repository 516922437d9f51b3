//! When a delivery is tried again.

use std::time::Duration;

use crate::{
    error::{Error, ErrorCode, Result},
    retry::Bounds,
};

/// How often a delivery is attempted, and how long it waits in between: exponential backoff with full jitter.
///
/// ```
/// use std::time::Duration;
/// use ssf_transmitter::outbox::Schedule;
///
/// let schedule = Schedule::new().max_attempts(10).base(Duration::from_secs(5));
/// ```
#[derive(Clone, Debug)]
pub struct Schedule {
    max_attempts: u32,
    base: Duration,
    max_backoff: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new()
    }
}

impl Schedule {
    /// 25 attempts, the first wait at most two seconds, each further wait twice as long, up to an hour.
    pub fn new() -> Self {
        Self { max_attempts: 25, base: Duration::from_secs(2), max_backoff: Duration::from_hours(1) }
    }

    /// Sets the maximum number of attempts. Each claim counts as an attempt until its outcome shows that none was spent; so an
    /// entry that crashes its worker ends, too.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the longest wait before the second attempt.
    pub fn base(mut self, wait: Duration) -> Self {
        self.base = wait;
        self
    }

    /// Sets the longest wait that backoff leads to.
    pub fn max_backoff(mut self, wait: Duration) -> Self {
        self.max_backoff = wait;
        self
    }

    /// The maximum number of attempts.
    pub fn attempts(&self) -> u32 {
        self.max_attempts
    }

    /// Refuses a schedule under which nothing is attempted.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the worker checks its settings"))]
    pub(crate) fn check(&self) -> Result<()> {
        if self.max_attempts == 0 {
            let message = "the number of attempts must be at least 1";
            return Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        }
        Ok(())
    }

    /// The wait after so many attempts, by `random`; at least `requested`.
    pub(super) fn wait(&self, attempts: u32, requested: Option<Duration>, random: u64) -> Duration {
        let bounds = Bounds { base: self.base, max_backoff: self.max_backoff, ..Bounds::default() };
        bounds.wait(attempts, requested, random)
    }
}

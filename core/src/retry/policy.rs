//! How often and how long to try: exponential backoff with full jitter, and bounds for `Retry-After`.

use std::time::Duration;

use crate::error::{Error, ErrorCode, Result};

/// How often a delivery is tried, and how long its waits are. A member that is `None` keeps its value: for a transmitter the
/// default, for one operation the value of its transmitter. The deadline is a setting of its own.
///
/// ```
/// use std::time::Duration;
/// use ssf_transmitter::delivery::RetryPolicy;
///
/// let patient = RetryPolicy::new().max_attempts(20).base(Duration::from_secs(2));
/// assert_eq!(patient.attempt_timeout, None);
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Maximum number of attempts, at least one; 6 by default.
    pub max_attempts: Option<u32>,
    /// How long one attempt may take. 10 seconds by default.
    pub attempt_timeout: Option<Duration>,
    /// Maximum delay before the second attempt; it doubles with each further one. Half a second by default.
    pub base: Option<Duration>,
    /// Maximum backoff delay. 30 seconds by default.
    pub max_backoff: Option<Duration>,
    /// Maximum delay that a receiver may request. 24 hours by default; the deadline bounds it too.
    pub max_retry_after: Option<Duration>,
}

impl RetryPolicy {
    /// A policy that sets nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A single attempt.
    pub fn once() -> Self {
        Self::new().max_attempts(1)
    }

    /// Sets the maximum number of attempts, at least one.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Sets how long one attempt may take.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Sets the longest wait before the second attempt; it doubles with each further one.
    pub fn base(mut self, wait: Duration) -> Self {
        self.base = Some(wait);
        self
    }

    /// Sets the longest wait that backoff leads to.
    pub fn max_backoff(mut self, wait: Duration) -> Self {
        self.max_backoff = Some(wait);
        self
    }

    /// Sets the longest wait that a receiver may ask for.
    pub fn max_retry_after(mut self, wait: Duration) -> Self {
        self.max_retry_after = Some(wait);
        self
    }
}

/// All that bounds an operation: a deadline, and a policy without gaps.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// From the call to its result, waits included.
    pub(crate) deadline: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) attempt_timeout: Duration,
    pub(crate) base: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) max_retry_after: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            max_attempts: 6,
            attempt_timeout: Duration::from_secs(10),
            base: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            max_retry_after: Duration::from_hours(24),
        }
    }
}

impl Bounds {
    /// These bounds, with the given values replaced.
    pub(crate) fn with(&self, deadline: Option<Duration>, retry: &RetryPolicy) -> Self {
        Self {
            deadline: deadline.unwrap_or(self.deadline),
            max_attempts: retry.max_attempts.unwrap_or(self.max_attempts),
            attempt_timeout: retry.attempt_timeout.unwrap_or(self.attempt_timeout),
            base: retry.base.unwrap_or(self.base),
            max_backoff: retry.max_backoff.unwrap_or(self.max_backoff),
            max_retry_after: retry.max_retry_after.unwrap_or(self.max_retry_after),
        }
    }

    /// Refuses bounds under which nothing could be tried.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client checks its settings"))]
    pub(crate) fn checked(self) -> Result<Self> {
        let wrong = |message| Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        if self.max_attempts == 0 {
            return wrong("the number of attempts must be at least 1");
        }
        if self.attempt_timeout.is_zero() {
            return wrong("the timeout of an attempt must be greater than zero");
        }
        Ok(self)
    }

    /// The longest wait that backoff leads to after `attempts` attempts.
    pub(crate) fn bound(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.max_backoff)
    }

    /// The wait after `attempts` attempts: anything from zero to the exponential bound, by `random`, but no less than the
    /// receiver asks for.
    pub(crate) fn wait(&self, attempts: u32, retry_after: Option<Duration>, random: u64) -> Duration {
        let bound = self.bound(attempts);
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        let jittered = Duration::from_nanos(random.checked_rem(nanos.saturating_add(1)).unwrap_or(random));
        match retry_after {
            // Below the base a receiver's wish is no wish to be spared.
            Some(asked) => {
                asked.clamp(self.base, self.max_retry_after.max(self.base)).saturating_add(jittered)
            }
            None => jittered,
        }
    }
}

/// Small random numbers for jitter; not for secrets (`SplitMix64`).
#[derive(Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

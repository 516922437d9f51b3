//! Spans of time, and how often and how long an operation is tried.

use std::time::Duration;

use ssf_transmitter::{
    OktaProviders, Result,
    client::{Deliver, Emit, OktaProvidersBuilder, Received, TransmitterBuilder},
    delivery::RetryPolicy,
};

use crate::{invalid, set};

/// What a call or a transmitter says about its attempts.
#[derive(Clone, Default)]
pub struct Policy {
    /// For all attempts together.
    pub deadline: Option<Duration>,
    /// The members that were given.
    pub retry: RetryPolicy,
}

/// The spans of a policy as numbers, in the unit of a language.
#[derive(Clone, Copy, Default)]
pub struct Spans {
    /// For all attempts together.
    pub deadline: Option<f64>,
    /// Of [`RetryPolicy`].
    pub attempt_timeout: Option<f64>,
    /// Of [`RetryPolicy`].
    pub base: Option<f64>,
    /// Of [`RetryPolicy`].
    pub max_backoff: Option<f64>,
    /// Of [`RetryPolicy`].
    pub max_retry_after: Option<f64>,
}

impl Policy {
    /// Reads a policy whose spans are in units of so many seconds.
    pub fn read(max_attempts: Option<u32>, spans: Spans, unit: Unit) -> Result<Self> {
        let span = |number: Option<f64>| number.map(|number| unit.span(number)).transpose();
        let retry = set(RetryPolicy::new(), max_attempts, RetryPolicy::max_attempts);
        let retry = set(retry, span(spans.attempt_timeout)?, RetryPolicy::attempt_timeout);
        let retry = set(retry, span(spans.base)?, RetryPolicy::base);
        let retry = set(retry, span(spans.max_backoff)?, RetryPolicy::max_backoff);
        let retry = set(retry, span(spans.max_retry_after)?, RetryPolicy::max_retry_after);
        Ok(Self { deadline: span(spans.deadline)?, retry })
    }

    /// Binds an operation, or what makes operations, to this policy.
    pub fn bind<B: Bounded>(&self, builder: B) -> B {
        set(builder.retry(self.retry.clone()), self.deadline, B::deadline)
    }
}

/// The unit in which a language counts spans of time.
#[derive(Clone, Copy)]
pub enum Unit {
    /// As JavaScript does.
    Milliseconds,
    /// As Swift does.
    Seconds,
}

impl Unit {
    /// The span of so many units.
    pub fn span(self, number: f64) -> Result<Duration> {
        let (seconds, message) = match self {
            Self::Milliseconds => {
                (number / 1000.0, "a duration must be a number of milliseconds, zero or more")
            }
            Self::Seconds => (number, "a duration must be a number of seconds, zero or more"),
        };
        Duration::try_from_secs_f64(seconds).map_err(|_| invalid(message))
    }

    /// How many units a span is.
    pub fn of(self, span: Duration) -> f64 {
        match self {
            Self::Milliseconds => span.as_secs_f64() * 1000.0,
            Self::Seconds => span.as_secs_f64(),
        }
    }
}

/// What a policy binds.
pub trait Bounded: Sized {
    /// Sets how long it may take.
    fn deadline(self, deadline: Duration) -> Self;
    /// Sets how it is tried.
    fn retry(self, retry: RetryPolicy) -> Self;
}

macro_rules! bounded {
    ($($builder:ty),*) => {$(
        impl Bounded for $builder {
            fn deadline(self, deadline: Duration) -> Self {
                self.deadline(deadline)
            }

            fn retry(self, retry: RetryPolicy) -> Self {
                self.retry(retry)
            }
        }
    )*};
}

bounded!(Deliver, Emit, OktaProvidersBuilder, TransmitterBuilder);

/// A search of Okta's log for a SET, within a deadline.
pub fn received(
    providers: &OktaProviders,
    sent: ssf_transmitter::okta::Sent,
    deadline: Option<Duration>,
) -> Received {
    set(providers.received(sent), deadline, Received::deadline)
}

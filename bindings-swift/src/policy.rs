//! Points and spans of time, retries, and what happens with findings.

use std::time::Duration;

use ssf_bindings::{
    invalid, lint,
    policy::{Spans, Unit},
};
use ssf_transmitter::{Result, Timestamp, lint::LintPolicy};

/// How often and how long a call is tried: what was given. Spans are in seconds.
#[derive(Clone, uniffi::Record)]
pub struct Policy {
    pub max_attempts: Option<i64>,
    pub deadline: Option<f64>,
    pub attempt_timeout: Option<f64>,
    pub base: Option<f64>,
    pub max_backoff: Option<f64>,
    pub max_retry_after: Option<f64>,
}

impl Policy {
    pub(crate) fn read(self) -> Result<ssf_bindings::policy::Policy> {
        let Self { max_attempts, deadline, attempt_timeout, base, max_backoff, max_retry_after } = self;
        let attempts =
            |most: i64| u32::try_from(most).map_err(|_| invalid("the number of attempts must be at least 1"));
        let spans = Spans { deadline, attempt_timeout, base, max_backoff, max_retry_after };
        ssf_bindings::policy::Policy::read(max_attempts.map(attempts).transpose()?, spans, Unit::Seconds)
    }
}

/// A span of time from seconds.
pub(crate) fn span_of(seconds: f64) -> Result<Duration> {
    Unit::Seconds.span(seconds)
}

/// A point in time from seconds since 1970, rounded to milliseconds. Year 10000 and beyond are no point in time.
#[allow(clippy::cast_possible_truncation, reason = "the bounds are checked")]
pub(crate) fn moment_of(seconds: f64) -> Result<Timestamp> {
    if seconds.is_finite() && seconds.abs() < 253_402_300_800.0 {
        return Ok(Timestamp::from_unix_millis((seconds * 1000.0).round() as i64));
    }
    Err(invalid("a date must be before the year 10000"))
}

/// Seconds since 1970.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of any real date fit into 53 bits")]
pub(crate) fn seconds_of(moment: Timestamp) -> f64 {
    moment.as_unix_millis() as f64 / 1000.0
}

/// What happens with findings: the severities as `note`, `warning`, `error`, or `never`.
#[derive(Clone, uniffi::Record)]
pub struct Findings {
    pub refuse: String,
    pub report: String,
    pub allow: Vec<String>,
}

impl Findings {
    pub(crate) fn policy(&self) -> Result<LintPolicy> {
        lint::policy(Some(&self.refuse), Some(&self.report), &self.allow)
    }
}

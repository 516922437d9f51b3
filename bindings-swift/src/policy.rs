//! Points and spans of time, retries, and what becomes of findings.

use std::time::Duration;

use ssf_transmitter::{
    ErrorCode, Timestamp, delivery,
    lint::{self, Severity},
};

use crate::failure::{Failure, Result};

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
    /// The deadline, if one was given.
    pub(crate) fn deadline(&self) -> Result<Option<Duration>> {
        self.deadline.map(span_of).transpose()
    }

    /// The members that were given.
    pub(crate) fn retry(&self) -> Result<delivery::RetryPolicy> {
        let span = |span: Option<f64>| span.map(span_of).transpose();
        let attempts = |most: i64| {
            u32::try_from(most).map_err(|_| Failure::config("the number of attempts is at least one"))
        };
        Ok(delivery::RetryPolicy {
            max_attempts: self.max_attempts.map(attempts).transpose()?,
            attempt_timeout: span(self.attempt_timeout)?,
            base: span(self.base)?,
            max_backoff: span(self.max_backoff)?,
            max_retry_after: span(self.max_retry_after)?,
        })
    }
}

/// A span of time from seconds.
pub(crate) fn span_of(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Failure::config("a span of time is a number of seconds, zero or more"))
}

/// A point in time from seconds since 1970, rounded to milliseconds. Year 10000 and beyond are no point in time.
#[allow(clippy::cast_possible_truncation, reason = "the bounds are checked")]
pub(crate) fn moment_of(seconds: f64) -> Result<Timestamp> {
    if seconds.is_finite() && seconds.abs() < 253_402_300_800.0 {
        return Ok(Timestamp::from_unix_millis((seconds * 1000.0).round() as i64));
    }
    Err(Failure::of(ErrorCode::ConfigurationInvalid, "a date is before the year 10000"))
}

/// Seconds since 1970.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of any real date fit into 53 bits")]
pub(crate) fn seconds_of(moment: Timestamp) -> f64 {
    moment.as_unix_millis() as f64 / 1000.0
}

/// What becomes of findings: the severities as `note`, `warning`, `error`, or `never`.
#[derive(Clone, uniffi::Record)]
pub struct Findings {
    pub refuse: String,
    pub report: String,
    pub allow: Vec<String>,
}

impl Findings {
    pub(crate) fn policy(&self) -> Result<lint::LintPolicy> {
        let mut policy =
            lint::LintPolicy::new().refuse(severity(&self.refuse)?).report(severity(&self.report)?);
        for rule in &self.allow {
            policy = policy.allow(rule)?;
        }
        Ok(policy)
    }
}

fn severity(name: &str) -> Result<Option<Severity>> {
    match name {
        "never" => Ok(None),
        "note" => Ok(Some(Severity::Note)),
        "warning" => Ok(Some(Severity::Warning)),
        "error" => Ok(Some(Severity::Error)),
        _ => Err(Failure::config("a severity is note, warning, error, or never")),
    }
}

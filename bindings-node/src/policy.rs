//! Spans of time, retries, and what becomes of findings.

use std::time::Duration;

use napi_derive::napi;
use ssf_transmitter::{
    ErrorCode,
    delivery::RetryPolicy,
    lint::{LintPolicy, Severity},
};

use crate::failure::{Failure, Result};

/// What was said about how often and how long a call is tried. Spans are in milliseconds.
#[napi(object, object_to_js = false)]
#[derive(Clone, Default)]
pub struct Policy {
    pub deadline: Option<f64>,
    pub max_attempts: Option<u32>,
    pub attempt_timeout: Option<f64>,
    pub base: Option<f64>,
    pub max_backoff: Option<f64>,
    pub max_retry_after: Option<f64>,
}

impl Policy {
    /// The deadline, if one was given.
    pub(crate) fn deadline(&self) -> Result<Option<Duration>> {
        self.deadline.map(milliseconds).transpose()
    }

    /// The members that were given.
    pub(crate) fn retry(&self) -> Result<RetryPolicy> {
        let span = |span: Option<f64>| span.map(milliseconds).transpose();
        Ok(RetryPolicy {
            max_attempts: self.max_attempts,
            attempt_timeout: span(self.attempt_timeout)?,
            base: span(self.base)?,
            max_backoff: span(self.max_backoff)?,
            max_retry_after: span(self.max_retry_after)?,
        })
    }
}

/// A span of time.
pub(crate) fn milliseconds(span: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(span / 1000.0).map_err(|_| {
        Failure::of(
            ErrorCode::ConfigurationInvalid,
            "a span of time is a number of milliseconds, zero or more",
        )
    })
}

/// What was said about findings: the severities as `note`, `warning`, `error`, or `never`.
#[napi(object, object_to_js = false)]
#[derive(Clone, Default)]
pub struct Findings {
    pub refuse: Option<String>,
    pub report: Option<String>,
    pub allow: Vec<String>,
}

impl Findings {
    pub(crate) fn policy(&self) -> Result<LintPolicy> {
        let mut policy = LintPolicy::new();
        if let Some(from) = &self.refuse {
            policy = policy.refuse(severity(from)?);
        }
        if let Some(from) = &self.report {
            policy = policy.report(severity(from)?);
        }
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
        _ => {
            let message = "a severity is note, warning, error, or never";
            Err(Failure::of(ErrorCode::ConfigurationInvalid, message))
        }
    }
}

//! Spans of time, retries, and what happens with findings.

use std::time::Duration;

use napi_derive::napi;
use ssf_bindings::{
    lint,
    policy::{Spans, Unit},
};
use ssf_transmitter::{Result, lint::LintPolicy};

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
    pub(crate) fn read(self) -> Result<ssf_bindings::policy::Policy> {
        let Self { deadline, max_attempts, attempt_timeout, base, max_backoff, max_retry_after } = self;
        let spans = Spans { deadline, attempt_timeout, base, max_backoff, max_retry_after };
        ssf_bindings::policy::Policy::read(max_attempts, spans, Unit::Milliseconds)
    }
}

/// A span of time.
pub(crate) fn milliseconds(span: f64) -> Result<Duration> {
    Unit::Milliseconds.span(span)
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
        lint::policy(self.refuse.as_deref(), self.report.as_deref(), &self.allow)
    }
}

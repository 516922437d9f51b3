//! How often and how long a call is tried.

use pyo3::{Borrowed, exceptions::PyAttributeError, prelude::*};
use ssf_bindings::policy::Policy;
use ssf_transmitter::delivery::RetryPolicy;

use crate::arguments::{Span, expected};

/// A `ssf_transmitter.RetryPolicy`: the members that were given.
pub(crate) struct Retry(RetryPolicy);

/// Its members.
#[derive(FromPyObject)]
struct Members {
    max_attempts: Option<u32>,
    attempt_timeout: Option<Span>,
    base: Option<Span>,
    max_backoff: Option<Span>,
    max_retry_after: Option<Span>,
}

impl<'py> FromPyObject<'_, 'py> for Retry {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let members: Members = given.extract().map_err(|error: PyErr| {
            let other = error.is_instance_of::<PyAttributeError>(given.py());
            if other { expected("a RetryPolicy", given) } else { error }
        })?;
        let span = |span: Option<Span>| span.map(|span| span.0);
        let mut policy = RetryPolicy::new();
        policy.max_attempts = members.max_attempts;
        policy.attempt_timeout = span(members.attempt_timeout);
        policy.base = span(members.base);
        policy.max_backoff = span(members.max_backoff);
        policy.max_retry_after = span(members.max_retry_after);
        Ok(Self(policy))
    }
}

/// What was said about attempts.
pub(crate) fn policy(deadline: Option<Span>, retry: Option<Retry>) -> Policy {
    Policy { deadline: deadline.map(|span| span.0), retry: retry.map(|retry| retry.0).unwrap_or_default() }
}

//! The conditions of the OpenID conformance suite.

use pyo3::prelude::*;
use ssf_bindings::set;
use ssf_transmitter::{
    self as sdk, Timestamp,
    conformance::{Condition, Stream},
};

use crate::arguments::Moment;

/// Its id, what is demanded, whether it holds.
type ConditionTuple = (&'static str, &'static str, bool);

/// What is demanded of a SET.
#[pyfunction]
#[pyo3(signature = (text, *, issuer, audience, stream_id, state, now))]
pub(crate) fn check_set(
    text: &str,
    issuer: &str,
    audience: &str,
    stream_id: Option<&str>,
    state: Option<&str>,
    now: Option<Moment>,
) -> Vec<ConditionTuple> {
    let stream = set(set(Stream::new(issuer, audience), stream_id, Stream::id), state, Stream::state);
    condition_tuples(stream.check_set(text, now.map_or_else(Timestamp::now, |now| now.0)))
}

/// What is demanded of the configuration document at `url`.
#[pyfunction]
pub(crate) fn check_configuration(document: &str, url: &str) -> Vec<ConditionTuple> {
    condition_tuples(sdk::conformance::check_configuration(document, url))
}

/// Checks the answer of a token endpoint.
#[pyfunction]
pub(crate) fn check_token(answer: &str) -> Vec<ConditionTuple> {
    condition_tuples(sdk::conformance::check_token(answer))
}

fn condition_tuples(conditions: Vec<Condition>) -> Vec<ConditionTuple> {
    conditions.into_iter().map(|condition| (condition.id, condition.demand, condition.holds)).collect()
}

//! The demands of the conformance suite.

use ssf_transmitter::{Timestamp, conformance};

use crate::{
    failure::Result,
    policy::moment_of,
    records::{Condition, Stream, conditions},
};

/// What is demanded of a SET. `now` is in seconds since 1970.
#[uniffi::export]
pub fn conformance_of_set(compact: String, stream: Stream, now: Option<f64>) -> Result<Vec<Condition>> {
    let now = now.map_or_else(|| Ok(Timestamp::now()), moment_of)?;
    Ok(conditions(conformance::Stream::from(stream).check_set(&compact, now)))
}

/// Checks the transmitter configuration at `url`.
#[uniffi::export]
pub fn conformance_of_configuration(document: String, url: String) -> Vec<Condition> {
    conditions(conformance::check_configuration(&document, &url))
}

/// Checks the answer of a token endpoint.
#[uniffi::export]
pub fn conformance_of_token(answer: String) -> Vec<Condition> {
    conditions(conformance::check_token(&answer))
}

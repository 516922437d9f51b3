//! The demands of the conformance suite.

use napi_derive::napi;
use ssf_transmitter::{Timestamp, conformance};

use crate::{
    key::moment,
    records::{Condition, Stream, conditions},
};

/// What is demanded of a SET. `now` is in milliseconds since 1970.
#[napi]
pub fn conformance_of_set(compact: String, stream: Stream, now: Option<f64>) -> Vec<Condition> {
    let stream = conformance::Stream::from(stream);
    conditions(stream.check_set(&compact, now.map_or_else(Timestamp::now, moment)))
}

/// Checks the transmitter configuration at `url`.
#[napi]
pub fn conformance_of_configuration(document: String, url: String) -> Vec<Condition> {
    conditions(conformance::check_configuration(&document, &url))
}

/// Checks the answer of a token endpoint.
#[napi]
pub fn conformance_of_token(answer: String) -> Vec<Condition> {
    conditions(conformance::check_token(&answer))
}

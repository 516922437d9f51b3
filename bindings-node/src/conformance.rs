//! The demands of the conformance suite.

use napi_derive::napi;
use ssf_transmitter::{self as sdk, Timestamp};

use crate::key::moment;

/// One demand, and whether it holds.
#[napi(object, object_from_js = false)]
pub struct Condition {
    pub id: &'static str,
    pub demand: &'static str,
    pub holds: bool,
}

/// The stream that SETs are checked against.
#[napi(object, object_to_js = false)]
pub struct Stream {
    pub issuer: String,
    pub audience: String,
    pub id: Option<String>,
    pub state: Option<String>,
    pub now: Option<f64>,
}

fn listed(conditions: Vec<sdk::conformance::Condition>) -> Vec<Condition> {
    let listed = conditions.into_iter();
    listed.map(|one| Condition { id: one.id, demand: one.demand, holds: one.holds }).collect()
}

/// What is demanded of a SET.
#[napi]
pub fn conformance_of_set(compact: String, stream: Stream) -> Vec<Condition> {
    let mut wanted = sdk::conformance::Stream::new(stream.issuer, stream.audience);
    if let Some(id) = stream.id {
        wanted = wanted.id(id);
    }
    if let Some(state) = stream.state {
        wanted = wanted.state(state);
    }
    listed(wanted.check_set(&compact, stream.now.map_or_else(Timestamp::now, moment)))
}

/// What is demanded of the transmitter configuration at `url`.
#[napi]
pub fn conformance_of_configuration(document: String, url: String) -> Vec<Condition> {
    listed(sdk::conformance::check_configuration(&document, &url))
}

/// What is demanded of the answer of a token endpoint.
#[napi]
pub fn conformance_of_token(answer: String) -> Vec<Condition> {
    listed(sdk::conformance::check_token(&answer))
}

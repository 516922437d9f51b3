//! The demands of the conformance suite.

use ssf_transmitter::{self as sdk, Timestamp};

use crate::{failure::Result, policy::moment_of};

/// One demand, and whether it holds.
#[derive(uniffi::Record)]
pub struct Condition {
    pub id: String,
    pub demand: String,
    pub holds: bool,
}

/// The stream that SETs are checked against.
#[derive(uniffi::Record)]
pub struct Stream {
    pub issuer: String,
    pub audience: String,
    pub id: Option<String>,
    pub state: Option<String>,
}

fn listed(conditions: Vec<sdk::conformance::Condition>) -> Vec<Condition> {
    let conditions = conditions.into_iter();
    conditions
        .map(|one| Condition { id: one.id.to_owned(), demand: one.demand.to_owned(), holds: one.holds })
        .collect()
}

/// What is demanded of a SET. `now` is in seconds since 1970.
#[uniffi::export]
pub fn conformance_of_set(compact: String, stream: Stream, now: Option<f64>) -> Result<Vec<Condition>> {
    let mut wanted = sdk::conformance::Stream::new(stream.issuer, stream.audience);
    if let Some(id) = stream.id {
        wanted = wanted.id(id);
    }
    if let Some(state) = stream.state {
        wanted = wanted.state(state);
    }
    let now = now.map_or_else(|| Ok(Timestamp::now()), moment_of)?;
    Ok(listed(wanted.check_set(&compact, now)))
}

/// What is demanded of the transmitter configuration at `url`.
#[uniffi::export]
pub fn conformance_of_configuration(document: String, url: String) -> Vec<Condition> {
    listed(sdk::conformance::check_configuration(&document, &url))
}

/// What is demanded of the answer of a token endpoint.
#[uniffi::export]
pub fn conformance_of_token(answer: String) -> Vec<Condition> {
    listed(sdk::conformance::check_token(&answer))
}

//! The transmitter configuration and its URL.

use napi_derive::napi;
use ssf_transmitter::{TransmitterConfiguration, metadata};

use crate::{
    failure::{Failure, Outcome, outcome},
    records::{ConfigurationSettings, Located},
};

/// Writes a configuration.
#[napi]
pub fn configuration(settings: ConfigurationSettings) -> Outcome<Located> {
    outcome(settings.configuration().and_then(Located::try_from).map_err(Failure::from))
}

/// Reads and checks a configuration. Returns it as it was understood.
#[napi]
pub fn read_configuration(document: String) -> Outcome<Located> {
    let read = TransmitterConfiguration::from_json(&document);
    outcome(read.and_then(Located::try_from).map_err(Failure::from))
}

/// Where the configuration of an issuer is, or, `legacy`, where older receivers look for it.
#[napi]
pub fn well_known_url(issuer: String, legacy: bool) -> Outcome<String> {
    let url = if legacy { metadata::legacy_well_known_url } else { metadata::well_known_url };
    outcome(url(&issuer).map_err(Failure::from))
}

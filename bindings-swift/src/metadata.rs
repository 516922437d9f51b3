//! The transmitter configuration and its URL.

use ssf_transmitter::{TransmitterConfiguration, metadata};

use crate::{
    failure::Result,
    records::{ConfigurationSettings, Located},
};

/// Writes a configuration.
#[uniffi::export]
pub fn write_configuration(settings: ConfigurationSettings) -> Result<Located> {
    Ok(Located::try_from(settings.configuration()?)?)
}

/// Reads and checks a configuration. Returns it as it was understood.
#[uniffi::export]
pub fn read_configuration(document: String) -> Result<Located> {
    Ok(Located::try_from(TransmitterConfiguration::from_json(&document)?)?)
}

/// Where the configuration of an issuer is, or, `legacy`, where older receivers look for it.
#[uniffi::export]
pub fn well_known_url(issuer: String, legacy: bool) -> Result<String> {
    let url = if legacy { metadata::legacy_well_known_url } else { metadata::well_known_url };
    Ok(url(&issuer)?)
}

//! The transmitter configuration and its URL.

use serde_json::{Map, Value};
use ssf_transmitter::{ErrorCode, TransmitterConfiguration, metadata, metadata::DefaultSubjects};

use crate::failure::{Failure, Result};

/// What a configuration says.
#[derive(uniffi::Record)]
pub struct ConfigurationSettings {
    pub issuer: String,
    pub jwks_uri: Option<String>,
    pub spec_version: Option<String>,
    pub delivery_methods: Option<Vec<String>>,
    pub configuration_endpoint: Option<String>,
    pub status_endpoint: Option<String>,
    pub add_subject_endpoint: Option<String>,
    pub remove_subject_endpoint: Option<String>,
    pub verification_endpoint: Option<String>,
    pub critical_subject_members: Option<Vec<String>>,
    pub authorization_schemes: Vec<String>,
    pub all_subjects: Option<bool>,
    /// Further members, as JSON.
    pub members: Option<String>,
    pub allow_loopback: bool,
}

/// A configuration: the document, and where it belongs.
#[derive(uniffi::Record)]
pub struct Located {
    pub document: String,
    pub url: String,
}

/// Writes a configuration.
#[uniffi::export]
pub fn write_configuration(settings: ConfigurationSettings) -> Result<Located> {
    type Set = fn(TransmitterConfiguration, String) -> TransmitterConfiguration;
    let mut configuration = TransmitterConfiguration::new(settings.issuer);
    let texts: [(Option<String>, Set); 7] = [
        (settings.jwks_uri, TransmitterConfiguration::jwks_uri),
        (settings.spec_version, TransmitterConfiguration::spec_version),
        (settings.configuration_endpoint, TransmitterConfiguration::configuration_endpoint),
        (settings.status_endpoint, TransmitterConfiguration::status_endpoint),
        (settings.add_subject_endpoint, TransmitterConfiguration::add_subject_endpoint),
        (settings.remove_subject_endpoint, TransmitterConfiguration::remove_subject_endpoint),
        (settings.verification_endpoint, TransmitterConfiguration::verification_endpoint),
    ];
    for (text, set) in texts {
        if let Some(text) = text {
            configuration = set(configuration, text);
        }
    }
    if let Some(methods) = settings.delivery_methods {
        configuration = configuration.delivery_methods(methods);
    }
    if let Some(names) = settings.critical_subject_members {
        configuration = configuration.critical_subject_members(names);
    }
    for urn in settings.authorization_schemes {
        configuration = configuration.authorization_scheme(urn);
    }
    if let Some(all) = settings.all_subjects {
        let subjects = if all { DefaultSubjects::All } else { DefaultSubjects::None };
        configuration = configuration.default_subjects(subjects);
    }
    if let Some(members) = settings.members {
        let members: Map<String, Value> = serde_json::from_str(&members)
            .map_err(|_| Failure::of(ErrorCode::JsonInvalid, "further members are a JSON object"))?;
        for (name, value) in members {
            configuration = configuration.member(name, value);
        }
    }
    if settings.allow_loopback {
        configuration = configuration.allow_loopback_http();
    }
    located(&configuration)
}

/// Reads and checks a configuration. Returns it as it was understood.
#[uniffi::export]
pub fn read_configuration(document: String) -> Result<Located> {
    located(&TransmitterConfiguration::from_json(&document)?)
}

fn located(configuration: &TransmitterConfiguration) -> Result<Located> {
    Ok(Located { document: configuration.to_json()?, url: configuration.url()? })
}

/// Where the configuration of an issuer is, or, `legacy`, where older receivers look for it.
#[uniffi::export]
pub fn well_known_url(issuer: String, legacy: bool) -> Result<String> {
    let url = if legacy { metadata::legacy_well_known_url } else { metadata::well_known_url };
    Ok(url(&issuer)?)
}

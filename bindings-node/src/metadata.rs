//! The transmitter configuration and its URL.

use napi_derive::napi;
use serde_json::{Map, Value};
use ssf_transmitter::{ErrorCode, TransmitterConfiguration, metadata, metadata::DefaultSubjects};

use crate::failure::{Failure, Outcome, Result, outcome};

/// What a configuration says.
#[napi(object, object_to_js = false)]
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
    pub authorization_schemes: Option<Vec<String>>,
    pub default_subjects: Option<String>,
    /// Further members, as JSON.
    pub members: Option<String>,
    pub allow_loopback: bool,
}

/// A configuration: the document, and where it belongs.
#[napi(object, object_from_js = false)]
pub struct Located {
    pub document: String,
    pub url: String,
}

/// Writes a configuration.
#[napi]
pub fn configuration(settings: ConfigurationSettings) -> Outcome<Located> {
    outcome(settings.located())
}

/// Reads and checks a configuration. Returns it as it was understood.
#[napi]
pub fn read_configuration(document: String) -> Outcome<Located> {
    let read = || -> Result<_> {
        let configuration = TransmitterConfiguration::from_json(&document)?;
        Ok(Located { document: configuration.to_json()?, url: configuration.url()? })
    };
    outcome(read())
}

/// Where the configuration of an issuer is, or, `legacy`, where older receivers look for it.
#[napi]
pub fn well_known_url(issuer: String, legacy: bool) -> Outcome<String> {
    let url =
        if legacy { metadata::legacy_well_known_url(&issuer) } else { metadata::well_known_url(&issuer) };
    outcome(url.map_err(Failure::from))
}

impl ConfigurationSettings {
    fn located(self) -> Result<Located> {
        type Set = fn(TransmitterConfiguration, String) -> TransmitterConfiguration;
        let mut configuration = TransmitterConfiguration::new(self.issuer);
        let texts: [(Option<String>, Set); 7] = [
            (self.jwks_uri, TransmitterConfiguration::jwks_uri),
            (self.spec_version, TransmitterConfiguration::spec_version),
            (self.configuration_endpoint, TransmitterConfiguration::configuration_endpoint),
            (self.status_endpoint, TransmitterConfiguration::status_endpoint),
            (self.add_subject_endpoint, TransmitterConfiguration::add_subject_endpoint),
            (self.remove_subject_endpoint, TransmitterConfiguration::remove_subject_endpoint),
            (self.verification_endpoint, TransmitterConfiguration::verification_endpoint),
        ];
        for (text, set) in texts {
            if let Some(text) = text {
                configuration = set(configuration, text);
            }
        }
        if let Some(methods) = self.delivery_methods {
            configuration = configuration.delivery_methods(methods);
        }
        if let Some(names) = self.critical_subject_members {
            configuration = configuration.critical_subject_members(names);
        }
        for urn in self.authorization_schemes.unwrap_or_default() {
            configuration = configuration.authorization_scheme(urn);
        }
        configuration = match self.default_subjects.as_deref() {
            None => configuration,
            Some("ALL") => configuration.default_subjects(DefaultSubjects::All),
            Some("NONE") => configuration.default_subjects(DefaultSubjects::None),
            Some(_) => {
                let message = "defaultSubjects is ALL or NONE";
                return Err(Failure::of(ErrorCode::ConfigurationInvalid, message));
            }
        };
        if let Some(members) = self.members {
            let members: Map<String, Value> = serde_json::from_str(&members)
                .map_err(|_| Failure::of(ErrorCode::JsonInvalid, "further members are a JSON object"))?;
            for (name, value) in members {
                configuration = configuration.member(name, value);
            }
        }
        if self.allow_loopback {
            configuration = configuration.allow_loopback_http();
        }
        Ok(Located { document: configuration.to_json()?, url: configuration.url()? })
    }
}

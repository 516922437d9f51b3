//! The transmitter configuration.

use serde_json::{Map, Value};
use ssf_transmitter::{Error, ErrorCode, Result, TransmitterConfiguration, metadata::DefaultSubjects};

use crate::{invalid, set};

/// The members of a transmitter configuration.
#[derive(Default)]
#[allow(missing_docs, reason = "the members of the document, by their names")]
pub struct ConfigurationMembers {
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
    pub default_subjects: Option<DefaultSubjects>,
    pub members: Map<String, Value>,
    pub allow_loopback: bool,
}

impl ConfigurationMembers {
    /// The document. [`TransmitterConfiguration::to_json`] checks it.
    pub fn configuration(self) -> TransmitterConfiguration {
        type Document = TransmitterConfiguration;
        let document = set(Document::new(self.issuer), self.jwks_uri, Document::jwks_uri);
        let document = set(document, self.spec_version, Document::spec_version);
        let document = set(document, self.delivery_methods, Document::delivery_methods);
        let document = set(document, self.configuration_endpoint, Document::configuration_endpoint);
        let document = set(document, self.status_endpoint, Document::status_endpoint);
        let document = set(document, self.add_subject_endpoint, Document::add_subject_endpoint);
        let document = set(document, self.remove_subject_endpoint, Document::remove_subject_endpoint);
        let document = set(document, self.verification_endpoint, Document::verification_endpoint);
        let document = set(document, self.critical_subject_members, Document::critical_subject_members);
        let document = self.authorization_schemes.into_iter().fold(document, Document::authorization_scheme);
        let document = set(document, self.default_subjects, Document::default_subjects);
        let member = |document: Document, (name, value): (String, Value)| document.member(name, value);
        let document = self.members.into_iter().fold(document, member);
        if self.allow_loopback { document.allow_loopback_http() } else { document }
    }
}

/// The value of `default_subjects` by its name.
pub fn default_subjects(name: &str) -> Result<DefaultSubjects> {
    match name {
        "ALL" => Ok(DefaultSubjects::All),
        "NONE" => Ok(DefaultSubjects::None),
        _ => Err(invalid("`default_subjects` is ALL or NONE")),
    }
}

/// Further members, from a JSON object.
pub fn members(json: &str) -> Result<Map<String, Value>> {
    let read = serde_json::from_str(json);
    read.map_err(|_| Error::new(ErrorCode::JsonInvalid, "additional members must be a JSON object"))
}

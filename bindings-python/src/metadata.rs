//! The transmitter configuration, and where it belongs.

use pyo3::{exceptions::PyValueError, prelude::*};
use ssf_bindings::metadata;
use ssf_transmitter as sdk;

use crate::{errors::Result, json};

/// The transmitter configuration document.
#[pyclass(frozen, subclass, module = "ssf_transmitter._native")]
pub(crate) struct TransmitterConfiguration(sdk::TransmitterConfiguration);

#[pymethods]
impl TransmitterConfiguration {
    #[new]
    #[pyo3(signature = (
        issuer, *, jwks_uri, spec_version, delivery_methods, configuration_endpoint, status_endpoint,
        add_subject_endpoint, remove_subject_endpoint, verification_endpoint, critical_subject_members,
        authorization_schemes, default_subjects, members, allow_loopback_http
    ))]
    #[allow(clippy::too_many_arguments, reason = "the members of the document")]
    fn new(
        issuer: String,
        jwks_uri: Option<String>,
        spec_version: Option<String>,
        delivery_methods: Option<Vec<String>>,
        configuration_endpoint: Option<String>,
        status_endpoint: Option<String>,
        add_subject_endpoint: Option<String>,
        remove_subject_endpoint: Option<String>,
        verification_endpoint: Option<String>,
        critical_subject_members: Vec<String>,
        authorization_schemes: Vec<String>,
        default_subjects: Option<&str>,
        members: Option<Bound<'_, PyAny>>,
        allow_loopback_http: bool,
    ) -> Result<Self> {
        let default_subjects = match default_subjects {
            None => None,
            Some(name) => Some(
                metadata::default_subjects(name)
                    .map_err(|_| PyValueError::new_err("default_subjects: must be ALL or NONE"))?,
            ),
        };
        let members = members.map(|members| json::object(&members, json::CLAIMS)).transpose()?;
        let document = metadata::ConfigurationMembers {
            issuer,
            jwks_uri,
            spec_version,
            delivery_methods,
            configuration_endpoint,
            status_endpoint,
            add_subject_endpoint,
            remove_subject_endpoint,
            verification_endpoint,
            critical_subject_members: Some(critical_subject_members),
            authorization_schemes,
            default_subjects,
            members: members.unwrap_or_default(),
            allow_loopback: allow_loopback_http,
        };
        let document = document.configuration();
        document.to_json()?;
        Ok(Self(document))
    }

    /// The issuer.
    #[getter]
    fn issuer(&self) -> &str {
        self.0.issuer()
    }

    /// Where the document belongs.
    #[getter]
    fn url(&self) -> Result<String> {
        Ok(self.0.url()?)
    }

    /// The document, to be served as `application/json`.
    fn to_json(&self) -> Result<String> {
        Ok(self.0.to_json()?)
    }
}

/// Where the transmitter configuration of `issuer` is (SSF 1.0 §7.2).
#[pyfunction]
pub(crate) fn well_known_url(issuer: &str) -> Result<String> {
    Ok(sdk::metadata::well_known_url(issuer)?)
}

/// Where older receivers look for it (SSF 1.0 §7.2.2).
#[pyfunction]
pub(crate) fn legacy_well_known_url(issuer: &str) -> Result<String> {
    Ok(sdk::metadata::legacy_well_known_url(issuer)?)
}

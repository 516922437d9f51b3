//! The transmitter configuration, and where it belongs.

use pyo3::{exceptions::PyValueError, prelude::*};
use ssf_transmitter::{self as sdk, metadata::DefaultSubjects};

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
        issuer: &str,
        jwks_uri: Option<&str>,
        spec_version: Option<&str>,
        delivery_methods: Option<Vec<String>>,
        configuration_endpoint: Option<&str>,
        status_endpoint: Option<&str>,
        add_subject_endpoint: Option<&str>,
        remove_subject_endpoint: Option<&str>,
        verification_endpoint: Option<&str>,
        critical_subject_members: Vec<String>,
        authorization_schemes: Vec<String>,
        default_subjects: Option<&str>,
        members: Option<Bound<'_, PyAny>>,
        allow_loopback_http: bool,
    ) -> Result<Self> {
        type Set = fn(sdk::TransmitterConfiguration, String) -> sdk::TransmitterConfiguration;
        let texts: [(Option<&str>, Set); 7] = [
            (jwks_uri, |document, text| document.jwks_uri(text)),
            (spec_version, |document, text| document.spec_version(text)),
            (configuration_endpoint, |document, text| document.configuration_endpoint(text)),
            (status_endpoint, |document, text| document.status_endpoint(text)),
            (add_subject_endpoint, |document, text| document.add_subject_endpoint(text)),
            (remove_subject_endpoint, |document, text| document.remove_subject_endpoint(text)),
            (verification_endpoint, |document, text| document.verification_endpoint(text)),
        ];
        let mut document = sdk::TransmitterConfiguration::new(issuer);
        for (text, set) in texts {
            if let Some(text) = text {
                document = set(document, text.to_owned());
            }
        }
        if let Some(methods) = delivery_methods {
            document = document.delivery_methods(methods);
        }
        document = document.critical_subject_members(critical_subject_members);
        for scheme in authorization_schemes {
            document = document.authorization_scheme(scheme);
        }
        document = match default_subjects {
            None => document,
            Some("ALL") => document.default_subjects(DefaultSubjects::All),
            Some("NONE") => document.default_subjects(DefaultSubjects::None),
            Some(_) => return Err(PyValueError::new_err("default_subjects: is ALL or NONE").into()),
        };
        if let Some(members) = members {
            for (name, value) in json::object(&members, json::CLAIMS)? {
                document = document.member(name, value);
            }
        }
        if allow_loopback_http {
            document = document.allow_loopback_http();
        }
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

//! The transmitter configuration: the document by which receivers find issuer, keys and endpoints (SSF 1.0 §7).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{Error, ErrorCode, Result, pointer_step},
    http::Endpoint,
};

/// Push delivery, RFC 8935.
pub const DELIVERY_PUSH: &str = "urn:ietf:rfc:8935";
/// Poll delivery, RFC 8936.
pub const DELIVERY_POLL: &str = "urn:ietf:rfc:8936";

/// The transmitter configuration document. Serve [`to_json`](Self::to_json) at [`url`](Self::url) with the content type
/// `application/json`.
///
/// ```
/// use ssf_transmitter::TransmitterConfiguration;
///
/// let configuration = TransmitterConfiguration::new("https://tr.example.com/issuer1")
///     .jwks_uri("https://tr.example.com/jwks.json");
/// assert_eq!(configuration.url()?, "https://tr.example.com/.well-known/ssf-configuration/issuer1");
/// assert!(configuration.to_json()?.contains("\"spec_version\":\"1_0\""));
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TransmitterConfiguration {
    #[serde(skip_serializing_if = "Option::is_none")]
    spec_version: Option<String>,
    issuer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    delivery_methods_supported: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    add_subject_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remove_subject_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    critical_subject_members: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    authorization_schemes: Vec<AuthorizationScheme>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_subjects: Option<DefaultSubjects>,
    #[serde(flatten)]
    others: Map<String, Value>,
    #[serde(skip)]
    loopback_http: bool,
}

/// A way to authorize at the transmitter's endpoints (SSF 1.0 §7.1.1).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct AuthorizationScheme {
    spec_urn: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Whose events a new stream delivers (SSF 1.0 §7.1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum DefaultSubjects {
    /// Of all subjects.
    All,
    /// Of those that the receiver adds.
    None,
}

impl TransmitterConfiguration {
    /// For `issuer`, an https URL without query and fragment: the exact `iss` of the SETs.
    ///
    /// Declares version `1_0` and push delivery.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            spec_version: Some("1_0".to_owned()),
            issuer: issuer.into(),
            jwks_uri: None,
            delivery_methods_supported: vec![DELIVERY_PUSH.to_owned()],
            configuration_endpoint: None,
            status_endpoint: None,
            add_subject_endpoint: None,
            remove_subject_endpoint: None,
            verification_endpoint: None,
            critical_subject_members: Vec::new(),
            authorization_schemes: Vec::new(),
            default_subjects: None,
            others: Map::new(),
            loopback_http: false,
        }
    }

    /// Reads a document, and checks it.
    ///
    /// A document without `spec_version` follows an early draft, `1_0-ID1` (SSF 1.0 §7.1).
    pub fn from_json(json: &str) -> Result<Self> {
        let configuration: Self = serde_json::from_str(json).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let message = format!("not a transmitter configuration, at line {line} column {column}");
            Error::new(ErrorCode::JsonInvalid, message)
        })?;
        configuration.check()?;
        Ok(configuration)
    }

    /// Sets the URL of the JWKS; required if SETs are signed.
    pub fn jwks_uri(mut self, url: impl Into<String>) -> Self {
        self.jwks_uri = Some(url.into());
        self
    }

    /// Sets the version of the specification; `1_0` by default.
    pub fn spec_version(mut self, version: impl Into<String>) -> Self {
        self.spec_version = Some(version.into());
        self
    }

    /// Sets the delivery methods; [`DELIVERY_PUSH`] by default.
    pub fn delivery_methods(mut self, methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.delivery_methods_supported = methods.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the URL at which receivers create and change streams.
    pub fn configuration_endpoint(mut self, url: impl Into<String>) -> Self {
        self.configuration_endpoint = Some(url.into());
        self
    }

    /// Sets the URL at which receivers read and set the status of a stream.
    pub fn status_endpoint(mut self, url: impl Into<String>) -> Self {
        self.status_endpoint = Some(url.into());
        self
    }

    /// Sets the URL at which receivers add subjects.
    pub fn add_subject_endpoint(mut self, url: impl Into<String>) -> Self {
        self.add_subject_endpoint = Some(url.into());
        self
    }

    /// Sets the URL at which receivers remove subjects.
    pub fn remove_subject_endpoint(mut self, url: impl Into<String>) -> Self {
        self.remove_subject_endpoint = Some(url.into());
        self
    }

    /// Sets the URL at which receivers ask for a verification event.
    pub fn verification_endpoint(mut self, url: impl Into<String>) -> Self {
        self.verification_endpoint = Some(url.into());
        self
    }

    /// Sets the members of complex subjects that receivers have to understand (SSF 1.0 §3.6).
    pub fn critical_subject_members(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.critical_subject_members = names.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a way to authorize, by URN: `urn:ietf:rfc:6749` is OAuth 2.0.
    pub fn authorization_scheme(mut self, spec_urn: impl Into<String>) -> Self {
        self.authorization_schemes
            .push(AuthorizationScheme { spec_urn: spec_urn.into(), others: Map::new() });
        self
    }

    /// Sets whose events a new stream delivers.
    pub fn default_subjects(mut self, subjects: DefaultSubjects) -> Self {
        self.default_subjects = Some(subjects);
        self
    }

    /// Sets a custom member. A member that also has a method here must not be set by both.
    pub fn member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.others.insert(name.into(), value.into());
        self
    }

    /// Allows http URLs of this machine, for trials.
    pub fn allow_loopback_http(mut self) -> Self {
        self.loopback_http = true;
        self
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The document, checked. Lists without elements are left out (SSF 1.0 §7.2.3).
    pub fn to_json(&self) -> Result<String> {
        self.check()?;
        let own = serde_json::to_value(Self { others: Map::new(), ..self.clone() })
            .map_err(|error| Error::internal("the configuration is JSON").because(error))?;
        if let Some(name) = self.others.keys().find(|name| own.get(name.as_str()).is_some()) {
            let message = format!("the member {name} is set twice: remove it from the custom members");
            return Err(Error::new(ErrorCode::ConfigurationInvalid, message).at(pointer_step(name)));
        }
        serde_json::to_string(self)
            .map_err(|error| Error::internal("the configuration is JSON").because(error))
    }

    /// Where the document belongs: see [`well_known_url`].
    pub fn url(&self) -> Result<String> {
        located(&self.issuer, "ssf-configuration", self.loopback_http)
    }

    fn check(&self) -> Result<()> {
        self.url()?;
        let urls = [
            ("jwks_uri", &self.jwks_uri),
            ("configuration_endpoint", &self.configuration_endpoint),
            ("status_endpoint", &self.status_endpoint),
            ("add_subject_endpoint", &self.add_subject_endpoint),
            ("remove_subject_endpoint", &self.remove_subject_endpoint),
            ("verification_endpoint", &self.verification_endpoint),
        ];
        for (name, url) in urls {
            if let Some(url) = url {
                Endpoint::parse(url, self.loopback_http).map_err(|error| error.at(format!("/{name}")))?;
            }
        }
        let empty = self.authorization_schemes.iter().position(|scheme| scheme.spec_urn.is_empty());
        if let Some(index) = empty {
            let message = "an authorization scheme needs the URN of its specification (spec_urn)";
            let error = Error::new(ErrorCode::ConfigurationInvalid, message);
            return Err(error.at(format!("/authorization_schemes/{index}/spec_urn")));
        }
        Ok(())
    }
}

/// Where the transmitter configuration of `issuer` is: `/.well-known/ssf-configuration` between host and path
/// (SSF 1.0 §7.2, §7.2.1).
///
/// ```
/// use ssf_transmitter::metadata::well_known_url;
///
/// let url = well_known_url("https://tr.example.com/issuer1")?;
/// assert_eq!(url, "https://tr.example.com/.well-known/ssf-configuration/issuer1");
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
pub fn well_known_url(issuer: &str) -> Result<String> {
    located(issuer, "ssf-configuration", false)
}

/// The URL for older receivers: `/.well-known/risc-configuration` (SSF 1.0 §7.2.2). Not for new services.
pub fn legacy_well_known_url(issuer: &str) -> Result<String> {
    located(issuer, "risc-configuration", false)
}

pub(crate) fn located(issuer: &str, name: &str, loopback_http: bool) -> Result<String> {
    let invalid = |message: &str| Error::new(ErrorCode::IssuerInvalid, message).at("/issuer");
    let endpoint = Endpoint::parse(issuer, loopback_http).map_err(|error| invalid(error.message()))?;
    let url = endpoint.url();
    if url.query().is_some() {
        return Err(invalid("an issuer has no query"));
    }
    let path = url.path().strip_suffix('/').unwrap_or(url.path());
    Ok(format!("{}/.well-known/{name}{path}", url.origin().ascii_serialization()))
}

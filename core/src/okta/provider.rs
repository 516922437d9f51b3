//! Security events providers: what one sets of them, and what Okta shows.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    error::{Error, ErrorCode, Result},
    http::Endpoint,
};

/// The longest name, in characters.
const NAME: usize = 100;
/// The longest type.
const KIND: usize = 255;
/// The longest issuer.
const ISSUER: usize = 700;
/// The longest URL of a document.
const URL: usize = 1000;

/// Where Okta finds issuer and keys of a transmitter: one of two ways.
///
/// ```
/// use ssf_transmitter::okta::ProviderSettings;
///
/// let settings = ProviderSettings::issuer("https://edr.example.com", "https://edr.example.com/jwks.json");
/// assert_ne!(settings, ProviderSettings::well_known("https://edr.example.com/.well-known/ssf-configuration"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ProviderSettings {
    /// By the transmitter configuration, which names both.
    #[non_exhaustive]
    WellKnown {
        /// The https URL of the configuration, at most 1000 characters.
        well_known_url: String,
    },
    /// By both themselves.
    #[non_exhaustive]
    Issuer {
        /// The exact `iss` of the SETs, at most 700 characters.
        issuer: String,
        /// The https URL of the JWKS, at most 1000 characters.
        jwks_url: String,
    },
}

impl ProviderSettings {
    /// By the URL of the transmitter configuration, see [`well_known_url`](crate::metadata::well_known_url). Okta reads
    /// `issuer` and `jwks_uri` there.
    pub fn well_known(url: impl Into<String>) -> Self {
        Self::WellKnown { well_known_url: url.into() }
    }

    /// By the exact `iss` of the SETs, and the URL of the JWKS.
    pub fn issuer(issuer: impl Into<String>, jwks_url: impl Into<String>) -> Self {
        Self::Issuer { issuer: issuer.into(), jwks_url: jwks_url.into() }
    }
}

/// What one sets of a provider: name, type and settings, for one that is to be or for the next state of one that is.
///
/// ```
/// use ssf_transmitter::okta::{NewProvider, ProviderSettings};
///
/// let settings = ProviderSettings::well_known("https://edr.example.com/.well-known/ssf-configuration");
/// let provider = NewProvider::new("Example EDR", "example-edr", settings).with_name("EDR");
/// assert_eq!((provider.name(), provider.kind()), ("EDR", "example-edr"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct NewProvider {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    settings: ProviderSettings,
}

impl NewProvider {
    /// With the name that admins see (1 to 100 characters), the type, a text of your choice such as the name of your
    /// product (1 to 255 characters), and settings. Limits are checked when the request is made.
    pub fn new(name: impl Into<String>, kind: impl Into<String>, settings: ProviderSettings) -> Self {
        Self { name: name.into(), kind: kind.into(), settings }
    }

    /// Sets the name.
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the type.
    pub fn with_kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Sets the settings.
    pub fn with_settings(mut self, settings: ProviderSettings) -> Self {
        self.settings = settings;
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The settings.
    pub fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    /// The body of a request, checked. `loopback` allows documents of this machine.
    pub(super) fn to_json(&self, loopback: bool) -> Result<String> {
        check_text(&self.name, "/name", NAME)?;
        check_text(&self.kind, "/type", KIND)?;
        match &self.settings {
            ProviderSettings::WellKnown { well_known_url } => {
                check_url(well_known_url, "/settings/well_known_url", loopback)?;
            }
            ProviderSettings::Issuer { issuer, jwks_url } => {
                // Not held to be a URL: Okta's own example is none.
                check_text(issuer, "/settings/issuer", ISSUER)?;
                check_url(jwks_url, "/settings/jwks_url", loopback)?;
            }
        }
        serde_json::to_string(self).map_err(|error| Error::internal("a provider is JSON").because(error))
    }

    /// Whether `provider` is the one that is meant here: of that name, with that configuration or that issuer.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client's `ensure` asks"))]
    pub(crate) fn is(&self, provider: &SecurityEventsProvider) -> bool {
        self.name == provider.name
            && match &self.settings {
                ProviderSettings::WellKnown { well_known_url } => {
                    provider.well_known_url() == Some(well_known_url)
                }
                ProviderSettings::Issuer { issuer, .. } => provider.issuer() == Some(issuer),
            }
    }
}

fn check_text(value: &str, pointer: &str, most: usize) -> Result<()> {
    let characters = value.chars().count();
    if (1..=most).contains(&characters) {
        return Ok(());
    }
    let message = format!("{characters} characters; Okta accepts 1 to {most}");
    Err(Error::new(ErrorCode::ProviderInvalid, message).at(pointer))
}

fn check_url(value: &str, pointer: &str, loopback: bool) -> Result<()> {
    check_text(value, pointer, URL)?;
    let check = Endpoint::parse(value, loopback);
    check.map_err(|error| Error::new(ErrorCode::ProviderInvalid, error.message()).at(pointer)).map(|_| ())
}

/// Whether SETs of a provider are accepted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum ProviderStatus {
    /// They are: `ACTIVE`.
    Active,
    /// They are not accepted: `INACTIVE`.
    Inactive,
    /// A status that was not known when this was written.
    Other(String),
}

impl ProviderStatus {
    /// As Okta writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Other(status) => status,
        }
    }
}

impl From<String> for ProviderStatus {
    fn from(status: String) -> Self {
        match status.as_str() {
            "ACTIVE" => Self::Active,
            "INACTIVE" => Self::Inactive,
            _ => Self::Other(status),
        }
    }
}

impl From<ProviderStatus> for String {
    fn from(status: ProviderStatus) -> Self {
        status.as_str().to_owned()
    }
}

/// A provider as Okta shows it. As JSON it has all members that came, known or not.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SecurityEventsProvider {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    status: ProviderStatus,
    settings: SettingsObject,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Settings as they are read: those by configuration come with what Okta found there.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct SettingsObject {
    #[serde(skip_serializing_if = "Option::is_none")]
    well_known_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_url: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl SecurityEventsProvider {
    /// The id that Okta gave it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name that admins see.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type, a string that the transmitter chose.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether its SETs are accepted.
    pub fn status(&self) -> &ProviderStatus {
        &self.status
    }

    /// The `iss` of its SETs, as it was set or as the configuration names it.
    pub fn issuer(&self) -> Option<&str> {
        self.settings.issuer.as_deref()
    }

    /// The URL of its JWKS, as it was set or as the configuration names it.
    pub fn jwks_url(&self) -> Option<&str> {
        self.settings.jwks_url.as_deref()
    }

    /// The URL of its transmitter configuration, if it is registered by that.
    pub fn well_known_url(&self) -> Option<&str> {
        self.settings.well_known_url.as_deref()
    }

    /// What can be set of it, as it is now. Of settings by configuration that is the URL alone: issuer and keys beside it
    /// are what Okta found there.
    pub fn to_new(&self) -> NewProvider {
        let SettingsObject { well_known_url, issuer, jwks_url, .. } = self.settings.clone();
        let settings = match well_known_url {
            Some(url) => ProviderSettings::well_known(url),
            None => ProviderSettings::issuer(issuer.unwrap_or_default(), jwks_url.unwrap_or_default()),
        };
        NewProvider::new(&self.name, &self.kind, settings)
    }
}

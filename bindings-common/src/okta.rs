//! Okta's API: how to reach an org, what is to be done with its providers, and what to read of its log.

use std::time::Duration;

use ssf_transmitter::{
    Network, OktaProviders, Result, Timestamp,
    client::LogPager,
    okta::{LogQuery, NewProvider, ProviderSettings, SecurityEventsProvider},
    secret::Secret,
    token::ClientCredentials,
};

use crate::{policy::Policy, set};

/// How an org authorizes.
#[derive(Clone)]
pub enum OrgCredentials {
    /// With an API token.
    Ssws(Secret<String>),
    /// With an OAuth 2.0 access token.
    Bearer(Secret<String>),
    /// With access tokens for these credentials.
    Client(ClientCredentials),
}

impl OrgCredentials {
    /// The one that is given, if exactly one is.
    pub fn one_of(
        ssws: Option<String>,
        bearer: Option<String>,
        client: Option<ClientCredentials>,
    ) -> Option<Self> {
        match (ssws, bearer, client) {
            (Some(token), None, None) => Some(Self::Ssws(token.into())),
            (None, Some(token), None) => Some(Self::Bearer(token.into())),
            (None, None, Some(credentials)) => Some(Self::Client(credentials)),
            _ => None,
        }
    }
}

/// How to reach an org.
#[derive(Clone)]
pub struct OrgSettings {
    /// Its URL.
    pub org: String,
    /// How to authorize.
    pub credentials: OrgCredentials,
    /// How often and how long a call is tried.
    pub policy: Policy,
    /// How connections leave this machine.
    pub network: Network,
    /// Whether it may be this machine.
    pub allow_loopback: bool,
}

impl OrgSettings {
    /// Builds the client. Its HTTP pool belongs to the tokio runtime that is entered.
    pub fn build(self) -> Result<OktaProviders> {
        let builder = OktaProviders::builder(self.org);
        let builder = match self.credentials {
            OrgCredentials::Ssws(token) => builder.ssws(token),
            OrgCredentials::Bearer(token) => builder.bearer(token),
            OrgCredentials::Client(credentials) => builder.client_credentials(credentials),
        };
        let builder = self.policy.bind(builder).network(self.network);
        if self.allow_loopback { builder.allow_loopback() } else { builder }.build()
    }
}

/// What a caller says about a provider: all of it, or what is to change.
#[derive(Clone, Default)]
pub struct ProviderParts {
    /// Its name.
    pub name: Option<String>,
    /// Its type.
    pub kind: Option<String>,
    /// The URL of its configuration.
    pub well_known_url: Option<String>,
    /// In place of a configuration: its issuer.
    pub issuer: Option<String>,
    /// In place of a configuration: the URL of its JWKS.
    pub jwks_url: Option<String>,
}

/// What is wrong with the parts of a provider. Each language has its own exception for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PartsProblem {
    /// Neither a configuration alone, nor issuer and JWKS alone.
    Ambiguous,
    /// Something is missing.
    Incomplete,
    /// No operation has the name, or it takes other arguments.
    NoSuchOperation,
}

impl ProviderParts {
    /// The settings, if there are any.
    fn settings(&self) -> Result<Option<ProviderSettings>, PartsProblem> {
        match (&self.well_known_url, &self.issuer, &self.jwks_url) {
            (None, None, None) => Ok(None),
            (Some(url), None, None) => Ok(Some(ProviderSettings::well_known(url))),
            (None, Some(issuer), Some(url)) => Ok(Some(ProviderSettings::issuer(issuer, url))),
            _ => Err(PartsProblem::Ambiguous),
        }
    }

    fn complete(self) -> Result<NewProvider, PartsProblem> {
        match (self.settings()?, self.name, self.kind) {
            (Some(settings), Some(name), Some(kind)) => Ok(NewProvider::new(name, kind, settings)),
            _ => Err(PartsProblem::Incomplete),
        }
    }

    fn change(self) -> Result<ProviderChange, PartsProblem> {
        Ok(ProviderChange { settings: self.settings()?, name: self.name, kind: self.kind })
    }
}

/// What of a provider is to change.
#[derive(Clone, Default)]
pub struct ProviderChange {
    /// Its name.
    pub name: Option<String>,
    /// Its type.
    pub kind: Option<String>,
    /// Where issuer and keys are found.
    pub settings: Option<ProviderSettings>,
}

impl ProviderChange {
    /// The provider with the change.
    pub fn apply(self, provider: NewProvider) -> NewProvider {
        let provider = set(provider, self.name, NewProvider::with_name);
        let provider = set(provider, self.kind, NewProvider::with_kind);
        set(provider, self.settings, NewProvider::with_settings)
    }
}

/// A call of the API.
pub enum Operation {
    /// Registers a provider.
    Create(NewProvider),
    /// Registers a provider unless it is registered.
    Ensure(NewProvider),
    /// Lists all providers.
    List,
    /// Shows the provider with this id.
    Read(String),
    /// Sets all of a provider.
    Replace(String, NewProvider),
    /// Sets some of a provider.
    Update(String, ProviderChange),
    /// Activates the provider with this id.
    Activate(String),
    /// Deactivates the provider with this id.
    Deactivate(String),
    /// Deletes the provider with this id.
    Delete(String),
}

impl Operation {
    /// The operation of this name, with the id of a provider and what is said about it, as far as it needs them.
    pub fn named(name: &str, id: String, parts: Option<ProviderParts>) -> Result<Self, PartsProblem> {
        Ok(match (name, parts) {
            ("create", Some(parts)) => Self::Create(parts.complete()?),
            ("ensure", Some(parts)) => Self::Ensure(parts.complete()?),
            ("replace", Some(parts)) => Self::Replace(id, parts.complete()?),
            ("update", Some(parts)) => Self::Update(id, parts.change()?),
            ("list", None) => Self::List,
            ("read", None) => Self::Read(id),
            ("activate", None) => Self::Activate(id),
            ("deactivate", None) => Self::Deactivate(id),
            ("delete", None) => Self::Delete(id),
            _ => return Err(PartsProblem::NoSuchOperation),
        })
    }

    /// Makes the call, and returns the providers that the answer shows.
    pub async fn perform(self, providers: OktaProviders) -> Result<Vec<SecurityEventsProvider>> {
        let shown = match self {
            Self::List => return providers.list().await,
            Self::Delete(id) => return providers.delete(&id).await.map(|()| Vec::new()),
            Self::Create(provider) => providers.create(&provider).await?,
            Self::Ensure(provider) => providers.ensure(&provider).await?,
            Self::Read(id) => providers.read(&id).await?,
            Self::Replace(id, provider) => providers.replace(&id, &provider).await?,
            Self::Update(id, change) => providers.update(&id, |provider| change.apply(provider)).await?,
            Self::Activate(id) => providers.activate(&id).await?,
            Self::Deactivate(id) => providers.deactivate(&id).await?,
        };
        Ok(vec![shown])
    }
}

/// Which entries of the System Log to read.
pub struct LogOptions {
    /// The start.
    pub since: Timestamp,
    /// Until when, or without an end.
    pub until: Option<Timestamp>,
    /// Of which types.
    pub event_types: Option<Vec<String>>,
    /// How many entries a page has.
    pub page_size: u16,
    /// How often to look for new ones; without it the log ends.
    pub follow: Option<Duration>,
}

impl LogOptions {
    /// Opens the log of an org.
    pub fn open(self, providers: &OktaProviders) -> LogPager {
        let query = LogQuery::since(self.since).page_size(self.page_size);
        let query = set(query, self.until, LogQuery::until);
        let query = set(query, self.event_types, LogQuery::event_types);
        set(providers.log(query), self.follow, LogPager::follow_every)
    }
}

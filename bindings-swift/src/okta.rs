//! The security events providers of an Okta org.

use std::{future::Future, sync::Arc};

use ssf_bindings::okta::{self, ProviderChange};
use ssf_transmitter::{
    OktaProviders,
    okta::{NewProvider, ProviderSettings, SecurityEventsProvider},
};

use crate::{
    cancellation::Cancellation, failure::Result, network::Network, policy::Policy,
    receiver::ClientCredentials, records::Provider,
};

/// How to authorize at an org.
#[derive(uniffi::Enum)]
pub enum OrgCredentials {
    Ssws { token: String },
    Bearer { token: String },
    Client { credentials: ClientCredentials },
}

/// How to reach an org.
#[derive(uniffi::Record)]
pub struct OrgSettings {
    pub org: String,
    pub credentials: OrgCredentials,
    pub policy: Policy,
    pub network: Network,
    pub allow_loopback: bool,
}

/// Where issuer and keys are found.
#[derive(uniffi::Enum)]
pub enum ProviderLocation {
    WellKnown { url: String },
    Issuer { issuer: String, jwks_url: String },
}

/// The settings of a provider.
#[derive(uniffi::Record)]
pub struct ProviderInput {
    pub name: String,
    pub kind: String,
    pub settings: ProviderLocation,
}

/// What of a provider is to be another.
#[derive(uniffi::Record)]
pub struct Change {
    pub name: Option<String>,
    pub kind: Option<String>,
    pub settings: Option<ProviderLocation>,
}

/// The providers of an org.
#[derive(uniffi::Object)]
pub struct Providers(OktaProviders);

#[uniffi::export]
impl Providers {
    #[uniffi::constructor]
    pub fn build(settings: OrgSettings) -> Result<Arc<Self>> {
        let credentials = match settings.credentials {
            OrgCredentials::Ssws { token } => okta::OrgCredentials::Ssws(token.into()),
            OrgCredentials::Bearer { token } => okta::OrgCredentials::Bearer(token.into()),
            OrgCredentials::Client { credentials } => okta::OrgCredentials::Client(credentials.core()),
        };
        let settings = okta::OrgSettings {
            org: settings.org,
            credentials,
            policy: settings.policy.read()?,
            network: settings.network.read(),
            allow_loopback: settings.allow_loopback,
        };
        Ok(Arc::new(Self(settings.build()?)))
    }

    pub async fn create(&self, wanted: ProviderInput, cancellation: Arc<Cancellation>) -> Result<Provider> {
        self.one(&cancellation, |org| async move { org.create(&wanted.into()).await }).await
    }

    pub async fn ensure(&self, wanted: ProviderInput, cancellation: Arc<Cancellation>) -> Result<Provider> {
        self.one(&cancellation, |org| async move { org.ensure(&wanted.into()).await }).await
    }

    pub async fn replace(
        &self,
        id: String,
        wanted: ProviderInput,
        cancellation: Arc<Cancellation>,
    ) -> Result<Provider> {
        self.one(&cancellation, |org| async move { org.replace(&id, &wanted.into()).await }).await
    }

    pub async fn update(
        &self,
        id: String,
        change: Change,
        cancellation: Arc<Cancellation>,
    ) -> Result<Provider> {
        self.one(&cancellation, |org| async move {
            org.update(&id, |provider| ProviderChange::from(change).apply(provider)).await
        })
        .await
    }

    pub async fn read(&self, id: String, cancellation: Arc<Cancellation>) -> Result<Provider> {
        self.one(&cancellation, |org| async move { org.read(&id).await }).await
    }

    pub async fn activate(&self, id: String, cancellation: Arc<Cancellation>) -> Result<Provider> {
        self.one(&cancellation, |org| async move { org.activate(&id).await }).await
    }

    pub async fn deactivate(&self, id: String, cancellation: Arc<Cancellation>) -> Result<Provider> {
        self.one(&cancellation, |org| async move { org.deactivate(&id).await }).await
    }

    pub async fn delete(&self, id: String, cancellation: Arc<Cancellation>) -> Result<()> {
        let org = self.0.clone();
        cancellation.or(async move { Ok(org.delete(&id).await?) }).await
    }

    pub async fn list(&self, cancellation: Arc<Cancellation>) -> Result<Vec<Provider>> {
        let org = self.0.clone();
        cancellation.or(async move { Ok(org.list().await?.iter().map(Provider::from).collect()) }).await
    }
}

impl Providers {
    pub(crate) fn core(&self) -> &OktaProviders {
        &self.0
    }

    /// What a call gives that is about one provider.
    async fn one<F>(
        &self,
        cancellation: &Cancellation,
        call: impl FnOnce(OktaProviders) -> F,
    ) -> Result<Provider>
    where
        F: Future<Output = ssf_transmitter::Result<SecurityEventsProvider>> + Send + 'static,
    {
        let call = call(self.0.clone());
        cancellation.or(async { Ok(Provider::from(&call.await?)) }).await
    }
}

impl From<Change> for ProviderChange {
    fn from(change: Change) -> Self {
        Self { name: change.name, kind: change.kind, settings: change.settings.map(Into::into) }
    }
}

impl From<ProviderInput> for NewProvider {
    fn from(wanted: ProviderInput) -> Self {
        Self::new(wanted.name, wanted.kind, wanted.settings.into())
    }
}

impl From<ProviderLocation> for ProviderSettings {
    fn from(settings: ProviderLocation) -> Self {
        match settings {
            ProviderLocation::WellKnown { url } => Self::well_known(url),
            ProviderLocation::Issuer { issuer, jwks_url } => Self::issuer(issuer, jwks_url),
        }
    }
}

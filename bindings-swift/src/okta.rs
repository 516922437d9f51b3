//! The security events providers of an Okta org.

use std::{future::Future, sync::Arc};

use ssf_transmitter::{
    OktaProviders,
    okta::{NewProvider, ProviderSettings, SecurityEventsProvider},
};

use crate::{
    cancellation::Cancellation,
    failure::{Failure, Result},
    policy::Policy,
    receiver::ClientCredentials,
    transmitter::Network,
};

/// How an org is asked.
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
pub enum Found {
    WellKnown { url: String },
    Issuer { issuer: String, jwks_url: String },
}

/// What can be set of a provider.
#[derive(uniffi::Record)]
pub struct Wanted {
    pub name: String,
    pub kind: String,
    pub settings: Found,
}

/// A provider as Okta shows it.
#[derive(uniffi::Record)]
pub struct Provider {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub status: String,
    pub well_known_url: Option<String>,
    pub issuer: Option<String>,
    pub jwks_url: Option<String>,
}

/// What of a provider is to be another.
#[derive(uniffi::Record)]
pub struct Change {
    pub name: Option<String>,
    pub kind: Option<String>,
    pub settings: Option<Found>,
}

/// The providers of an org.
#[derive(uniffi::Object)]
pub struct Providers(OktaProviders);

#[uniffi::export]
impl Providers {
    #[uniffi::constructor]
    pub fn build(settings: OrgSettings) -> Result<Arc<Self>> {
        let mut builder = OktaProviders::builder(settings.org);
        builder = match settings.credentials {
            OrgCredentials::Ssws { token } => builder.ssws(token),
            OrgCredentials::Bearer { token } => builder.bearer(token),
            OrgCredentials::Client { credentials } => builder.client_credentials(credentials.core()),
        };
        builder = builder.retry(settings.policy.retry()?);
        if let Some(deadline) = settings.policy.deadline()? {
            builder = builder.deadline(deadline);
        }
        let Network { ca_bundles, proxy, source_address, allow_networks, client_certificate, http2 } =
            settings.network;
        if client_certificate.is_some() || !http2 {
            return Err(Failure::config("Okta's API takes no client certificate, and HTTP/2 is left to it"));
        }
        for bundle in ca_bundles {
            builder = builder.ca_bundle(bundle);
        }
        if let Some(proxy) = proxy {
            builder = builder.proxy(proxy);
        }
        if let Some(address) = source_address {
            builder = builder.source_address(address);
        }
        for network in allow_networks {
            builder = builder.allow_network(network);
        }
        if settings.allow_loopback {
            builder = builder.allow_loopback();
        }
        Ok(Arc::new(Self(builder.build()?)))
    }

    pub async fn create(&self, wanted: Wanted, cancellation: Arc<Cancellation>) -> Result<Provider> {
        self.one(&cancellation, |org| async move { org.create(&wanted.into()).await }).await
    }

    pub async fn ensure(&self, wanted: Wanted, cancellation: Arc<Cancellation>) -> Result<Provider> {
        self.one(&cancellation, |org| async move { org.ensure(&wanted.into()).await }).await
    }

    pub async fn replace(
        &self,
        id: String,
        wanted: Wanted,
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
        self.one(&cancellation, |org| async move { org.update(&id, |provider| change.apply(provider)).await })
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

impl Change {
    fn apply(self, mut provider: NewProvider) -> NewProvider {
        if let Some(name) = self.name {
            provider = provider.with_name(name);
        }
        if let Some(kind) = self.kind {
            provider = provider.with_kind(kind);
        }
        if let Some(settings) = self.settings {
            provider = provider.with_settings(settings.into());
        }
        provider
    }
}

impl From<Wanted> for NewProvider {
    fn from(wanted: Wanted) -> Self {
        Self::new(wanted.name, wanted.kind, wanted.settings.into())
    }
}

impl From<Found> for ProviderSettings {
    fn from(settings: Found) -> Self {
        match settings {
            Found::WellKnown { url } => Self::well_known(url),
            Found::Issuer { issuer, jwks_url } => Self::issuer(issuer, jwks_url),
        }
    }
}

impl From<&SecurityEventsProvider> for Provider {
    fn from(provider: &SecurityEventsProvider) -> Self {
        Self {
            id: provider.id().to_owned(),
            name: provider.name().to_owned(),
            kind: provider.kind().to_owned(),
            status: provider.status().as_str().to_owned(),
            well_known_url: provider.well_known_url().map(str::to_owned),
            issuer: provider.issuer().map(str::to_owned),
            jwks_url: provider.jwks_url().map(str::to_owned),
        }
    }
}

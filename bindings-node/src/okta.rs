//! The security events providers of an Okta org.

use std::future::Future;

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use ssf_transmitter::{
    self as sdk, ErrorCode, OktaProviders,
    okta::{NewProvider, ProviderSettings, SecurityEventsProvider},
};

use crate::{
    failure::{Failure, Outcome, Result, outcome},
    mailbox::Mailbox,
    okta_log::received,
    policy::Policy,
    receiver::ClientCredentials,
    runtime::runtime,
};

/// How to reach an org.
#[napi(object, object_to_js = false)]
pub struct OrgSettings<'a> {
    pub org: String,
    pub ssws: Option<String>,
    pub bearer: Option<String>,
    pub client_credentials: Option<ClientCredentials<'a>>,
    pub policy: Policy,
    pub ca_bundles: Vec<Uint8Array>,
    pub proxy: Option<String>,
    pub source_address: Option<String>,
    pub allow_networks: Vec<String>,
    pub allow_loopback: bool,
}

/// What can be set of a provider: either a configuration, or issuer and JWKS. Of a change, what is to be another.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct Wanted {
    pub name: Option<String>,
    pub kind: Option<String>,
    pub well_known_url: Option<String>,
    pub issuer: Option<String>,
    pub jwks_url: Option<String>,
}

/// A provider as Okta shows it.
#[napi(object, object_from_js = false)]
pub struct Provider {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub status: String,
    pub well_known_url: Option<String>,
    pub issuer: Option<String>,
    pub jwks_url: Option<String>,
}

/// The providers of an org.
#[napi]
pub struct Providers(OktaProviders);

#[napi]
impl Providers {
    #[napi]
    pub fn build(settings: OrgSettings<'_>) -> Outcome<Providers> {
        outcome(settings.core().map(Self))
    }

    /// Looks in the log for a SET, by its text and the time of its answer.
    #[napi]
    pub fn received(
        &self,
        mailbox: &Mailbox,
        number: u32,
        compact: String,
        answered_at: f64,
        deadline: Option<f64>,
    ) -> Outcome<()> {
        mailbox.spawn(number, received(self.0.clone(), compact, answered_at, deadline))
    }

    /// Does `operation` on the provider `id`, or with the `wanted` one.
    #[napi]
    pub fn call(
        &self,
        mailbox: &Mailbox,
        number: u32,
        operation: String,
        id: Option<String>,
        wanted: Option<Wanted>,
    ) -> Outcome<()> {
        let (api, id) = (self.0.clone(), id.unwrap_or_default());
        let wanted = wanted.unwrap_or_default();
        match operation.as_str() {
            "create" => one(mailbox, number, async move { Ok(api.create(&wanted.complete()?).await?) }),
            "ensure" => one(mailbox, number, async move { Ok(api.ensure(&wanted.complete()?).await?) }),
            "replace" => {
                one(mailbox, number, async move { Ok(api.replace(&id, &wanted.complete()?).await?) })
            }
            "update" => one(mailbox, number, async move {
                let settings = wanted.settings()?;
                Ok(api.update(&id, |provider| wanted.change(settings, provider)).await?)
            }),
            "read" => one(mailbox, number, async move { Ok(api.read(&id).await?) }),
            "activate" => one(mailbox, number, async move { Ok(api.activate(&id).await?) }),
            "deactivate" => one(mailbox, number, async move { Ok(api.deactivate(&id).await?) }),
            "delete" => mailbox.spawn(number, async move { Ok(api.delete(&id).await?) }),
            _ => mailbox.spawn(number, async move {
                Ok(api.list().await?.iter().map(Provider::from).collect::<Vec<_>>())
            }),
        }
    }
}

impl Providers {
    pub(crate) fn core(&self) -> &OktaProviders {
        &self.0
    }
}

fn one(
    mailbox: &Mailbox,
    number: u32,
    work: impl Future<Output = Result<SecurityEventsProvider>> + Send + 'static,
) -> Outcome<()> {
    mailbox.spawn(number, async move { Ok(Provider::from(&work.await?)) })
}

impl OrgSettings<'_> {
    fn core(self) -> Result<OktaProviders> {
        let mut builder = OktaProviders::builder(self.org);
        builder = match (self.ssws, self.bearer, self.client_credentials) {
            (Some(token), None, None) => builder.ssws(token),
            (None, Some(token), None) => builder.bearer(token),
            (None, None, Some(credentials)) => builder.client_credentials(credentials.core()?),
            _ => {
                let message = "give one of apiToken, bearer and clientCredentials";
                return Err(Failure::of(ErrorCode::ConfigurationInvalid, message));
            }
        };
        builder = builder.retry(self.policy.retry()?);
        if let Some(deadline) = self.policy.deadline()? {
            builder = builder.deadline(deadline);
        }
        for bundle in &self.ca_bundles {
            builder = builder.ca_bundle(&bundle[..]);
        }
        if let Some(proxy) = self.proxy {
            builder = builder.proxy(proxy);
        }
        if let Some(address) = self.source_address {
            builder = builder.source_address(address);
        }
        for network in self.allow_networks {
            builder = builder.allow_network(network);
        }
        if self.allow_loopback {
            builder = builder.allow_loopback();
        }
        // Built inside the runtime, to which the HTTP pool will belong.
        let _inside = runtime()?.enter();
        Ok(builder.build()?)
    }
}

impl Wanted {
    /// Its settings, if there are any.
    fn settings(&self) -> Result<Option<ProviderSettings>> {
        match (&self.well_known_url, &self.issuer, &self.jwks_url) {
            (None, None, None) => Ok(None),
            (Some(url), None, None) => Ok(Some(ProviderSettings::well_known(url))),
            (None, Some(issuer), Some(jwks_url)) => Ok(Some(ProviderSettings::issuer(issuer, jwks_url))),
            _ => {
                let message = "a provider has either a wellKnownUrl, or an issuer and a jwksUrl";
                Err(Failure::of(ErrorCode::ProviderInvalid, message))
            }
        }
    }

    /// A provider of which all is said.
    fn complete(self) -> Result<NewProvider> {
        let (Some(settings), Some(name), Some(kind)) = (self.settings()?, self.name, self.kind) else {
            let message =
                "a provider has a name, a type, and either a wellKnownUrl, or an issuer and a jwksUrl";
            return Err(Failure::of(ErrorCode::ProviderInvalid, message));
        };
        Ok(NewProvider::new(name, kind, settings))
    }

    /// A provider with what is said here, and else as it was.
    fn change(self, settings: Option<ProviderSettings>, mut provider: NewProvider) -> NewProvider {
        if let Some(name) = self.name {
            provider = provider.with_name(name);
        }
        if let Some(kind) = self.kind {
            provider = provider.with_kind(kind);
        }
        if let Some(settings) = settings {
            provider = provider.with_settings(settings);
        }
        provider
    }
}

impl From<&SecurityEventsProvider> for Provider {
    fn from(provider: &sdk::okta::SecurityEventsProvider) -> Self {
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

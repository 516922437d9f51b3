//! Okta's API that registers transmitters.

use pyo3::{Borrowed, exceptions::PyTypeError, prelude::*};
use ssf_transmitter::{
    self as sdk,
    okta::{NewProvider, ProviderSettings, SecurityEventsProvider},
    secret::Secret,
    token::ClientCredentials,
};

use crate::{
    arguments::{Moment, Span},
    errors::Result,
    futures::{Mailbox, Task},
    okta_log::{GivenSent, LogPager, ToldReception, received},
    process::PerProcess,
    receiver,
    runtime::wait_directly,
    transmitter::Policy,
};

/// The security events providers of an org.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct OktaProviders {
    settings: Settings,
    /// For the shared runtime, and for calls that do their work themselves: as a transmitter has it.
    core: PerProcess<sdk::OktaProviders>,
    direct: PerProcess<sdk::OktaProviders>,
}

/// What it is made from, in each process again.
struct Settings {
    org: String,
    token: Token,
    policy: Policy,
    ca_bundles: Vec<Vec<u8>>,
    proxy: Option<String>,
    source_address: Option<String>,
    allow_networks: Vec<String>,
    allow_loopback: bool,
}

enum Token {
    Ssws(Secret<String>),
    Bearer(Secret<String>),
    Fetched(ClientCredentials),
}

/// Id, name, type, status, and the URL of the configuration, issuer and URL of the JWKS, as far as they are known.
type Told = (String, String, String, String, Option<String>, Option<String>, Option<String>);

#[pymethods]
impl OktaProviders {
    #[new]
    #[pyo3(signature = (
        org, *, ssws, bearer, client_credentials, deadline, retry, ca_bundles, proxy, source_address, allow_networks,
        allow_loopback
    ))]
    #[allow(clippy::too_many_arguments, reason = "the settings of the API")]
    fn new(
        org: String,
        ssws: Option<String>,
        bearer: Option<String>,
        client_credentials: Option<&receiver::ClientCredentials>,
        deadline: Option<Span>,
        retry: Option<Policy>,
        ca_bundles: Vec<Vec<u8>>,
        proxy: Option<String>,
        source_address: Option<String>,
        allow_networks: Vec<String>,
        allow_loopback: bool,
    ) -> Result<Self> {
        let token = match (ssws, bearer, client_credentials) {
            (Some(token), None, None) => Token::Ssws(token.into()),
            (None, Some(token), None) => Token::Bearer(token.into()),
            (None, None, Some(credentials)) => Token::Fetched(credentials.0.clone()),
            _ => return Err(PyTypeError::new_err("give one of ssws, bearer and client_credentials").into()),
        };
        let policy = retry.unwrap_or_default().within(deadline);
        let settings = Settings {
            org,
            token,
            policy,
            ca_bundles,
            proxy,
            source_address,
            allow_networks,
            allow_loopback,
        };
        let providers = Self { settings, core: PerProcess::new(), direct: PerProcess::new() };
        providers.direct()?;
        Ok(providers)
    }

    /// Makes a call, and returns the providers that it shows.
    fn call(&self, py: Python<'_>, operation: Operation) -> Result<Vec<Told>> {
        let providers = self.direct()?.clone();
        Ok(wait_directly(py, operation.perform(providers))??)
    }

    /// Looks in the log for what became of a SET.
    fn received(&self, py: Python<'_>, sent: GivenSent, deadline: Option<Span>) -> Result<ToldReception> {
        Ok(wait_directly(py, received(self.direct()?.clone(), sent, deadline))??)
    }

    fn received_async(
        &self,
        sent: GivenSent,
        deadline: Option<Span>,
        mailbox: &Mailbox,
        future: Py<PyAny>,
    ) -> Result<Task> {
        mailbox.spawn(future, received(self.core()?.clone(), sent, deadline), |told| told)
    }

    /// The log, for `next`, or for `next_async` if that is said. `follow` is how often to look for new entries.
    fn log(
        &self,
        is_async: bool,
        since: Moment,
        until: Option<Moment>,
        event_types: Option<Vec<String>>,
        page_size: u16,
        follow: Option<Span>,
    ) -> Result<LogPager> {
        let providers = if is_async { self.core()? } else { self.direct()? };
        Ok(LogPager::new(providers, since, until, event_types, page_size, follow))
    }

    fn call_async(&self, operation: Operation, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let providers = self.core()?.clone();
        mailbox.spawn(future, operation.perform(providers), |told| told)
    }
}

impl OktaProviders {
    /// For the shared runtime.
    pub(crate) fn core(&self) -> Result<&sdk::OktaProviders> {
        Ok(self.core.get(|| self.settings.build())?)
    }

    /// For calls that do their work themselves.
    pub(crate) fn direct(&self) -> Result<&sdk::OktaProviders> {
        Ok(self.direct.get(|| self.settings.build())?)
    }
}

impl Settings {
    fn build(&self) -> sdk::error::Result<sdk::OktaProviders> {
        let builder = sdk::OktaProviders::builder(self.org.as_str());
        let mut builder = match &self.token {
            Token::Ssws(token) => builder.ssws(token.clone()),
            Token::Bearer(token) => builder.bearer(token.clone()),
            Token::Fetched(credentials) => builder.client_credentials(credentials.clone()),
        };
        builder = builder.retry(self.policy.retry());
        if let Some(deadline) = self.policy.deadline {
            builder = builder.deadline(deadline);
        }
        for bundle in &self.ca_bundles {
            builder = builder.ca_bundle(bundle.as_slice());
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy);
        }
        if let Some(address) = &self.source_address {
            builder = builder.source_address(address);
        }
        for network in &self.allow_networks {
            builder = builder.allow_network(network);
        }
        if self.allow_loopback {
            builder = builder.allow_loopback();
        }
        builder.build()
    }
}

/// A call.
enum Operation {
    Create(NewProvider),
    List,
    Read(String),
    Replace(String, NewProvider),
    Update(String, Wanted),
    Activate(String),
    Deactivate(String),
    Delete(String),
    Ensure(NewProvider),
}

/// What is wanted of a provider, as far as it is said.
#[derive(FromPyObject)]
pub(crate) struct Wanted {
    name: Option<String>,
    kind: Option<String>,
    well_known_url: Option<String>,
    issuer: Option<String>,
    jwks_url: Option<String>,
}

/// The name of a call, the id of a provider, and what is wanted of it, as far as the call needs them.
impl<'py> FromPyObject<'_, 'py> for Operation {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (name, id, wanted): (String, String, Option<Wanted>) = given.extract()?;
        Ok(match (name.as_str(), wanted) {
            ("create", Some(wanted)) => Self::Create(wanted.complete()?),
            ("ensure", Some(wanted)) => Self::Ensure(wanted.complete()?),
            ("replace", Some(wanted)) => Self::Replace(id, wanted.complete()?),
            ("update", Some(wanted)) => {
                wanted.settings()?;
                Self::Update(id, wanted)
            }
            ("list", None) => Self::List,
            ("read", None) => Self::Read(id),
            ("activate", None) => Self::Activate(id),
            ("deactivate", None) => Self::Deactivate(id),
            ("delete", None) => Self::Delete(id),
            _ => return Err(PyTypeError::new_err("there is no such call")),
        })
    }
}

impl Wanted {
    /// Its settings, if there are any.
    fn settings(&self) -> PyResult<Option<ProviderSettings>> {
        match (&self.well_known_url, &self.issuer, &self.jwks_url) {
            (None, None, None) => Ok(None),
            (Some(url), None, None) => Ok(Some(ProviderSettings::well_known(url))),
            (None, Some(issuer), Some(url)) => Ok(Some(ProviderSettings::issuer(issuer, url))),
            _ => Err(PyTypeError::new_err("give either well_known_url, or issuer and jwks_url")),
        }
    }

    /// A provider of which all is said.
    fn complete(self) -> PyResult<NewProvider> {
        match (self.settings()?, self.name, self.kind) {
            (Some(settings), Some(name), Some(kind)) => Ok(NewProvider::new(name, kind, settings)),
            _ => Err(PyTypeError::new_err("give either well_known_url, or issuer and jwks_url")),
        }
    }

    /// The provider with what is said here.
    fn change(self, mut provider: NewProvider) -> NewProvider {
        if let Ok(Some(settings)) = self.settings() {
            provider = provider.with_settings(settings);
        }
        if let Some(name) = self.name {
            provider = provider.with_name(name);
        }
        if let Some(kind) = self.kind {
            provider = provider.with_kind(kind);
        }
        provider
    }
}

impl Operation {
    async fn perform(self, providers: sdk::OktaProviders) -> sdk::error::Result<Vec<Told>> {
        let shown = match self {
            Self::List => return Ok(providers.list().await?.iter().map(told).collect()),
            Self::Delete(id) => return providers.delete(&id).await.map(|()| Vec::new()),
            Self::Create(provider) => providers.create(&provider).await?,
            Self::Ensure(provider) => providers.ensure(&provider).await?,
            Self::Read(id) => providers.read(&id).await?,
            Self::Replace(id, provider) => providers.replace(&id, &provider).await?,
            Self::Update(id, wanted) => providers.update(&id, |provider| wanted.change(provider)).await?,
            Self::Activate(id) => providers.activate(&id).await?,
            Self::Deactivate(id) => providers.deactivate(&id).await?,
        };
        Ok(vec![told(&shown)])
    }
}

fn told(provider: &SecurityEventsProvider) -> Told {
    (
        provider.id().to_owned(),
        provider.name().to_owned(),
        provider.kind().to_owned(),
        provider.status().as_str().to_owned(),
        provider.well_known_url().map(str::to_owned),
        provider.issuer().map(str::to_owned),
        provider.jwks_url().map(str::to_owned),
    )
}

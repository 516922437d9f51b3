//! Okta's API that registers transmitters.

use pyo3::{Borrowed, exceptions::PyTypeError, prelude::*};
use ssf_bindings::{
    network::NetworkSettings,
    okta::{Operation, OrgCredentials, OrgSettings, PartsProblem, ProviderParts},
};
use ssf_transmitter::{self as sdk, okta::SecurityEventsProvider};

use crate::{
    arguments::{Moment, Span},
    errors::Result,
    futures::{Mailbox, Task},
    okta_log::{LogPager, ReceptionTuple, SentArgument, received},
    policy::{Retry, policy},
    process::PerProcess,
    receiver,
    runtime::wait_directly,
};

/// The security events providers of an org.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct OktaProviders {
    settings: OrgSettings,
    /// For the shared runtime, and for calls that do their work themselves: as a transmitter has it.
    core: PerProcess<sdk::OktaProviders>,
    direct: PerProcess<sdk::OktaProviders>,
}

/// Id, name, type, status, and the URL of the configuration, issuer and URL of the JWKS, as far as they are known.
type ProviderTuple = (String, String, String, String, Option<String>, Option<String>, Option<String>);

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
        retry: Option<Retry>,
        ca_bundles: Vec<Vec<u8>>,
        proxy: Option<String>,
        source_address: Option<String>,
        allow_networks: Vec<String>,
        allow_loopback: bool,
    ) -> Result<Self> {
        let client = client_credentials.map(|credentials| credentials.0.clone());
        let credentials = OrgCredentials::one_of(ssws, bearer, client)
            .ok_or_else(|| PyTypeError::new_err("pass exactly one of ssws, bearer and client_credentials"))?;
        let network = NetworkSettings {
            ca_bundles,
            client_certificate: None,
            proxy,
            source_address,
            allow_networks,
            http2: true,
        };
        let (policy, network) = (policy(deadline, retry), network.network());
        let settings = OrgSettings { org, credentials, policy, network, allow_loopback };
        let providers = Self { settings, core: PerProcess::new(), direct: PerProcess::new() };
        providers.direct()?;
        Ok(providers)
    }

    /// Makes a call, and returns the providers that it shows.
    fn call(&self, py: Python<'_>, operation: Call) -> Result<Vec<ProviderTuple>> {
        let providers = self.direct()?.clone();
        Ok(wait_directly(py, perform(operation, providers))??)
    }

    /// Searches the log for a SET.
    fn received(&self, py: Python<'_>, sent: SentArgument, deadline: Option<Span>) -> Result<ReceptionTuple> {
        Ok(wait_directly(py, received(self.direct()?.clone(), sent, deadline))??)
    }

    fn received_async(
        &self,
        sent: SentArgument,
        deadline: Option<Span>,
        mailbox: &Mailbox,
        future: Py<PyAny>,
    ) -> Result<Task> {
        mailbox.spawn(future, received(self.core()?.clone(), sent, deadline), |result| result)
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

    fn call_async(&self, operation: Call, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let providers = self.core()?.clone();
        mailbox.spawn(future, perform(operation, providers), |result| result)
    }
}

impl OktaProviders {
    /// For the shared runtime.
    pub(crate) fn core(&self) -> Result<&sdk::OktaProviders> {
        Ok(self.core.get(|| self.settings.clone().build())?)
    }

    /// For calls that do their work themselves.
    pub(crate) fn direct(&self) -> Result<&sdk::OktaProviders> {
        Ok(self.direct.get(|| self.settings.clone().build())?)
    }
}

/// What is wanted of a provider, as far as it is said.
#[derive(FromPyObject)]
pub(crate) struct ProviderArguments {
    name: Option<String>,
    kind: Option<String>,
    well_known_url: Option<String>,
    issuer: Option<String>,
    jwks_url: Option<String>,
}

/// The name of a call, the id of a provider, and what is wanted of it, as far as the call needs them.
struct Call(Operation);

impl<'py> FromPyObject<'_, 'py> for Call {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (name, id, wanted): (String, String, Option<ProviderArguments>) = given.extract()?;
        let parts = wanted.map(|ProviderArguments { name, kind, well_known_url, issuer, jwks_url }| {
            ProviderParts { name, kind, well_known_url, issuer, jwks_url }
        });
        Operation::named(&name, id, parts).map(Self).map_err(|problem| {
            PyTypeError::new_err(match problem {
                PartsProblem::NoSuchOperation => "there is no such call",
                _ => "pass either well_known_url, or issuer and jwks_url",
            })
        })
    }
}

async fn perform(call: Call, providers: sdk::OktaProviders) -> sdk::Result<Vec<ProviderTuple>> {
    Ok(call.0.perform(providers).await?.iter().map(provider_tuple).collect())
}

fn provider_tuple(provider: &SecurityEventsProvider) -> ProviderTuple {
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

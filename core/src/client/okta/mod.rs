//! Okta's SSF Receiver API over HTTP: the calls of [`crate::okta`], retried if that is safe.

mod builder;
mod log;
mod received;

use std::{fmt, sync::Arc, time::Duration};

pub use builder::OktaProvidersBuilder;
pub use log::LogPager;
pub use received::Received;

use super::{
    authorization::Authorized,
    drive::{Surroundings, drive},
    transport::Transport,
};
use crate::{
    error::{ErrorCode, Result},
    http::{Failure, Request, Response},
    okta::{Call, Calling, LogApi, LogQuery, NewProvider, ProvidersApi, SecurityEventsProvider, Sent},
    random,
    retry::Bounds,
    secret::Secret,
    time::{Clock as _, SteadyClock, Timestamp},
};

/// The security events providers of an Okta org: who may send it SETs. Cheap to clone; clones share one HTTP pool.
///
/// Each method ends within the deadline. A request is retried after a throttled, failed or lost answer, with the
/// delays of [`RetryPolicy`](crate::delivery::RetryPolicy); a `create` only where it is certain that nothing was created.
///
/// ```no_run
/// use ssf_transmitter::{OktaProviders, okta::{NewProvider, ProviderSettings}};
///
/// # async fn example(token: String) -> Result<(), ssf_transmitter::Error> {
/// let providers = OktaProviders::builder("https://acme.okta.com").ssws(token).build()?;
/// let settings = ProviderSettings::well_known("https://edr.example.com/.well-known/ssf-configuration");
/// let provider = providers.ensure(&NewProvider::new("Example EDR", "example-edr", settings)).await?;
/// println!("{} is {}", provider.id(), provider.status().as_str());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OktaProviders(Arc<Inner>);

struct Inner {
    api: ProvidersApi,
    log: LogApi,
    authorization: Authorized,
    transport: Transport,
    bounds: Bounds,
    clock: SteadyClock,
}

impl OktaProviders {
    /// The providers of an org, by the URL that its users sign in at, such as `https://acme.okta.com`. A token is needed:
    /// [`ssws`](OktaProvidersBuilder::ssws), [`bearer`](OktaProvidersBuilder::bearer) or
    /// [`client_credentials`](OktaProvidersBuilder::client_credentials).
    pub fn builder(org: impl Into<String>) -> OktaProvidersBuilder {
        OktaProvidersBuilder::new(org.into())
    }

    /// Registers a provider. Okta makes it active.
    ///
    /// After [`ErrorCode::ApiOutcomeUnknown`] it may be there; [`ensure`](Self::ensure) finds out.
    pub async fn create(&self, provider: &NewProvider) -> Result<SecurityEventsProvider> {
        self.run(self.0.api.create(provider)?, self.ends()).await
    }

    /// Lists all providers.
    pub async fn list(&self) -> Result<Vec<SecurityEventsProvider>> {
        self.all(self.ends()).await
    }

    /// Reads a provider.
    pub async fn read(&self, id: &str) -> Result<SecurityEventsProvider> {
        self.run(self.0.api.read(id)?, self.ends()).await
    }

    /// Replaces name, type and settings of a provider.
    pub async fn replace(&self, id: &str, provider: &NewProvider) -> Result<SecurityEventsProvider> {
        self.run(self.0.api.replace(id, provider)?, self.ends()).await
    }

    /// Changes some settings of a provider: reads it, passes the settings to `change`, and replaces it if they differ.
    ///
    /// Okta has no conditional replacement: of two concurrent changes, the later one wins.
    ///
    /// ```no_run
    /// # async fn example(providers: ssf_transmitter::OktaProviders) -> Result<(), ssf_transmitter::Error> {
    /// providers.update("sse1qg25RpusjUP6m0g5", |provider| provider.with_name("EDR, production")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update(
        &self,
        id: &str,
        change: impl FnOnce(NewProvider) -> NewProvider,
    ) -> Result<SecurityEventsProvider> {
        let ends = self.ends();
        let found = self.run(self.0.api.read(id)?, ends).await?;
        let wanted = change(found.to_new());
        self.settle(found, &wanted, ends).await
    }

    /// Activates a provider, so that its SETs are accepted.
    pub async fn activate(&self, id: &str) -> Result<SecurityEventsProvider> {
        self.run(self.0.api.activate(id)?, self.ends()).await
    }

    /// Deactivates a provider, so that its SETs are rejected.
    pub async fn deactivate(&self, id: &str) -> Result<SecurityEventsProvider> {
        self.run(self.0.api.deactivate(id)?, self.ends()).await
    }

    /// Deletes a provider.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.run(self.0.api.delete(id)?, self.ends()).await
    }

    /// Makes sure that there is a provider with these settings. Calling it repeatedly is safe: the one with the same name and the same
    /// configuration URL or issuer, with type and JWKS URL set as they are wanted, or a new one.
    ///
    /// Whether an existing one is active is left to its admins: look at
    /// [`status`](SecurityEventsProvider::status).
    pub async fn ensure(&self, wanted: &NewProvider) -> Result<SecurityEventsProvider> {
        let ends = self.ends();
        let create = self.0.api.create(wanted)?;
        if let Some(found) = self.find(wanted, ends).await? {
            return self.settle(found, wanted, ends).await;
        }
        match self.run(create, ends).await {
            // It is there after all: by this call, or by another one at the same time.
            Err(error)
                if matches!(error.code(), ErrorCode::ApiOutcomeUnknown | ErrorCode::ProviderConflict) =>
            {
                match self.find(wanted, ends).await? {
                    Some(found) => self.settle(found, wanted, ends).await,
                    None => Err(error),
                }
            }
            created => created,
        }
    }

    /// Searches the org's System Log for a SET that it answered with 202: with a [`Receipt`], or with a
    /// [`Sent`] where another process has sent it. Await it.
    ///
    /// Okta accepts SETs that it then drops. The token needs the scope `okta.logs.read`; one that may also read the
    /// providers makes causes certain.
    ///
    /// ```no_run
    /// # use ssf_transmitter::{OktaProviders, Receipt};
    /// # async fn example(providers: OktaProviders, receipt: Receipt) -> Result<(), ssf_transmitter::Error> {
    /// let reception = providers.received(&receipt).await?;
    /// println!("{}", reception.outcome().as_str());
    /// for cause in reception.causes() {
    ///     println!("{} {}", cause.kind().meaning(), cause.kind().remedy());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Receipt`]: crate::Receipt
    pub fn received(&self, sent: impl Into<Sent>) -> Received {
        Received::new(self.clone(), sent.into())
    }

    /// Reads the org's System Log, entry by entry. The token needs the scope `okta.logs.read`.
    ///
    /// ```no_run
    /// # use ssf_transmitter::{OktaProviders, Timestamp, okta::LogQuery};
    /// # async fn example(providers: OktaProviders) -> Result<(), ssf_transmitter::Error> {
    /// let an_hour_ago = Timestamp::now().minus(std::time::Duration::from_secs(3600));
    /// let mut log = providers.log(LogQuery::since(an_hour_ago));
    /// while let Some(event) = log.next().await? {
    ///     println!("{} {}", event.uuid(), event.event_type());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn log(&self, query: LogQuery) -> LogPager {
        LogPager::new(self.clone(), query)
    }

    async fn find(&self, wanted: &NewProvider, ends: Timestamp) -> Result<Option<SecurityEventsProvider>> {
        Ok(self.all(ends).await?.into_iter().find(|provider| wanted.is(provider)))
    }

    /// Replaces a provider unless it is as it is wanted.
    async fn settle(
        &self,
        found: SecurityEventsProvider,
        wanted: &NewProvider,
        ends: Timestamp,
    ) -> Result<SecurityEventsProvider> {
        if found.to_new() == *wanted {
            return Ok(found);
        }
        self.run(self.0.api.replace(found.id(), wanted)?, ends).await
    }

    async fn all(&self, ends: Timestamp) -> Result<Vec<SecurityEventsProvider>> {
        let mut providers = Vec::new();
        let mut next = Some(self.0.api.list());
        while let Some(call) = next {
            let page = self.run(call, ends).await?;
            next = page.next();
            providers.extend(page.into_providers());
        }
        Ok(providers)
    }

    fn ends(&self) -> Timestamp {
        self.0.clock.now().plus(self.0.bounds.deadline)
    }

    /// Makes a call, and retries it where that is safe and useful.
    async fn run<T>(&self, call: Call<T>, ends: Timestamp) -> Result<T> {
        self.run_within(call, self.0.bounds.clone(), ends).await
    }

    /// Makes a call within these bounds.
    async fn run_within<T>(&self, call: Call<T>, bounds: Bounds, ends: Timestamp) -> Result<T> {
        let around = Around { providers: self, operation: call.operation(), ends };
        let calling = Calling::new(call).within(bounds, ends).with_seed(random::number()?);
        let mut calling = if self.0.authorization.renews() { calling.with_renewal() } else { calling };
        drive(&mut calling, &around).await
    }

    fn host(&self) -> &str {
        self.0.api.host()
    }
}

/// One call, with all that it needs.
struct Around<'a> {
    providers: &'a OktaProviders,
    operation: &'static str,
    ends: Timestamp,
}

impl Surroundings for Around<'_> {
    fn now(&self) -> Timestamp {
        self.providers.0.clock.now()
    }

    fn ends(&self) -> Timestamp {
        self.ends
    }

    async fn authorize(&self, refused: Option<Secret<String>>) -> Result<Secret<String>> {
        let Inner { transport, authorization, clock, .. } = &*self.providers.0;
        authorization.value(transport, clock, self.providers.host(), refused.as_ref()).await
    }

    async fn send(&self, request: &Request, timeout: Duration) -> Result<Result<Response, Failure>> {
        let (host, operation) = (self.providers.host(), self.operation);
        let answer = self.providers.0.transport.send(request, timeout).await;
        match &answer {
            Ok(response) => {
                let status = response.status;
                tracing::debug!(name: "ssf.api", host, operation, status, "answered");
            }
            Err(failure) => {
                let code = failure.code().as_str();
                tracing::debug!(name: "ssf.api", host, operation, code, "no answer");
            }
        }
        Ok(answer)
    }
}

impl fmt::Debug for OktaProviders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OktaProviders").field("host", &self.host()).finish_non_exhaustive()
    }
}

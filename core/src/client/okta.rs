//! Okta's SSF Receiver API over HTTP: the calls of [`crate::okta`], tried again where that does no harm.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    authorization::Authorized,
    transport::{Network, Transport},
};
use crate::{
    delivery::{Bounds, Jitter, RetryPolicy},
    error::{Error, ErrorCode, Result, Retry},
    okta::{Call, NewProvider, ProvidersApi, SecurityEventsProvider},
    random,
    secret::Secret,
    time::{Clock as _, SteadyClock, Timestamp},
    token::{Authorization, ClientCredentials, check},
};

/// The security events providers of an Okta org: who may send it SETs. Cheap to clone; clones share one HTTP pool.
///
/// Each method ends within the deadline. What is asked for is asked again after a throttled, failed or lost answer, with the
/// waits of [`RetryPolicy`]; a `create` only where it is certain that nothing was created.
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
    authorization: Authorized,
    transport: Transport,
    bounds: Bounds,
    clock: SteadyClock,
}

/// Builds [`OktaProviders`]; [`build`](Self::build) checks the settings.
pub struct OktaProvidersBuilder {
    org: String,
    authorization: Authorization,
    ssws: Option<Secret<String>>,
    deadline: Option<Duration>,
    retry: RetryPolicy,
    network: Network,
    loopback: bool,
}

impl OktaProviders {
    /// The providers of an org, by the URL that its users sign in at, such as `https://acme.okta.com`. A token is needed:
    /// [`ssws`](OktaProvidersBuilder::ssws), [`bearer`](OktaProvidersBuilder::bearer) or
    /// [`client_credentials`](OktaProvidersBuilder::client_credentials).
    pub fn builder(org: impl Into<String>) -> OktaProvidersBuilder {
        OktaProvidersBuilder {
            org: org.into(),
            authorization: Authorization::None,
            ssws: None,
            deadline: None,
            retry: RetryPolicy::default(),
            network: Network::default(),
            loopback: false,
        }
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

    /// Changes some of a provider: reads it, hands what can be set to `change`, and replaces it if that changed anything.
    ///
    /// Okta has no condition on a replacement: of two changes at once the later one stays.
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

    /// Has SETs of a provider taken.
    pub async fn activate(&self, id: &str) -> Result<SecurityEventsProvider> {
        self.run(self.0.api.activate(id)?, self.ends()).await
    }

    /// Has SETs of a provider refused.
    pub async fn deactivate(&self, id: &str) -> Result<SecurityEventsProvider> {
        self.run(self.0.api.deactivate(id)?, self.ends()).await
    }

    /// Deletes a provider.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.run(self.0.api.delete(id)?, self.ends()).await
    }

    /// Makes sure that there is a provider like that, however often it is called: the one with the same name and the same
    /// configuration URL or issuer, with type and JWKS URL set as they are wanted, or a new one.
    ///
    /// Whether the one that was there is active is left to its admins: look at
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

    /// Makes a call, as often as it does no harm and makes sense.
    async fn run<T>(&self, mut call: Call<T>, ends: Timestamp) -> Result<T> {
        let Inner { bounds, clock, .. } = &*self.0;
        let mut jitter = Jitter::new(random::number()?);
        let (mut attempts, mut refused, mut renewed) = (0, None, false);
        loop {
            attempts += 1;
            let error = match self.attempt(&mut call, refused.take(), ends).await {
                Ok(done) => return Ok(done),
                Err(Attempt { error, authorization }) => {
                    if error.code().retry() == Retry::AfterRenewal
                        && self.0.authorization.renews()
                        && !renewed
                    {
                        (refused, renewed) = (authorization, true);
                        continue;
                    }
                    error
                }
            };
            if error.code().retry() != Retry::Later || attempts >= bounds.max_attempts {
                return Err(error);
            }
            let now = clock.now();
            let until = now.plus(bounds.wait(attempts, error.retry_after(), jitter.next()));
            // A wait that ends past the deadline is not begun: the caller learns now what it would learn then.
            if until >= ends {
                return Err(error);
            }
            tokio::time::sleep(until.since(now)).await;
        }
    }

    async fn attempt<T>(
        &self,
        call: &mut Call<T>,
        refused: Option<Secret<String>>,
        ends: Timestamp,
    ) -> Result<T, Attempt> {
        let Inner { bounds, clock, transport, authorization, .. } = &*self.0;
        let host = self.host();
        let operation = call.operation();
        let left = ends.since(clock.now());
        let value = authorization.value(transport, clock, host, refused.as_ref());
        let value = match tokio::time::timeout(left, value).await {
            Ok(value) => value?,
            Err(_) => return Err(too_late(bounds).into()),
        };
        let left = ends.since(clock.now());
        if left.is_zero() {
            return Err(too_late(bounds).into());
        }
        let request = call.request(value.clone());
        let outcome = match transport.send(&request, bounds.attempt_timeout.min(left)).await {
            Ok(response) => {
                let status = response.status;
                tracing::debug!(name: "ssf.api", host, operation, status, "answered");
                call.answered(clock.now(), &response)
            }
            Err(failure) => {
                let code = failure.code().as_str();
                tracing::debug!(name: "ssf.api", host, operation, code, "no answer");
                Err(call.broken(&failure))
            }
        };
        outcome.map_err(|error| Attempt { error, authorization: Some(value) })
    }

    fn host(&self) -> &str {
        self.0.api.host()
    }
}

/// An attempt that failed, and what it was authorized with.
struct Attempt {
    error: Error,
    authorization: Option<Secret<String>>,
}

impl From<Error> for Attempt {
    fn from(error: Error) -> Self {
        Self { error, authorization: None }
    }
}

fn too_late(bounds: &Bounds) -> Error {
    let message = format!("the deadline of {} ms passed", bounds.deadline.as_millis());
    Error::new(ErrorCode::DeadlineExceeded, message)
}

impl OktaProvidersBuilder {
    /// Authorizes with an API token of the org: `SSWS`.
    pub fn ssws(mut self, token: impl Into<Secret<String>>) -> Self {
        self.authorization = Authorization::None;
        self.ssws = Some(token.into());
        self
    }

    /// Authorizes with an OAuth 2.0 access token that has the scope `okta.securityEventsProviders.manage`; to read alone
    /// `okta.securityEventsProviders.read` is enough.
    pub fn bearer(mut self, token: impl Into<Secret<String>>) -> Self {
        self.ssws = None;
        self.authorization = Authorization::Bearer(token.into());
        self
    }

    /// Authorizes with access tokens, got for these credentials: of an API services app of the org, which names itself by
    /// a key, at `/oauth2/v1/token`.
    ///
    /// ```
    /// use ssf_transmitter::{KeyType, OktaProviders, SigningKey, token::ClientCredentials};
    ///
    /// let key = SigningKey::generate(KeyType::Rsa2048)?;
    /// let credentials = ClientCredentials::with_key("https://acme.okta.com/oauth2/v1/token", "0oa1", key)
    ///     .scope("okta.securityEventsProviders.manage");
    /// let providers =
    ///     OktaProviders::builder("https://acme.okta.com").client_credentials(credentials).build()?;
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn client_credentials(mut self, credentials: ClientCredentials) -> Self {
        self.ssws = None;
        self.authorization = Authorization::ClientCredentials(credentials);
        self
    }

    /// Sets how long a method may take, from the call to its result; 30 seconds by default.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how often a call is tried, and how long the waits are.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Trusts the certificates of a CA bundle (PEM) too, beside those of the operating system and of the environment.
    pub fn ca_bundle(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.network.trust.extra_roots.push(pem.into());
        self
    }

    /// Goes through a proxy, such as `http://proxy.example.com:3128`. Without this the environment's proxies are used.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.network.proxy = Some(url.into());
        self
    }

    /// Sends from this address of this machine, for orgs that allow-list addresses: every connection leaves from it, to
    /// the org, its token endpoint and proxies. Hosts need an address of the same family. A NAT or a proxy may change what the
    /// org sees.
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, OktaProviders};
    ///
    /// let builder = OktaProviders::builder("https://acme.okta.com").ssws("token").source_address("192.0.2.7:443");
    /// let error = builder.build().unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::SourceAddressInvalid);
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    #[allow(clippy::needless_pass_by_value, reason = "an address is a value")]
    pub fn source_address(mut self, address: impl ToString) -> Self {
        self.network.source_address = Some(address.to_string());
        self
    }

    /// Opens the egress guard for a network, such as `10.1.0.0/16`, or one address.
    pub fn allow_network(mut self, network: impl Into<String>) -> Self {
        self.network.allowed.push(network.into());
        self
    }

    /// Allows this machine as org, as token endpoint and in settings, over plain http too, for trials and tests.
    pub fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Checks the settings and makes the HTTP pool.
    pub fn build(self) -> Result<OktaProviders> {
        let missing = |message: &str| Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        let authorization = match (self.ssws, self.authorization) {
            (Some(token), _) => {
                let token = check::api_token(&token)?;
                Authorization::Header(Secret::new(format!("SSWS {}", token.expose())))
            }
            (None, Authorization::None) => return missing("Okta's API needs a token"),
            (None, authorization) => authorization,
        };
        let bounds = Bounds::default().with(self.deadline, &self.retry).checked()?;
        if bounds.deadline.is_zero() {
            return missing("a deadline of zero leaves no time");
        }
        Ok(OktaProviders(Arc::new(Inner {
            api: ProvidersApi::at(&self.org, self.loopback)?,
            authorization: Authorized::new(authorization, self.loopback)?,
            transport: Transport::new(&self.network)?,
            bounds,
            clock: SteadyClock::start(),
        })))
    }
}

impl fmt::Debug for OktaProviders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OktaProviders").field("host", &self.host()).finish_non_exhaustive()
    }
}

impl fmt::Debug for OktaProvidersBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OktaProvidersBuilder").finish_non_exhaustive()
    }
}

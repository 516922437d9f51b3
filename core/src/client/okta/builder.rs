//! The settings of a client of Okta's API.

use std::{fmt, sync::Arc, time::Duration};

use super::{Inner, OktaProviders};
use crate::{
    client::{authorization::Authorized, network::Network, transport::Transport},
    error::{Error, ErrorCode, Result},
    okta::{LogApi, ProvidersApi},
    retry::{Bounds, RetryPolicy},
    secret::Secret,
    time::SteadyClock,
    token::{Authorization, ClientCredentials, check},
};

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

impl OktaProvidersBuilder {
    pub(super) fn new(org: String) -> Self {
        Self {
            org,
            authorization: Authorization::None,
            ssws: None,
            deadline: None,
            retry: RetryPolicy::default(),
            network: Network::default(),
            loopback: false,
        }
    }

    /// Authorizes with an API token of the org: `SSWS`.
    pub fn ssws(mut self, token: impl Into<Secret<String>>) -> Self {
        self.authorization = Authorization::None;
        self.ssws = Some(token.into());
        self
    }

    /// Authorizes with an OAuth 2.0 access token that has the scope `okta.securityEventsProviders.manage`; to read alone
    /// `okta.securityEventsProviders.read` is enough. The log needs `okta.logs.read`.
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

    /// Sets the deadline of a method, from the call to its result; 30 seconds by default.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how often a call is tried, and how long the waits are.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets how connections leave this machine.
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
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
            return missing("the deadline must be greater than zero");
        }
        Ok(OktaProviders(Arc::new(Inner {
            api: ProvidersApi::at(&self.org, self.loopback)?,
            log: LogApi::at(&self.org, self.loopback)?,
            authorization: Authorized::new(authorization, self.loopback)?,
            transport: Transport::new(&self.network)?,
            bounds,
            clock: SteadyClock::start(),
        })))
    }
}

impl fmt::Debug for OktaProvidersBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OktaProvidersBuilder").finish_non_exhaustive()
    }
}

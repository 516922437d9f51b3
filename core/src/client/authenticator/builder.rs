//! The settings of an authenticator.

use std::{fmt, sync::Arc, time::Duration};

use super::{Authenticator, Inner, keys::SharedKeys};
use crate::{
    access_token::{IssuerKeys, KeyTimes, ResourceMetadata, StaticTokens, TokenHash, TrustedIssuer},
    client::{network::Network, transport::Transport},
    error::{Error, ErrorCode, Result},
    rate::{RateLimit, RateLimiter},
    stream::Caller,
    time::{Clock, SteadyClock, SystemClock, Timestamp},
};

/// Tokens of the field have one or two kilobytes; those of Entra ID with many groups up to six.
const MAX_LENGTH: usize = 8 * 1024;
/// How long an issuer may take for one document.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// So many addresses are remembered.
const ADDRESSES: usize = 20_000;
const FAILURES: RateLimit = RateLimit::per_second(1).burst(20);

/// Builds an [`Authenticator`]; [`build`](Self::build) checks the settings.
pub struct AuthenticatorBuilder {
    resource: String,
    issuers: Vec<TrustedIssuer>,
    tokens: StaticTokens,
    max_length: usize,
    failures: RateLimit,
    network: Network,
    fetch_timeout: Duration,
    loopback: bool,
    clock: Option<Arc<dyn Clock>>,
}

impl AuthenticatorBuilder {
    pub(super) fn new(resource: String) -> Self {
        Self {
            resource,
            issuers: Vec::new(),
            tokens: StaticTokens::default(),
            max_length: MAX_LENGTH,
            failures: FAILURES,
            network: Network::default(),
            fetch_timeout: FETCH_TIMEOUT,
            loopback: false,
            clock: None,
        }
    }

    /// Accepts access tokens of this issuer. Repeatable.
    pub fn issuer(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Lets the caller in who has the token with this hash. Repeatable, also for one receiver: while a new token replaces an old
    /// one, both are valid.
    pub fn static_token(mut self, hash: TokenHash, caller: Caller) -> Self {
        self.tokens.add(hash, caller, None);
        self
    }

    /// The same, until `expires`.
    pub fn static_token_until(mut self, hash: TokenHash, caller: Caller, expires: Timestamp) -> Self {
        self.tokens.add(hash, caller, Some(expires));
        self
    }

    /// Sets the longest token that is read, in bytes; 8192 by default.
    pub fn max_token_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self
    }

    /// Sets how many invalid tokens may come from one address; one per second and 20 at once by default. It has an effect where
    /// [`Authenticator::authenticate`] is told the address.
    pub fn failure_limit(mut self, limit: RateLimit) -> Self {
        self.failures = limit;
        self
    }

    /// Sets how connections to issuers leave this machine.
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Sets how long an issuer may take for its metadata or its keys; 5 seconds by default.
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = timeout;
        self
    }

    /// Allows a resource and issuers on this machine, over http too: for trials.
    pub fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Sets the clock for everything. By default, claims are judged by the system clock, and keys and the limit of failures by a
    /// monotonic one.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Checks the settings.
    ///
    /// Errors: `configuration_invalid`, `issuer_invalid`, `audience_missing` and `endpoint_invalid` for the settings, and those of
    /// [`Network`].
    pub fn build(self) -> Result<Authenticator> {
        let (clock, steady): (Arc<dyn Clock>, Arc<dyn Clock>) = match self.clock {
            Some(clock) => (clock.clone(), clock),
            None => (Arc::new(SystemClock), Arc::new(SteadyClock::start())),
        };
        let metadata = ResourceMetadata::at(&self.resource, &self.issuers, self.loopback)?;
        check_receivers(&self.issuers, &self.tokens)?;
        let transport = Arc::new(Transport::new(&self.network)?);
        let times = KeyTimes::default();
        let mut issuers = Vec::new();
        for issuer in self.issuers {
            let (issuer, source) = issuer.checked(&self.resource, self.loopback)?;
            let machine = IssuerKeys::new(source, times);
            let keys = SharedKeys::new(machine, times, self.fetch_timeout, transport.clone(), steady.clone());
            issuers.push((issuer, Arc::new(keys)));
        }
        Ok(Authenticator(Arc::new(Inner {
            metadata_url: metadata.url().into(),
            metadata,
            issuers,
            tokens: self.tokens,
            max_length: self.max_length,
            failures: RateLimiter::new(self.failures, ADDRESSES),
            clock,
            steady,
        })))
    }
}

/// Two callers must not become one receiver by accident: they would share its streams.
fn check_receivers(issuers: &[TrustedIssuer], tokens: &StaticTokens) -> Result<()> {
    let invalid = |message: &str| Err(Error::new(ErrorCode::ConfigurationInvalid, message));
    if issuers.is_empty() && tokens.is_empty() {
        return invalid("nobody can call: add an issuer or a static token");
    }
    if tokens.is_ambiguous() {
        return invalid("two receivers have the same static token");
    }
    if tokens.callers().any(|caller| caller.receiver().is_empty()) {
        return invalid("the receiver of a static token has an empty id");
    }
    let same = |(index, issuer): (usize, &TrustedIssuer)| {
        issuers[..index].iter().any(|other| other.issuer() == issuer.issuer())
    };
    if issuers.iter().enumerate().any(same) {
        return invalid("an issuer is given twice");
    }
    let collide = |(index, issuer): (usize, &TrustedIssuer)| {
        issuers[..index].iter().any(|other| other.may_collide(issuer))
    };
    if issuers.iter().enumerate().any(collide) {
        return invalid(
            "the rules of two issuers can make the same id of a receiver: begin each with another prefix",
        );
    }
    let named = || {
        let clients = issuers.iter().flat_map(TrustedIssuer::receivers);
        clients.chain(tokens.callers().map(Caller::receiver))
    };
    if issuers.iter().any(|issuer| named().any(|receiver| issuer.may_make(receiver))) {
        return invalid(
            "the rule of an issuer can make the id of a receiver that is registered by name: begin the rule with a prefix",
        );
    }
    Ok(())
}

impl fmt::Debug for AuthenticatorBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuthenticatorBuilder")
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}

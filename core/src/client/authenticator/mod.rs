//! Finds out who calls.

mod builder;
mod keys;

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

pub use builder::AuthenticatorBuilder;
use keys::SharedKeys;

use crate::{
    access_token::{ResourceMetadata, StaticTokens, TrustedIssuer, Unverified, bearer_token},
    denial::{Denial, DenialReason},
    error::Result,
    key::BoxFuture,
    rate::RateLimiter,
    secret::Secret,
    stream::{Authenticate, Caller, Head, ProtectedResource, Scope},
    time::Clock,
};

/// Finds out who calls the stream API: by access tokens of trusted issuers, and by static tokens. Cheap to clone; clones share
/// fetched keys and the limit of failures.
///
/// ```
/// use ssf_transmitter::{access_token::StaticToken, client::Authenticator, denial::DenialReason, stream::{Caller, Scope}};
///
/// # async fn example() -> Result<(), ssf_transmitter::Error> {
/// let token = StaticToken::generate()?;
/// let acme = Caller::new("acme").audience("https://acme.example.com/ssf").scope(Scope::Manage);
/// let authenticator = Authenticator::builder("https://tr.example.com/ssf")
///     .static_token(token.hash().clone(), acme)
///     .build()?;
///
/// let header = format!("Bearer {}", token.secret().expose());
/// let caller = authenticator.authenticate([header], None).await.unwrap();
/// assert_eq!(caller.receiver(), "acme");
///
/// let denial = authenticator.authenticate::<&str>([], None).await.unwrap_err();
/// assert_eq!((denial.status(), denial.reason()), (401, DenialReason::CredentialsMissing));
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    metadata: ResourceMetadata,
    metadata_url: Arc<str>,
    issuers: Vec<(TrustedIssuer, Arc<SharedKeys>)>,
    tokens: StaticTokens,
    max_length: usize,
    failures: RateLimiter<IpAddr>,
    /// The clock of the claims.
    clock: Arc<dyn Clock>,
    /// The clock of the limit of failures.
    steady: Arc<dyn Clock>,
}

impl Authenticator {
    /// An authenticator for the API with this URL: what RFC 9728 calls the resource, and what the `aud` of access tokens names
    /// unless an issuer has another [`audience`](TrustedIssuer::audience).
    pub fn builder(resource: impl Into<String>) -> AuthenticatorBuilder {
        AuthenticatorBuilder::new(resource.into())
    }

    /// Who calls, by all values of the header `Authorization`. Nothing else of a request is looked at: a token in its query or
    /// body is none.
    ///
    /// `remote` limits how many invalid tokens come from one address; pass the address of the caller, or `None` where the host
    /// knows only that of a proxy.
    pub fn authenticate<V: AsRef<[u8]>>(
        &self,
        authorization: impl IntoIterator<Item = V>,
        remote: Option<IpAddr>,
    ) -> impl Future<Output = Result<Caller, Denial>> + Send {
        let token = bearer_token(authorization);
        self.judge(token, remote.map(network))
    }

    async fn judge(
        &self,
        token: Result<Secret<String>, DenialReason>,
        remote: Option<IpAddr>,
    ) -> Result<Caller, Denial> {
        let inner = &*self.0;
        if let Some(remote) = &remote {
            let wait = inner.failures.check(remote, inner.steady.now());
            wait.map_err(|wait| {
                self.denied(Denial::new(DenialReason::FailuresLimited).with_retry_after(wait))
            })?;
        }
        let found = match token {
            Ok(token) => self.identify(token.expose()).await,
            Err(reason) => Err(reason.into()),
        };
        found.map_err(|denial| {
            if let Some(remote) = &remote
                && denial.challenge_error() == Some("invalid_token")
            {
                // The last one was let through: what counts is the next.
                let _ = inner.failures.take(remote, inner.steady.now());
            }
            self.denied(denial)
        })
    }

    async fn identify(&self, token: &str) -> Result<Caller, Denial> {
        let inner = &*self.0;
        if token.len() > inner.max_length {
            return Err(DenialReason::TokenTooLong.into());
        }
        if let Some(found) = inner.tokens.find(token, inner.clock.now()) {
            return Ok(found?);
        }
        if inner.issuers.is_empty() || !Unverified::looks_like_one(token) {
            return Err(DenialReason::TokenUnknown.into());
        }
        let token = Unverified::parse(token)?;
        let named = inner.issuers.iter().find(|(issuer, _)| token.issuer() == Some(issuer.issuer()));
        let (issuer, keys) = named.ok_or(DenialReason::IssuerUnknown)?;
        issuer.check_header(&token)?;
        let jwks = keys.wanted(token.kid()).await;
        let jwks = jwks.map_err(|wait| Denial::new(DenialReason::KeysUnavailable).with_retry_after(wait))?;
        Ok(issuer.judge(&token, &jwks, inner.clock.now())?)
    }

    /// The answer to a caller that lacks a scope: 403 with the name of the scope.
    pub fn scope_required(&self, scope: Scope) -> Denial {
        let name = self.0.issuers.first().map_or(scope.as_str(), |(issuer, _)| issuer.name_of(scope));
        self.denied(Denial::new(DenialReason::ScopeInsufficient).with_scope(name))
    }

    /// The protected resource metadata (RFC 9728), to serve at its [`url`](ResourceMetadata::url).
    pub fn resource_metadata(&self) -> &ResourceMetadata {
        &self.0.metadata
    }

    /// Fetches the keys of all issuers, and returns the first error: to find mistakes in the settings when a program starts.
    ///
    /// Errors are those of a connection, such as `dns_failed`, `address_forbidden` or `tls_certificate_untrusted`, and
    /// `issuer_keys_unusable`.
    pub async fn check(&self) -> Result<()> {
        for (_, keys) in &self.0.issuers {
            keys.check().await?;
        }
        Ok(())
    }

    /// Completes a denial, and tells `tracing`.
    fn denied(&self, denial: Denial) -> Denial {
        let (reason, status) = (denial.reason().as_str(), denial.status());
        tracing::info!(name: "ssf.denied", reason, status, "request denied");
        denial.with_resource_metadata(Arc::clone(&self.0.metadata_url))
    }
}

impl Authenticate for Authenticator {
    fn authenticate<'a>(&'a self, head: &'a Head) -> BoxFuture<'a, Result<Caller, Denial>> {
        Box::pin(self.authenticate(head.values("authorization"), head.remote()))
    }

    fn scope_required(&self, scope: Scope) -> Denial {
        self.scope_required(scope)
    }

    fn protected_resource(&self) -> Option<ProtectedResource> {
        Some(ProtectedResource::new(self.0.metadata.url(), self.0.metadata.to_json()))
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let issuers: Vec<_> = self.0.issuers.iter().map(|(issuer, _)| issuer.issuer()).collect();
        formatter.debug_struct("Authenticator").field("issuers", &issuers).finish_non_exhaustive()
    }
}

/// What one host has: an IPv4 address, or a network of IPv6 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

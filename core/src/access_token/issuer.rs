//! An issuer of access tokens that is trusted, and what its tokens must say.

use std::time::Duration;

use super::{
    TokenProfile, claims,
    discovery::KeySource,
    jws::Unverified,
    receivers::{Clients, Registered},
};
use crate::{
    denial::DenialReason,
    error::{Error, ErrorCode, Result},
    jose::{Algorithm, Jwks, PublicKey},
    stream::{Caller, Scope},
    time::Timestamp,
};

/// How far clocks may differ.
const LEEWAY: Duration = Duration::from_secs(30);
/// RFC 7519 §4.1.4: a leeway is "usually no more than a few minutes".
const MAX_LEEWAY: Duration = Duration::from_mins(5);
/// What tokens may be signed with unless the settings say otherwise: nothing symmetric, nothing with SHA-1.
const ALGORITHMS: &[Algorithm] = Algorithm::ALL;

/// An authorization server whose access tokens are accepted: where its keys are, what its tokens look like, and which of its
/// clients are receivers.
///
/// ```
/// use ssf_transmitter::{Jwks, Timestamp, access_token::TrustedIssuer, denial::DenialReason};
///
/// let issuer = TrustedIssuer::okta("https://acme.okta.com/oauth2/default")
///     .audience("api://ssf")
///     .client("0oa1b2c3", "acme", "https://acme.example.com/ssf");
/// let denied = issuer.verify("eyJhbGciOiJub25lIn0.e30.", &Jwks::default(), Timestamp::now());
/// assert_eq!(denied.unwrap_err(), DenialReason::IssuerUnknown);
/// ```
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    pub(super) issuer: String,
    pub(super) profile: TokenProfile,
    pub(super) audiences: Vec<String>,
    pub(super) leeway: Duration,
    pub(super) metadata_url: Option<String>,
    pub(super) jwks_uri: Option<String>,
    clients: Clients,
    algorithms: Vec<Algorithm>,
    longest: Option<Duration>,
    scope_names: [(Scope, String); 2],
}

impl TrustedIssuer {
    /// The issuer with this exact `iss`, whose tokens follow RFC 9068.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self::with_profile(issuer, TokenProfile::known("rfc9068"))
    }

    /// An authorization server of Okta, such as `https://acme.okta.com/oauth2/default`.
    pub fn okta(issuer: impl Into<String>) -> Self {
        Self::with_profile(issuer, TokenProfile::known("okta"))
    }

    /// A tenant of Auth0. Its `iss` ends with a slash: `https://acme.eu.auth0.com/`.
    pub fn auth0(issuer: impl Into<String>) -> Self {
        Self::with_profile(issuer, TokenProfile::known("auth0"))
    }

    /// A tenant of Microsoft Entra ID, such as `https://login.microsoftonline.com/{tenant id}/v2.0`.
    ///
    /// Tokens of version 1.0 have the issuer `https://sts.windows.net/{tenant id}/`. Entra ID has no place for the names of
    /// scopes but app roles: create roles named `ssf.read` and `ssf.manage`, or set [`scope_names`](Self::scope_names).
    pub fn entra_id(issuer: impl Into<String>) -> Self {
        Self::with_profile(issuer, TokenProfile::known("entra-id"))
    }

    /// A realm of Keycloak, such as `https://sso.example.com/realms/acme`.
    pub fn keycloak(issuer: impl Into<String>) -> Self {
        Self::with_profile(issuer, TokenProfile::known("keycloak"))
    }

    /// A user pool of Amazon Cognito, such as `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example`.
    ///
    /// Its tokens have no `aud`; the scopes say which API they are for. Set their names with
    /// [`scope_names`](Self::scope_names): they begin with the identifier of the resource server.
    pub fn cognito(issuer: impl Into<String>) -> Self {
        Self::with_profile(issuer, TokenProfile::known("cognito"))
    }

    /// The issuer with this exact `iss`, and tokens as `profile` describes them.
    pub fn with_profile(issuer: impl Into<String>, profile: TokenProfile) -> Self {
        Self {
            issuer: issuer.into(),
            profile,
            audiences: Vec::new(),
            leeway: LEEWAY,
            metadata_url: None,
            jwks_uri: None,
            clients: Clients::default(),
            algorithms: ALGORITHMS.to_vec(),
            longest: None,
            scope_names: [Scope::Read, Scope::Manage].map(|scope| (scope, scope.as_str().to_owned())),
        }
    }

    /// Accepts tokens with this `aud`. Repeatable. By default, it is the URL of the API: the resource of the authenticator.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Registers a client: the id of its receiver, and the `aud` of the SETs in its streams. Repeatable.
    pub fn client(
        mut self,
        client_id: impl Into<String>,
        receiver: impl Into<String>,
        audience: impl Into<String>,
    ) -> Self {
        self.clients.register(client_id.into(), Registered::new(receiver.into(), audience.into()));
        self
    }

    /// Lets every client of the issuer in, except for those that [`client`](Self::client) registers: the rule that makes the
    /// id of the receiver and the `aud` of its SETs. `{client}` stands for the client id.
    ///
    /// Whoever can create a client at the issuer is then a receiver.
    pub fn every_client(mut self, receiver: impl Into<String>, audience: impl Into<String>) -> Self {
        self.clients.rule = Some(Registered::new(receiver.into(), audience.into()));
        self
    }

    /// Sets the dialect of the streams of a receiver that [`client`](Self::client) or [`every_client`](Self::every_client) has named before, by its
    /// id: see [`Caller::dialect`].
    ///
    /// ```
    /// use ssf_transmitter::access_token::TrustedIssuer;
    ///
    /// let issuer = TrustedIssuer::new("https://as.example.com")
    ///     .client("s6BhdRkqt3", "apple", "https://federation.apple.com")
    ///     .dialect("apple", "apple");
    /// ```
    pub fn dialect(mut self, receiver: &str, dialect: &str) -> Self {
        self.clients.set_dialect(receiver, dialect);
        self
    }

    /// Sets the names of the scopes for reading and for managing; `ssf.read` and `ssf.manage` by default (CAEP
    /// Interoperability Profile §2.7.2).
    pub fn scope_names(mut self, read: impl Into<String>, manage: impl Into<String>) -> Self {
        self.scope_names = [(Scope::Read, read.into()), (Scope::Manage, manage.into())];
        self
    }

    /// Accepts signatures with these algorithms only. By default, all of [`Algorithm`].
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets how far the issuer's clock and ours may differ; 30 seconds by default, 5 minutes at most.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets the longest lifetime of a token that is accepted. The default is that of the profile: an hour, or a day for
    /// issuers that are known to issue such tokens.
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.longest = Some(lifetime);
        self
    }

    /// Sets the URL of the issuer's metadata. By default, it is found at the places of RFC 8414 §3.1 and OpenID Connect
    /// Discovery §4.
    pub fn metadata_url(mut self, url: impl Into<String>) -> Self {
        self.metadata_url = Some(url.into());
        self
    }

    /// Sets the URL of the issuer's JWKS, for issuers without metadata.
    pub fn jwks_uri(mut self, url: impl Into<String>) -> Self {
        self.jwks_uri = Some(url.into());
        self
    }

    /// The exact `iss`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Who calls with this token, judged by these keys of the issuer at `now`. No I/O: the
    /// [`Authenticator`](crate::client::Authenticator) fetches the keys.
    pub fn verify(&self, token: &str, jwks: &Jwks, now: Timestamp) -> Result<Caller, DenialReason> {
        let token = Unverified::parse(token)?;
        if token.issuer() != Some(&self.issuer) {
            return Err(DenialReason::IssuerUnknown);
        }
        self.check_header(&token)?;
        self.judge(&token, jwks, now)
    }

    /// Whether a token has a header that the issuer's access tokens have: before keys are fetched for it.
    pub(crate) fn check_header(&self, token: &Unverified) -> Result<(), DenialReason> {
        self.algorithm(token)?;
        if self.profile.has_type(token.typ.as_deref()) { Ok(()) } else { Err(DenialReason::NotAnAccessToken) }
    }

    /// Verifies signature and claims.
    pub(crate) fn judge(
        &self,
        token: &Unverified,
        jwks: &Jwks,
        now: Timestamp,
    ) -> Result<Caller, DenialReason> {
        self.check_signature(token, jwks)?;
        let facts = claims::check(&token.claims, self, now)?;
        let caller = self.clients.caller(&facts.client).ok_or(DenialReason::ClientUnknown)?;
        let is_granted = |name: &str| facts.scopes.iter().any(|granted| granted == name);
        let granted = self.scope_names.iter().filter(|(_, name)| is_granted(name));
        Ok(granted.fold(caller, |caller, (scope, _)| caller.scope(*scope)))
    }

    fn algorithm(&self, token: &Unverified) -> Result<Algorithm, DenialReason> {
        let named = Algorithm::ALL.iter().find(|algorithm| algorithm.as_str() == token.alg);
        named
            .filter(|algorithm| self.algorithms.contains(algorithm))
            .copied()
            .ok_or(DenialReason::AlgorithmNotAllowed)
    }

    /// The `kid` chooses among the issuer's keys, and the type of the key must be that of `alg` (RFC 8725 §3.1). A token
    /// without `kid` is verified only where one key fits: otherwise it could make us try them all.
    fn check_signature(&self, token: &Unverified, jwks: &Jwks) -> Result<(), DenialReason> {
        let algorithm = self.algorithm(token)?;
        let is_named = |key: &&PublicKey| token.kid().is_none_or(|kid| kid == key.kid());
        let mut fitting = jwks.keys().iter().filter(is_named).filter(|key| key.verifies(algorithm));
        let key = fitting.next().ok_or(DenialReason::KeyUnknown)?;
        if fitting.next().is_some() {
            return Err(DenialReason::KeyUnknown);
        }
        key.verify(algorithm, token.signing_input.as_bytes(), &token.signature)
            .map_err(|_| DenialReason::SignatureInvalid)
    }

    pub(super) fn longest(&self) -> Duration {
        self.longest.unwrap_or_else(|| self.profile.lifetime())
    }

    /// The names of the scopes, for the metadata of the resource.
    pub(super) fn names_of_scopes(&self) -> impl Iterator<Item = &str> {
        self.scope_names.iter().map(|(_, name)| name.as_str())
    }

    /// The name of a scope in the issuer's tokens.
    pub(crate) fn name_of(&self, scope: Scope) -> &str {
        self.scope_names.iter().find(|(known, _)| *known == scope).map_or("", |(_, name)| name)
    }

    /// The ids of receivers that are registered by name.
    pub(crate) fn receivers(&self) -> impl Iterator<Item = &str> {
        self.clients.receivers()
    }

    /// Whether the rule may make this id of a receiver, too.
    pub(crate) fn may_make(&self, receiver: &str) -> bool {
        self.clients.may_make(receiver)
    }

    /// Whether the rules of two issuers may make the same id.
    pub(crate) fn may_collide(&self, other: &Self) -> bool {
        self.clients.may_collide(&other.clients)
    }

    /// Checks the settings, with the resource as the audience where there is no other. `loopback` allows an issuer on this
    /// machine.
    pub(crate) fn checked(mut self, resource: &str, loopback: bool) -> Result<(Self, KeySource)> {
        let invalid = |message: &str| Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        let source = KeySource::of(&self, loopback)?;
        if self.audiences.is_empty() {
            self.audiences.push(resource.to_owned());
        }
        if self.audiences.iter().any(String::is_empty) {
            return Err(Error::new(ErrorCode::AudienceMissing, "an audience of access tokens is empty"));
        }
        if self.algorithms.is_empty() {
            return invalid("no algorithm is allowed for access tokens");
        }
        if self.leeway > MAX_LEEWAY {
            return invalid("the leeway of an issuer is longer than 5 minutes");
        }
        if self.longest().is_zero() {
            return invalid("the longest lifetime of access tokens is zero");
        }
        let [(_, read), (_, manage)] = &self.scope_names;
        if !is_scope(read) || !is_scope(manage) {
            return invalid(
                "the name of a scope is empty, or has characters other than those of RFC 6749 §3.3",
            );
        }
        if !self.profile.needs_audience && [read, manage].iter().any(|name| Scope::by_name(name).is_some()) {
            return invalid(
                "tokens of this issuer have no audience: set names of scopes that begin with the identifier of the API",
            );
        }
        self.clients.check()?;
        Ok((self, source))
    }
}

/// RFC 6749 §3.3: `scope-token`.
fn is_scope(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

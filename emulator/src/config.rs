//! What an emulator is told before it starts.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::documents;
use super::profile::{self, Profile};
use super::script::Script;
use super::{Error, Result};

/// The receiver to answer like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Like {
    /// Okta's security events endpoint.
    Okta,
    /// The inbound endpoint of GOV.UK One Login, with its token endpoint.
    GovUkOneLogin,
    /// Any receiver that follows RFC 8935 and the Shared Signals Framework 1.0 to the letter.
    Rfc8935,
}

impl Like {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Okta, Self::GovUkOneLogin, Self::Rfc8935];

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|like| like.name() == name)
    }

    /// The name by which the command line knows it.
    pub fn name(self) -> &'static str {
        self.profile().name
    }

    pub(crate) fn profile(self) -> &'static Profile {
        match self {
            Self::Okta => &profile::OKTA,
            Self::GovUkOneLogin => &profile::GOVUK_ONE_LOGIN,
            Self::Rfc8935 => &profile::RFC8935,
        }
    }
}

/// Where the transmitter's public keys are found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeySource {
    /// The URL of the JWKS document itself.
    JwksUri(String),
    /// The JWKS document itself, as JSON.
    Jwks(String),
    /// The URL of the transmitter's configuration document (SSF §7.2), which names its `jwks_uri`.
    WellKnown(String),
}

/// A client that the token endpoint knows.
#[derive(Clone)]
pub struct Client {
    /// The client id.
    pub id: String,
    /// The client secret. It does not show in `Debug`.
    pub secret: String,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The tokens that the API takes, as `SSWS` or as `Bearer`.
#[derive(Clone)]
pub struct ApiTokens {
    /// The one that may do everything.
    pub manage: String,
    /// One that may read alone.
    pub read: Option<String>,
}

impl ApiTokens {
    /// With one token, which may do everything.
    pub fn new(manage: impl Into<String>) -> Self {
        Self { manage: manage.into(), read: None }
    }

    fn are_useless(&self) -> bool {
        self.manage.is_empty()
            || self.read.as_ref().is_some_and(|read| read.is_empty() || *read == self.manage)
    }
}

/// How the System Log behaves that a receiver like Okta plays beside its API.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogSettings {
    /// How long after a SET was taken its entries are there. By default at once.
    pub delay: Duration,
    /// The most entries on a page, whatever the request says. By default 1000, the most that a request may ask for.
    pub page: usize,
    /// Whether an entry names the `jti` of its SET. By default it does not: Okta documents no such member.
    pub shows_jti: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { delay: Duration::ZERO, page: 1000, shows_jti: false }
    }
}

impl fmt::Debug for ApiTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiTokens").finish_non_exhaustive()
    }
}

/// What an emulator is told before it starts. Begin with [`Config::new`] or
/// [`Config::registering`], and set the rest field by field.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The receiver to answer like.
    pub like: Like,
    /// Where to listen: a loopback address; port 0 picks a free port. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// The `iss` every SET must have, compared character by character. Needed where there is no API.
    pub issuer: Option<String>,
    /// Where the public keys of that transmitter are found.
    pub keys: Option<KeySource>,
    /// The `aud` every SET must have, compared character by character.
    pub audience: String,
    /// The client of the token endpoint: needed where the receiver has one, refused elsewhere.
    pub client: Option<Client>,
    /// The tokens of the API by which further transmitters are registered. Without any there is no API.
    pub api: Option<ApiTokens>,
    /// How the System Log behaves, which is there where the API is.
    pub log: LogSettings,
    /// How long an access token is good for. Default one hour; zero hands out tokens that have expired.
    pub token_lifetime: Duration,
    /// The users the receiver knows, by email. Empty (the default) means it knows everybody.
    pub users: Vec<String>,
    /// What goes wrong, and when. By default nothing does.
    pub script: Script,
    /// Whether to speak TLS, with a certificate made for this emulator. By default it does not.
    pub tls: bool,
    /// How many entries the ledger keeps, the newest ones. Default 10,000.
    pub ledger_size: usize,
    /// How many requests [`Emulator::arrivals`](crate::Emulator::arrivals) keeps in full, the newest ones. Default 0.
    pub arrivals: usize,
}

impl Config {
    /// A configuration with the defaults for everything that has one.
    pub fn new(like: Like, issuer: impl Into<String>, keys: KeySource, audience: impl Into<String>) -> Self {
        Self { issuer: Some(issuer.into()), keys: Some(keys), ..Self::without_transmitter(like, audience) }
    }

    /// A configuration without a transmitter: all of them are registered by the API.
    pub fn registering(like: Like, audience: impl Into<String>, api: ApiTokens) -> Self {
        Self { api: Some(api), ..Self::without_transmitter(like, audience) }
    }

    fn without_transmitter(like: Like, audience: impl Into<String>) -> Self {
        Self {
            like,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            issuer: None,
            keys: None,
            audience: audience.into(),
            client: None,
            api: None,
            log: LogSettings::default(),
            token_lifetime: Duration::from_hours(1),
            users: Vec::new(),
            script: Script::new(),
            tls: false,
            ledger_size: 10_000,
            arrivals: 0,
        }
    }

    /// Refuses what would otherwise be ignored in silence.
    pub(crate) fn check(&self) -> Result<()> {
        let profile = self.like.profile();
        if !self.listen.ip().is_loopback() {
            return Err(Error::configuration(format!(
                "the emulator listens on loopback addresses only, not on {}",
                self.listen
            )));
        }
        match (profile.token_path, &self.client) {
            (Some(_), None) => Err(Error::configuration(format!(
                "{} has a token endpoint: a client id and a client secret are needed",
                profile.name
            ))),
            (None, Some(_)) => Err(Error::configuration(format!(
                "{} has no token endpoint: a client id and a client secret have no use",
                profile.name
            ))),
            _ if self.issuer.is_some() != self.keys.is_some() => {
                Err(Error::configuration("an issuer, and where its keys are, go together"))
            }
            _ if self.issuer.is_none() && self.api.is_none() => {
                Err(Error::configuration("an issuer, or a token for the API that registers some, is needed"))
            }
            _ if self.api.is_some() && profile.api_path.is_none() => {
                Err(Error::configuration(format!("{} has no API, so it takes no API token", profile.name)))
            }
            _ if self.api.as_ref().is_some_and(ApiTokens::are_useless) => {
                Err(Error::configuration("the tokens of the API must differ, and not be empty"))
            }
            _ if let Some(KeySource::Jwks(jwks)) = &self.keys
                && let Err(reason) = documents::keys_in(jwks) =>
            {
                Err(Error::configuration(reason))
            }
            _ if self.log.page == 0 => Err(Error::configuration("a page of the log has an entry at least")),
            _ if profile.user.is_none() && !self.users.is_empty() => {
                Err(Error::configuration(format!("{} has no list of users", profile.name)))
            }
            _ => self.script.check(self.client.is_some(), self.api.is_some(), self.tls),
        }
    }
}

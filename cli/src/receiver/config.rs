//! What an emulator is told before it starts.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValue;

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

impl ValueEnum for Like {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Okta, Self::GovUkOneLogin, Self::Rfc8935]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

/// Where the transmitter's public keys are found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeySource {
    /// The URL of the JWKS document itself.
    JwksUri(String),
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

/// What an emulator is told before it starts. Begin with [`Config::new`] and set the rest field by field.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The receiver to answer like.
    pub like: Like,
    /// Where to listen: a loopback address; port 0 picks a free port. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// The `iss` every SET must have, compared character by character.
    pub issuer: String,
    /// Where the transmitter's public keys are found.
    pub keys: KeySource,
    /// The `aud` every SET must have, compared character by character.
    pub audience: String,
    /// The client of the token endpoint: needed where the receiver has one, refused elsewhere.
    pub client: Option<Client>,
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
}

impl Config {
    /// A configuration with the defaults for everything that has one.
    pub fn new(like: Like, issuer: impl Into<String>, keys: KeySource, audience: impl Into<String>) -> Self {
        Self {
            like,
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            issuer: issuer.into(),
            keys,
            audience: audience.into(),
            client: None,
            token_lifetime: Duration::from_hours(1),
            users: Vec::new(),
            script: Script::new(),
            tls: false,
            ledger_size: 10_000,
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
            _ if profile.user.is_none() && !self.users.is_empty() => {
                Err(Error::configuration(format!("{} has no list of users", profile.name)))
            }
            _ => self.script.check(self.client.is_some(), self.tls),
        }
    }
}

//! Who calls the stream API: the settings of an authenticator.

use ssf_transmitter::{
    Network, Result,
    access_token::{StaticToken, TokenProfile, TrustedIssuer},
    client::Authenticator,
    stream::Caller,
};

use crate::set;

/// The settings of an authenticator.
#[derive(Clone)]
pub struct AccessSettings {
    /// Callers with static tokens, by the hashes of these.
    pub tokens: Vec<(String, Caller)>,
    /// Whose access tokens are accepted.
    pub issuers: Vec<IssuerSettings>,
    /// Networks that the egress guard lets issuers be in.
    pub allow_networks: Vec<String>,
    /// Whether issuers may be on this machine, over http too.
    pub allow_loopback: bool,
}

/// An issuer of access tokens.
#[derive(Clone)]
pub struct IssuerSettings {
    /// Its exact `iss`.
    pub issuer: String,
    /// The id of a profile.
    pub profile: String,
    /// The `aud` of tokens for this API.
    pub audience: Option<String>,
    /// Client ids, with the id of the receiver and the `aud` of its SETs.
    pub clients: Vec<(String, String, String)>,
    /// The rules that make both for all other clients.
    pub every_client: Option<(String, String)>,
    /// The names of the scopes for reading and for managing.
    pub scope_names: Option<(String, String)>,
    /// Where its metadata is.
    pub metadata_url: Option<String>,
    /// Where its keys are.
    pub jwks_uri: Option<String>,
}

impl AccessSettings {
    /// The authenticator, for the API with this URL.
    pub fn build(&self, resource: &str) -> Result<Authenticator> {
        let network = self.allow_networks.iter().cloned().fold(Network::new(), Network::allow_network);
        let mut builder = Authenticator::builder(resource).network(network);
        for (hash, caller) in &self.tokens {
            builder = builder.static_token(hash.parse()?, caller.clone());
        }
        for issuer in &self.issuers {
            builder = builder.issuer(issuer.trusted()?);
        }
        let builder = if self.allow_loopback { builder.allow_loopback() } else { builder };
        builder.build()
    }
}

impl IssuerSettings {
    fn trusted(&self) -> Result<TrustedIssuer> {
        type Issuer = TrustedIssuer;
        let given = self.clone();
        let issuer = Issuer::with_profile(given.issuer, TokenProfile::built_in(&given.profile)?);
        let issuer = given
            .clients
            .into_iter()
            .fold(issuer, |issuer, (client, receiver, audience)| issuer.client(client, receiver, audience));
        let issuer = set(issuer, given.audience, Issuer::audience);
        let issuer = set(issuer, given.every_client, |issuer, (receiver, audience)| {
            issuer.every_client(receiver, audience)
        });
        let issuer =
            set(issuer, given.scope_names, |issuer, (read, manage)| issuer.scope_names(read, manage));
        let issuer = set(issuer, given.metadata_url, Issuer::metadata_url);
        Ok(set(issuer, given.jwks_uri, Issuer::jwks_uri))
    }
}

/// A new static token, and its hash.
pub fn generate_token() -> Result<(String, String)> {
    let token = StaticToken::generate()?;
    Ok((token.secret().expose().clone(), token.hash().to_string()))
}

//! Who calls the stream API: callers, static tokens, and issuers of access tokens.

use napi_derive::napi;
use ssf_bindings::{
    access::{self, AccessSettings, IssuerSettings},
    streams,
};
use ssf_transmitter::stream::Caller;

use crate::{
    failure::{Failure, Outcome, outcome},
    receiver::{Addressee, audience},
};

/// Who calls.
#[napi(object, object_to_js = false)]
pub struct CallerOptions {
    pub receiver: String,
    pub audience: Option<Addressee>,
    pub scopes: Vec<String>,
    pub dialect: Option<String>,
}

impl From<CallerOptions> for Caller {
    fn from(given: CallerOptions) -> Self {
        streams::caller(given.receiver, given.audience.map(audience), &given.scopes, given.dialect)
    }
}

/// What finds out who calls: callers beside the hashes of their tokens, and issuers.
#[napi(object, object_to_js = false)]
pub struct AccessOptions {
    pub hashes: Vec<String>,
    pub callers: Vec<CallerOptions>,
    pub issuers: Vec<IssuerOptions>,
    pub allow_networks: Vec<String>,
    pub allow_loopback: bool,
}

/// An issuer of access tokens.
#[napi(object, object_to_js = false)]
pub struct IssuerOptions {
    pub issuer: String,
    pub profile: String,
    pub audience: Option<String>,
    /// Client id, receiver and audience of each.
    pub clients: Vec<Vec<String>>,
    /// Receiver and audience.
    pub every_client: Option<Vec<String>>,
    /// For reading and for managing.
    pub scope_names: Option<Vec<String>>,
    pub metadata_url: Option<String>,
    pub jwks_uri: Option<String>,
}

impl From<AccessOptions> for AccessSettings {
    fn from(given: AccessOptions) -> Self {
        Self {
            tokens: given.hashes.into_iter().zip(given.callers.into_iter().map(Caller::from)).collect(),
            issuers: given.issuers.into_iter().map(Into::into).collect(),
            allow_networks: given.allow_networks,
            allow_loopback: given.allow_loopback,
        }
    }
}

impl From<IssuerOptions> for IssuerSettings {
    fn from(given: IssuerOptions) -> Self {
        let client = |client: Vec<String>| <[String; 3]>::try_from(client).ok().map(Into::into);
        let pair = |pair: Vec<String>| <[String; 2]>::try_from(pair).ok().map(Into::into);
        Self {
            issuer: given.issuer,
            profile: given.profile,
            audience: given.audience,
            clients: given.clients.into_iter().filter_map(client).collect(),
            every_client: given.every_client.and_then(pair),
            scope_names: given.scope_names.and_then(pair),
            metadata_url: given.metadata_url,
            jwks_uri: given.jwks_uri,
        }
    }
}

/// A new static token.
#[napi(object, object_from_js = false)]
pub struct StaticToken {
    pub secret: String,
    pub hash: String,
}

#[napi]
pub fn generate_token() -> Outcome<StaticToken> {
    let generated = access::generate_token().map(|(secret, hash)| StaticToken { secret, hash });
    outcome(generated.map_err(Failure::from))
}

//! What Python gives the stream API: heads of requests, callers, and the settings of an authenticator.

use pyo3::prelude::*;
use ssf_bindings::{
    access::{self, AccessSettings, IssuerSettings},
    streams,
};
use ssf_transmitter::{
    set::Audience,
    stream::{Caller, Head},
};

use crate::{errors::Result, fork::inside, sets::Addressee};

/// The receiver, its audience, the names of its scopes, and its dialect.
#[derive(FromPyObject)]
pub(crate) struct CallerArgument(String, Option<Addressee>, Vec<String>, Option<String>);

impl From<CallerArgument> for Caller {
    fn from(CallerArgument(receiver, audience, scopes, dialect): CallerArgument) -> Self {
        streams::caller(receiver, audience.map(Audience::from), &scopes, dialect)
    }
}

/// Method, target, headers, and the address of the caller.
#[derive(FromPyObject)]
pub(crate) struct HeadArgument(String, String, Vec<(String, String)>, Option<String>);

impl From<HeadArgument> for Head {
    fn from(HeadArgument(method, target, headers, remote): HeadArgument) -> Self {
        streams::head(method, &target, headers, remote.and_then(|address| address.parse().ok()))
    }
}

/// Callers by the hashes of their tokens, issuers, networks that these may be in, and whether they may be on this machine.
#[derive(FromPyObject)]
pub(crate) struct AccessArgument(Vec<(String, CallerArgument)>, Vec<IssuerArgument>, Vec<String>, bool);

/// Issuer, profile, audience, clients, the rule for all others, the names of scopes, metadata, keys.
#[derive(FromPyObject)]
pub(crate) struct IssuerArgument(
    String,
    String,
    Option<String>,
    Vec<(String, String, String)>,
    Option<(String, String)>,
    Option<(String, String)>,
    Option<String>,
    Option<String>,
);

impl From<AccessArgument> for AccessSettings {
    fn from(AccessArgument(tokens, issuers, allow_networks, allow_loopback): AccessArgument) -> Self {
        Self {
            tokens: tokens.into_iter().map(|(hash, caller)| (hash, caller.into())).collect(),
            issuers: issuers.into_iter().map(Into::into).collect(),
            allow_networks,
            allow_loopback,
        }
    }
}

impl From<IssuerArgument> for IssuerSettings {
    fn from(given: IssuerArgument) -> Self {
        let IssuerArgument(
            issuer,
            profile,
            audience,
            clients,
            every_client,
            scope_names,
            metadata_url,
            jwks_uri,
        ) = given;
        Self { issuer, profile, audience, clients, every_client, scope_names, metadata_url, jwks_uri }
    }
}

/// A new static token, and its hash.
#[pyfunction]
pub(crate) fn generate_token() -> Result<(String, String)> {
    Ok(inside(access::generate_token)?)
}

//! How a SET reaches its receiver: endpoint, authorization, network.

use std::{env, ffi::OsString, fs, path::PathBuf};

use ssf_transmitter::{
    Receiver, Transmitter,
    client::TransmitterBuilder,
    token::{Authorization, ClientAuthentication, ClientCredentials},
};

use super::{Failure, Result, addressee::Addressee, input, network::Network, secret::Place};

/// The variable that holds the client secret: a command line is visible to others.
const CLIENT_SECRET: &str = "SSF_CLIENT_SECRET";

#[derive(clap::Args)]
pub(super) struct Route {
    /// The push endpoint of another receiver
    #[arg(long, value_name = "URL", conflicts_with = "okta")]
    endpoint: Option<String>,
    /// Get an access token here, with --client-id and the variable `SSF_CLIENT_SECRET`
    #[arg(long, value_name = "URL", requires = "client_id")]
    token_url: Option<String>,
    /// The client id at the token endpoint
    #[arg(long, value_name = "ID", requires = "token_url")]
    client_id: Option<String>,
    /// The scope to request
    #[arg(long, requires = "token_url")]
    scope: Option<String>,
    /// How the client authenticates at the token endpoint
    #[arg(long, value_enum, default_value_t = TokenAuth::Basic, requires = "token_url")]
    token_auth: TokenAuth,
    /// The private key of the client, for `--token-auth private-key-jwt`
    #[arg(long, value_name = "SOURCE", requires = "token_url")]
    token_key: Option<OsString>,
    /// Send this header `Authorization`, such as `Bearer …`, which is in a variable or a file
    #[arg(long, value_name = "env:NAME|file:PATH", conflicts_with = "token_url")]
    authorization: Option<String>,
    /// Use this client certificate (PEM) for mutual TLS
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_certificate: Option<PathBuf>,
    /// The private key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
    #[command(flatten)]
    pub(super) network: Network,
}

/// How a client authenticates at the token endpoint.
#[derive(Clone, Copy, Eq, PartialEq, clap::ValueEnum)]
enum TokenAuth {
    /// The secret in the header, by HTTP Basic: `client_secret_basic`
    Basic,
    /// The secret in the body: `client_secret_post`
    Post,
    /// A JWT that --token-key signs: `private_key_jwt`
    PrivateKeyJwt,
    /// The client certificate: `tls_client_auth`
    Mtls,
}

impl Route {
    /// The receiver. Its audience may be known from a SET.
    pub(super) fn receiver(&self, to: &Addressee, audience: Option<&str>) -> Result<Receiver> {
        let audience = to.audience.as_deref().or(audience);
        let builder = match (&to.okta, &self.endpoint) {
            (Some(org), _) => Receiver::okta(org),
            (None, Some(endpoint)) => {
                let missing = || Failure::usage("--audience is needed: the receiver documents it");
                Receiver::builder(endpoint, audience.ok_or_else(missing)?)
            }
            (None, None) => return Err(Failure::usage("--okta or --endpoint is needed")),
        };
        let mut builder = to.apply(builder)?;
        if let Some((url, id)) = self.token_url.as_ref().zip(self.client_id.as_ref()) {
            builder = builder.client_credentials(self.credentials(url, id)?);
        }
        if let Some(place) = &self.authorization {
            // Not parsed by clap, which would print a secret that is given in place of its place.
            let place: Place =
                place.parse().map_err(|why| Failure::usage(format!("--authorization: {why}")))?;
            let header = place.read()?.as_str().to_owned();
            builder = builder.authorization(Authorization::Header(header.into()));
        }
        if self.network.allow_loopback {
            builder = builder.allow_loopback();
        }
        Ok(builder.build()?)
    }

    fn credentials(&self, url: &str, id: &str) -> Result<ClientCredentials> {
        let secret =
            || env::var(CLIENT_SECRET).map_err(|_| Failure::from(format!("{CLIENT_SECRET} is not set")));
        let credentials = match self.token_auth {
            TokenAuth::Basic => ClientCredentials::new(url, id, secret()?),
            TokenAuth::Post => {
                ClientCredentials::new(url, id, secret()?).authentication(ClientAuthentication::Body)
            }
            TokenAuth::PrivateKeyJwt => {
                let missing = || Failure::usage("--token-auth private-key-jwt needs --token-key");
                let key = input::key(self.token_key.as_ref().ok_or_else(missing)?, None)?;
                ClientCredentials::with_key(url, id, key)
            }
            TokenAuth::Mtls if self.client_certificate.is_none() => {
                return Err(Failure::usage("--token-auth mtls needs --client-certificate and --client-key"));
            }
            TokenAuth::Mtls => ClientCredentials::with_certificate(url, id),
        };
        Ok(match &self.scope {
            Some(scope) => credentials.scope(scope),
            None => credentials,
        })
    }

    /// Builds what sends.
    pub(super) fn transmitter(&self, mut builder: TransmitterBuilder) -> Result<Transmitter> {
        let mut network = self.network.settings()?;
        if let Some((chain, key)) = self.client_certificate.as_ref().zip(self.client_key.as_ref()) {
            let read = |path: &PathBuf| fs::read(path).map_err(|error| Failure::file(path, &error));
            network = network.client_certificate(read(chain)?, read(key)?);
        }
        if let Some(deadline) = self.network.deadline() {
            builder = builder.deadline(deadline);
        }
        Ok(builder.network(network).build()?)
    }
}

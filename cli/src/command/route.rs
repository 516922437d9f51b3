//! How a SET reaches its receiver: endpoint, authorization, network.

use std::{env, ffi::OsString};

use ssf_transmitter::{
    Receiver, Transmitter,
    client::TransmitterBuilder,
    config::Config,
    token::{Authorization, ClientAuthentication, ClientCredentials},
};

use super::{
    Failure, Result,
    addressee::{Addressee, RECEIVER},
    input,
    network::{Certificate, Network},
    secret::Place,
};

/// The variable that holds the client secret: a command line is visible to others.
const CLIENT_SECRET: &str = "SSF_CLIENT_SECRET";

/// A heading of its own, as for the receiver.
const ACCESS: &str = "Access to the receiver";

/// How a SET reaches one receiver, and how requests leave this machine.
#[derive(clap::Args)]
pub(super) struct Route {
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    certificate: Certificate,
    #[command(flatten)]
    pub(super) network: Network,
}

/// The endpoint of a receiver, and what it demands of the sender.
#[derive(Default, clap::Args)]
pub(super) struct Access {
    /// The push endpoint of another receiver
    #[arg(long, value_name = "URL", conflicts_with_all = ["okta", "to"], help_heading = RECEIVER)]
    pub(super) endpoint: Option<String>,
    /// Get an access token here, with --client-id and the variable `SSF_CLIENT_SECRET`
    #[arg(long, value_name = "URL", requires = "client_id", help_heading = ACCESS, hide_short_help = true)]
    pub(super) token_url: Option<String>,
    /// The client id at the token endpoint
    #[arg(long, value_name = "ID", requires = "token_url", help_heading = ACCESS, hide_short_help = true)]
    pub(super) client_id: Option<String>,
    /// Where the client secret is, if not in `SSF_CLIENT_SECRET`. Files with receivers say it.
    #[arg(skip)]
    pub(super) client_secret: Option<String>,
    /// The scope to request
    #[arg(long, requires = "token_url", help_heading = ACCESS, hide_short_help = true)]
    pub(super) scope: Option<String>,
    /// How the client authenticates at the token endpoint
    #[arg(long, value_enum, default_value_t, requires = "token_url", help_heading = ACCESS, hide_short_help = true)]
    pub(super) token_auth: TokenAuth,
    /// The private key of the client, for `--token-auth private-key-jwt`
    #[arg(long, value_name = "SOURCE", requires = "token_url", help_heading = ACCESS, hide_short_help = true)]
    pub(super) token_key: Option<OsString>,
    /// Send this header `Authorization`, such as `Bearer …`, which is in a variable or a file
    #[arg(long, value_name = "env:NAME|file:PATH", conflicts_with = "token_url", help_heading = ACCESS, hide_short_help = true)]
    pub(super) authorization: Option<String>,
}

/// How a client authenticates at the token endpoint.
#[derive(Clone, Copy, Default, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum TokenAuth {
    /// The secret in the header, by HTTP Basic: `client_secret_basic`
    #[default]
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
    pub(super) fn receiver(
        &self,
        to: &Addressee,
        audience: Option<&str>,
        config: Option<&Config>,
    ) -> Result<Receiver> {
        self.access.receiver(to, audience, config, self.certificate.is_given(), self.network.allow_loopback)
    }

    /// The push endpoint, if it is given.
    pub(super) fn endpoint(&self) -> Option<&str> {
        self.access.endpoint.as_deref()
    }

    /// Builds what sends, as the file and the options say.
    pub(super) fn transmitter(
        &self,
        builder: TransmitterBuilder,
        config: Option<&Config>,
    ) -> Result<Transmitter> {
        let Some(config) = config else { return transmitter(builder, &self.certificate, &self.network) };
        let network = self.certificate.add_to(self.network.add_to(config.network()?)?)?;
        let builder = within(config.configure(builder)?, &self.network);
        Ok(builder.network(network).build()?)
    }
}

/// Builds what sends.
pub(super) fn transmitter(
    builder: TransmitterBuilder,
    certificate: &Certificate,
    network: &Network,
) -> Result<Transmitter> {
    Ok(within(builder, network).network(certificate.add_to(network.settings()?)?).build()?)
}

fn within(builder: TransmitterBuilder, network: &Network) -> TransmitterBuilder {
    match network.deadline() {
        Some(deadline) => builder.deadline(deadline),
        None => builder,
    }
}

impl Access {
    /// The receiver. Its audience may be known from a SET.
    pub(super) fn receiver(
        &self,
        to: &Addressee,
        audience: Option<&str>,
        config: Option<&Config>,
        has_certificate: bool,
        allow_loopback: bool,
    ) -> Result<Receiver> {
        let audience = to.audience.as_deref().or(audience);
        let mut builder = match (to.named(config)?, &to.okta, &self.endpoint) {
            (Some(named), ..) => named,
            (None, Some(org), _) => to.apply(Receiver::okta(org))?,
            (None, None, Some(endpoint)) => {
                let missing = || Failure::usage("--audience is needed: the receiver documents it");
                to.apply(Receiver::builder(endpoint, audience.ok_or_else(missing)?))?
            }
            (None, None, None) => return Err(Failure::usage("--to, --okta or --endpoint is needed")),
        };
        if let Some((url, id)) = self.token_url.as_ref().zip(self.client_id.as_ref()) {
            builder = builder.client_credentials(self.credentials(url, id, has_certificate)?);
        }
        if let Some(place) = &self.authorization {
            let header = read("--authorization", place)?;
            builder = builder.authorization(Authorization::Header(header.into()));
        }
        if allow_loopback {
            builder = builder.allow_loopback();
        }
        Ok(builder.build()?)
    }

    fn credentials(&self, url: &str, id: &str, has_certificate: bool) -> Result<ClientCredentials> {
        let credentials = match self.token_auth {
            TokenAuth::Basic => ClientCredentials::new(url, id, self.secret()?),
            TokenAuth::Post => {
                ClientCredentials::new(url, id, self.secret()?).authentication(ClientAuthentication::Body)
            }
            TokenAuth::PrivateKeyJwt => {
                let missing = || Failure::usage("--token-auth private-key-jwt needs --token-key");
                let key = input::key(self.token_key.as_ref().ok_or_else(missing)?, None)?;
                ClientCredentials::with_key(url, id, key)
            }
            TokenAuth::Mtls if !has_certificate => {
                return Err(Failure::usage("--token-auth mtls needs --client-certificate and --client-key"));
            }
            TokenAuth::Mtls => ClientCredentials::with_certificate(url, id),
        };
        Ok(match &self.scope {
            Some(scope) => credentials.scope(scope),
            None => credentials,
        })
    }

    fn secret(&self) -> Result<String> {
        match &self.client_secret {
            Some(place) => read("client_secret", place),
            None => env::var(CLIENT_SECRET).map_err(|_| format!("{CLIENT_SECRET} is not set").into()),
        }
    }
}

/// Reads a secret. Its place is not parsed by clap or serde, which would print a secret that is given instead of its place.
fn read(setting: &str, place: &str) -> Result<String> {
    let place: Place = place.parse().map_err(|why| Failure::usage(format!("{setting}: {why}")))?;
    Ok(place.read()?.as_str().to_owned())
}

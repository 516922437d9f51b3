//! A SET and who sends it: issuer, key, id, and what it says.

use std::ffi::OsString;

use ssf_transmitter::{Receiver, SetBuilder, SigningKey, Transmitter, client::Emit, config::Config};

use super::{
    Failure, Result,
    addressee::Addressee,
    content::{Content, EVENT},
    input,
    route::Route,
};

#[derive(clap::Args)]
pub(super) struct Signal {
    #[command(flatten)]
    sender: Sender,
    #[command(flatten)]
    pub(super) content: Content,
    /// The id of the SET; random without it
    #[arg(long, value_name = "ID", help_heading = EVENT, hide_short_help = true)]
    jti: Option<String>,
}

/// A heading of its own, as for the receiver.
const SENDER: &str = "Sender";

/// Who sends, and with which key.
#[derive(clap::Args)]
pub(super) struct Sender {
    /// The issuer: the exact `issuer` of your transmitter configuration [default: that of `ssf.toml`]
    #[arg(long, value_name = "URL", help_heading = SENDER)]
    issuer: Option<String>,
    /// Your private key, in PEM, DER, or as JWK or JWKS: a file, `env:NAME`, `dir:PATH`, `cmd:PROGRAM ARG…` (its output), or `-`
    /// (standard input). The variable `SSF_KEY_PASSWORD` decrypts an encrypted one [default: the key of `ssf.toml`]
    // What starts with a hyphen may be a key in PEM, given by mistake: clap would print it.
    #[arg(long = "key", value_name = "SOURCE", allow_hyphen_values = true, help_heading = SENDER)]
    key: Option<OsString>,
    #[command(flatten)]
    options: input::KeyOptions,
}

impl Sender {
    pub(super) fn key(&self, config: Option<&Config>) -> Result<SigningKey> {
        match (&self.key, config) {
            (Some(source), _) => self.options.read(source),
            (None, Some(config)) => self.options.read_from(config),
            (None, None) => Err(Failure::usage("--key is needed, or a file ssf.toml with a key")),
        }
    }

    pub(super) fn issuer<'a>(&'a self, config: Option<&'a Config>) -> Result<&'a str> {
        let issuer = self.issuer.as_deref().or_else(|| config?.issuer());
        issuer.ok_or_else(|| Failure::usage("--issuer is needed, or a file ssf.toml with an issuer"))
    }

    pub(super) fn transmitter(&self, route: &Route, config: Option<&Config>) -> Result<Transmitter> {
        route.transmitter(Transmitter::builder(self.issuer(config)?, self.key(config)?), config)
    }
}

impl Signal {
    pub(super) fn key(&self, config: Option<&Config>) -> Result<SigningKey> {
        self.sender.key(config)
    }

    /// Whether the key comes from standard input, which can be read once.
    pub(super) fn reads_stdin(&self) -> bool {
        self.sender.key.as_deref().is_some_and(|source| source == "-")
    }

    /// What sends it.
    pub(super) fn transmitter(&self, route: &Route, config: Option<&Config>) -> Result<Transmitter> {
        self.sender.transmitter(route, config)
    }

    /// The SET for a receiver.
    pub(super) fn set(&self, to: &Addressee, config: Option<&Config>) -> Result<SetBuilder> {
        let set = self.content.put_into(to.set(self.sender.issuer(config)?, config)?)?;
        Ok(self.jti.iter().fold(set, SetBuilder::jti))
    }

    /// The same, on its way.
    pub(super) fn emit(&self, transmitter: &Transmitter, to: &Receiver) -> Result<Emit> {
        let emit = transmitter.emit(self.content.event()?, self.content.subject()?, to);
        Ok(self.jti.iter().fold(self.content.add_to(emit), Emit::jti))
    }
}

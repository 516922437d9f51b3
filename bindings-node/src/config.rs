//! The file of settings, `ssf.toml`.

use std::sync::Arc;

use napi_derive::napi;
use ssf_bindings::config;
use ssf_transmitter as sdk;

use crate::{
    failure::{Failure, Outcome, outcome},
    key::KeySet,
    mailbox::Mailbox,
    receiver::Receiver,
    transmitter::Transmitter,
};

/// The settings in a file.
#[napi]
pub struct Config(pub(crate) Arc<sdk::config::Config>);

#[napi]
impl Config {
    /// Reads the file at a path, or without one the nearest.
    #[napi]
    pub fn read(mailbox: &Mailbox, number: u32, path: Option<String>) -> Outcome<()> {
        mailbox.spawn_blocking(number, move || Ok(Self(Arc::new(config::read(path.map(Into::into))?))))
    }

    #[napi]
    pub fn from_toml(text: String) -> Outcome<Config> {
        let config = sdk::config::Config::from_toml(&text);
        outcome(config.map(|config| Self(Arc::new(config))).map_err(Failure::from))
    }

    #[napi(getter)]
    pub fn issuer(&self) -> Option<String> {
        self.0.issuer().map(str::to_owned)
    }

    #[napi(getter)]
    pub fn receiver_names(&self) -> Vec<String> {
        self.0.receiver_names().map(str::to_owned).collect()
    }

    /// The receiver with this name.
    #[napi]
    pub fn receiver(&self, mailbox: &Mailbox, number: u32, name: String) -> Outcome<()> {
        let config = self.0.clone();
        mailbox.spawn_blocking(number, move || Ok(Receiver(config.receiver(&name)?)))
    }

    /// The keys of the transmitter, which follow their source.
    #[napi]
    pub fn keys(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let config = self.0.clone();
        mailbox.spawn_blocking(number, move || Ok(KeySet(config::keys(&config)?)))
    }

    /// The transmitter with these keys.
    #[napi]
    pub fn transmitter(&self, mailbox: &Mailbox, number: u32, keys: &KeySet) -> Outcome<()> {
        let (config, keys) = (self.0.clone(), keys.0.clone());
        mailbox
            .spawn_blocking(number, move || Ok(Transmitter::of(config::transmitter(&config, keys)?.build()?)))
    }
}

//! The file of settings, `ssf.toml`.

use std::{collections::HashMap, sync::Arc};

use ssf_bindings::{config, outbox::Lint};
use ssf_transmitter as sdk;

use crate::{
    cancellation::Cancellation,
    failure::{Failure, Result},
    key::KeySet,
    key_source::waiting,
    outbox::{OutboxSeal, OutboxSettings},
    receiver::Receiver,
    transmitter::Transmitter,
};

/// The settings in a file.
#[derive(uniffi::Object)]
pub struct Config(Arc<sdk::config::Config>);

#[uniffi::export]
impl Config {
    /// Reads the file at a path, or without one the nearest.
    #[uniffi::constructor]
    pub fn read(path: Option<String>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(Arc::new(config::read(path.map(Into::into))?))))
    }

    #[uniffi::constructor]
    pub fn from_toml(text: String) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(Arc::new(sdk::config::Config::from_toml(&text)?))))
    }

    pub fn issuer(&self) -> Option<String> {
        self.0.issuer().map(str::to_owned)
    }

    pub fn receiver_names(&self) -> Vec<String> {
        self.0.receiver_names().map(str::to_owned).collect()
    }

    /// The receiver with this name.
    pub async fn receiver(&self, name: String, cancellation: Arc<Cancellation>) -> Result<Arc<Receiver>> {
        let config = self.0.clone();
        Ok(Arc::new(Receiver(waiting(&cancellation, move || Ok(config.receiver(&name)?)).await?)))
    }

    /// The settings of the outbox, which is in a file.
    pub fn outbox(
        &self,
        seal: Option<Arc<OutboxSeal>>,
        receivers: Option<HashMap<String, Arc<Receiver>>>,
    ) -> Result<OutboxSettings> {
        let path = self.0.outbox_file()?.into_os_string().into_string();
        let path = path.map_err(|_| Failure::config("the path of the outbox must be UTF-8"))?;
        let issuer = Lint::issuer(&self.0, receivers.as_ref())?;
        Ok(OutboxSettings { path: Some(path), capacity: None, waits: false, seal, issuer, receivers })
    }

    /// The keys of the transmitter, which follow their source.
    pub async fn keys(&self, cancellation: Arc<Cancellation>) -> Result<Arc<KeySet>> {
        let config = self.0.clone();
        Ok(Arc::new(KeySet(waiting(&cancellation, move || Ok(config::keys(&config)?)).await?)))
    }

    /// The transmitter with these keys.
    pub async fn transmitter(
        &self,
        keys: Arc<KeySet>,
        cancellation: Arc<Cancellation>,
    ) -> Result<Arc<Transmitter>> {
        let (config, keys) = (self.0.clone(), keys.0.clone());
        let made = waiting(&cancellation, move || Ok(config::transmitter(&config, keys)?.build()?)).await?;
        Ok(Arc::new(Transmitter { core: made }))
    }
}

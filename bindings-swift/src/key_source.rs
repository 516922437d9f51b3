//! Where keys are kept, and sets that follow it.

use std::sync::Arc;

use ssf_bindings::policy::Unit;
use ssf_transmitter::{self as sdk, secret::Secret};

use crate::{
    cancellation::Cancellation,
    failure::{Failure, Result},
    key::{KeptKey, KeySet, SigningKey},
    policy::span_of,
    records::{Source, SourceOptions},
};

/// Runs what may wait for a command on a thread of its own.
pub(crate) async fn waiting<T: Send + 'static>(
    cancellation: &Cancellation,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = async { tokio::task::spawn_blocking(work).await };
    let ended = async { done.await.map_err(|_| Failure::internal("a task ended without a result")) };
    cancellation.or(ended).await?
}

/// Reads a key in any form.
#[uniffi::export]
pub fn read_any_key(key: Vec<u8>, options: SourceOptions) -> Result<Arc<SigningKey>> {
    let key = Secret::new(key);
    Ok(Arc::new(SigningKey(sdk::SigningKey::from_any(key.expose(), &options.options()?)?)))
}

/// Reads the key of a source.
#[uniffi::export]
pub async fn read_key_source(source: Source, cancellation: Arc<Cancellation>) -> Result<Arc<SigningKey>> {
    let key = waiting(&cancellation, move || Ok(source.source(Unit::Seconds)?.read()?)).await?;
    Ok(Arc::new(SigningKey(key)))
}

/// A set that follows a source, which is looked at after `every` seconds.
#[uniffi::export]
pub async fn watch_key_source(
    source: Source,
    every: f64,
    cancellation: Arc<Cancellation>,
) -> Result<Arc<KeySet>> {
    let every = span_of(every)?;
    let keys = waiting(&cancellation, move || Ok(sdk::KeySet::watch(&source.source(Unit::Seconds)?, every)?))
        .await?;
    Ok(Arc::new(KeySet(keys)))
}

#[uniffi::export]
impl KeySet {
    /// Looks at the source now.
    pub async fn refresh(&self, cancellation: Arc<Cancellation>) -> Result<bool> {
        let keys = self.0.clone();
        waiting(&cancellation, move || Ok(keys.refresh()?)).await
    }

    pub fn standby(&self) -> Vec<KeptKey> {
        self.0.standby().into_iter().map(KeptKey::from).collect()
    }

    pub fn source(&self) -> Option<String> {
        self.0.source().map(ToString::to_string)
    }

    /// Fails as the last look at the source did.
    pub fn last_look(&self) -> Result<()> {
        match self.0.last_error() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

//! Where keys are kept, and sets that follow it.

use std::{path::PathBuf, sync::Arc};

use ssf_transmitter::{self as sdk, key::KeyOptions, secret::Secret};

use crate::{
    cancellation::Cancellation,
    failure::{Failure, Result},
    key::{KeySet, SigningKey},
    policy::span_of,
};

/// A source: the text of one, or the path of a file.
#[derive(uniffi::Record)]
pub struct KeySource {
    pub text: Option<String>,
    pub path: Option<String>,
    pub options: KeySourceOptions,
}

/// How to read a key. The time limit is in seconds.
#[derive(uniffi::Record)]
pub struct KeySourceOptions {
    pub kid: Option<String>,
    pub algorithm: Option<String>,
    pub password: Option<String>,
    pub time_limit: Option<f64>,
}

impl KeySourceOptions {
    fn core(self) -> Result<KeyOptions> {
        let mut options = KeyOptions::new();
        if let Some(kid) = self.kid {
            options = options.kid(kid);
        }
        if let Some(algorithm) = self.algorithm {
            options = options.algorithm(algorithm.parse()?);
        }
        if let Some(password) = self.password {
            options = options.password(password);
        }
        Ok(options)
    }
}

impl KeySource {
    fn core(self) -> Result<sdk::KeySource> {
        let mut source = match self.path {
            Some(path) => sdk::KeySource::file(PathBuf::from(path)),
            None => sdk::KeySource::parse(&self.text.unwrap_or_default())?,
        };
        if let Some(limit) = self.options.time_limit {
            source = source.time_limit(span_of(limit)?);
        }
        Ok(source.options(self.options.core()?))
    }
}

/// Runs what may wait for a command on a thread of its own.
async fn waiting<T: Send + 'static>(
    cancellation: &Cancellation,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = async { tokio::task::spawn_blocking(work).await };
    let ended = async { done.await.map_err(|_| Failure::internal("a task ended without a result")) };
    cancellation.or(ended).await?
}

/// Reads a key in any form.
#[uniffi::export]
pub fn read_any_key(key: Vec<u8>, options: KeySourceOptions) -> Result<Arc<SigningKey>> {
    let key = Secret::new(key);
    Ok(Arc::new(SigningKey(sdk::SigningKey::from_any(key.expose(), &options.core()?)?)))
}

/// Reads the key of a source.
#[uniffi::export]
pub async fn read_key_source(source: KeySource, cancellation: Arc<Cancellation>) -> Result<Arc<SigningKey>> {
    let key = waiting(&cancellation, move || Ok(source.core()?.read()?)).await?;
    Ok(Arc::new(SigningKey(key)))
}

/// A set that follows a source, which is looked at after `every` seconds.
#[uniffi::export]
pub async fn watch_key_source(
    source: KeySource,
    every: f64,
    cancellation: Arc<Cancellation>,
) -> Result<Arc<KeySet>> {
    let every = span_of(every)?;
    let keys = waiting(&cancellation, move || Ok(sdk::KeySet::watch(&source.core()?, every)?)).await?;
    Ok(Arc::new(KeySet(keys)))
}

#[uniffi::export]
impl KeySet {
    /// Looks at the source now.
    pub async fn refresh(&self, cancellation: Arc<Cancellation>) -> Result<bool> {
        let keys = self.0.clone();
        waiting(&cancellation, move || Ok(keys.refresh()?)).await
    }

    pub fn standby(&self) -> Vec<Arc<SigningKey>> {
        self.0.standby().into_iter().map(|key| Arc::new(SigningKey(key))).collect()
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

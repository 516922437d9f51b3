//! The file of settings, `ssf.toml`.

use std::path::PathBuf;

use ssf_transmitter::{KeySet, Result, config::Config, key::FetchedKeys};

use crate::{policy::Policy, transmitter::TransmitterSettings};

/// Reads the file at a path, or without one the nearest to the current folder.
pub fn read(path: Option<PathBuf>) -> Result<Config> {
    match path {
        Some(path) => Config::read(path),
        None => Config::nearest("."),
    }
}

/// Reads the keys of the transmitter that a file describes, where they are. It does no cryptography, and blocks.
pub fn fetch_keys(config: &Config) -> Result<FetchedKeys> {
    config.required_issuer()?;
    config.fetch_keys()
}

/// Reads those keys; they follow their source. It blocks.
pub fn keys(config: &Config) -> Result<KeySet> {
    config.keys(fetch_keys(config)?)
}

/// What a file says of its transmitter, with the keys that were read from it. Certificates and other secrets are read.
pub fn transmitter(config: &Config, keys: KeySet) -> Result<TransmitterSettings> {
    Ok(TransmitterSettings {
        issuer: config.required_issuer()?.to_owned(),
        keys,
        policy: Policy { deadline: config.deadline()?, retry: config.retry_policy()? },
        lint: Some(config.lint_policy()?),
        network: config.network()?,
    })
}

//! Where keys are kept, and sets that follow it.

use std::path::PathBuf;

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use ssf_transmitter::{self as sdk, KeySource, key::KeyOptions, secret::Secret};

use crate::{
    failure::{Failure, Outcome, Result},
    key::{KeySet, SigningKey},
    mailbox::Mailbox,
    policy::milliseconds,
};

/// How to read a key. Spans are in milliseconds.
#[napi(object, object_to_js = false)]
pub struct SourceOptions {
    pub kid: Option<String>,
    pub algorithm: Option<String>,
    pub password: Option<String>,
    pub time_limit: Option<f64>,
}

/// A source: the text of one, or the path of a file.
#[napi(object, object_to_js = false)]
pub struct Source {
    pub text: Option<String>,
    pub path: Option<String>,
    pub options: SourceOptions,
}

#[napi]
impl SigningKey {
    /// Reads a key in any form.
    #[napi]
    pub fn read_any(
        mailbox: &Mailbox,
        number: u32,
        bytes: Uint8Array,
        options: SourceOptions,
    ) -> Outcome<()> {
        let bytes = Secret::new(bytes.to_vec());
        mailbox.spawn_blocking(number, move || {
            Ok(Self(sdk::SigningKey::from_any(bytes.expose(), &options.core()?)?))
        })
    }

    /// Reads the key of a source.
    #[napi]
    pub fn read_source(mailbox: &Mailbox, number: u32, source: Source) -> Outcome<()> {
        mailbox.spawn_blocking(number, move || Ok(Self(source.core()?.read()?)))
    }
}

#[napi]
impl KeySet {
    /// A set that follows a source, which is looked at after `every` milliseconds.
    #[napi]
    pub fn watch(mailbox: &Mailbox, number: u32, source: Source, every: f64) -> Outcome<()> {
        mailbox.spawn_blocking(number, move || {
            Ok(Self(sdk::KeySet::watch(&source.core()?, milliseconds(every)?)?))
        })
    }

    /// Looks at the source now.
    #[napi]
    pub fn refresh(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let keys = self.0.clone();
        mailbox.spawn_blocking(number, move || Ok(keys.refresh()?))
    }

    #[napi]
    pub fn standby(&self) -> Vec<SigningKey> {
        self.0.standby().into_iter().map(SigningKey).collect()
    }

    #[napi]
    pub fn source(&self) -> Option<String> {
        self.0.source().map(ToString::to_string)
    }

    #[napi]
    pub fn last_error(&self) -> Option<Failure> {
        self.0.last_error().map(Failure::from)
    }
}

impl SourceOptions {
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

impl Source {
    fn core(self) -> Result<KeySource> {
        let mut source = match self.path {
            Some(path) => KeySource::file(PathBuf::from(path)),
            None => KeySource::parse(&self.text.unwrap_or_default())?,
        };
        if let Some(limit) = self.options.time_limit {
            source = source.time_limit(milliseconds(limit)?);
        }
        Ok(source.options(self.options.core()?))
    }
}

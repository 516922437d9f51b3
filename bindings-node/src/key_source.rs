//! Where keys are kept, and sets that follow it.

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use ssf_bindings::policy::Unit;
use ssf_transmitter::{self as sdk, secret::Secret};

use crate::{
    failure::{Failure, Outcome},
    key::{KeySet, SigningKey},
    mailbox::Mailbox,
    policy::milliseconds,
    records::{Source, SourceOptions},
    signer::{AnyKey, shown},
};

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
            Ok(Self(sdk::SigningKey::from_any(bytes.expose(), &options.options()?)?))
        })
    }

    /// Reads the key of a source.
    #[napi]
    pub fn read_source(mailbox: &Mailbox, number: u32, source: Source) -> Outcome<()> {
        mailbox.spawn_blocking(number, move || Ok(Self(source.source(Unit::Milliseconds)?.read()?)))
    }
}

#[napi]
impl KeySet {
    /// A set that follows a source, which is looked at after `every` milliseconds.
    #[napi]
    pub fn watch(mailbox: &Mailbox, number: u32, source: Source, every: f64) -> Outcome<()> {
        mailbox.spawn_blocking(number, move || {
            Ok(Self(sdk::KeySet::watch(&source.source(Unit::Milliseconds)?, milliseconds(every)?)?))
        })
    }

    /// Looks at the source now.
    #[napi]
    pub fn refresh(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let keys = self.0.clone();
        mailbox.spawn_blocking(number, move || Ok(keys.refresh()?))
    }

    #[napi]
    pub fn standby(&self) -> Vec<AnyKey> {
        self.0.standby().into_iter().map(shown).collect()
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

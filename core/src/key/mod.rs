//! Signing keys: generate, import, use, rotate.

mod backend;
mod der;
mod encrypted;
mod export;
mod factors;
mod import;
mod jwk;
mod key_set;
mod material;
mod read;
mod signer;
mod signing_key;
#[cfg(feature = "client")]
mod source;

pub use key_set::KeySet;
pub use read::KeyOptions;
pub(crate) use signer::failed;
pub use signer::{BoxFuture, ExternalKey, Signer, SigningHeader, TransmitterKey};
pub use signing_key::{KeyType, SigningKey};
#[cfg(feature = "client")]
pub use source::{FetchedKeys, KeySource};

//! What the packages for Python, Node.js and Swift share on the Rust side.
//!
//! A binding converts the values of its language into the settings here, calls the core, and converts back. Settings are
//! plain structs with `Option` where a language may leave a value out; each becomes a value of the core in one function.
//! [`records`] defines what crosses to a language by value, once for all that describe it to a generator.

#[cfg(feature = "outbox")]
pub mod access;
pub mod config;
pub mod direct;
pub mod emission;
pub mod key;
pub mod lint;
pub mod metadata;
pub mod names;
pub mod network;
pub mod okta;
#[cfg(feature = "outbox")]
pub mod outbox;
pub mod policy;
pub mod receiver;
pub mod records;
pub mod runtime;
pub mod set;
#[cfg(feature = "outbox")]
pub mod streams;
pub mod transmitter;

/// For the macros in [`records`].
pub use ssf_transmitter as sdk;
use ssf_transmitter::{Error, ErrorCode, Result, key::SigningHeader};

/// Sets a value of a builder where there is one.
pub fn set<B, T>(builder: B, value: Option<T>, set: impl FnOnce(B, T) -> B) -> B {
    match value {
        Some(value) => set(builder, value),
        None => builder,
    }
}

/// The header for the name of an algorithm, with a `kid` if there is one.
pub fn header(algorithm: &str, kid: Option<String>) -> Result<SigningHeader> {
    let mut header = SigningHeader::without_kid(algorithm.parse()?);
    header.kid = kid;
    Ok(header)
}

/// A setting is invalid.
pub fn invalid(message: &str) -> Error {
    Error::new(ErrorCode::ConfigurationInvalid, message)
}

//! JSON Web Signatures and keys, as SETs use them (RFC 7515, 7517, 7518).
//!
//! Signatures are verified by josekit, over OpenSSL, and made by OpenSSL itself in `key`. Both are named there and here
//! alone.

mod algorithm;
mod compact;
mod entry;
mod jwks;
mod numbers;
mod public_key;
mod signature;

pub use algorithm::Algorithm;
pub use jwks::Jwks;
pub use public_key::PublicKey;
pub use signature::Signature;

pub(crate) use algorithm::KeyFamily;
pub(crate) use compact::{Compact, SET_TYPE, header, signing_input, typed_header};
pub(crate) use entry::{Entry, Operation, checked, foreign};
pub(crate) use numbers::{Numbers, explicit_curve, unsupported};

//! Who calls a transmitter: access tokens as JWT and static tokens, judged without I/O.
//!
//! A token comes in the header `Authorization` and nowhere else (CAEP Interoperability Profile §2.7.3, RFC 6750 §2.1): query and body
//! of a request are not looked at. The [`Authenticator`](crate::client::Authenticator) fetches the keys of issuers, and puts the parts
//! of this module together. The page `docs/transmitter-access.md` describes it for users.

#![cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client's authenticator uses the rest"))]

mod authorization;
mod claims;
mod discovery;
mod issuer;
mod jws;
mod keys;
mod profile;
mod receivers;
mod resource;
mod static_token;

pub use crate::rate::RateLimit;
pub use issuer::TrustedIssuer;
pub use profile::TokenProfile;
pub use resource::ResourceMetadata;
pub use static_token::{StaticToken, TokenHash};

#[cfg(feature = "client")]
pub(crate) use {
    authorization::bearer_token,
    jws::Unverified,
    keys::{Held, IssuerKeys, KeyTimes, KeysAction},
    static_token::StaticTokens,
};

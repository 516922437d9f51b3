//! How a sender authorizes at a receiver, and how it gets an access token (RFC 6749 §4.4). No input or output in here.

#[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client authorizes"))]
pub(crate) mod check;
mod credentials;
mod machine;

pub use credentials::{ClientAuthentication, ClientCredentials};
pub use machine::{TokenAction, TokenMachine};

use crate::secret::Secret;

/// How the sender authorizes at the receiver.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Authorization {
    /// Not at all: the signature of the SET is enough, as at Okta.
    #[default]
    None,
    /// With a bearer token that does not change (RFC 6750 §2.1), without its scheme.
    Bearer(Secret<String>),
    /// With this value of the header `Authorization`, a scheme and what belongs to it, such as `Bearer …`: the
    /// `authorization_header` of a stream (SSF 1.0 §6.1.1).
    Header(Secret<String>),
    /// With exactly this value of the header `Authorization`, whether it has a scheme or not: what a receiver wrote into the
    /// configuration of its stream.
    Verbatim(Secret<String>),
    /// With an access token that is got from a token endpoint.
    ClientCredentials(ClientCredentials),
}

/// RFC 6750 §2.1.
pub(crate) fn bearer(token: &Secret<String>) -> Secret<String> {
    Secret::new(format!("Bearer {}", token.expose()))
}

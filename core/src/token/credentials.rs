//! Client credentials, and the ways in which a client names itself (RFC 6749 §2.3, RFC 7523 §2.2).

use std::fmt;

use super::{TokenMachine, check};
use crate::{
    error::{Error, ErrorCode, Result},
    http::Endpoint,
    key::SigningKey,
    secret::Secret,
};

/// How the client names itself at the token endpoint.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// With its secret, by HTTP Basic: `client_secret_basic` (RFC 6749 §2.3.1).
    #[default]
    Basic,
    /// With its secret, in the form: `client_secret_post` (RFC 6749 §2.3.1).
    Body,
    /// With a JWT that this key signs: `private_key_jwt` (RFC 7523 §2.2). The secret is not used.
    PrivateKeyJwt(SigningKey),
    /// With the client certificate of the TLS connection: `tls_client_auth` (RFC 8705 §2.1). The secret is not used.
    Certificate,
}

/// Client credentials, and the endpoint that issues access tokens for them (RFC 6749 §4.4).
///
/// ```
/// use ssf_transmitter::token::{ClientAuthentication, ClientCredentials};
///
/// let credentials = ClientCredentials::new("https://auth.example.com/oauth2/token", "client-1", "s3cret")
///     .scope("messages/write")
///     .authentication(ClientAuthentication::Body);
/// assert!(!format!("{credentials:?}").contains("s3cret"));
/// ```
#[derive(Clone)]
pub struct ClientCredentials {
    pub(super) token_url: String,
    pub(super) client_id: String,
    pub(super) client_secret: Secret<String>,
    pub(super) authentication: ClientAuthentication,
    pub(super) parameters: Vec<(String, String)>,
}

impl ClientCredentials {
    /// With the URL of the token endpoint, whatever its path, and the client's id and secret.
    pub fn new(
        token_url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<Secret<String>>,
    ) -> Self {
        Self {
            token_url: token_url.into(),
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            authentication: ClientAuthentication::default(),
            parameters: Vec::new(),
        }
    }

    /// With a key instead of a secret: `private_key_jwt` (RFC 7523 §2.2).
    pub fn with_key(token_url: impl Into<String>, client_id: impl Into<String>, key: SigningKey) -> Self {
        Self::new(token_url, client_id, "").authentication(ClientAuthentication::PrivateKeyJwt(key))
    }

    /// With the client certificate of the transmitter instead of a secret: `tls_client_auth` (RFC 8705 §2.1).
    pub fn with_certificate(token_url: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self::new(token_url, client_id, "").authentication(ClientAuthentication::Certificate)
    }

    /// Sets how the client names itself; [`ClientAuthentication::Basic`] by default.
    pub fn authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Sets the scope to ask for.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.parameter("scope", scope)
    }

    /// Sets the audience to ask for, where the endpoint wants one.
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.parameter("audience", audience)
    }

    /// Adds a parameter to the request, such as `resource`.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// The machine that gets tokens for these credentials. `loopback` allows a token endpoint of this machine, over plain
    /// http too.
    pub fn machine(mut self, loopback: bool) -> Result<TokenMachine> {
        let url = check::trimmed(&self.token_url);
        let about = |error: Error| error.prefixed("the token URL");
        let endpoint = Endpoint::parse(url, loopback).map_err(about)?;
        if endpoint.url().path().contains("/.well-known/") {
            let message = "it is that of a discovery document; use the `token_endpoint` in that document";
            return Err(about(Error::new(ErrorCode::EndpointInvalid, message)));
        }
        self.token_url = url.into();
        self.client_id = check::client_id(&self.client_id)?;
        if matches!(self.authentication, ClientAuthentication::Basic | ClientAuthentication::Body) {
            self.client_secret = check::client_secret(&self.client_secret)?;
        }
        let own = ["grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type"];
        if let Some((name, _)) = self.parameters.iter().find(|(name, _)| own.contains(&name.as_str())) {
            let message = format!("the parameter {name} of a token request cannot be set");
            return Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        }
        Ok(TokenMachine::new(endpoint, self))
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ClientCredentials")
            .field("client_id", &self.client_id)
            .field("authentication", &self.authentication)
            .finish_non_exhaustive()
    }
}

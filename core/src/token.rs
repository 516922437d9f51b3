//! How a sender authorizes at a receiver, and how it gets an access token (RFC 6749 §4.4). No input or output in here.

use std::{fmt, time::Duration};

use serde::Deserialize;
use url::form_urlencoded;

use crate::{
    base64,
    error::{Error, ErrorCode, Result},
    http::{Body, Endpoint, Failure, Request, Response},
    secret::Secret,
    time::Timestamp,
};

/// A token is renewed when it has no more than this left, so that it does not end on the way.
const RENEW_BEFORE_END: Duration = Duration::from_secs(30);

/// How the sender authorizes at the receiver.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Authorization {
    /// Not at all: the signature of the SET is enough, as at Okta.
    #[default]
    None,
    /// With a bearer token that does not change (RFC 6750 §2.1).
    Bearer(Secret<String>),
    /// With this value of the header `Authorization`, as it is: the `authorization_header` of a stream (SSF 1.0 §6.1.1).
    Header(Secret<String>),
    /// With an access token that is got from a token endpoint.
    ClientCredentials(ClientCredentials),
}

/// How the client names itself at the token endpoint (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// By HTTP Basic: `client_secret_basic`.
    #[default]
    Basic,
    /// In the form: `client_secret_post`.
    Body,
}

/// Client credentials, and the endpoint that gives access tokens for them (RFC 6749 §4.4).
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
    token_url: String,
    client_id: String,
    client_secret: Secret<String>,
    authentication: ClientAuthentication,
    scope: Option<String>,
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
            scope: None,
        }
    }

    /// Sets how the client names itself; [`ClientAuthentication::Basic`] by default.
    pub fn authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Sets the scope to ask for.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// The machine that gets tokens for these credentials. `loopback_http` allows a token endpoint of this machine over
    /// plain http, for trials.
    pub fn machine(self, loopback_http: bool) -> Result<TokenMachine> {
        let endpoint = Endpoint::parse(&self.token_url, loopback_http)?;
        if self.client_id.is_empty() {
            return Err(Error::new(ErrorCode::ConfigurationInvalid, "the client id is empty"));
        }
        Ok(TokenMachine { endpoint, credentials: self })
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

/// Gets access tokens: which request to send, what its answer means. The caller keeps the token while it is usable.
#[derive(Debug)]
pub struct TokenMachine {
    endpoint: Endpoint,
    credentials: ClientCredentials,
}

impl TokenMachine {
    /// The request to the token endpoint (RFC 6749 §4.4.2).
    pub fn request(&self) -> Request {
        let credentials = &self.credentials;
        let secret = credentials.client_secret.expose();
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(256 + 3 * secret.len()));
        form.append_pair("grant_type", "client_credentials");
        if let Some(scope) = &credentials.scope {
            form.append_pair("scope", scope);
        }
        if credentials.authentication == ClientAuthentication::Body {
            form.append_pair("client_id", &credentials.client_id);
            form.append_pair("client_secret", secret);
        }
        let request = Request::new(self.endpoint.clone(), Body::Form(form.finish().into()));
        match credentials.authentication {
            ClientAuthentication::Body => request,
            ClientAuthentication::Basic => request.with_header("authorization", self.basic()),
        }
    }

    /// RFC 6749 §2.3.1: id and secret are form-encoded one by one before they are joined.
    fn basic(&self) -> Secret<String> {
        let encoded =
            |text: &str| Secret::from(form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
        let (id, secret) =
            (encoded(&self.credentials.client_id), encoded(self.credentials.client_secret.expose()));
        let pair = Secret::new(format!("{}:{}", id.expose(), secret.expose()));
        Secret::new(format!("Basic {}", base64::encode_standard(pair.expose())))
    }

    /// The error for a request without an answer.
    pub fn broken(&self, failure: Failure) -> Error {
        let message = format!("the token endpoint at {} gave no answer", self.endpoint.host());
        match failure {
            Failure::TooLarge => Error::new(ErrorCode::AnswerTooLarge, message),
            // A token request may be repeated whatever became of the first one.
            Failure::NotConnected | Failure::Broken => Error::new(ErrorCode::TokenUnavailable, message),
        }
    }

    /// The token of an answer that came at `now` (RFC 6749 §5.1, §5.2).
    pub fn answer(&self, response: &Response, now: Timestamp) -> Result<AccessToken> {
        #[derive(Deserialize)]
        struct Granted {
            access_token: String,
            token_type: Option<String>,
            expires_in: Option<f64>,
        }
        #[derive(Deserialize)]
        struct Refused {
            error: String,
            error_description: Option<String>,
        }

        let host = self.endpoint.host();
        let status = response.status;
        let body = response.body.expose();
        if status >= 500 {
            let message = format!("the token endpoint at {host} answered {status}");
            return Err(Error::new(ErrorCode::TokenUnavailable, message).with_status(status));
        }
        if status != 200 {
            let message = format!("the token endpoint at {host} refused the client with status {status}");
            let error = Error::new(ErrorCode::TokenRefused, message).with_status(status);
            return Err(match serde_json::from_slice::<Refused>(body) {
                Ok(refused) => error.with_receiver_error(Some(refused.error), refused.error_description),
                Err(_) => error,
            });
        }
        let invalid = |what: &str| {
            let message = format!("the answer of the token endpoint at {host} {what}");
            Error::new(ErrorCode::TokenResponseInvalid, message).with_status(status)
        };
        let granted: Granted = serde_json::from_slice(body).map_err(|_| invalid("holds no access_token"))?;
        let value = Secret::new(granted.access_token);
        if !granted.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Err(invalid("is for another type than bearer"));
        }
        let is_header_text = |byte: u8| (0x21..0x7f).contains(&byte);
        if value.expose().is_empty() || !value.expose().bytes().all(is_header_text) {
            return Err(invalid("holds an access_token that no header can carry"));
        }
        let lifetime = granted.expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(AccessToken { value, ends: lifetime.map(|lifetime| now.plus(lifetime)) })
    }
}

/// An access token and its end.
#[derive(Clone, Debug)]
pub struct AccessToken {
    value: Secret<String>,
    /// `None` if the answer did not say; then it serves one delivery.
    ends: Option<Timestamp>,
}

impl AccessToken {
    /// Whether it lives for a while yet. A token whose answer did not say how long it lives serves one delivery.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.ends.is_some_and(|ends| ends.since(now) > RENEW_BEFORE_END)
    }

    /// The value of the header `Authorization` (RFC 6750 §2.1).
    pub fn bearer(&self) -> Secret<String> {
        bearer(&self.value)
    }
}

/// RFC 6750 §2.1.
pub(crate) fn bearer(token: &Secret<String>) -> Secret<String> {
    Secret::new(format!("Bearer {}", token.expose()))
}

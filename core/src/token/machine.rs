//! Gets access tokens: which request to send, what its answer means, how long a token serves.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;

use super::{ClientAuthentication, ClientCredentials, bearer};
use crate::{
    base64,
    error::{Error, ErrorCode, Result, Retry},
    http::{Body, Endpoint, Failure, Request, Response},
    jose,
    key::SigningKey,
    random,
    secret::Secret,
    time::Timestamp,
};

/// A token whose answer does not say how long it lives is kept for so long. If it ends earlier, the receiver's 401 renews it.
const UNSTATED_LIFETIME: Duration = Duration::from_mins(5);
/// What an answer says beyond this is not believed.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);
/// So long before its end a token is renewed at the latest and at the earliest; a tenth of its lifetime in between.
const RENEW_BEFORE_END: (Duration, Duration) = (Duration::from_secs(30), Duration::from_mins(5));
/// How long a client assertion is good for.
const ASSERTION_LIFETIME: i64 = 60;

/// The access token of one receiver. One caller at a time drives it, so that one request serves all who wait.
#[derive(Debug)]
pub struct TokenMachine {
    endpoint: Endpoint,
    credentials: ClientCredentials,
    token: Option<AccessToken>,
}

/// What to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum TokenAction {
    /// Nothing: this is the value of the header `Authorization`.
    Use(Secret<String>),
    /// Send the request, and tell its outcome by [`TokenMachine::answered`] or [`TokenMachine::broken`].
    Fetch(Request),
}

#[derive(Debug)]
struct AccessToken {
    value: Secret<String>,
    renew_at: Timestamp,
    ends: Timestamp,
}

impl TokenMachine {
    pub(super) fn new(endpoint: Endpoint, credentials: ClientCredentials) -> Self {
        Self { endpoint, credentials, token: None }
    }

    /// Somebody wants to authorize. `refused` is a value that the receiver did not accept any more; where another caller
    /// has renewed the token since, the new one is used.
    pub fn wanted(&mut self, now: Timestamp, refused: Option<&Secret<String>>) -> Result<TokenAction> {
        let is_refused = |token: &AccessToken| {
            refused
                .is_some_and(|refused| refused.expose().strip_prefix("Bearer ") == Some(token.value.expose()))
        };
        if self.token.as_ref().is_some_and(is_refused) {
            self.token = None;
        }
        match &self.token {
            Some(token) if now < token.renew_at => Ok(TokenAction::Use(bearer(&token.value))),
            _ => self.request(now).map(TokenAction::Fetch),
        }
    }

    /// There was an answer.
    pub fn answered(&mut self, now: Timestamp, response: &Response) -> Result<Secret<String>> {
        match self.grant(now, response) {
            Ok(token) => {
                let value = bearer(&token.value);
                self.token = Some(token);
                Ok(value)
            }
            Err(error) => self.fall_back(now, error),
        }
    }

    /// There was no answer.
    pub fn broken(&mut self, now: Timestamp, failure: Failure) -> Result<Secret<String>> {
        let message = format!("the token endpoint at {} gave no answer", self.endpoint.host());
        // A token request may be repeated whatever became of the first one; what no repeat mends keeps its own code.
        let code = match failure.code() {
            code if code.retry() == Retry::Later => ErrorCode::TokenUnavailable,
            code => code,
        };
        self.fall_back(now, Error::new(code, message))
    }

    /// A renewal that fails for a while does no harm while the old token lives.
    fn fall_back(&self, now: Timestamp, error: Error) -> Result<Secret<String>> {
        match &self.token {
            Some(token) if now < token.ends && error.is_retryable() => Ok(bearer(&token.value)),
            _ => Err(error),
        }
    }

    /// The scope that is asked for.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client's doctor asks"))]
    pub(crate) fn scope(&self) -> Option<&str> {
        let scope = self.credentials.parameters.iter().find(|(name, _)| name == "scope");
        scope.map(|(_, scope)| scope.as_str())
    }

    /// RFC 6749 §4.4.2.
    pub(crate) fn request(&self, now: Timestamp) -> Result<Request> {
        let credentials = &self.credentials;
        let secret = credentials.client_secret.expose();
        // Room for all of it: growing would leave unwiped copies behind.
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(4096 + 3 * secret.len()));
        form.append_pair("grant_type", "client_credentials").extend_pairs(&credentials.parameters);
        let mut basic = None;
        match &credentials.authentication {
            ClientAuthentication::Basic => basic = Some(self.basic()),
            ClientAuthentication::Body => {
                form.append_pair("client_id", &credentials.client_id).append_pair("client_secret", secret);
            }
            ClientAuthentication::PrivateKeyJwt(key) => {
                form.append_pair("client_id", &credentials.client_id)
                    .append_pair(
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    )
                    .append_pair("client_assertion", self.assertion(key, now)?.expose());
            }
        }
        Ok(Request::post(self.endpoint.clone(), basic, Body::Form(form.finish().into())))
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

    /// RFC 7523 §3: a JWT by which the client names itself.
    fn assertion(&self, key: &SigningKey, now: Timestamp) -> Result<Secret<String>> {
        let (client, iat) = (&self.credentials.client_id, now.as_unix_seconds());
        let claims = json!({
            "iss": client,
            "sub": client,
            "aud": self.credentials.token_url,
            "jti": random::identifier()?,
            "iat": iat,
            "exp": iat + ASSERTION_LIFETIME,
        });
        let header = jose::typed_header(key.algorithm(), Some(key.kid().to_owned()), "JWT");
        let mut jwt = jose::signing_input(&header, claims.to_string().as_bytes())?;
        let signature = key.sign_bytes(jwt.as_bytes())?;
        jwt.push('.');
        base64::encode_to(&mut jwt, signature);
        Ok(jwt.into())
    }

    /// The token of an answer that came at `now` (RFC 6749 §5.1, §5.2).
    fn grant(&self, now: Timestamp, response: &Response) -> Result<AccessToken> {
        #[derive(Deserialize)]
        struct Granted {
            access_token: String,
            token_type: Option<String>,
            expires_in: Option<serde_json::Value>,
        }

        let status = response.status;
        if status != 200 {
            return Err(self.refused(now, response));
        }
        let invalid = |what: &str| {
            let message = format!("the answer of the token endpoint at {} {what}", self.endpoint.host());
            Error::new(ErrorCode::TokenResponseInvalid, message).with_status(status)
        };
        let granted: Granted =
            serde_json::from_slice(response.body.expose()).map_err(|_| invalid("holds no access_token"))?;
        let value = Secret::new(granted.access_token);
        if !granted.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Err(invalid("is for another type than bearer"));
        }
        let is_header_text = |byte: u8| (0x21..0x7f).contains(&byte);
        if value.expose().is_empty() || !value.expose().bytes().all(is_header_text) {
            return Err(invalid("holds an access_token that no header can carry"));
        }
        let lifetime = lifetime(granted.expires_in.as_ref());
        // Renewals of many receivers, and of many processes, should not fall together.
        let margin = (lifetime / 10).clamp(RENEW_BEFORE_END.0, RENEW_BEFORE_END.1);
        let margin = (margin + margin.mul_f64(random::fraction()? / 2.0)).min(lifetime / 2);
        let ends = now.plus(lifetime);
        Ok(AccessToken { value, renew_at: now.plus(lifetime.saturating_sub(margin)), ends })
    }

    /// RFC 6749 §5.2.
    fn refused(&self, now: Timestamp, response: &Response) -> Error {
        #[derive(Deserialize)]
        struct Refused {
            error: String,
            error_description: Option<String>,
        }

        let (status, host) = (response.status, self.endpoint.host());
        let code = match status {
            408 | 425 | 429 | 500.. => ErrorCode::TokenUnavailable,
            _ => ErrorCode::TokenRefused,
        };
        let error = Error::new(code, format!("the token endpoint at {host} answered {status}"))
            .with_status(status)
            .with_retry_after(response.retry_after(now));
        match serde_json::from_slice::<Refused>(response.body.expose()) {
            Ok(refused) => error.with_receiver_error(Some(refused.error), refused.error_description),
            Err(_) => error,
        }
    }
}

/// `expires_in` in seconds; some endpoints write it as a string.
fn lifetime(expires_in: Option<&serde_json::Value>) -> Duration {
    let seconds = match expires_in {
        Some(serde_json::Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_f64(),
        None => None,
    };
    match seconds {
        None => UNSTATED_LIFETIME,
        Some(seconds) if seconds >= LONGEST_LIFETIME.as_secs_f64() => LONGEST_LIFETIME,
        Some(seconds) => Duration::try_from_secs_f64(seconds).unwrap_or_default(),
    }
}

//! Gets access tokens: which request to send, what its answer means, how long a token serves.

use std::time::Duration;

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{ClientAuthentication, ClientCredentials, bearer};
use crate::{
    base64,
    error::{Error, ErrorCode, Result, Retry, is_code},
    http::{Body, BodyEnd, Endpoint, Failure, Request, Response},
    jose,
    key::SigningKey,
    random,
    reason::{Reason, Redaction},
    secret::Secret,
    time::Timestamp,
    web::media_type,
};

/// A token whose answer does not say how long it lives is kept for so long. If it ends earlier, the receiver's 401 renews it.
const UNSTATED_LIFETIME: Duration = Duration::from_mins(5);
/// What an answer says beyond this is not believed.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);
/// So long before its end a token is renewed at the latest and at the earliest; a tenth of its lifetime in between.
const RENEW_BEFORE_END: (Duration, Duration) = (Duration::from_secs(30), Duration::from_mins(5));
/// An endpoint that gives the same token until it ends, such as GOV.UK's, is not asked more often than this: before the
/// end that the token was to have, and after it.
const SAME_TOKEN_PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));
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
    /// The endpoint said when it ends.
    is_stated: bool,
    /// The receiver does not accept it any more.
    refused: bool,
}

impl TokenMachine {
    pub(super) fn new(endpoint: Endpoint, credentials: ClientCredentials) -> Self {
        Self { endpoint, credentials, token: None }
    }

    /// Somebody wants to authorize. `refused` is a value that the receiver did not accept any more; where another caller
    /// has renewed the token since, the new one is used.
    pub fn wanted(&mut self, now: Timestamp, refused: Option<&Secret<String>>) -> Result<TokenAction> {
        let refused = refused.and_then(|value| value.expose().strip_prefix("Bearer "));
        if let Some(token) = self.token.as_mut().filter(|token| refused == Some(token.value.expose())) {
            token.refused = true;
        }
        match &self.token {
            Some(token) if now < token.renew_at && !token.refused => {
                Ok(TokenAction::Use(bearer(&token.value)))
            }
            _ => self.request(now).map(TokenAction::Fetch),
        }
    }

    /// There was an answer.
    pub fn answered(&mut self, now: Timestamp, response: &Response) -> Result<Secret<String>> {
        match self.grant(now, response) {
            Ok(token) => self.keep(now, token),
            Err(error) => self.fall_back(now, error),
        }
    }

    /// Keeps a token that was granted. The same one again lives no longer than it was to live before.
    fn keep(&mut self, now: Timestamp, mut token: AccessToken) -> Result<Secret<String>> {
        if let Some(known) = self.token.as_mut().filter(|known| known.value.expose() == token.value.expose())
        {
            if known.refused {
                // Who tries next may find a receiver that accepts it again.
                known.refused = false;
                let message = format!(
                    "the receiver rejected the access token, and the token endpoint at {} returned the same one",
                    self.endpoint.host()
                );
                return Err(Error::new(ErrorCode::TokenStale, message));
            }
            if known.is_stated {
                (token.ends, token.is_stated) = (token.ends.min(known.ends), true);
                let left = token.ends.since(now);
                let pause = if left.is_zero() {
                    SAME_TOKEN_PAUSE.1
                } else {
                    (left / 2).max(SAME_TOKEN_PAUSE.0).min(left)
                };
                token.renew_at = now.plus(pause);
            }
        }
        let value = bearer(&token.value);
        self.token = Some(token);
        Ok(value)
    }

    /// There was no answer.
    pub fn broken(&mut self, now: Timestamp, failure: &Failure) -> Result<Secret<String>> {
        let error = failure.error(self.endpoint.host()).prefixed("no answer from the token endpoint");
        // A token request may be repeated, whatever the result of the first one. An error that a retry cannot fix keeps its
        // code, and so does an error on the network path, because it names the setting.
        let error = match error.code() {
            ErrorCode::ProxyUnreachable | ErrorCode::ProxyUnavailable => error,
            code if code.retry() == Retry::Later => error.with_code(ErrorCode::TokenUnavailable),
            _ => error,
        };
        self.fall_back(now, error)
    }

    /// A failed renewal is harmless while the old token is valid.
    fn fall_back(&self, now: Timestamp, error: Error) -> Result<Secret<String>> {
        match &self.token {
            Some(token) if now < token.ends && !token.refused && error.is_retryable() => {
                Ok(bearer(&token.value))
            }
            _ => Err(error),
        }
    }

    /// The host of the token endpoint.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client's doctor asks"))]
    pub(crate) fn host(&self) -> &str {
        self.endpoint.host()
    }

    /// The requested scope.
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
            // The certificate says the rest (RFC 8705 §2.1).
            ClientAuthentication::Certificate => {
                form.append_pair("client_id", &credentials.client_id);
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

    /// The token of an answer that came at `now` (RFC 6749 §5.1, §5.2). Any success with a token is one.
    fn grant(&self, now: Timestamp, response: &Response) -> Result<AccessToken> {
        if !response.is_success() {
            return Err(self.refused(now, response));
        }
        let invalid = |what: &str| self.unusable(response, what);
        if let Some(defect) = response.defect() {
            let error = invalid(&format!("has a body that {defect}"));
            // Another request may get all of it.
            let passes = response.body_end() != BodyEnd::TooLong;
            return Err(if passes { error.with_code(ErrorCode::TokenUnavailable) } else { error });
        }
        let granted: Map<String, Value> = serde_json::from_slice(response.text_bytes())
            .map_err(|_| invalid(&format!("is not a JSON object{}", described_as(response))))?;
        let value = match granted.get("access_token") {
            Some(Value::String(token)) => Secret::from(token.as_str()),
            Some(_) => return Err(invalid("contains an access_token that is not a string")),
            // Some endpoints refuse with a success.
            None if granted.contains_key("error") => return Err(self.refused(now, response)),
            None => return Err(invalid("contains no access_token")),
        };
        check_type(granted.get("token_type")).map_err(|what| invalid(&what))?;
        let is_header_text = |byte: u8| (0x21..0x7f).contains(&byte);
        if value.expose().is_empty() || !value.expose().bytes().all(is_header_text) {
            return Err(invalid("contains an access_token that is not a valid header value"));
        }
        let stated = lifetime(granted.get("expires_in"));
        let lifetime = stated.unwrap_or(UNSTATED_LIFETIME);
        // Renewals of many receivers, and of many processes, should not fall together.
        let margin = (lifetime / 10).clamp(RENEW_BEFORE_END.0, RENEW_BEFORE_END.1);
        let margin = (margin + margin.mul_f64(random::fraction()? / 2.0)).min(lifetime / 2);
        let ends = now.plus(lifetime);
        let renew_at = now.plus(lifetime.saturating_sub(margin));
        Ok(AccessToken { value, renew_at, ends, is_stated: stated.is_some(), refused: false })
    }

    fn unusable(&self, response: &Response, what: &str) -> Error {
        let message = format!("the answer of the token endpoint at {} {what}", self.endpoint.host());
        Error::new(ErrorCode::TokenResponseInvalid, message).with_status(response.status)
    }

    /// RFC 6749 §5.2.
    fn refused(&self, now: Timestamp, response: &Response) -> Error {
        let (status, host) = (response.status, self.endpoint.host());
        let code = match status {
            408 | 425 | 429 | 500.. => ErrorCode::TokenUnavailable,
            _ => ErrorCode::TokenRefused,
        };
        let redaction = Redaction::default()
            .secret(self.credentials.client_secret.expose())
            .authorization(self.basic().expose());
        let reason = Reason::of(response, &redaction);
        Error::new(code, format!("the token endpoint at {host} answered {status}"))
            .with_status(status)
            .with_retry_after(response.retry_after(now))
            .with_receiver_error(reason.code, reason.description)
    }
}

/// RFC 6749 §5.1: compared without case. Some gateways of Apigee write `BearerToken`.
fn check_type(token_type: Option<&Value>) -> Result<(), String> {
    match token_type {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(kind))
            if ["bearer", "bearertoken"].contains(&&*kind.trim().to_ascii_lowercase()) =>
        {
            Ok(())
        }
        Some(Value::String(kind)) if is_code(kind) => Err(format!("has the token_type {kind}, not Bearer")),
        Some(_) => Err("has an invalid token_type; expected Bearer".to_owned()),
    }
}

/// The content type of an answer, for a message.
fn described_as(response: &Response) -> String {
    let kind = response.header("content-type").map(media_type);
    let is_type =
        |kind: &String| kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte));
    kind.filter(is_type).map(|kind| format!(", but {kind}")).unwrap_or_default()
}

/// `expires_in` in seconds; some endpoints write it as a string.
fn lifetime(expires_in: Option<&Value>) -> Option<Duration> {
    let seconds = match expires_in? {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    let is_long = seconds >= LONGEST_LIFETIME.as_secs_f64();
    Some(if is_long { LONGEST_LIFETIME } else { Duration::try_from_secs_f64(seconds).unwrap_or_default() })
}

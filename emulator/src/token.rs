//! The token endpoint: OAuth 2.0 client credentials (RFC 6749 §4.4), and the check of its tokens (RFC 6750).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::answer::Answer;
use super::config::Client;
use super::documents::is_media_type;
use super::ledger::text;
use super::received::Received;
use super::{clock, random};

pub(crate) struct TokenEndpoint {
    client: Client,
    lifetime: Duration,
    /// The token handed out last. Those before it have expired by then.
    current: Mutex<Option<Token>>,
}

struct Token {
    value: String,
    expires_at: Duration,
}

/// An error answer of RFC 6749 §5.2.
#[derive(Clone, Copy, Debug)]
struct Denial {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

impl Denial {
    const INVALID_CLIENT: Self = Self {
        status: StatusCode::UNAUTHORIZED,
        error: "invalid_client",
        description: "The client is not known",
    };
    const UNSUPPORTED_GRANT_TYPE: Self = Self {
        status: StatusCode::BAD_REQUEST,
        error: "unsupported_grant_type",
        description: "The grant_type has to be client_credentials",
    };
    /// There were no random bytes. RFC 6749 has no code for it at this endpoint.
    const SERVER_ERROR: Self = Self {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        error: "server_error",
        description: "No token is available",
    };

    fn invalid_request(description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: "invalid_request", description }
    }

    fn answer(self) -> Answer {
        let body = json!({ "error": self.error, "error_description": self.description });
        let answer = Answer::json(self.status, &body).noted(Some(self.error), self.description);
        // RFC 6749 §5.2 asks for it if the client used the header, RFC 9110 §15.5.2 on every 401.
        if self.status == StatusCode::UNAUTHORIZED {
            answer.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"token\""))
        } else {
            answer
        }
    }
}

/// Why a push is not authorized.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BearerError {
    Absent,
    Invalid,
}

impl BearerError {
    /// The challenge of RFC 6750 §3, which names no error if the request had no token.
    pub(crate) fn answer(self) -> Answer {
        let (challenge, error, description) = match self {
            Self::Absent => ("Bearer", None, "There is no bearer token"),
            Self::Invalid => (
                "Bearer error=\"invalid_token\"",
                Some("invalid_token"),
                "The token is unknown or has expired",
            ),
        };
        Answer::empty(StatusCode::UNAUTHORIZED)
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
            .noted(error, description)
    }
}

/// The parameters of a request, by name.
type Parameters = Vec<(String, String)>;

impl TokenEndpoint {
    pub(crate) fn new(client: Client, lifetime: Duration) -> Self {
        Self { client, lifetime, current: Mutex::new(None) }
    }

    pub(crate) fn answer(&self, request: &Received) -> Answer {
        if request.method != Method::POST {
            return Answer::method_not_allowed("POST");
        }
        // RFC 6749 §5.1; errors are no more to be kept than tokens.
        self.grant(request)
            .unwrap_or_else(Denial::answer)
            .with(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
            .with(header::PRAGMA, HeaderValue::from_static("no-cache"))
    }

    /// Whether a push carries a token that was handed out here and has not expired.
    pub(crate) fn check_bearer(&self, headers: &HeaderMap) -> Result<(), BearerError> {
        let authorization = text(headers, &header::AUTHORIZATION).unwrap_or_default();
        let (scheme, presented) = authorization.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(BearerError::Absent);
        }
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let valid = current.as_ref().is_some_and(|token| {
            token.expires_at > clock::now() && same(&token.value, presented.trim_start_matches(' '))
        });
        if valid { Ok(()) } else { Err(BearerError::Invalid) }
    }

    /// From now on the token handed out last is not good any more.
    pub(crate) fn forget(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn grant(&self, request: &Received) -> Result<Answer, Denial> {
        let parameters = parameters(request)?;
        self.authenticate(&request.headers, &parameters)?;
        match parameter(&parameters, "grant_type") {
            None => return Err(Denial::invalid_request("The grant_type is missing")),
            Some("client_credentials") => {}
            Some(_) => return Err(Denial::UNSUPPORTED_GRANT_TYPE),
        }
        let (value, expires_in) = self.issue().map_err(|_| Denial::SERVER_ERROR)?;
        let body =
            json!({ "access_token": value, "token_type": "bearer", "expires_in": expires_in.as_secs() });
        Ok(Answer::json(StatusCode::OK, &body))
    }

    /// RFC 6749 §2.3.1: by HTTP Basic or in the body, and not by both.
    fn authenticate(&self, headers: &HeaderMap, parameters: &Parameters) -> Result<(), Denial> {
        let in_body = (parameter(parameters, "client_id"), parameter(parameters, "client_secret"));
        let authorization = text(headers, &header::AUTHORIZATION);
        let known = match (&authorization, in_body) {
            (Some(_), (_, Some(_))) => {
                return Err(Denial::invalid_request("There are two client authentications"));
            }
            (Some(authorization), _) => {
                basic(authorization).is_some_and(|(id, secret)| self.is_client(&id, &secret))
            }
            (None, (Some(id), Some(secret))) => self.is_client(id, secret),
            (None, _) => false,
        };
        if known { Ok(()) } else { Err(Denial::INVALID_CLIENT) }
    }

    fn is_client(&self, id: &str, secret: &str) -> bool {
        same(&self.client.id, id) & same(&self.client.secret, secret)
    }

    /// The current token while it is good, else a new one; with the time it has left.
    fn issue(&self) -> Result<(String, Duration), getrandom::Error> {
        let now = clock::now();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = current.as_ref().filter(|token| token.expires_at > now) {
            return Ok((token.value.clone(), token.expires_at.saturating_sub(now)));
        }
        let value = random::secret()?;
        *current = Some(Token { value: value.clone(), expires_at: now.saturating_add(self.lifetime) });
        Ok((value, self.lifetime))
    }
}

/// The form in the body: of the right type, nothing twice (RFC 6749 §3.2), and nothing in the URL instead
/// (§2.3.1).
fn parameters(request: &Received) -> Result<Parameters, Denial> {
    if request.query.is_some() {
        return Err(Denial::invalid_request("Parameters belong into the body"));
    }
    let content_type = text(&request.headers, &header::CONTENT_TYPE).unwrap_or_default();
    if !is_media_type(&content_type, "application/x-www-form-urlencoded") {
        return Err(Denial::invalid_request("The Content-Type has to be application/x-www-form-urlencoded"));
    }
    let parameters: Parameters = form_urlencoded::parse(&request.body).into_owned().collect();
    let repeated = |(position, (name, _)): (usize, &(String, String))| {
        parameters[..position].iter().any(|(earlier, _)| earlier == name)
    };
    if parameters.iter().enumerate().any(repeated) {
        return Err(Denial::invalid_request("A parameter is there twice"));
    }
    Ok(parameters)
}

/// A parameter; one without a value counts as left out (RFC 6749 §3.2).
fn parameter<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    let found = parameters.iter().find(|(known, value)| known == name && !value.is_empty());
    found.map(|(_, value)| value.as_str())
}

/// Id and secret out of HTTP Basic. Both were form-urlencoded before they were joined (RFC 6749 §2.3.1).
fn basic(authorization: &str) -> Option<(String, String)> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let credentials = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = credentials.split_once(':')?;
    Some((form_decode(id)?, form_decode(secret)?))
}

fn form_decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Into::into)
}

/// Without telling by the time it takes how much of it was right.
fn same(known: &str, presented: &str) -> bool {
    known.as_bytes().ct_eq(presented.as_bytes()).into()
}

//! The header `Authorization`: not needed, fixed, or with a token that is fetched and kept.

use std::time::Duration;

use tokio::sync::Mutex;

use super::transport::Transport;
use crate::{
    error::{Error, ErrorCode, Result},
    http::Response,
    secret::Secret,
    time::Clock,
    token::{self, Authorization, TokenAction, TokenMachine, check},
};

/// How long a token endpoint may take for an answer.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// An [`Authorization`] at work.
pub(super) enum Authorized {
    Not,
    Fixed(Secret<String>),
    /// Held while a token is fetched, so that one request serves all who wait.
    ByToken(Box<Mutex<TokenMachine>>),
}

impl Authorized {
    /// Checks the settings. `loopback` allows a token endpoint of this machine.
    pub(super) fn new(authorization: Authorization, loopback: bool) -> Result<Self> {
        Ok(match authorization {
            Authorization::None => Self::Not,
            Authorization::Bearer(token) => Self::Fixed(token::bearer(&check::bearer_token(&token)?)),
            Authorization::Header(value) => Self::Fixed(check::header(&value)?),
            Authorization::Verbatim(value) => Self::Fixed(check::verbatim(value.expose())?),
            Authorization::ClientCredentials(credentials) => {
                Self::ByToken(Box::new(Mutex::new(credentials.machine(loopback)?)))
            }
        })
    }

    /// Whether there may be another value where one is refused.
    pub(super) fn renews(&self) -> bool {
        matches!(self, Self::ByToken(_))
    }

    /// A fresh access token, if one is needed, kept for those who come after.
    pub(super) async fn fetch(&self, transport: &Transport, clock: &dyn Clock) -> Option<Result<Fetched>> {
        let Self::ByToken(machine) = self else { return None };
        let mut machine = machine.lock().await;
        Some(
            async {
                let request = machine.request(clock.now())?;
                match transport.send(&request, TOKEN_TIMEOUT).await {
                    Ok(response) => {
                        machine.answered(clock.now(), &response)?;
                        Ok(Fetched::of(machine.scope(), response))
                    }
                    Err(failure) => {
                        machine.broken(clock.now(), &failure)?;
                        Err(failure.error(machine.host()).prefixed("no answer from the token endpoint"))
                    }
                }
            }
            .await,
        )
    }

    /// The value for `host`, other than the `refused` one.
    pub(super) async fn value(
        &self,
        transport: &Transport,
        clock: &dyn Clock,
        host: &str,
        refused: Option<&Secret<String>>,
    ) -> Result<Secret<String>> {
        match self {
            Self::Not => Err(Error::internal("the receiver needs no authorization")),
            Self::Fixed(_) if refused.is_some() => {
                let message = format!("{host} does not accept the fixed authorization");
                Err(Error::new(ErrorCode::ReceiverUnauthorized, message))
            }
            Self::Fixed(value) => Ok(value.clone()),
            Self::ByToken(machine) => {
                let mut machine = machine.lock().await;
                match machine.wanted(clock.now(), refused)? {
                    TokenAction::Use(value) => Ok(value),
                    TokenAction::Fetch(request) => match transport.send(&request, TOKEN_TIMEOUT).await {
                        Ok(response) => machine.answered(clock.now(), &response),
                        Err(failure) => machine.broken(clock.now(), &failure),
                    },
                }
            }
        }
    }
}

/// A token that was granted just now, without the token.
pub(super) struct Fetched {
    pub(super) response: Response,
    /// How long it lives, if that was said.
    pub(super) expires_in: Option<Duration>,
    /// It does not cover the requested scope (RFC 6749 §5.1).
    pub(super) lacks_scope: bool,
}

impl Fetched {
    fn of(wanted: Option<&str>, response: Response) -> Self {
        let answer: serde_json::Value = serde_json::from_slice(response.text_bytes()).unwrap_or_default();
        let expires_in = match answer.get("expires_in") {
            Some(serde_json::Value::String(text)) => text.trim().parse().ok(),
            other => other.and_then(serde_json::Value::as_u64),
        };
        let granted: Option<Vec<&str>> =
            answer.get("scope").and_then(|scope| scope.as_str()).map(|scope| scope.split(' ').collect());
        // Without a scope in the answer, the token has the requested scope.
        let lacks =
            |granted: Vec<&str>| wanted.unwrap_or_default().split(' ').any(|scope| !granted.contains(&scope));
        let lacks_scope = wanted.is_some() && granted.is_some_and(lacks);
        Self { expires_in: expires_in.map(Duration::from_secs), lacks_scope, response }
    }
}

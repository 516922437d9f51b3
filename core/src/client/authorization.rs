//! The header `Authorization`: not needed, fixed, or with a token that is fetched and kept.

use std::time::Duration;

use tokio::sync::Mutex;

use super::transport::Transport;
use crate::{
    error::{Error, ErrorCode, Result},
    secret::Secret,
    time::Clock,
    token::{self, Authorization, TokenAction, TokenMachine},
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
            Authorization::Bearer(token) => Self::Fixed(header_value(token::bearer(&token))?),
            Authorization::Header(value) => Self::Fixed(header_value(value)?),
            Authorization::ClientCredentials(credentials) => {
                Self::ByToken(Box::new(Mutex::new(credentials.machine(loopback)?)))
            }
        })
    }

    /// Whether there may be another value where one is refused.
    pub(super) fn renews(&self) -> bool {
        matches!(self, Self::ByToken(_))
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
            Self::Not => Err(Error::internal("no authorization is needed here")),
            Self::Fixed(_) if refused.is_some() => {
                let message = format!("{host} does not accept the authorization, which is a fixed one");
                Err(Error::new(ErrorCode::ReceiverUnauthorized, message))
            }
            Self::Fixed(value) => Ok(value.clone()),
            Self::ByToken(machine) => {
                let mut machine = machine.lock().await;
                match machine.wanted(clock.now(), refused)? {
                    TokenAction::Use(value) => Ok(value),
                    TokenAction::Fetch(request) => match transport.send(&request, TOKEN_TIMEOUT).await {
                        Ok(response) => machine.answered(clock.now(), &response),
                        Err(failure) => machine.broken(clock.now(), failure),
                    },
                }
            }
        }
    }
}

/// A header carries visible ASCII and spaces.
fn header_value(value: Secret<String>) -> Result<Secret<String>> {
    let text = value.expose();
    if text.is_empty() || !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        let message = "the authorization is empty or holds characters that no header can carry";
        return Err(Error::new(ErrorCode::ConfigurationInvalid, message));
    }
    Ok(value)
}

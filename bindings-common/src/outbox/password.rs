//! The password of a database: fixed, or asked for with each connection.

use std::{sync::Arc, time::Duration};

use ssf_transmitter::{Error, ErrorCode, Result, secret::Secret};
use ssf_transmitter_postgres::Builder;
use tokio::sync::oneshot;

/// How long a function may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A password, or what asks for it.
#[derive(Clone)]
#[non_exhaustive]
pub enum Password {
    /// One that stays the same.
    Fixed(Secret<String>),
    /// One that a function of the language returns, for each new connection.
    Asked(Arc<dyn Fn(PasswordQuestion) + Send + Sync>),
}

/// A question for a password. It is answered once; if it is dropped, there is no password.
pub struct PasswordQuestion(oneshot::Sender<Result<String>>);

impl PasswordQuestion {
    /// This is the password.
    pub fn answer(self, password: String) {
        // Whoever has asked may have given up.
        drop(self.0.send(Ok(password)));
    }

    /// The function has failed. `what` names the error, and says nothing of its values.
    pub fn fail(self, what: &str) {
        drop(self.0.send(Err(failed(what))));
    }
}

fn failed(what: &str) -> Error {
    let message = format!("the function that returns the password failed: {what}");
    Error::new(ErrorCode::OutboxUnavailable, message)
}

impl Password {
    pub(super) fn set(self, builder: Builder) -> Builder {
        match self {
            Self::Fixed(password) => {
                builder.password(move || std::future::ready(Ok(password.expose().clone())))
            }
            Self::Asked(ask) => builder.password(move || {
                let (question, answer) = oneshot::channel();
                ask(PasswordQuestion(question));
                async {
                    match tokio::time::timeout(PATIENCE, answer).await {
                        Ok(Ok(answer)) => answer,
                        Ok(Err(_)) => Err(failed("it was not called")),
                        Err(_) => Err(failed("it took longer than 30 seconds")),
                    }
                }
            }),
        }
    }
}

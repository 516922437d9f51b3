//! Passwords of a database that a language returns, such as tokens that expire.

use std::sync::Arc;

use ssf_transmitter::{Error, ErrorCode, Result, secret::Secret};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::Reply;

/// The password of a database.
#[derive(Clone)]
pub enum Password {
    /// This one.
    Fixed(Secret<String>),
    /// The language returns it for each new connection: see [`PasswordRequests`].
    Asked,
}

/// Asks for passwords.
#[derive(Clone)]
pub(super) struct Passwords(mpsc::UnboundedSender<Reply<String>>);

/// Where a language takes requests for passwords, and answers them: no callback crosses the boundary.
#[derive(Clone, Debug)]
pub struct PasswordRequests(Arc<Mutex<mpsc::UnboundedReceiver<Reply<String>>>>);

impl Passwords {
    pub(super) fn new() -> (Self, PasswordRequests) {
        let (sender, requests) = mpsc::unbounded_channel();
        (Self(sender), PasswordRequests(Arc::new(Mutex::new(requests))))
    }

    pub(super) async fn ask(&self) -> Result<String> {
        let unanswered =
            || Error::new(ErrorCode::OutboxUnavailable, "nobody returned the password of the database");
        let (reply, answer) = oneshot::channel();
        self.0.send(Reply(reply)).map_err(|_| unanswered())?;
        answer.await.map_err(|_| unanswered())?
    }
}

impl PasswordRequests {
    /// The next one; `None` when nobody will ask again. Dropping the future loses none.
    pub async fn next(&self) -> Option<Reply<String>> {
        self.0.lock().await.recv().await
    }
}

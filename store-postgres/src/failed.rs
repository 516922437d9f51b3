//! What fails inside the store, and which error its user gets: without SQL, values and passwords.

use ssf_transmitter::{Error, ErrorCode};
use tokio_postgres::error::SqlState;

pub(crate) type Done<T> = Result<T, Failed>;

pub(crate) enum Failed {
    Postgres(tokio_postgres::Error),
    /// Two transactions needed the same rows, and this one is to be repeated.
    Again,
    Other(Error),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            // Another transaction has used a key or an id since it was looked up.
            Some(&SqlState::UNIQUE_VIOLATION) => Self::Again,
            _ => Self::Postgres(error),
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Failed {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Other(Error::new(code, message))
    }

    pub(crate) fn corrupt() -> Self {
        Self::new(ErrorCode::OutboxCorrupt, "a row of the outbox cannot be read")
    }

    pub(crate) fn not_asked() -> Self {
        Self::new(ErrorCode::Internal, "an operation of the outbox has not asked what it needs")
    }

    fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            Self::Again | Self::Other(_) => None,
        }
    }

    /// Whether something in the operation is the reason, and not the connection: another one may succeed.
    pub(crate) fn is_of_operation(&self) -> bool {
        matches!(self, Self::Again) || self.state().is_some()
    }

    /// Whether a statement that is a transaction of its own has had no effect: the server says so, and was not about to stop (class 57).
    pub(crate) fn is_undone(&self) -> bool {
        self.is_of_operation() && !self.state().is_some_and(|state| state.code().starts_with("57"))
    }

    /// Whether a prepared statement is gone: whoever stands between has sent the transaction to another process.
    pub(crate) fn is_lost_statement(&self) -> bool {
        let lost = [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::DUPLICATE_PSTATEMENT];
        self.state().is_some_and(|state| lost.contains(state))
    }

    /// Whether a prepared statement is of no use any more: it is gone, or a migration has changed its columns.
    pub(crate) fn is_of_statement(&self) -> bool {
        self.is_lost_statement() || self.state() == Some(&SqlState::FEATURE_NOT_SUPPORTED)
    }

    /// Whether the transaction may succeed if it is repeated, unless its commit had begun.
    pub(crate) fn is_passing(&self) -> bool {
        match (self, self.state()) {
            _ if self.is_of_statement() => true,
            (_, Some(state)) => [
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::ADMIN_SHUTDOWN,
            ]
            .contains(state),
            (Self::Postgres(error), None) => error.is_closed(),
            (Self::Again, None) => true,
            (Self::Other(_), None) => false,
        }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        let unavailable = |message: &str| Self::new(ErrorCode::OutboxUnavailable, message);
        let again = || unavailable("other transactions kept changing the same rows of the outbox");
        let error = match failed {
            Failed::Other(error) => return error,
            Failed::Again => return again(),
            Failed::Postgres(error) => error,
        };
        let Some(state) = error.code() else {
            return match error.is_closed() {
                true => unavailable("the connection to the database of the outbox was closed"),
                false if error.to_string().starts_with("error deserializing") => {
                    Self::new(ErrorCode::OutboxCorrupt, "a row of the outbox cannot be read")
                }
                false if error.to_string().starts_with("error performing TLS handshake") => unavailable(
                    "no TLS connection to the database of the outbox: its certificate is for another name or from an unknown \
                     authority, or the server has no TLS",
                ),
                false if error.to_string().starts_with("authentication error") => unavailable(
                    "the database of the outbox offers no way to log in that the URL allows: `channel_binding=require` needs TLS, a password \
                     with SCRAM, and a certificate whose signature has a hash function",
                ),
                false => unavailable("the database of the outbox cannot be reached"),
            };
        };
        // The class, the first two characters, says who can help (PostgreSQL, appendix A).
        match (state.code(), &state.code()[..2]) {
            ("22021" | "22P05", _) => {
                Self::new(ErrorCode::OutboxEntryInvalid, "a text of the entry contains a NUL character")
            }
            ("42P01" | "3F000" | "42703", _) => {
                unavailable("the tables of the outbox are missing: migrate the outbox first")
            }
            ("42501", _) => unavailable("the role of the outbox lacks a privilege in the database"),
            (_, "28") => unavailable("the database rejects the user or the password of the outbox"),
            (_, "53") => unavailable("the database of the outbox has no resources left, such as disk space"),
            (_, "40") => again(),
            ("XX001" | "XX002", _) => {
                Self::new(ErrorCode::OutboxCorrupt, "the database of the outbox is damaged")
            }
            (code, _) => unavailable(&format!("the database of the outbox reports the error {code}")),
        }
    }
}

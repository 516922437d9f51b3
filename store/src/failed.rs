//! What fails inside the store, and which error its user gets: without SQL and without what is stored.

use rusqlite::ffi;
use ssf_transmitter::{Error, ErrorCode};

pub(crate) type Done<T> = Result<T, Failed>;

#[derive(Debug)]
pub(crate) enum Failed {
    Sqlite(rusqlite::Error),
    Other(Error),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
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

    fn sqlite_code(&self) -> Option<rusqlite::ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Other(_) => None,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.sqlite_code() == Some(rusqlite::ErrorCode::DiskFull)
    }

    pub(crate) fn is_busy(&self) -> bool {
        matches!(
            self.sqlite_code(),
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
        )
    }
}

/// One failure fails all calls of a transaction, so it is only borrowed.
impl From<&Failed> for Error {
    fn from(failed: &Failed) -> Self {
        let unavailable = |message: &str| Self::new(ErrorCode::OutboxUnavailable, message);
        let error = match failed {
            Failed::Other(error) => return error.clone(),
            Failed::Sqlite(error) => error,
        };
        match error {
            rusqlite::Error::SqliteFailure(ffi::Error { code, extended_code }, _) => match code {
                rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase => {
                    Self::new(ErrorCode::OutboxCorrupt, "the file of the outbox is damaged")
                }
                rusqlite::ErrorCode::DiskFull => unavailable("the disk of the outbox is full"),
                rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked => {
                    unavailable("another process holds the lock of the outbox")
                }
                _ => {
                    let text = ffi::code_to_str(*extended_code);
                    unavailable(&format!(
                        "SQLite cannot use the file of the outbox: {text} ({extended_code})"
                    ))
                }
            },
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => {
                Self::new(ErrorCode::OutboxCorrupt, "a row of the outbox cannot be read")
            }
            _ => Self::new(ErrorCode::Internal, "the store used SQLite in a wrong way"),
        }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        Self::from(&failed)
    }
}

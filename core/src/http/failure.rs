//! Why nothing came back.

use super::Refusal;
use crate::error::{Error, ErrorCode};

/// Why there is no answer: not even a status line.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The host name could not be resolved: nothing was sent.
    Unresolved,
    /// The host is at an address that must not be reached: nothing was sent.
    Forbidden,
    /// No connection: nothing was sent.
    NotConnected,
    /// No TLS: nothing was sent.
    Tls,
    /// The proxy or TLS kept the connection from coming about, for a reason that is known: nothing was sent.
    Refused(Box<Refusal>),
    /// No status line in time: the request may have arrived.
    TimedOut,
    /// The connection broke before a status line, or it could not be read: the request may have arrived.
    Broken,
}

impl Failure {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Unresolved => ErrorCode::DnsFailed,
            Self::Forbidden => ErrorCode::AddressForbidden,
            Self::NotConnected => ErrorCode::ConnectionFailed,
            Self::Tls => ErrorCode::TlsFailed,
            Self::TimedOut => ErrorCode::ReceiverTimeout,
            Self::Broken => ErrorCode::OutcomeUnknown,
        }
    }

    /// In a sentence.
    pub(crate) fn describe(&self, host: &str) -> String {
        match self {
            Self::Refused(refusal) => refusal.message().to_owned(),
            Self::Unresolved => format!("the name {host} could not be resolved"),
            Self::Forbidden => format!("{host} has a forbidden address"),
            Self::NotConnected => format!("could not connect to {host}"),
            Self::Tls => format!("the TLS handshake with {host} failed"),
            Self::TimedOut => format!("{host} gave no answer in time"),
            Self::Broken => format!("the connection to {host} broke before the answer"),
        }
    }

    /// The error of an operation that needed the answer of `host`.
    pub(crate) fn error(&self, host: &str) -> Error {
        let error = Error::new(self.code(), self.describe(host));
        match self {
            Self::Refused(refusal) if refusal.status().is_some() => {
                error.with_status(refusal.status().unwrap_or_default())
            }
            _ => error,
        }
    }
}

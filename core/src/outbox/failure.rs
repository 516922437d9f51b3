//! Why a delivery failed, as a store keeps it, and whose fault it is.

use std::{fmt, time::Duration};

use crate::error::{Error, ErrorCode, ErrorKind, Retry};

/// Why a delivery failed: the parts of an [`Error`] that a store keeps. No subject, token or payload is in it.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// The stable code. Its remedy says what to do.
    pub code: ErrorCode,
    /// What went wrong, in one sentence.
    pub message: String,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// The error code that the receiver gave.
    pub receiver_error: Option<String>,
    /// The receiver's words, with everything redacted that it quoted from the request.
    pub description: Option<String>,
}

impl Failure {
    /// A failure with this code and message, and nothing from a receiver.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), status: None, receiver_error: None, description: None }
    }

    /// A failure with the answer of a receiver: status, error code and words.
    pub fn with_answer(
        mut self,
        status: Option<u16>,
        receiver_error: Option<String>,
        description: Option<String>,
    ) -> Self {
        self.status = status;
        self.receiver_error = receiver_error;
        self.description = description;
        self
    }

    /// How to fix it, in one sentence.
    pub fn remedy(&self) -> &'static str {
        self.code.remedy()
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        Fault::of(self.code, self.receiver_error.as_deref())
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code(),
            message: error.message().to_owned(),
            status: error.status(),
            receiver_error: error.receiver_error().map(str::to_owned),
            description: error.receiver_description().map(str::to_owned),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let error = Self::new(failure.code, failure.message)
            .with_receiver_error(failure.receiver_error, failure.description);
        match failure.status {
            Some(status) => error.with_status(status),
            None => error,
        }
    }
}

/// The receiver's words stay out of it, as in an [`Error`].
impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Failure")
            .field("code", &self.code.as_str())
            .field("message", &self.message)
            .field("status", &self.status)
            .field("receiver_error", &self.receiver_error)
            .finish_non_exhaustive()
    }
}

/// Whose fault a failure is, which decides what stops.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The event's: it would fail again, and other events would not. The delivery is dead.
    Event,
    /// The receiver's, or its settings': every event would fail. The receiver is paused until a probe succeeds.
    Receiver,
    /// Nobody's for long: an outage, a timeout. The delivery is retried.
    Passing,
    /// Nobody's: the receiver, or the sender's own key service, needs time. The delivery waits, and no attempt is spent.
    Busy,
}

/// What a receiver says of the sender, not of the event (RFC 8935 §2.4 and what receivers add).
const OF_THE_SENDER: &[&str] = &[
    "invalid_issuer",
    "invalid_audience",
    "invalid_key",
    "authentication_failed",
    "access_denied",
    "invalid_client",
];

impl Fault {
    /// The fault of an error, by its code and the error code that the receiver gave.
    pub fn of(code: ErrorCode, receiver_error: Option<&str>) -> Self {
        match code {
            ErrorCode::ReceiverThrottled | ErrorCode::CircuitOpen | ErrorCode::SignerFailed => Self::Busy,
            ErrorCode::ReceiverRejected => match receiver_error {
                Some(error) if OF_THE_SENDER.contains(&error) => Self::Receiver,
                _ => Self::Event,
            },
            // Damaged while it waited: no other delivery is affected.
            ErrorCode::OutboxCorrupt => Self::Event,
            _ if code.retry() == Retry::Later => Self::Passing,
            _ => match code.kind() {
                ErrorKind::Validation => Self::Event,
                ErrorKind::Internal => Self::Passing,
                _ => Self::Receiver,
            },
        }
    }
}

/// How long the other side wants to be left alone, if it says so.
pub(super) fn requested_wait(error: &Error) -> Option<Duration> {
    error.retry_after().filter(|wait| !wait.is_zero())
}

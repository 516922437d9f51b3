//! Why no connection came about, where the cause has an error code of its own.

use std::fmt;

use crate::error::ErrorCode;

/// The proxy or TLS kept a connection from coming about: nothing was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    code: ErrorCode,
    message: String,
    status: Option<u16>,
}

impl Refusal {
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client meets proxies and TLS"))]
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), status: None }
    }

    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client meets proxies"))]
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The code of the error that it leads to.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What happened, in one sentence, without credentials.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The status of a proxy's answer.
    pub fn status(&self) -> Option<u16> {
        self.status
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

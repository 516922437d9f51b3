//! Errors of the core on their way to Swift: their parts, from which `SSFError.swift` makes errors.

use std::{error::Error as _, fmt, iter};

use ssf_transmitter as sdk;

use crate::records::{Finding, findings};

/// Why a call has no result.
#[derive(Debug, uniffi::Error)]
#[allow(clippy::large_enum_variant, reason = "it crosses by value")]
pub enum Failure {
    /// Something went wrong.
    Failed { details: Details },
    /// The task was cancelled.
    Cancelled,
}

/// What went wrong.
#[derive(uniffi::Record)]
pub struct Details {
    /// The group of the code.
    pub kind: String,
    pub code: String,
    pub message: String,
    pub pointer: Option<String>,
    pub status: Option<u16>,
    /// In seconds.
    pub retry_after: Option<f64>,
    pub receiver_error: Option<String>,
    pub receiver_description: Option<String>,
    pub retryable: bool,
    pub findings: Vec<Finding>,
    /// The texts of the errors beneath, the nearest first.
    pub causes: Vec<String>,
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn of(code: sdk::ErrorCode, message: impl Into<String>) -> Self {
        Self::Failed { details: Details::of(code, message.into()) }
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::of(sdk::ErrorCode::ConfigurationInvalid, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::of(sdk::ErrorCode::Internal, message)
    }
}

impl Details {
    fn of(code: sdk::ErrorCode, message: String) -> Self {
        Self {
            kind: code.kind().as_str().to_owned(),
            code: code.as_str().to_owned(),
            message,
            pointer: None,
            status: None,
            retry_after: None,
            receiver_error: None,
            receiver_description: None,
            retryable: code.is_retryable(),
            findings: Vec::new(),
            causes: Vec::new(),
        }
    }
}

impl From<sdk::Error> for Failure {
    fn from(error: sdk::Error) -> Self {
        let causes = iter::successors(error.source(), |&cause| cause.source());
        let details = Details {
            pointer: error.pointer().map(str::to_owned),
            status: error.status(),
            retry_after: error.retry_after().map(|wait| wait.as_secs_f64()),
            receiver_error: error.receiver_error().map(str::to_owned),
            receiver_description: error.receiver_description().map(str::to_owned),
            findings: findings(error.findings()),
            causes: causes.map(ToString::to_string).collect(),
            ..Details::of(error.code(), sdk::catalogue::Language::Swift.text(error.message()))
        };
        Self::Failed { details }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { details } => write!(formatter, "{} [{}]", details.message, details.code),
            Self::Cancelled => write!(formatter, "the task was cancelled"),
        }
    }
}

/// What the other side wrote stays out of it.
impl fmt::Debug for Details {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Details")
            .field("code", &self.code)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

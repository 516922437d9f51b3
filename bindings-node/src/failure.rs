//! Errors of the core on their way to JavaScript: their parts, from which `ts/errors.ts` makes exceptions.
//!
//! They are returned and not thrown: what napi throws has neither our codes nor the stack of the caller.

use std::{error::Error as _, iter};

use napi::bindgen_prelude::Either;
use napi_derive::napi;
use ssf_transmitter as sdk;

use crate::lint::Finding;

/// What went wrong.
#[napi]
pub struct Failure {
    #[napi(readonly)]
    pub code: String,
    #[napi(readonly)]
    pub message: String,
    #[napi(readonly)]
    pub pointer: Option<String>,
    #[napi(readonly)]
    pub status: Option<u16>,
    /// In milliseconds.
    #[napi(readonly)]
    pub retry_after: Option<f64>,
    #[napi(readonly)]
    pub receiver_error: Option<String>,
    #[napi(readonly)]
    pub receiver_description: Option<String>,
    /// The texts of the errors beneath, the nearest first.
    #[napi(readonly)]
    pub causes: Vec<String>,
    findings: Vec<sdk::lint::Finding>,
}

#[napi]
impl Failure {
    /// What lint found in a SET that was not sent because of it.
    #[napi(getter)]
    pub fn findings(&self) -> Vec<Finding> {
        self.findings.iter().map(Finding::from).collect()
    }
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// What a function returns to JavaScript.
pub(crate) type Outcome<T> = Either<T, Failure>;

/// A result as JavaScript gets it.
pub(crate) fn outcome<T>(result: Result<T>) -> Outcome<T> {
    match result {
        Ok(value) => Either::A(value),
        Err(failure) => Either::B(failure),
    }
}

impl Failure {
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::of(sdk::ErrorCode::Internal, message)
    }

    pub(crate) fn of(code: sdk::ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code: code.as_str().to_owned(),
            message: message.into(),
            pointer: None,
            status: None,
            retry_after: None,
            receiver_error: None,
            receiver_description: None,
            causes: Vec::new(),
            findings: Vec::new(),
        }
    }
}

impl From<sdk::Error> for Failure {
    fn from(error: sdk::Error) -> Self {
        Self {
            code: error.code().as_str().to_owned(),
            message: error.message().to_owned(),
            pointer: error.pointer().map(str::to_owned),
            status: error.status(),
            retry_after: error.retry_after().map(|wait| wait.as_secs_f64() * 1000.0),
            receiver_error: error.receiver_error().map(str::to_owned),
            receiver_description: error.receiver_description().map(str::to_owned),
            causes: iter::successors(error.source(), |&cause| cause.source())
                .map(ToString::to_string)
                .collect(),
            findings: error.findings().to_vec(),
        }
    }
}

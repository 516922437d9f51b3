//! Errors of the core on their way to JavaScript: their parts, from which `ts/errors.ts` makes exceptions.
//!
//! They are returned and not thrown: what napi throws has neither our codes nor the stack of the caller.

use std::{error::Error as _, iter};

use napi::bindgen_prelude::Either;
use napi_derive::napi;
use ssf_transmitter::{self as sdk, ErrorCode, catalogue::Language};

use crate::records::{self, Finding};

/// What went wrong.
#[napi]
pub struct Failure(Kind);

enum Kind {
    Core(sdk::Error),
    /// Found here, before the core was asked.
    Own(ErrorCode, String),
}

#[napi]
impl Failure {
    /// Tells a failure from every other value. `instanceof` does not: each copy of the package that one thread has loaded
    /// has a class of its own, and failures are instances of the latest one.
    #[napi(getter)]
    #[allow(clippy::unused_self, reason = "a property of the instance in JavaScript")]
    pub fn is_failure(&self) -> bool {
        true
    }

    #[napi(getter)]
    pub fn code(&self) -> &'static str {
        match &self.0 {
            Kind::Core(error) => error.code().as_str(),
            Kind::Own(code, _) => code.as_str(),
        }
    }

    #[napi(getter)]
    pub fn message(&self) -> String {
        match &self.0 {
            Kind::Core(error) => Language::Node.text(error.message()),
            Kind::Own(_, message) => message.clone(),
        }
    }

    #[napi(getter)]
    pub fn pointer(&self) -> Option<&str> {
        self.core().and_then(sdk::Error::pointer)
    }

    #[napi(getter)]
    pub fn status(&self) -> Option<u16> {
        self.core().and_then(sdk::Error::status)
    }

    /// In milliseconds.
    #[napi(getter)]
    pub fn retry_after(&self) -> Option<f64> {
        self.core().and_then(sdk::Error::retry_after).map(|wait| wait.as_secs_f64() * 1000.0)
    }

    #[napi(getter)]
    pub fn receiver_error(&self) -> Option<&str> {
        self.core().and_then(sdk::Error::receiver_error)
    }

    #[napi(getter)]
    pub fn receiver_description(&self) -> Option<&str> {
        self.core().and_then(sdk::Error::receiver_description)
    }

    /// The texts of the errors beneath, the nearest first.
    #[napi(getter)]
    pub fn causes(&self) -> Vec<String> {
        let nearest = self.core().and_then(sdk::Error::source);
        iter::successors(nearest, |&cause| cause.source()).map(ToString::to_string).collect()
    }

    /// What lint found in a SET that was not sent because of it.
    #[napi(getter)]
    pub fn findings(&self) -> Vec<Finding> {
        records::findings(self.core().map_or(&[][..], sdk::Error::findings))
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
        Self::of(ErrorCode::Internal, message)
    }

    pub(crate) fn of(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Kind::Own(code, message.into()))
    }

    /// The failure of an item of a list: its pointer begins with the index.
    pub(crate) fn within(self, index: usize) -> Self {
        match self.0 {
            Kind::Core(error) => {
                let pointer = format!("/{index}{}", error.pointer().unwrap_or_default());
                Self(Kind::Core(error.at(pointer)))
            }
            own @ Kind::Own(..) => Self(own),
        }
    }

    fn core(&self) -> Option<&sdk::Error> {
        match &self.0 {
            Kind::Core(error) => Some(error),
            Kind::Own(..) => None,
        }
    }
}

impl From<sdk::Error> for Failure {
    fn from(error: sdk::Error) -> Self {
        Self(Kind::Core(error))
    }
}

//! One call: its request, what its answer means, and whether a retry is safe.

use std::fmt;

use super::error;
use crate::{
    error::{Error, ErrorCode, Result},
    http::{BodyEnd, Failure, Request, Response},
    reason::Redaction,
    secret::Secret,
    time::Timestamp,
};

/// What it does to ask twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Effect {
    /// The same as to ask once.
    Repeatable,
    /// Perhaps a second provider.
    Creates,
    /// Nothing; but the second answer is that there is no such provider.
    Deletes,
}

/// How a successful answer is read.
type Read<T> = fn(&Request, &Response) -> Result<T>;

/// One call of the API, which may take several attempts: send its request, and report the result.
///
/// The code of an error says whether to retry: if [`ErrorCode::retry`] is [`Retry::Later`](crate::error::Retry::Later), another attempt is
/// safe. Where a provider may have been created without anybody saying so, it is
/// [`ErrorCode::ApiOutcomeUnknown`] and not to be tried again.
pub struct Call<T> {
    operation: &'static str,
    request: Request,
    effect: Effect,
    read: Read<T>,
    /// An attempt may have had its effect without an answer that says so.
    unsure: bool,
    /// What the last request was authorized with: an answer that quotes it is not shown so.
    authorization: Option<Secret<String>>,
}

impl<T> Call<T> {
    pub(super) fn new(operation: &'static str, request: Request, effect: Effect, read: Read<T>) -> Self {
        Self { operation, request, effect, read, unsure: false, authorization: None }
    }

    /// What it does: `create`, `list`, `read`, `replace`, `activate`, `deactivate`, `delete` or `log`.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The request, with this value of the header `Authorization`: `SSWS …` or `Bearer …`.
    pub fn request(&mut self, authorization: Secret<String>) -> Request {
        self.authorization = Some(authorization.clone());
        self.request.clone().with_authorization(authorization)
    }

    /// There was an answer.
    pub fn answered(&mut self, now: Timestamp, response: &Response) -> Result<T> {
        let gone = self.effect == Effect::Deletes && self.unsure && response.status == 404;
        if gone || (response.is_success() && self.effect == Effect::Deletes) {
            return (self.read)(&self.request, response);
        }
        let host = self.request.url.host();
        if response.is_success() {
            let Some(defect) = response.defect() else { return (self.read)(&self.request, response) };
            let code = match response.body_end() {
                BodyEnd::TooLong => ErrorCode::ApiAnswerUnexpected,
                // The call was executed, and its result is lost.
                _ => ErrorCode::ApiUnavailable,
            };
            let message = format!("the body of the answer of {host} {defect}");
            return Err(self.judged(Error::new(code, message).with_status(response.status)));
        }
        let mut redaction = Redaction::default();
        if let Some(value) = &self.authorization {
            redaction = redaction.authorization(value.expose());
        }
        Err(self.judged(error::answer(response, &redaction, host, now)))
    }

    /// There was no answer.
    pub fn broken(&mut self, failure: &Failure) -> Error {
        let error = failure.error(self.request.url.host());
        self.judged(match failure {
            Failure::TimedOut | Failure::Broken => error.with_code(ErrorCode::ApiUnavailable),
            // Nothing was sent.
            _ => error,
        })
    }

    /// What may have been done without saying so is noted; what then may not be done again gets the code that says it.
    fn judged(&mut self, error: Error) -> Error {
        if error.code() != ErrorCode::ApiUnavailable {
            return error;
        }
        self.unsure = true;
        match self.effect {
            Effect::Creates => error.with_code(ErrorCode::ApiOutcomeUnknown),
            Effect::Repeatable | Effect::Deletes => error,
        }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Call")
            .field("operation", &self.operation)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

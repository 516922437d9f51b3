//! What an answer means: RFC 8935 §2.2 to §2.4, and what receivers make of it.

use serde_json::Value;

use super::classes;
use crate::{
    dialect::{Dialect, Success},
    error::{Error, ErrorCode, Result, is_code, shortened},
    http::{Failure, Response},
    time::Timestamp,
};

/// Whether the answer says delivered, as the receiver documents it.
pub(crate) fn is_delivered(response: &Response, dialect: &Dialect) -> bool {
    let any = dialect.data().delivery.success == Success::AnySuccess;
    response.status == 202 || (any && (200..300).contains(&response.status))
}

/// The error that a status means.
pub(crate) fn code_of(status: u16) -> ErrorCode {
    classes::of_status(status)
}

/// The code of an answer, and what else the receiver wrote.
pub(crate) fn said(response: &Response) -> (Option<String>, Option<String>) {
    error_object(response)
}

/// Whether the answer says delivered, and then whether with the expected status.
pub(super) fn answer(response: &Response, success: Success, host: &str, now: Timestamp) -> Result<bool> {
    let status = response.status;
    match status {
        202 => return Ok(true),
        200..300 => return Ok(success == Success::AnySuccess),
        _ => {}
    }
    let (err, description) = error_object(response);
    let code = match (status, err.as_deref().and_then(classes::of_err)) {
        (400, Some(code)) => code,
        _ => classes::of_status(status),
    };
    let message = match &err {
        Some(err) => format!("{host} answered {status} with the error {err}"),
        None => format!("{host} answered {status}"),
    };
    Err(Error::new(code, message)
        .with_status(status)
        .with_receiver_error(err, description)
        .with_retry_after(response.retry_after(now)))
}

/// `err` and `description` of RFC 8935 §2.3; of another body, JSON or not, its text as description.
fn error_object(response: &Response) -> (Option<String>, Option<String>) {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(shortened);
    match serde_json::from_slice(response.body.expose()) {
        Ok(Value::Object(object)) => {
            let err = object.get("err").and_then(Value::as_str).filter(|code| is_code(code));
            (err.map(str::to_owned), object.get("description").and_then(text))
        }
        Ok(value) => (None, text(&value)),
        Err(_) => (None, response.text()),
    }
}

/// What it means that there is no answer.
pub(super) fn failure(failure: Failure, host: &str) -> Error {
    Error::new(failure.code(), failure.describe(host))
}

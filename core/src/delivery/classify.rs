//! What an answer means: RFC 8935 §2.2 to §2.4, and what receivers make of it.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::classes;
use crate::{
    dialect::{Dialect, Success},
    error::{Error, ErrorCode, Result, is_code},
    http::{Failure, Response},
    time::Timestamp,
};

/// Of a text that is no error object, so much is kept as description.
const MAX_DESCRIPTION: usize = 1024;

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
    error_object(response.body.expose())
}

/// Whether the answer says delivered, and then whether with the expected status.
pub(super) fn answer(response: &Response, success: Success, host: &str, now: Timestamp) -> Result<bool> {
    let status = response.status;
    match status {
        202 => return Ok(true),
        200..300 => return Ok(success == Success::AnySuccess),
        _ => {}
    }
    let (err, description) = error_object(response.body.expose());
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
        .with_retry_after(retry_after(response, now)))
}

/// `err` and `description` of RFC 8935 §2.3; of another body, JSON or not, its text as description.
fn error_object(body: &[u8]) -> (Option<String>, Option<String>) {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(shortened);
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => {
            let err = object.get("err").and_then(Value::as_str).filter(|code| is_code(code));
            (err.map(str::to_owned), object.get("description").and_then(text))
        }
        Ok(value) => (None, text(&value)),
        Err(_) => (None, Some(shortened(&String::from_utf8_lossy(body))).filter(|text| !text.is_empty())),
    }
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(MAX_DESCRIPTION).collect()
}

/// RFC 9110 §10.2.3: seconds, or a date, which is taken relative to the receiver's own clock where it tells the time.
fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date =
        |text: &str| httpdate::parse_http_date(text).ok().map(|time: SystemTime| Timestamp::from(time));
    let there = response.header("date").and_then(date).unwrap_or(now);
    Some(date(value)?.since(there))
}

/// What it means that there is no answer.
pub(super) fn failure(failure: Failure, host: &str) -> Error {
    let message = match failure {
        Failure::Unresolved => format!("the name {host} could not be resolved"),
        Failure::Forbidden => format!("{host} is at an address that must not be reached"),
        Failure::NotConnected => format!("no connection to {host}"),
        Failure::Tls => format!("no TLS with {host}"),
        Failure::TimedOut => format!("{host} gave no answer in time"),
        Failure::Broken => format!("the connection to {host} broke before an answer"),
        Failure::TooLarge => format!("the answer of {host} is too large"),
    };
    Error::new(failure.code(), message)
}

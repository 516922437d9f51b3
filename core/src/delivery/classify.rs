//! What an answer means: RFC 8935 §2.2 to §2.4, and what receivers make of it.

use std::time::Duration;

use serde_json::Value;

use crate::{
    dialect::Success,
    error::{Error, ErrorCode, Result},
    http::Response,
};

/// Of a text that is no error object, so much is kept as description.
const MAX_DESCRIPTION: usize = 1024;

/// Whether the answer says delivered, and then whether with the expected status.
pub(super) fn answer(response: &Response, success: Success, host: &str) -> Result<bool> {
    let status = response.status;
    let code = match status {
        202 => return Ok(true),
        200..300 => return Ok(success == Success::AnySuccess),
        300..400 => ErrorCode::ReceiverRedirected,
        400 | 413 | 415 => ErrorCode::ReceiverRejected,
        401 | 403 => ErrorCode::ReceiverUnauthorized,
        404 | 410 => ErrorCode::ReceiverNotFound,
        425 | 429 => ErrorCode::ReceiverThrottled,
        408 | 500.. => ErrorCode::ReceiverUnavailable,
        _ => ErrorCode::ReceiverAnswerUnexpected,
    };
    let (err, description) = error_object(response.body.expose());
    // RFC 8935 §2.4: these two are about the sender, not about the SET.
    let code = match (code, err.as_deref()) {
        (ErrorCode::ReceiverRejected, Some("authentication_failed" | "access_denied")) => {
            ErrorCode::ReceiverUnauthorized
        }
        (code, _) => code,
    };
    let message = match &err {
        Some(err) => format!("{host} answered {status} with the error {err}"),
        None => format!("{host} answered {status}"),
    };
    Err(Error::new(code, message)
        .with_status(status)
        .with_receiver_error(err, description)
        .with_retry_after(retry_after(response)))
}

/// `err` and `description` of RFC 8935 §2.3; of another body, JSON or not, its text as description.
fn error_object(body: &[u8]) -> (Option<String>, Option<String>) {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(shortened);
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => {
            // A code is a word. Anything else could be a quotation, and stays out of messages.
            let is_code = |code: &&str| {
                code.len() <= 64
                    && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
            };
            let err =
                object.get("err").and_then(Value::as_str).filter(is_code).filter(|code| !code.is_empty());
            (err.map(str::to_owned), object.get("description").and_then(text))
        }
        Ok(value) => (None, text(&value)),
        Err(_) => (None, Some(shortened(&String::from_utf8_lossy(body))).filter(|text| !text.is_empty())),
    }
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(MAX_DESCRIPTION).collect()
}

/// RFC 9110 §10.2.3, in seconds.
fn retry_after(response: &Response) -> Option<Duration> {
    response.header("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

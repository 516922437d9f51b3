//! Classifies answers: RFC 8935 §2.2 to §2.4, and the practice of receivers.

use super::{ReceiptNote, classes};
use crate::{
    dialect::{Dialect, Success},
    error::{Error, ErrorCode},
    http::{BodyEnd, Response},
    reason::Reason,
    time::Timestamp,
};

/// The verdict of a receiver about a SET.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Accepted, with the documented status.
    Delivered,
    /// Accepted, with another success status.
    DeliveredOtherwise,
    /// It has it already.
    Duplicate,
    /// Rejected.
    Refused,
}

/// What an answer says. Nothing but its status decides, and the code of a refusal.
pub(crate) fn verdict(response: &Response, reason: &Reason, dialect: &Dialect) -> Verdict {
    let rules = &dialect.data().delivery;
    let status = response.status;
    if status == 202 || (response.is_success() && rules.success == Success::AnySuccess) {
        return Verdict::Delivered;
    }
    if response.is_success() {
        return Verdict::DeliveredOtherwise;
    }
    let says_so = rules
        .duplicates
        .iter()
        .any(|answer| answer.status == status && (answer.err.is_none() || answer.err == reason.verdict_code));
    if says_so { Verdict::Duplicate } else { Verdict::Refused }
}

/// The error that a status means.
pub(crate) fn code_of(status: u16) -> ErrorCode {
    classes::of_status(status)
}

/// Anything unusual about the answer to a delivered SET.
pub(super) fn notes(verdict: Verdict, response: &Response) -> Vec<ReceiptNote> {
    let by_verdict = match verdict {
        Verdict::DeliveredOtherwise => Some(ReceiptNote::UnexpectedStatus),
        Verdict::Duplicate => Some(ReceiptNote::AlreadyReceived),
        Verdict::Delivered | Verdict::Refused => None,
    };
    let by_body = match response.body_end() {
        BodyEnd::Complete => None,
        BodyEnd::TooLong => Some(ReceiptNote::BodyTooLong),
        BodyEnd::Broken => Some(ReceiptNote::BodyBroken),
        BodyEnd::Unfinished => Some(ReceiptNote::BodyUnfinished),
    };
    by_verdict.into_iter().chain(by_body).collect()
}

/// The error for a rejection.
pub(super) fn refusal(
    response: &Response,
    reason: Reason,
    verdict: Verdict,
    host: &str,
    now: Timestamp,
) -> Error {
    let status = response.status;
    let code = match (status, reason.verdict_code.as_deref().and_then(classes::of_err)) {
        (400, Some(code)) => code,
        _ => classes::of_status(status),
    };
    let message = match (&reason.code, verdict) {
        // No attempt of this delivery can have brought it there.
        (_, Verdict::Duplicate) => {
            format!("{host} answered {status}: it already has another SET with this jti")
        }
        (Some(err), _) => format!("{host} answered {status} with the error {err}"),
        (None, _) => format!("{host} answered {status}"),
    };
    Error::new(code, message)
        .with_status(status)
        .with_receiver_error(reason.code, reason.description)
        .with_retry_after(response.retry_after(now))
}

/// Whether the receiver may have the SET after an attempt that ended so: the request was sent, and there is no answer, or
/// one that does not say whether it was stored. A server that fails, or a gateway before it, may have stored the SET first (RFC 9110
/// §15.6).
pub(crate) fn leaves_open(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::ReceiverTimeout | ErrorCode::OutcomeUnknown | ErrorCode::ReceiverUnavailable)
}

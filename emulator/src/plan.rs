//! What a fault means for one request: whether it is judged, what is answered, and how that gets to the sender.

use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::json;

use super::answer::Answer;
use super::api::ApiError;
use super::connection::{Cut, Line};
use super::ledger::Dropped;
use super::script::{Ends, Fault, On, RetryAfter, Status};
use super::{body, clock};

const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("x-rate-limit-reset");

/// How a request is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    /// The name of the fault, if there is one.
    pub(crate) fault: Option<&'static str>,
    pub(crate) judged: bool,
    pub(crate) answer: Said<'a>,
    /// Why a good SET has no effect.
    pub(crate) dropped: Option<Dropped>,
    pub(crate) delivery: Delivery,
}

/// Which answer there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said<'a> {
    /// The one the receiver gives by itself.
    Honest,
    /// This one.
    Instead(&'a Status, On),
    /// That the token is not good, which from then on is true.
    InvalidToken,
    /// That there is no such key.
    NoKey,
}

/// How an answer gets to the sender.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Delivery {
    Whole,
    Late(Duration),
    InTwo(Duration),
    /// The first bytes of it, and of its headers.
    Part(u64),
    /// With a body of so many bytes.
    Huge(u64),
    /// With a body that announces more than comes.
    Cut,
    /// With a body that does not end.
    Open,
    Not(Cut),
    Never,
}

impl<'a> Plan<'a> {
    pub(crate) fn honest() -> Self {
        Self { fault: None, judged: true, answer: Said::Honest, dropped: None, delivery: Delivery::Whole }
    }

    pub(crate) fn of(fault: &'a Fault, on: On) -> Self {
        let plan = Self { fault: Some(fault.name()), ..Self::honest() };
        match fault {
            Fault::Status(status) => {
                let delivery = match status.ends {
                    Ends::Whole => Delivery::Whole,
                    Ends::Cut => Delivery::Cut,
                    Ends::Open => Delivery::Open,
                };
                Self { judged: status.after, answer: Said::Instead(status, on), delivery, ..plan }
            }
            Fault::SlowHeaders { ms } => {
                Self { delivery: Delivery::Late(Duration::from_millis(*ms)), ..plan }
            }
            Fault::SlowBody { ms } => Self { delivery: Delivery::InTwo(Duration::from_millis(*ms)), ..plan },
            Fault::HalfClose { bytes } => Self { delivery: Delivery::Part(*bytes), ..plan },
            Fault::Reset { after } => Self { judged: *after, delivery: Delivery::Not(Cut::Reset), ..plan },
            Fault::Close => Self { judged: false, delivery: Delivery::Not(Cut::Close), ..plan },
            Fault::LostAnswer => Self { delivery: Delivery::Not(Cut::Close), ..plan },
            Fault::Never => Self { judged: false, delivery: Delivery::Never, ..plan },
            Fault::HugeBody { bytes } => Self { delivery: Delivery::Huge(*bytes), ..plan },
            Fault::InvalidToken => Self { judged: false, answer: Said::InvalidToken, ..plan },
            Fault::Drop { reason } => Self { dropped: Some(*reason), ..plan },
            Fault::JwksStale => Self { judged: false, answer: Said::NoKey, ..plan },
            // Scripts with them here are refused, and a choice has been made before.
            Fault::Tls(_) | Fault::OneOf(_) => plan,
        }
    }
}

impl Delivery {
    /// Whether the sender gets at least the status.
    pub(crate) fn shows_status(self) -> bool {
        !matches!(self, Self::Not(_) | Self::Never)
    }

    pub(crate) async fn of(self, answer: Answer, line: &Line) -> Response<Body> {
        match self {
            Self::Whole => answer.into_response(),
            Self::Late(delay) => {
                tokio::time::sleep(delay).await;
                answer.into_response()
            }
            Self::InTwo(delay) => answer.respond(|body| body::in_two(body, delay)),
            Self::Part(bytes) => {
                line.end_after(bytes);
                answer.into_response()
            }
            Self::Huge(bytes) => answer.respond(|_| body::huge(bytes)),
            Self::Cut => {
                let length = answer.body_length() + body::MISSING;
                let mut response = answer.respond(body::cut);
                response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
                response
            }
            Self::Open => {
                line.stays_open();
                answer.respond(body::open)
            }
            Self::Not(cut) => line.cut(cut).await,
            Self::Never => line.hang().await,
        }
    }
}

impl Status {
    /// In HTTP.
    pub(crate) fn answer(&self, on: On) -> Answer {
        let code = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let is_api_error =
            [On::Api, On::Log].contains(&on) && (code.is_client_error() || code.is_server_error());
        let says_something = is_api_error || self.err.is_some() || self.description.is_some();
        let (err, description) = (self.err.as_deref(), self.description.as_deref());
        let body = match (&self.body, on) {
            (Some(body), _) => body.clone(),
            (None, _) if !says_something => String::new(),
            // RFC 6749 §5.2
            (None, On::Token) => json!({ "error": err, "error_description": description }).to_string(),
            (None, On::Api | On::Log) => ApiError::scripted(code, err, description).to_string(),
            // RFC 8935 §2.3
            (None, _) => json!({ "err": err, "description": description }).to_string(),
        };
        let content_type = match &self.content_type {
            Some(content_type) => Some(content_type.as_str()),
            None if body.is_empty() => None,
            None => Some("application/json"),
        };
        let headers = [
            (header::CONTENT_TYPE, content_type.map(str::to_owned)),
            (header::RETRY_AFTER, self.retry_after.as_ref().map(retry_after)),
            (RATE_LIMIT_RESET, self.rate_limit_reset_in.map(rate_limit_reset)),
            (header::WWW_AUTHENTICATE, challenge(code, on).map(str::to_owned)),
        ];
        let mut answer = Answer::empty(code).with_body(body);
        for (name, value) in headers {
            answer = with(answer, name, value);
        }
        answer.notes.err.clone_from(&self.err);
        answer.notes.description.clone_from(&self.description);
        answer
    }
}

/// A value that a header cannot contain was refused with the script.
fn with(answer: Answer, name: HeaderName, value: Option<String>) -> Answer {
    match value.and_then(|value| HeaderValue::try_from(value).ok()) {
        Some(value) => answer.with(name, value),
        None => answer,
    }
}

/// RFC 9110 §15.5.2 asks for one on every 401.
fn challenge(status: StatusCode, on: On) -> Option<&'static str> {
    match (status, on) {
        (StatusCode::UNAUTHORIZED, On::Token) => Some("Basic realm=\"token\""),
        (StatusCode::UNAUTHORIZED, On::Push) => Some("Bearer"),
        _ => None,
    }
}

/// When a rate limit ends, in seconds since 1970.
fn rate_limit_reset(seconds: i64) -> String {
    clock::now().as_secs().saturating_add_signed(seconds).to_string()
}

fn retry_after(value: &RetryAfter) -> String {
    match value {
        RetryAfter::Seconds(seconds) => seconds.to_string(),
        RetryAfter::Text(text) => text.clone(),
        RetryAfter::DateIn { date_in } => {
            let now = clock::now().as_secs();
            // The format cannot express years of more than four digits.
            let date = now.saturating_add_signed(*date_in).min(253_402_300_799);
            httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(date))
        }
    }
}

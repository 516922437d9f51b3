//! What can go wrong on command.

use axum::http::HeaderValue;
use serde::Deserialize;

use super::On;
use crate::ledger::Dropped;

/// One thing that goes wrong.
///
/// In JSON a fault is its name in snake case, with its members if it has some: `"close"`,
/// `{ "slow_headers": { "ms": 50 } }`.
///
/// "Judged" means that the receiver did its work before it went wrong: a good SET was taken, and a repetition of it is
/// a repetition.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Another answer than the honest one.
    Status(Status),
    /// Judged; the whole answer comes late.
    SlowHeaders {
        /// How late, in milliseconds.
        ms: u64,
    },
    /// Judged; the second half of the body comes late, or the end of it where there is none.
    SlowBody {
        /// How late, in milliseconds.
        ms: u64,
    },
    /// Judged; the first bytes of the answer are sent, then the receiver closes its side of the connection.
    HalfClose {
        /// How many bytes; by default they end in the middle of the headers.
        #[serde(default = "in_the_headers")]
        bytes: u64,
    },
    /// The connection is reset (RST) instead of an answer.
    Reset {
        /// Whether the request was judged before. The sender cannot know.
        #[serde(default)]
        after: bool,
    },
    /// The connection is closed instead of an answer. Not judged.
    Close,
    /// Judged; the connection is closed instead of an answer, so that the sender cannot know.
    LostAnswer,
    /// No answer and no end of the connection. Not judged.
    Never,
    /// Judged; the answer has a body of this size, whose length is not announced.
    HugeBody {
        /// The size of the body.
        bytes: u64,
    },
    /// The token is forgotten and answered with 401 (RFC 6750 §3.1). Not judged. Only on a push.
    InvalidToken,
    /// Judged and answered as ever, but a good SET has no effect. Only on a push.
    Drop {
        /// What the ledger gives as the reason.
        #[serde(default = "scripted")]
        reason: Dropped,
    },
    /// A SET that names a key (`kid`) which is not among those fetched before is refused with `invalid_key`, without
    /// fetching them again. Only on a push, and only such SETs count for the rule.
    JwksStale,
    /// Something is wrong with TLS. Only on a connection.
    Tls(TlsFault),
    /// One of these, drawn from the seed. Neither `jwks_stale` nor another `one_of`.
    OneOf(Vec<Fault>),
}

fn in_the_headers() -> u64 {
    40
}

fn scripted() -> Dropped {
    Dropped::Scripted
}

/// An answer in place of the honest one. Begin with [`Status::new`] and set the rest field by field.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Status {
    /// The status, 200 to 599.
    pub status: u16,
    /// `Retry-After`.
    pub retry_after: Option<RetryAfter>,
    /// `X-Rate-Limit-Reset`: so many seconds from now, given as a point in time.
    pub rate_limit_reset_in: Option<i64>,
    /// The body, as it is. Without one there is an error object if there is anything to say, else nothing.
    pub body: Option<String>,
    /// `Content-Type`; by default that of JSON where there is a body.
    pub content_type: Option<String>,
    /// The error code of the error object: of RFC 8935 §2.3 on a push, of RFC 6749 §5.2 on a token request, of
    /// Okta on a request to the API, where it has a usual one.
    pub err: Option<String>,
    /// The description in the error object.
    pub description: Option<String>,
    /// Whether the request is judged before. By default it is not.
    #[serde(default)]
    pub after: bool,
    /// How the body ends.
    #[serde(default)]
    pub ends: Ends,
}

/// How the body of an answer ends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ends {
    /// As it should.
    #[default]
    Whole,
    /// It announces more than comes; then the connection is closed, or with HTTP/2 the stream is reset.
    Cut,
    /// It does not; the connection stays open.
    Open,
}

impl Status {
    /// This status, and nothing more.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            retry_after: None,
            rate_limit_reset_in: None,
            body: None,
            content_type: None,
            err: None,
            description: None,
            after: false,
            ends: Ends::Whole,
        }
    }

    /// With a body that ends like this.
    pub fn ends(mut self, ends: Ends) -> Self {
        self.ends = ends;
        self
    }

    /// With `X-Rate-Limit-Reset`, so many seconds from now.
    pub fn rate_limit_reset_in(mut self, seconds: i64) -> Self {
        self.rate_limit_reset_in = Some(seconds);
        self
    }

    /// With `Retry-After`.
    pub fn retry_after(mut self, value: RetryAfter) -> Self {
        self.retry_after = Some(value);
        self
    }

    /// With the error object of RFC 8935 §2.3, or of RFC 6749 §5.2 on a token request.
    pub fn err(mut self, code: impl Into<String>) -> Self {
        self.err = Some(code.into());
        self
    }

    /// With this body.
    pub fn body(mut self, content_type: impl Into<String>, body: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self.body = Some(body.into());
        self
    }

    /// The request is judged before.
    pub fn after(mut self) -> Self {
        self.after = true;
        self
    }

    fn check(&self) -> Result<(), Defect> {
        if !(200..=599).contains(&self.status) {
            return Err(Defect::at("/status", "has to be 200 to 599"));
        }
        if let Some(content_type) = &self.content_type
            && HeaderValue::from_str(content_type).is_err()
        {
            return Err(Defect::at("/content_type", "is not a valid header value"));
        }
        match &self.retry_after {
            Some(RetryAfter::Text(text)) if HeaderValue::from_str(text).is_err() => {
                Err(Defect::at("/retry_after", "is not a valid header value"))
            }
            _ => Ok(()),
        }
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// The value of `Retry-After` (RFC 9110 §10.2.3).
#[derive(Clone, Debug, Eq, PartialEq, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "retry_after has to be a number of seconds, a string, or { \"date_in\": seconds }"
)]
#[non_exhaustive]
pub enum RetryAfter {
    /// So many seconds.
    Seconds(u64),
    /// This text, whether it is one of the two forms or not.
    Text(String),
    /// The date in so many seconds, or before so many if negative.
    DateIn {
        /// The seconds.
        date_in: i64,
    },
}

/// What is wrong with TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TlsFault {
    /// The receiver ends the handshake with an alert.
    Handshake,
    /// The certificate is for another host.
    WrongHost,
    /// The certificate has expired.
    Expired,
    /// The certificate is by an authority nobody knows.
    Untrusted,
}

/// What is wrong with a fault, and at which place in it.
pub(super) struct Defect {
    pub(super) pointer: String,
    pub(super) text: String,
}

impl Defect {
    pub(super) fn at(pointer: impl Into<String>, text: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), text: text.into() }
    }
}

impl Fault {
    /// The name by which scripts and the ledger know it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::SlowHeaders { .. } => "slow_headers",
            Self::SlowBody { .. } => "slow_body",
            Self::HalfClose { .. } => "half_close",
            Self::Reset { .. } => "reset",
            Self::Close => "close",
            Self::LostAnswer => "lost_answer",
            Self::Never => "never",
            Self::HugeBody { .. } => "huge_body",
            Self::InvalidToken => "invalid_token",
            Self::Drop { .. } => "drop",
            Self::JwksStale => "jwks_stale",
            Self::Tls(_) => "tls",
            Self::OneOf(_) => "one_of",
        }
    }

    /// Faults after which a sender has to try again, and has to be done with them soon: for a mix of them.
    pub(super) fn retryable() -> Self {
        Self::OneOf(vec![
            Status::new(429).retry_after(RetryAfter::Seconds(0)).into(),
            Status::new(503).into(),
            Self::Close,
            Self::LostAnswer,
            Self::SlowHeaders { ms: 20 },
        ])
    }

    /// Whether it can happen there, and makes sense in itself.
    pub(super) fn check(&self, on: On) -> Result<(), Defect> {
        let possible = match self {
            Self::OneOf(_) => true,
            Self::Tls(_) => on == On::Connection,
            Self::Close | Self::Never | Self::Reset { .. } if on == On::Connection => true,
            Self::InvalidToken | Self::Drop { .. } | Self::JwksStale => on == On::Push,
            _ => on != On::Connection,
        };
        if !possible {
            return Err(Defect::at("", format!("{} cannot happen on a {}", self.name(), on.name())));
        }
        match self {
            Self::Status(status) => status
                .check()
                .map_err(|defect| Defect { pointer: format!("/status{}", defect.pointer), ..defect }),
            Self::OneOf(faults) => check_choice(faults, on),
            _ => Ok(()),
        }
    }
}

fn check_choice(faults: &[Fault], on: On) -> Result<(), Defect> {
    if faults.is_empty() {
        return Err(Defect::at("/one_of", "has to have a fault in it"));
    }
    for (position, fault) in faults.iter().enumerate() {
        let here = format!("/one_of/{position}");
        if matches!(fault, Fault::OneOf(_) | Fault::JwksStale) {
            return Err(Defect::at(here, format!("{} cannot be one of several", fault.name())));
        }
        fault
            .check(on)
            .map_err(|defect| Defect { pointer: format!("{here}{}", defect.pointer), ..defect })?;
    }
    Ok(())
}

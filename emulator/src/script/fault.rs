//! What can go wrong on command.

use serde::Deserialize;

use super::{On, RetryAfter, Status};
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

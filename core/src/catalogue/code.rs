//! Groups of error codes, and what follows from a code.

use super::ErrorCode;

/// The group of an error; one class of exceptions in the languages that have them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is wrong.
    Config,
    /// A key cannot be used.
    Key,
    /// An event, a subject, a SET or a provider violates a rule.
    Validation,
    /// A signature could not be made or verified.
    Signing,
    /// No access token was granted.
    Token,
    /// The receiver rejected the SET.
    Delivery,
    /// The connection to the receiver failed.
    Transport,
    /// A call to a receiver's management API failed.
    Api,
    /// The outbox refused an entry, or cannot use what it has stored.
    Outbox,
    /// The deadline passed.
    Deadline,
    /// A defect.
    Internal,
}

impl ErrorKind {
    /// Its name, such as `config`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Key => "key",
            Self::Validation => "validation",
            Self::Signing => "signing",
            Self::Token => "token",
            Self::Delivery => "delivery",
            Self::Transport => "transport",
            Self::Api => "api",
            Self::Outbox => "outbox",
            Self::Deadline => "deadline",
            Self::Internal => "internal",
        }
    }
}

/// What the sender does by itself about a failed delivery.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Retry {
    /// Nothing: the same SET would fail again.
    Never,
    /// Sends the same SET again after a wait.
    Later,
    /// Not within the call, because the other side must repair something; the same call may succeed later.
    ByCaller,
    /// Sends it once more with a fresh token.
    AfterRenewal,
    /// Sends it once more, signed with the current key.
    AfterSigningAgain,
}

impl ErrorCode {
    /// The code with this name, such as `signer_failed`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

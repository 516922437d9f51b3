//! What a caller did, for an audit log.

use std::fmt;

use crate::time::Timestamp;

/// One action of a caller, for an audit log. It holds no token, subject or payload.
///
/// ```
/// use ssf_transmitter::{Timestamp, access_token::Audit};
///
/// let audit = Audit::new(Timestamp::from_unix_seconds(1_800_000_000), "acme", "stream.create")
///     .stream("f67e39a0a4d34d56b3aa1bc4cff0069f")
///     .outcome("created");
/// assert_eq!(audit.to_string(), "1800000000 acme stream.create f67e39a0a4d34d56b3aa1bc4cff0069f created");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Audit {
    when: Timestamp,
    caller: String,
    action: &'static str,
    stream: Option<String>,
    outcome: &'static str,
}

impl Audit {
    /// The receiver `caller` did `action` at `when`, and it succeeded.
    pub fn new(when: Timestamp, caller: impl Into<String>, action: &'static str) -> Self {
        Self { when, caller: caller.into(), action, stream: None, outcome: "done" }
    }

    /// Sets the id of the stream that it did it to.
    pub fn stream(mut self, id: impl Into<String>) -> Self {
        self.stream = Some(id.into());
        self
    }

    /// Sets how it ended: `done` by default, or the code of an error.
    pub fn outcome(mut self, outcome: &'static str) -> Self {
        self.outcome = outcome;
        self
    }

    /// Tells `tracing`: an event `ssf.audit` of the level info, with the target `ssf_transmitter::audit`.
    #[cfg(feature = "client")]
    pub fn trace(&self) {
        let (caller, action, outcome) = (self.caller.as_str(), self.action, self.outcome);
        let (when, stream) = (self.when.as_unix_millis(), self.stream.as_deref());
        tracing::info!(name: "ssf.audit", target: "ssf_transmitter::audit", when, caller, action, stream, outcome, "audit");
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = self.stream.as_deref().unwrap_or("-");
        write!(formatter, "{} {} {} {stream} {}", self.when, self.caller, self.action, self.outcome)
    }
}

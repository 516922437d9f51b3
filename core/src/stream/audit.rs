//! What a caller changed, for an audit log.

use std::fmt;

use crate::time::Timestamp;

/// The longest id of a stream that goes into an audit log, in bytes.
const MAX_ID: usize = 64;

/// A change, or an attempt to make one, for an audit log. It holds no token, subject or payload.
///
/// [`Answer::audits`](super::Answer::audits) has those of a request, and [`Maintained::audits`](super::Maintained::audits) those of the
/// transmitter itself.
///
/// ```
/// use ssf_transmitter::{Timestamp, stream::Audit};
///
/// let audit = Audit::new(Timestamp::from_unix_seconds(1_800_000_000), "acme", "stream.create")
///     .with_stream("f67e39a0a4d34d56b3aa1bc4cff0069f");
/// assert_eq!(audit.to_string(), "1800000000 acme stream.create f67e39a0a4d34d56b3aa1bc4cff0069f done");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Audit {
    when: Timestamp,
    caller: Option<String>,
    action: &'static str,
    stream: Option<String>,
    outcome: &'static str,
}

impl Audit {
    /// The receiver `caller` did `action` at `when`, and it succeeded.
    pub fn new(when: Timestamp, caller: impl Into<String>, action: &'static str) -> Self {
        Self { when, caller: Some(caller.into()), action, stream: None, outcome: "done" }
    }

    /// The transmitter did `action` by itself.
    pub(super) fn own(when: Timestamp, action: &'static str) -> Self {
        Self { when, caller: None, action, stream: None, outcome: "done" }
    }

    /// Sets the id of the stream that it concerns. One that no transmitter makes is left out: a caller may have sent anything.
    pub fn with_stream(mut self, id: impl Into<String>) -> Self {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let is_id = |id: &String| (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_plain);
        self.stream = Some(id.into()).filter(is_id);
        self
    }

    /// Sets how it ended: `done` by default, or the code of an error.
    pub fn with_outcome(mut self, outcome: &'static str) -> Self {
        self.outcome = outcome;
        self
    }

    /// When it happened.
    pub fn when(&self) -> Timestamp {
        self.when
    }

    /// The id of the receiver that did it; `None` for the transmitter itself.
    pub fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    /// What it did: `stream.create`, `stream.update`, `stream.replace`, `stream.delete`, `stream.verify`, `status.update`,
    /// `subject.add` or `subject.remove`; the transmitter itself, `stream.pause`, `stream.disable` or `stream.enable`.
    pub fn action(&self) -> &'static str {
        self.action
    }

    /// The id of the stream, if the request named one that could exist.
    pub fn stream(&self) -> Option<&str> {
        self.stream.as_deref()
    }

    /// How it ended: `done`, or the `err` of the answer.
    pub fn outcome(&self) -> &'static str {
        self.outcome
    }

    /// Tells `tracing`: an event `ssf.audit` of the level info, with the target `ssf_transmitter::audit`.
    #[cfg(feature = "tracing")]
    pub(super) fn trace(&self) {
        let (caller, action, outcome) = (self.caller(), self.action, self.outcome);
        let (when, stream) = (self.when.as_unix_millis(), self.stream());
        tracing::info!(name: "ssf.audit", target: "ssf_transmitter::audit", when, caller, action, stream, outcome, "audit");
    }

    #[cfg(not(feature = "tracing"))]
    #[allow(clippy::unused_self, reason = "there is nobody to tell")]
    pub(super) fn trace(&self) {}
}

impl fmt::Display for Audit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (caller, stream) = (self.caller().unwrap_or("-"), self.stream().unwrap_or("-"));
        write!(formatter, "{} {caller} {} {stream} {}", self.when, self.action, self.outcome)
    }
}

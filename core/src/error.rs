//! The one error type.

use std::{fmt, sync::Arc, time::Duration};

pub use crate::catalogue::{ErrorCode, ErrorKind, Retry};
use crate::finding::{Finding, printable};

/// What the functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, where, and what to do about it.
///
/// Messages are safe to log: no key, token, subject or payload is in them, nor in `Debug`.
///
/// ```
/// use ssf_transmitter::{ErrorCode, Subject};
///
/// let error = Subject::phone_number("+1 206 555 0100").validate().unwrap_err();
/// assert_eq!(error.code(), ErrorCode::SubjectMemberValue);
/// assert_eq!(error.pointer(), Some("/phone_number"));
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: ErrorCode,
    message: String,
    pointer: Option<String>,
    status: Option<u16>,
    receiver_error: Option<String>,
    receiver_description: Option<String>,
    retry_after: Option<Duration>,
    findings: Vec<Finding>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error from its parts: for signers and stores of your own, and for an error of which only the parts were kept.
    ///
    /// ```
    /// use ssf_transmitter::{Dialect, Error, ErrorCode, lint::Linter};
    ///
    /// let kept = Error::new(ErrorCode::SignerFailed, "the signer failed");
    /// assert_eq!(Linter::new(&Dialect::default()).explain_error("", &kept).reason(), "signer_failed");
    /// ```
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            pointer: None,
            status: None,
            receiver_error: None,
            receiver_description: None,
            retry_after: None,
            findings: Vec::new(),
            source: None,
        }))
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message)
    }

    /// Puts `prefix` before the pointer: the error was found inside a larger document.
    pub(crate) fn within(mut self, prefix: &str) -> Self {
        let inner = self.0.pointer.take().unwrap_or_default();
        self.0.pointer = Some(format!("{prefix}{inner}"));
        self
    }

    /// Puts `prefix` before the pointer, if there is one: the error may concern the document as a whole.
    pub(crate) fn inside(self, prefix: &str) -> Self {
        if self.pointer().is_some() { self.within(prefix) } else { self }
    }

    /// The same error at a place: a JSON pointer.
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.0.pointer = Some(pointer.into());
        self
    }

    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// The same, with what it is about before the message.
    pub(crate) fn prefixed(mut self, about: &str) -> Self {
        self.0.message.insert_str(0, &format!("{about}: "));
        self
    }

    /// The same with another code.
    pub(crate) fn with_code(mut self, code: ErrorCode) -> Self {
        self.0.code = code;
        self
    }

    /// The same error with the HTTP status of an answer.
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// The same error with what the other side said: its code, which is left out if it is none, and its description.
    pub fn with_receiver_error(mut self, error: Option<String>, description: Option<String>) -> Self {
        self.0.receiver_error = error.filter(|code| is_code(code));
        self.0.receiver_description = description;
        self
    }

    /// With what `other` tells of an answer: its status, and what the receiver said.
    pub(crate) fn with_answer_of(mut self, other: &Self) -> Self {
        self.0.status = other.0.status;
        self.0.receiver_error.clone_from(&other.0.receiver_error);
        self.0.receiver_description.clone_from(&other.0.receiver_description);
        self
    }

    pub(crate) fn with_findings(mut self, findings: Vec<Finding>) -> Self {
        self.0.findings = findings;
        self
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The group of the code.
    pub fn kind(&self) -> ErrorKind {
        self.0.code.kind()
    }

    /// What went wrong, in one sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// How to fix it, in one sentence.
    pub fn remedy(&self) -> &'static str {
        self.0.code.remedy()
    }

    /// Where in the document that was given: a JSON pointer (RFC 6901).
    pub fn pointer(&self) -> Option<&str> {
        self.0.pointer.as_deref()
    }

    /// Whether the same call may succeed later without changes.
    pub fn is_retryable(&self) -> bool {
        self.0.code.is_retryable()
    }

    /// The delay that the receiver requests before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// All findings in a SET that lint kept from being sent. The first that kept it from being sent gives
    /// the error its code, message and pointer.
    pub fn findings(&self) -> &[Finding] {
        &self.0.findings
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The code that the receiver, the token endpoint or the API gave: `err` (RFC 8935 §2.3), `error` (RFC 6749 §5.2),
    /// `errorCode` (Okta) or `code`.
    pub fn receiver_error(&self) -> Option<&str> {
        self.0.receiver_error.as_deref()
    }

    /// The description from the receiver, the token endpoint or the API, from any of the usual error objects (RFC 9457 among
    /// them), plain text, or the title of an HTML page: at most 1024 characters, without control characters.
    ///
    /// The other side wrote it, so it is not part of the message. Where it quotes the SET, its subject, a token or the
    /// credentials that were sent, it says `[redacted]`.
    pub fn receiver_description(&self) -> Option<&str> {
        self.0.receiver_description.as_deref()
    }
}

/// What keeps a SET from being sent.
impl From<&Finding> for Error {
    fn from(finding: &Finding) -> Self {
        Self::new(finding.rule().code, finding.message()).at(finding.pointer())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        write!(formatter, "{}", inner.message)?;
        if let Some(pointer) = &inner.pointer {
            write!(formatter, " (at {})", printable(pointer))?;
        }
        write!(formatter, " [{}]", inner.code.as_str())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        formatter
            .debug_struct("Error")
            .field("code", &inner.code.as_str())
            .field("message", &inner.message)
            .field("pointer", &inner.pointer)
            .field("status", &inner.status)
            .field("receiver_error", &inner.receiver_error)
            .field("retry_after", &inner.retry_after)
            .field("source", &inner.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// A code is a word. Anything else that the other side writes could be a quotation, and stays out of messages.
pub(crate) fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// One step of a JSON pointer, escaped (RFC 6901 §3).
pub(crate) fn pointer_step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

//! Push delivery (RFC 8935) as a state machine: requests, meaning of answers, and retries. No
//! input or output in here, no clock, no randomness.
//!
//! The machine asks for one [`Action`] at a time and is told its outcome as an [`Input`]; the `client` module drives it
//! with reqwest, another HTTP stack can do so too:
//!
//! ```
//! use ssf_transmitter::{SignedSet, Timestamp, delivery::{Action, Delivery, Input, Target}, http::Response};
//!
//! # fn post(_: &ssf_transmitter::http::Request) -> Response { Response::new(202, [], Vec::new()) }
//! # let compact = concat!("eyJhbGciOiJFZERTQSIsInR5cCI6InNlY2V2ZW50K2p3dCJ9.", "eyJqdGkiOiIxIn0.", "c2ln");
//! let set = SignedSet::parse(compact)?;
//! let mut delivery = Delivery::new(set, Target::new("https://receiver.example.net/events")?);
//! let mut input = Input::Started;
//! let receipt = loop {
//!     input = match delivery.step(Timestamp::now(), input) {
//!         Action::Send { request, .. } => Input::Answered(post(&request)),
//!         Action::Wait { until } => {
//!             std::thread::sleep(until.since(Timestamp::now()));
//!             Input::Woken
//!         }
//!         Action::Authorize { .. } => unreachable!("this target needs no authorization"),
//!         Action::SignAgain => Input::NotSignedAgain,
//!         Action::Done(receipt) => break receipt,
//!         Action::Fail(error) => return Err(error),
//!         _ => unreachable!("every action is handled"),
//!     };
//! };
//! assert_eq!(receipt.status(), 202);
//! # Ok::<(), ssf_transmitter::Error>(())
//! ```

mod classes;
mod classify;
mod gate;
mod machine;
mod notes;

use std::time::Duration;

pub use crate::retry::RetryPolicy;
pub(crate) use classify::{Verdict, code_of, leaves_open, verdict};
pub use gate::Gate;
pub use machine::Delivery;
pub use notes::ReceiptNote;

use crate::{
    dialect::Dialect,
    error::{Error, Result},
    finding::Finding,
    http::{Endpoint, Failure, Request, Response},
    secret::Secret,
    set::SignedSet,
    time::Timestamp,
};

/// The push endpoint, and its success status.
#[derive(Clone, Debug)]
pub struct Target {
    endpoint: Endpoint,
    dialect: Dialect,
    authorizes: bool,
}

impl Target {
    /// A push endpoint by its https URL, without authorization, with the dialect `ssf-1.0`.
    pub fn new(endpoint: &str) -> Result<Self> {
        Endpoint::parse(endpoint, false).map(Self::at)
    }

    /// Judges answers as the dialect of the receiver says: which mean delivered, and which "I have it already".
    pub fn with_dialect(mut self, dialect: &Dialect) -> Self {
        self.dialect = dialect.clone();
        self
    }

    /// Asks for the header `Authorization` before it sends.
    pub fn with_authorization(mut self) -> Self {
        self.authorizes = true;
        self
    }

    pub(crate) fn at(endpoint: Endpoint) -> Self {
        Self { endpoint, dialect: Dialect::default(), authorizes: false }
    }

    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client's doctor asks"))]
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn host(&self) -> &str {
        self.endpoint.host()
    }
}

/// What to do next, in an operation that ends with a `T`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Action<T = Receipt> {
    /// Get the value of the header `Authorization`, and come back with [`Input::Authorized`] or
    /// [`Input::Unauthorized`].
    Authorize {
        /// A value that the receiver did not accept any more: only another one helps.
        refused: Option<Secret<String>>,
    },
    /// Sign the same claims again with the current key, and come back with [`Input::SignedAgain`] or
    /// [`Input::NotSignedAgain`].
    SignAgain,
    /// Send the request, and come back with [`Input::Answered`] as soon as there is a status line, whatever happens to the
    /// body after it; without one, with [`Input::Broken`].
    Send {
        /// What to send.
        request: Request,
        /// Without a status line after this time it is [`Failure::TimedOut`].
        timeout: Duration,
    },
    /// Come back with [`Input::Woken`] at this time.
    Wait {
        /// When.
        until: Timestamp,
    },
    /// Nothing: the operation has succeeded.
    Done(T),
    /// Nothing: the operation has failed.
    Fail(Error),
}

/// The result.
#[derive(Debug)]
#[non_exhaustive]
pub enum Input {
    /// Nothing yet: the first step.
    Started,
    /// The wait is over.
    Woken,
    /// The value of the header `Authorization`.
    Authorized(Secret<String>),
    /// No value could be had.
    Unauthorized(Error),
    /// The same claims, signed with the current key.
    SignedAgain(SignedSet),
    /// There is no other key, or none at hand.
    NotSignedAgain,
    /// The answer to the request.
    Answered(Response),
    /// There was no answer: no status line.
    Broken(Failure),
}

/// Confirms that a receiver accepted a SET. It does not say whether the receiver processed it (RFC 8935 §2.2).
#[derive(Clone, Debug)]
pub struct Receipt {
    set: SignedSet,
    status: u16,
    attempts: u32,
    answered_at: Timestamp,
    expected: bool,
    notes: Vec<ReceiptNote>,
}

impl Receipt {
    /// The id of the SET.
    pub fn jti(&self) -> &str {
        self.set.jti()
    }

    /// The SET as it was sent.
    pub fn set(&self) -> &SignedSet {
        &self.set
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// How often the SET was sent.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// When the answer came, by the clock of the transmitter.
    pub fn answered_at(&self) -> Timestamp {
        self.answered_at
    }

    /// What lint found in the SET and was to report: by default, warnings.
    pub fn findings(&self) -> &[Finding] {
        self.set.findings()
    }

    /// Whether the status is the one that the receiver documents. Another success, such as 200 instead of 202, counts as
    /// delivered, and may be the sign of a wrong URL.
    pub fn is_expected(&self) -> bool {
        self.expected
    }

    /// Anything unusual about the answer, such as a truncated body. A note is about the answer, a
    /// [finding](Self::findings) about the SET; neither changes that it is delivered.
    pub fn notes(&self) -> &[ReceiptNote] {
        &self.notes
    }
}

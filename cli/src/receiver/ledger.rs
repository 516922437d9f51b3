//! The ledger: what the emulator saw and how it answered.

use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where the ledger is read (GET) and cleared (DELETE).
pub(crate) const PATH: &str = "/ledger";

/// One request and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Counts the requests from 1, in the order of the answers; clearing the ledger does not start it anew.
    pub sequence: u64,
    /// The method.
    pub method: String,
    /// The path, without query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// The error code: of RFC 8935 §2.4 for a push, of RFC 6749 §5.2 for a token request. It is also there when
    /// the receiver does not put it into its answer.
    pub err: Option<String>,
    /// What was wrong.
    pub description: Option<String>,
    /// Why an accepted SET had no effect.
    pub dropped: Option<Dropped>,
    /// The JOSE header, as far as it could be decoded.
    pub header: Option<Value>,
    /// The claims, as far as they could be decoded.
    pub claims: Option<Value>,
    /// What the request headers said.
    pub request: RequestFacts,
}

/// Why an accepted SET had no effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Dropped {
    /// A SET with the same `jti` was accepted before.
    #[serde(rename = "repeated jti")]
    RepeatedJti,
    /// The receiver does not know the user.
    #[serde(rename = "unknown user")]
    UnknownUser,
}

/// What the request headers said.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RequestFacts {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Accept`.
    pub accept: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The scheme of `Authorization`, empty if there is none. The credentials are not kept.
    pub authorization: Option<String>,
}

impl RequestFacts {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            content_type: text(headers, &header::CONTENT_TYPE),
            accept: text(headers, &header::ACCEPT),
            user_agent: text(headers, &header::USER_AGENT),
            authorization: text(headers, &header::AUTHORIZATION)
                // Without a space there is no scheme, and the whole value may be a secret.
                .map(|value| value.split_once(' ').map(|(scheme, _)| scheme.to_owned()).unwrap_or_default()),
        }
    }
}

/// A header as text; several lines of one name are one list (RFC 9110 §5.3).
pub(crate) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<_> =
        headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// What the emulator saw so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    sequence: u64,
    entries: Vec<Entry>,
}

impl Ledger {
    /// Adds an entry and numbers it.
    pub(crate) fn add(&self, mut entry: Entry) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.sequence += 1;
        entry.sequence = pages.sequence;
        pages.entries.push(entry);
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).entries.clone()
    }

    pub(crate) fn clear(&self) {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).entries.clear();
    }
}

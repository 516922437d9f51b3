//! The ledger: what the emulator saw and how it answered.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, HeaderName, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::arrivals::{Arrivals, Original};

/// Where the ledger is read (GET) and cleared (DELETE).
pub(crate) const PATH: &str = "/ledger";
/// Where the totals are read.
pub(crate) const COUNTERS_PATH: &str = "/counters";
/// Where is read how often each `jti` was accepted.
pub(crate) const ACCEPTED_PATH: &str = "/accepted";

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
    /// The status of the answer, 0 if there was none.
    pub status: u16,
    /// What went wrong, if something was to: the name of the fault.
    pub fault: Option<String>,
    /// Whether the SET was taken, whatever the sender was told. A repetition of its `jti` is a repetition.
    pub accepted: bool,
    /// The error code: of RFC 8935 §2.4 for a push, of RFC 6749 §5.2 for a token request, of Okta for one to
    /// the API. It is also there when
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
    /// A script said so.
    #[serde(rename = "scripted")]
    Scripted,
}

/// Totals since the start. Clearing the ledger does not change them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counters {
    /// Requests, except those that read the ledger and the like.
    pub requests: u64,
    /// Those whose SET was taken, repetitions and those without effect included.
    pub accepted: u64,
    /// Those answered with an error whose SET was not taken.
    pub refused: u64,
    /// Those whose SET was taken and had no effect.
    pub dropped: u64,
    /// Those with which something went wrong on command.
    pub faulted: u64,
    /// Connections on which something went wrong before there was a request.
    pub faulted_connections: u64,
    /// How many different `jti` were taken.
    pub distinct_jti: u64,
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

/// What the emulator saw so far: everything as totals, the newest of it in full.
#[derive(Debug)]
pub(crate) struct Ledger {
    size: usize,
    pub(crate) arrivals: Arrivals,
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    entries: VecDeque<Entry>,
    counters: Counters,
}

impl Ledger {
    /// A ledger that keeps so many entries, and so many requests in full.
    pub(crate) fn new(size: usize, arrivals: usize) -> Self {
        Self { size, arrivals: Arrivals::new(arrivals), pages: Mutex::default() }
    }

    /// Adds an entry and numbers it.
    pub(crate) fn add(&self, mut entry: Entry, original: impl FnOnce() -> Original) {
        let mut pages = self.pages();
        let counters = &mut pages.counters;
        counters.requests += 1;
        counters.accepted += u64::from(entry.accepted);
        counters.refused += u64::from(!entry.accepted && entry.status >= 400);
        counters.dropped += u64::from(entry.dropped.is_some());
        counters.faulted += u64::from(entry.fault.is_some());
        entry.sequence = counters.requests;
        self.arrivals.add(&entry, original);
        pages.entries.push_back(entry);
        let surplus = pages.entries.len().saturating_sub(self.size);
        pages.entries.drain(..surplus);
    }

    pub(crate) fn count_faulted_connection(&self) {
        self.pages().counters.faulted_connections += 1;
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.pages().entries.iter().cloned().collect()
    }

    /// The totals, except what only the judge knows: the different `jti`.
    pub(crate) fn counters(&self) -> Counters {
        self.pages().counters
    }

    pub(crate) fn clear(&self) {
        let mut pages = self.pages();
        pages.entries.clear();
        self.arrivals.clear();
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

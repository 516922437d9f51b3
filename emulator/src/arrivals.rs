//! What arrived, in full: the newest of it, for somebody who watches.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, header};
use tokio::sync::watch;

use super::answer::Answer;
use super::clock;
use super::ledger::{Entry, RequestFacts, text};
use super::received::Received;

/// So much of a body is kept.
const BODY_LIMIT: usize = 64 * 1024;

/// So much of all bodies together is kept.
const TOTAL_LIMIT: usize = 16 * 1024 * 1024;

/// The headers that are kept. None of them holds a secret.
const HEADERS: [HeaderName; 5] =
    [header::HOST, header::CONTENT_TYPE, header::CONTENT_LENGTH, header::ACCEPT, header::USER_AGENT];

/// One request in full, and its answer.
#[derive(Clone)]
#[non_exhaustive]
pub struct Arrival {
    /// What the ledger says of it.
    pub entry: Entry,
    /// When it was answered.
    pub at: SystemTime,
    /// Some of its headers. Of `Authorization` only the scheme is kept.
    pub headers: Vec<(String, String)>,
    /// The body of a push; empty for any other request, whose body may hold a secret.
    pub body: String,
    /// Whether the body is longer than what is kept of it.
    pub is_cut: bool,
    /// The body of the answer to a push, if there was an answer.
    pub answer: String,
}

/// The body may be a subject's data.
impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival").field("sequence", &self.entry.sequence).finish_non_exhaustive()
    }
}

/// What the ledger does not have of a request.
pub(crate) struct Original {
    headers: Vec<(String, String)>,
    body: String,
    is_cut: bool,
    answer: String,
}

impl Original {
    pub(crate) fn of(request: &Received, answer: &Answer, is_push: bool, is_answered: bool) -> Self {
        let body = if is_push { &request.body[..] } else { &[] };
        Self {
            headers: headers(&request.headers),
            body: String::from_utf8_lossy(&body[..body.len().min(BODY_LIMIT)]).into_owned(),
            is_cut: body.len() > BODY_LIMIT,
            answer: if is_push && is_answered { answer.text().to_owned() } else { String::new() },
        }
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let kept = HEADERS.iter().filter_map(|name| Some((name.to_string(), text(headers, name)?)));
    let scheme = RequestFacts::of(headers).authorization;
    let hidden = scheme.map(|scheme| (header::AUTHORIZATION.to_string(), format!("{scheme} [hidden]")));
    kept.chain(hidden).collect()
}

/// The newest requests in full, as many as [`Config::arrivals`](crate::Config::arrivals) says. It goes on as long as
/// the receiver runs, and can be shared.
#[derive(Clone)]
pub struct Arrivals {
    ring: Arc<Ring>,
}

struct Ring {
    size: usize,
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    arrivals: VecDeque<Arc<Arrival>>,
    bytes: usize,
}

impl Kept {
    fn after(&self, sequence: u64) -> impl Iterator<Item = &Arc<Arrival>> {
        self.arrivals.iter().filter(move |arrival| arrival.entry.sequence > sequence)
    }
}

impl Arrivals {
    pub(crate) fn new(size: usize) -> Self {
        let newest = watch::Sender::new(0);
        Self { ring: Arc::new(Ring { size, kept: Mutex::default(), newest }) }
    }

    /// Those after this [`sequence`](Entry::sequence), oldest first, as soon as there is one. Everything is after 0.
    pub async fn after(&self, sequence: u64) -> Vec<Arc<Arrival>> {
        let mut news = self.ring.newest.subscribe();
        let mut seen = sequence;
        loop {
            // The sender lives as long as this does.
            let Ok(newest) = news.wait_for(|newest| *newest > seen).await.map(|newest| *newest) else {
                return Vec::new();
            };
            let arrivals: Vec<_> = self.kept().after(sequence).cloned().collect();
            if !arrivals.is_empty() {
                return arrivals;
            }
            // What came was cleared at once.
            seen = newest;
        }
    }

    /// Adds one, if any are kept. They come in the order of the ledger.
    pub(crate) fn add(&self, entry: &Entry, original: impl FnOnce() -> Original) {
        if self.ring.size == 0 {
            return;
        }
        let Original { headers, body, is_cut, answer } = original();
        let at = UNIX_EPOCH + clock::now();
        let arrival = Arrival { entry: entry.clone(), at, headers, body, is_cut, answer };
        let mut kept = self.kept();
        kept.bytes += weight(&arrival);
        kept.arrivals.push_back(Arc::new(arrival));
        while kept.arrivals.len() > self.ring.size || kept.bytes > TOTAL_LIMIT {
            let Some(oldest) = kept.arrivals.pop_front() else { break };
            kept.bytes -= weight(&oldest);
        }
        drop(kept);
        self.ring.newest.send_replace(entry.sequence);
    }

    pub(crate) fn clear(&self) {
        *self.kept() = Kept::default();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.ring.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrivals").field("size", &self.ring.size).finish_non_exhaustive()
    }
}

fn weight(arrival: &Arrival) -> usize {
    arrival.body.len() + arrival.answer.len()
}

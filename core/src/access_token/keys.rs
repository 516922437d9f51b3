//! The keys of an issuer: when to fetch them, and how long they serve. A state machine without I/O.

use std::{sync::Arc, time::Duration};

use super::discovery::{self, KeySource, unusable};
use crate::{
    error::{Error, Result},
    http::{Endpoint, Failure, Method, Request, Response},
    jose::Jwks,
    time::Timestamp,
};

/// How long fetched keys serve, and how often they are fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyTimes {
    /// Keys are fetched again after so long.
    pub(crate) fresh: Duration,
    /// Keys serve for so long while the issuer gives no others.
    pub(crate) kept: Duration,
    /// The least time between a success and a fetch for a `kid` that nobody knows.
    pub(crate) pause: Duration,
    /// The wait after a first failure, which doubles, and its limit.
    pub(crate) retry: (Duration, Duration),
    /// The URL of the JWKS is looked up again after so long.
    pub(crate) metadata: Duration,
}

impl Default for KeyTimes {
    fn default() -> Self {
        Self {
            fresh: Duration::from_mins(10),
            kept: Duration::from_hours(24),
            pause: Duration::from_secs(30),
            retry: (Duration::from_secs(5), Duration::from_mins(1)),
            metadata: Duration::from_hours(24),
        }
    }
}

/// The keys of one issuer. One caller at a time drives it, so that one fetch serves all who wait.
#[derive(Debug)]
pub(crate) struct IssuerKeys {
    source: KeySource,
    times: KeyTimes,
    held: Option<Held>,
    /// Where the metadata says that the JWKS is, and since when.
    found: Option<(Endpoint, Timestamp)>,
    /// Nothing is fetched before.
    next: Timestamp,
    failures: u32,
    step: Step,
    failure: Option<Error>,
}

/// Keys, and when they were fetched.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) jwks: Arc<Jwks>,
    fetched: Timestamp,
}

/// What the last request asks for.
#[derive(Clone, Copy, Debug)]
enum Step {
    Metadata(usize),
    Jwks,
}

/// What to do next.
#[derive(Debug)]
pub(crate) enum KeysAction {
    /// Verify with these keys, whether they have the wanted one or not.
    Use(Held),
    /// Send the request, and tell its outcome by [`IssuerKeys::answered`] or [`IssuerKeys::broken`].
    Fetch(Request),
    /// There are no keys, and nothing is fetched for so long.
    Unavailable(Duration),
}

impl Held {
    /// Whether they serve without a fetch, and have the wanted key.
    pub(crate) fn serves(&self, now: Timestamp, kid: Option<&str>, times: &KeyTimes) -> bool {
        now < self.fetched.plus(times.fresh) && self.has(kid)
    }

    /// Whether they may still be used where the issuer gives no others.
    pub(crate) fn is_usable(&self, now: Timestamp, times: &KeyTimes) -> bool {
        now < self.fetched.plus(times.kept)
    }

    pub(crate) fn has(&self, kid: Option<&str>) -> bool {
        kid.is_none_or(|kid| self.jwks.keys().iter().any(|key| key.kid() == kid))
    }
}

impl IssuerKeys {
    pub(crate) fn new(source: KeySource, times: KeyTimes) -> Self {
        let next = Timestamp::from_unix_millis(i64::MIN);
        Self { source, times, held: None, found: None, next, failures: 0, step: Step::Jwks, failure: None }
    }

    /// A token names `kid`. Keys are fetched if they are old, and for an unknown `kid`: but not more often than the pauses
    /// allow, whatever tokens name.
    pub(crate) fn wanted(&mut self, now: Timestamp, kid: Option<&str>) -> KeysAction {
        match &self.held {
            Some(held) if held.serves(now, kid, &self.times) => KeysAction::Use(held.clone()),
            _ if now >= self.next => self.begin(now),
            _ => self.otherwise(now),
        }
    }

    fn begin(&mut self, now: Timestamp) -> KeysAction {
        // If nobody tells the outcome, the next attempt waits nevertheless.
        self.next = now.plus(self.times.retry.0);
        let known = self.found.as_ref().filter(|(_, since)| now < since.plus(self.times.metadata));
        let place = self.source.jwks.clone().or_else(|| known.map(|(place, _)| place.clone()));
        match place {
            Some(place) => self.fetch(Step::Jwks, place),
            None => match self.source.metadata.first().cloned() {
                Some(first) => self.fetch(Step::Metadata(0), first),
                None => self.failed(now, unusable("the issuer has no URL")),
            },
        }
    }

    fn fetch(&mut self, step: Step, place: Endpoint) -> KeysAction {
        self.step = step;
        KeysAction::Fetch(Request::json(Method::Get, place, None))
    }

    /// The answer to the request of [`KeysAction::Fetch`].
    pub(crate) fn answered(&mut self, now: Timestamp, answer: &Response) -> KeysAction {
        match self.step {
            Step::Metadata(tried) => match self.source.jwks_uri(answer) {
                Ok(place) => {
                    self.found = Some((place.clone(), now));
                    self.fetch(Step::Jwks, place)
                }
                Err(error) => self.elsewhere(now, tried, error),
            },
            Step::Jwks => match read(answer) {
                Ok(jwks) => {
                    let held = Held { jwks: Arc::new(jwks), fetched: now };
                    (self.failures, self.failure) = (0, None);
                    self.next = now.plus(self.times.pause);
                    self.held = Some(held.clone());
                    KeysAction::Use(held)
                }
                Err(error) => self.failed(now, error),
            },
        }
    }

    /// There was no answer to the request of [`KeysAction::Fetch`].
    pub(crate) fn broken(&mut self, now: Timestamp, failure: &Failure) -> KeysAction {
        let jwks = self.source.jwks.as_ref().or(self.found.as_ref().map(|(place, _)| place));
        let host = match self.step {
            Step::Metadata(_) => self.source.host(),
            Step::Jwks => jwks.map_or("", Endpoint::host),
        };
        let error = failure.error(host).prefixed("no answer from the issuer");
        match self.step {
            Step::Metadata(tried) => self.elsewhere(now, tried, error),
            Step::Jwks => self.failed(now, error),
        }
    }

    /// Looks for the metadata at the next place.
    fn elsewhere(&mut self, now: Timestamp, tried: usize, error: Error) -> KeysAction {
        // The first place is that of most issuers: what is wrong there is what to tell.
        let first = self.failure.take().filter(|_| tried > 0).unwrap_or(error);
        match self.source.metadata.get(tried + 1).cloned() {
            Some(next) => {
                self.failure = Some(first);
                self.fetch(Step::Metadata(tried + 1), next)
            }
            None => self.failed(now, first),
        }
    }

    fn failed(&mut self, now: Timestamp, error: Error) -> KeysAction {
        let (first, most) = self.times.retry;
        let wait = first.saturating_mul(1 << self.failures.min(16)).min(most);
        self.failures = self.failures.saturating_add(1);
        self.next = now.plus(wait);
        // The JWKS may have moved.
        self.found = None;
        self.failure = Some(error);
        self.otherwise(now)
    }

    /// What there is without a fetch.
    fn otherwise(&self, now: Timestamp) -> KeysAction {
        match &self.held {
            Some(held) if held.is_usable(now, &self.times) => KeysAction::Use(held.clone()),
            _ => KeysAction::Unavailable(self.next.since(now)),
        }
    }

    /// Why the last fetch failed.
    pub(crate) fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// The host that is asked first.
    pub(crate) fn host(&self) -> &str {
        self.source.host()
    }
}

/// A set without keys is the word of the issuer, too: it has withdrawn them.
fn read(answer: &Response) -> Result<Jwks> {
    Jwks::from_json(discovery::body(answer)?)
        .map_err(|error| unusable("the JWKS of the issuer cannot be read").because(error))
}

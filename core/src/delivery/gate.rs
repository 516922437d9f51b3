//! What stands between the deliveries and one receiver: a circuit breaker, a rate limit, a budget for retries.
//!
//! All deliveries to a receiver share its gate, and no other receiver's deliveries see it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{retry::RetryBudget, time::Timestamp};

/// So many failures one after the other open the circuit.
const FAILURES_TO_OPEN: u32 = 10;
/// For so long it stays open at first; the time doubles with each probe that fails.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// A probe that has not come back after this time is given up, and another one may go.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// The state that all deliveries to one receiver share.
#[derive(Debug)]
pub struct Gate {
    circuit: Mutex<Circuit>,
    rate: Option<Mutex<Rate>>,
    pub(super) budget: RetryBudget,
}

#[derive(Debug)]
struct Circuit {
    failures: u32,
    pause: Duration,
    /// Open until then; afterwards one probe at a time finds out.
    open_until: Option<Timestamp>,
    probing_since: Option<Timestamp>,
}

/// Spaces requests evenly, and lets a second's worth through at once (generic cell rate algorithm).
#[derive(Debug)]
struct Rate {
    interval: Duration,
    /// When the next request would be due at an even pace. A duration, as a timestamp would round to milliseconds.
    next: Duration,
}

/// Whether a request may go now.
#[derive(Debug, PartialEq)]
pub(super) enum Admission {
    Granted,
    /// Not before then, by the rate limit.
    After(Timestamp),
    /// Not before then: the circuit is open.
    OpenUntil(Timestamp),
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Gate {
    /// A closed circuit, and at most so many requests per second.
    pub fn new(requests_per_second: Option<f64>) -> Self {
        let rate = requests_per_second.and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok());
        Self {
            circuit: Mutex::new(Circuit {
                failures: 0,
                pause: FIRST_PAUSE,
                open_until: None,
                probing_since: None,
            }),
            rate: rate.map(|interval| Mutex::new(Rate { interval, next: Duration::ZERO })),
            budget: RetryBudget::new(),
        }
    }

    pub(super) fn admit(&self, now: Timestamp) -> Admission {
        let mut circuit = self.circuit.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = circuit.open_until {
            if now < until {
                return Admission::OpenUntil(until);
            }
            if let Some(since) = circuit.probing_since.filter(|since| now.since(*since) < PROBE_TIMEOUT) {
                return Admission::OpenUntil(since.plus(PROBE_TIMEOUT).min(now.plus(circuit.pause)));
            }
        }
        if let Some(rate) = &self.rate {
            let mut rate = rate.lock().unwrap_or_else(PoisonError::into_inner);
            let present = now.since(Timestamp::from_unix_seconds(0));
            // A second's worth of requests may come at once.
            let early = rate.next.saturating_sub(present + Duration::from_secs(1));
            if !early.is_zero() {
                return Admission::After(now.plus(early + Duration::from_millis(1)));
            }
            rate.next = rate.next.max(present) + rate.interval;
        }
        if circuit.open_until.is_some() {
            circuit.probing_since = Some(now);
        }
        Admission::Granted
    }

    /// The receiver answered: it is there, whatever it said of the SET.
    pub(super) fn alive(&self) {
        let mut circuit = self.circuit.lock().unwrap_or_else(PoisonError::into_inner);
        *circuit = Circuit { failures: 0, pause: FIRST_PAUSE, open_until: None, probing_since: None };
    }

    /// The receiver was not asked: another delivery may find out.
    pub(super) fn undecided(&self) {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner).probing_since = None;
    }

    /// The receiver failed: no answer, a server error, or a wish to be spared.
    pub(super) fn failed(&self, now: Timestamp) {
        let mut circuit = self.circuit.lock().unwrap_or_else(PoisonError::into_inner);
        let probe = circuit.probing_since.take().is_some();
        circuit.failures = circuit.failures.saturating_add(1);
        if probe {
            circuit.pause = (circuit.pause * 2).min(LONGEST_PAUSE);
        }
        if probe || circuit.failures >= FAILURES_TO_OPEN {
            let until = now.plus(circuit.pause);
            circuit.open_until = Some(circuit.open_until.map_or(until, |open| open.max(until)));
        }
    }
}

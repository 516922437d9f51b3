//! What became of everything that was to be sent.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::error::ErrorCode;

/// Counts of one transmitter, taken at one moment: `enqueued` is always `delivered + failed + in_flight`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counters {
    /// SETs that were to be sent.
    pub enqueued: u64,
    /// SETs that receivers have taken.
    pub delivered: u64,
    /// SETs that were not delivered, for whatever reason.
    pub failed: u64,
    /// SETs under way.
    pub in_flight: u64,
    /// Requests to receivers, repeats included.
    pub attempts: u64,
    /// Of `failed`, how many by each code; `abandoned` are those whose future was dropped.
    pub failures: BTreeMap<&'static str, u64>,
}

/// The counters of a transmitter.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger(Arc<Mutex<Counters>>);

/// A SET under way. Whatever happens to it, it is counted once when it ends.
#[derive(Debug)]
pub(super) struct Entry {
    ledger: Ledger,
    open: bool,
}

impl Ledger {
    pub(super) fn read(&self) -> Counters {
        self.with(|counters| counters.clone())
    }

    pub(super) fn enqueue(&self) -> Entry {
        self.with(|counters| {
            counters.enqueued += 1;
            counters.in_flight += 1;
        });
        Entry { ledger: self.clone(), open: true }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Counters) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entry {
    pub(super) fn attempt(&self) {
        self.ledger.with(|counters| counters.attempts += 1);
    }

    pub(super) fn delivered(mut self) {
        self.close(|counters| counters.delivered += 1);
    }

    pub(super) fn failed(mut self, code: ErrorCode) {
        self.close(|counters| fail(counters, code.as_str()));
    }

    fn close(&mut self, outcome: impl FnOnce(&mut Counters)) {
        self.open = false;
        self.ledger.with(|counters| {
            counters.in_flight -= 1;
            outcome(counters);
        });
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.open {
            self.close(|counters| fail(counters, "abandoned"));
        }
    }
}

fn fail(counters: &mut Counters, reason: &'static str) {
    counters.failed += 1;
    *counters.failures.entry(reason).or_default() += 1;
}

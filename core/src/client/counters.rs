//! Counters of all SETs, and the shutdown that waits for pending ones.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

use crate::error::{Error, ErrorCode, Result};

/// The counters of one transmitter at one moment: `enqueued` is always `delivered + failed + in_flight`.
///
/// Each `emit`, each `deliver`, and each event that `emit_all` takes counts once when it begins and once when it ends,
/// whatever ends it: an answer, an invalid event, lint, a signer that fails, a deadline. A call with a wrong setting, or on
/// a closed transmitter, does not begin. Preparing, signing and linting send nothing and count nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counters {
    /// SETs enqueued.
    pub enqueued: u64,
    /// SETs that receivers accepted.
    pub delivered: u64,
    /// SETs that were not delivered, for any reason.
    pub failed: u64,
    /// Pending SETs, including those that wait for a signature.
    pub in_flight: u64,
    /// Requests to receivers, repeats included.
    pub attempts: u64,
    /// Of `failed`, how many by each code; `abandoned` are those whose future was dropped.
    pub failures: BTreeMap<&'static str, u64>,
}

/// The counters of a transmitter, and whether it is closed.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Notified when no SET is pending.
    idle: Notify,
}

#[derive(Debug, Default)]
struct State {
    counters: Counters,
    /// Work that sends no counted SET: examinations of a doctor.
    visits: u64,
    closed: bool,
}

impl State {
    fn is_idle(&self) -> bool {
        self.counters.in_flight == 0 && self.visits == 0
    }
}

/// A pending SET. Whatever happens to it, it is counted once when it ends.
#[derive(Debug)]
pub(super) struct Entry {
    tracker: Tracker,
    open: bool,
}

/// Work that a close waits for, and that is not counted.
#[derive(Debug)]
pub(super) struct Visit(Tracker);

impl Tracker {
    pub(super) fn read(&self) -> Counters {
        self.with(|state| state.counters.clone())
    }

    /// Counts a SET that is to be sent.
    pub(super) fn enqueue(&self) -> Result<Entry> {
        self.begin(|state| {
            state.counters.enqueued += 1;
            state.counters.in_flight += 1;
        })?;
        Ok(Entry { tracker: self.clone(), open: true })
    }

    pub(super) fn visit(&self) -> Result<Visit> {
        self.begin(|state| state.visits += 1)?;
        Ok(Visit(self.clone()))
    }

    /// Refuses new work from now on. The future ends when no SET is pending.
    pub(super) fn close(&self) -> impl Future<Output = ()> + Send + use<> {
        self.with(|state| state.closed = true);
        let tracker = self.clone();
        async move {
            loop {
                // Made before the look: it hears what happens after it.
                let idle = tracker.0.idle.notified();
                if tracker.with(|state| state.is_idle()) {
                    return;
                }
                idle.await;
            }
        }
    }

    fn begin(&self, change: impl FnOnce(&mut State)) -> Result<()> {
        self.with(|state| {
            if state.closed {
                return Err(Error::new(ErrorCode::TransmitterClosed, "the transmitter is closed"));
            }
            change(state);
            Ok(())
        })
    }

    fn end(&self, change: impl FnOnce(&mut State)) {
        let idle = self.with(|state| {
            change(state);
            state.is_idle()
        });
        if idle {
            self.0.idle.notify_waiters();
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entry {
    pub(super) fn attempt(&self) {
        self.tracker.with(|state| state.counters.attempts += 1);
    }

    pub(super) fn delivered(mut self) {
        self.close(|counters| counters.delivered += 1);
    }

    pub(super) fn failed(mut self, code: ErrorCode) {
        self.close(|counters| fail(counters, code.as_str()));
    }

    fn close(&mut self, outcome: impl FnOnce(&mut Counters)) {
        self.open = false;
        self.tracker.end(|state| {
            state.counters.in_flight -= 1;
            outcome(&mut state.counters);
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

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.end(|state| state.visits -= 1);
    }
}

fn fail(counters: &mut Counters, reason: &'static str) {
    counters.failed += 1;
    *counters.failures.entry(reason).or_default() += 1;
}

//! Checks that a store keeps the promises of [`Store`]: for tests of stores, also of your own.
//!
//! ```
//! use ssf_transmitter::outbox::{MemoryStore, Store, suite};
//!
//! # async fn example() {
//! let violations = suite::run(async |clock| Ok(Box::new(MemoryStore::new().clock(clock)) as Box<dyn Store>)).await;
//! assert_eq!(violations, []);
//! # }
//! ```

mod agreement;
mod endings;
mod leases;
mod pair;
mod queries;
mod random_walk;
mod receivers;
mod selection;
pub mod streams;
mod tester;

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use super::Store;
use crate::{
    error::Result,
    key::BoxFuture,
    time::{Clock, Timestamp},
};
use tester::Tester;

/// A clock that a test moves. Cheap to clone; clones share the time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows this time.
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(time.as_unix_millis())))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A promise that a store does not keep.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Violation {
    /// The case that found it.
    pub case: &'static str,
    /// What was wrong.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.case, self.message)
    }
}

/// A case: what it is called, and what it does with an empty store.
type Case = (&'static str, for<'a> fn(&'a Tester) -> BoxFuture<'a, Result<(), String>>);

/// Runs all cases, each with an empty store from `make`, which must go by the clock that it gets. Returns the promises that the
/// store does not keep; none if it is right.
pub async fn run<F, R>(make: F) -> Vec<Violation>
where
    F: Fn(ManualClock) -> R,
    R: Future<Output = Result<Box<dyn Store>>>,
{
    let cases = [
        selection::CASES,
        leases::CASES,
        receivers::CASES,
        endings::CASES,
        queries::CASES,
        random_walk::CASES,
    ];
    violations(&cases, make).await
}

/// Compares a store with [`MemoryStore`](super::MemoryStore) after each step of random walks: for stores that decide exactly as it does,
/// which is more than [`run`] demands. `make` and the result are those of [`run`].
pub async fn compare<F, R>(make: F) -> Vec<Violation>
where
    F: Fn(ManualClock) -> R,
    R: Future<Output = Result<Box<dyn Store>>>,
{
    violations(&[agreement::CASES], make).await
}

async fn violations<F, R>(cases: &[&[Case]], make: F) -> Vec<Violation>
where
    F: Fn(ManualClock) -> R,
    R: Future<Output = Result<Box<dyn Store>>>,
{
    let mut violations = Vec::new();
    for (case, check) in cases.iter().copied().flatten() {
        let clock = ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000));
        let result = match make(clock.clone()).await {
            Ok(store) => check(&Tester::new(store, clock)).await,
            Err(error) => Err(format!("the store cannot be made: {error}")),
        };
        violations.extend(result.err().map(|message| Violation { case, message }));
    }
    violations
}

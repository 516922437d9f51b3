//! How a worker is.

use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::error::Error;

/// How a worker is. Ages and states of deliveries are in the store; see [`Outbox::counts`](crate::outbox::Outbox::counts).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Health {
    /// Deliveries in flight.
    pub in_flight: u64,
    /// SETs that were delivered since the start.
    pub delivered: u64,
    /// Attempts that failed since the start.
    pub failed: u64,
    /// Settlements that changed nothing, because the lease had ended.
    pub lost: u64,
    /// Errors of the store since the start.
    pub store_errors: u64,
    /// The last error of the store, until an operation succeeds.
    pub store_error: Option<Error>,
}

/// What a call of [`Worker::drain`](super::Worker::drain) did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Drained {
    /// SETs that were delivered.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
}

/// What [`Health`] is read from.
#[derive(Default)]
pub(super) struct Vitals {
    pub(super) in_flight: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) lost: AtomicU64,
    store_errors: AtomicU64,
    store_error: Mutex<Option<Error>>,
}

impl Vitals {
    pub(super) fn read(&self) -> Health {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Health {
            in_flight: get(&self.in_flight),
            delivered: get(&self.delivered),
            failed: get(&self.failed),
            lost: get(&self.lost),
            store_errors: get(&self.store_errors),
            store_error: self.store_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Notes whether an operation of the store succeeded, and returns its result.
    pub(super) fn note<T>(&self, result: Result<T, Error>) -> Option<T> {
        let mut last = self.store_error.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(value) => {
                *last = None;
                Some(value)
            }
            Err(error) => {
                self.store_errors.fetch_add(1, Ordering::Relaxed);
                tracing::error!(name: "ssf.outbox.store", code = error.code().as_str(), "the store of the outbox failed");
                *last = Some(error);
                None
            }
        }
    }
}

impl fmt::Debug for Vitals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(formatter)
    }
}

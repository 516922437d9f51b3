//! How many retries one receiver gets from all deliveries together.

use std::sync::{Mutex, PoisonError};

use crate::time::Timestamp;

/// How many retries a receiver is worth: a bucket that each retry takes from, and that successes and time fill again. A
/// receiver that is down for all deliveries is then not asked six times as often as one that is up.
#[derive(Debug)]
pub(crate) struct RetryBudget(Mutex<Bucket>);

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Option<Timestamp>,
}

impl RetryBudget {
    const CAPACITY: f64 = 100.0;
    const PER_SUCCESS: f64 = 0.2;
    const PER_SECOND: f64 = 1.0;

    pub(crate) fn new() -> Self {
        Self(Mutex::new(Bucket { tokens: Self::CAPACITY, filled: None }))
    }

    /// Takes a retry out of the bucket, if there is one.
    pub(crate) fn take(&self, now: Timestamp) -> bool {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = bucket.filled.map_or(0.0, |filled| now.since(filled).as_secs_f64());
        bucket.filled = Some(now);
        bucket.tokens = (bucket.tokens + idle * Self::PER_SECOND).min(Self::CAPACITY);
        let enough = bucket.tokens >= 1.0;
        if enough {
            bucket.tokens -= 1.0;
        }
        enough
    }

    /// Notes a success.
    pub(crate) fn fill(&self) {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.tokens = (bucket.tokens + Self::PER_SUCCESS).min(Self::CAPACITY);
    }
}

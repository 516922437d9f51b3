//! How many polls of one stream wait at a time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// More than a receiver with several machines needs. Each event wakes all of them.
const MOST: u32 = 10;

/// Counts the polls that wait, by stream.
#[derive(Clone, Default)]
pub(super) struct Waiting(Arc<Mutex<HashMap<String, u32>>>);

/// The place of a poll that waits.
pub(super) struct Place {
    waiting: Waiting,
    stream: String,
}

impl Waiting {
    /// A place for a poll of a stream; `None` if all are taken.
    pub(super) fn enter(&self, stream: &str) -> Option<Place> {
        let mut polls = self.lock();
        let count = polls.entry(stream.to_owned()).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Place { waiting: self.clone(), stream: stream.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut polls = self.waiting.lock();
        if let Some(count) = polls.get_mut(&self.stream) {
            *count -= 1;
            if *count == 0 {
                polls.remove(&self.stream);
            }
        }
    }
}

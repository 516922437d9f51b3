//! How an outbox is.

use crate::time::Timestamp;

/// How an outbox is: what to watch, and to alert on. [`ReceiverRecord`](super::ReceiverRecord) tells of one receiver, with its last
/// failure.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct StoreHealth {
    /// When the oldest of the deliveries that wait was enqueued.
    pub oldest_waiting: Option<Timestamp>,
    /// Deliveries that ended as delivered in the last minute, as far as the store still has them.
    pub delivered_in_last_minute: u64,
    /// Receivers that are paused.
    pub paused: u64,
    /// Entries of transactions of the host that could not be taken over, for a store that has such ones.
    pub refused: Option<u64>,
    /// When the oldest transaction began that keeps a database from removing old rows, as far as the store may see it.
    pub oldest_snapshot: Option<Timestamp>,
    /// The length of the file, for a store that has one.
    pub file_bytes: Option<u64>,
    /// The length of the write-ahead log beside it.
    pub log_bytes: Option<u64>,
}

impl StoreHealth {
    /// What the deliveries and the receivers say.
    pub fn new(oldest_waiting: Option<Timestamp>, delivered_in_last_minute: u64, paused: u64) -> Self {
        Self { oldest_waiting, delivered_in_last_minute, paused, ..Self::default() }
    }
}

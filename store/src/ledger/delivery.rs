//! What an operation reads of a delivery to change it.

use rusqlite::Row;

use crate::failed::Done;

/// The columns that [`Delivery::read`] reads, of `deliveries` as `d`.
macro_rules! columns {
    () => {
        "d.seq, d.jti, d.event, d.receiver, d.state, d.wait, d.expires_at, d.token, d.attempts, d.uncertain, \
         d.ordered, d.supersedes"
    };
}
pub(super) use columns;

pub(super) struct Delivery {
    pub(super) seq: i64,
    pub(super) jti: String,
    pub(super) event: i64,
    pub(super) receiver: i64,
    pub(super) state: i64,
    /// What it waits for, if it waits.
    pub(super) wait: Option<i64>,
    pub(super) expires_at: i64,
    pub(super) token: i64,
    pub(super) attempts: u32,
    pub(super) uncertain: bool,
    /// Those with the same value and receiver go one after the other.
    pub(super) ordered: Option<Vec<u8>>,
    /// The newest with the same value and receiver replaces the others.
    pub(super) supersedes: Option<Vec<u8>>,
}

impl Delivery {
    pub(super) fn read(row: &Row<'_>) -> Done<Self> {
        Ok(Self {
            seq: row.get(0)?,
            jti: row.get(1)?,
            event: row.get(2)?,
            receiver: row.get(3)?,
            state: row.get(4)?,
            wait: row.get(5)?,
            expires_at: row.get(6)?,
            token: row.get(7)?,
            attempts: row.get(8)?,
            uncertain: row.get(9)?,
            ordered: row.get(10)?,
            supersedes: row.get(11)?,
        })
    }
}

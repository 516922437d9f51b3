//! What is removed.

use std::collections::BTreeSet;

use rusqlite::params;
use ssf_transmitter::outbox::{Pruned, Retention, State};

use super::Ledger;
use crate::{codec::numbers, failed::Done};

/// Pages that stay in the file for what comes next.
const SPARE_PAGES: i64 = 1024;
/// So many pages go back to the disk at once at most: each one is moved within the transaction.
const VACUUM: &str = "PRAGMA incremental_vacuum(256)";

const OLD: &str = "SELECT seq, event, receiver FROM deliveries WHERE state = ?1 AND ended_at <= ?2 ORDER BY ended_at LIMIT ?3";
const ATTEMPTS: &str = "DELETE FROM attempts WHERE delivery = ?1";
const DELIVERY: &str = "DELETE FROM deliveries WHERE seq = ?1";
const RELEASE: &str = "UPDATE events SET kept = kept - 1 WHERE id = ?1";
const EVENT: &str = "DELETE FROM events WHERE id = ?1 AND kept <= 0";
/// If it stands for a deleted stream, and nothing of it is kept.
const RECEIVER: &str = "
    DELETE FROM receivers WHERE id = ?1 AND substr(name, 1, 7) = 'stream:'
        AND NOT EXISTS (SELECT 1 FROM streams s WHERE s.receiver = receivers.id)
        AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.receiver = receivers.id)";

impl Ledger<'_> {
    pub(crate) fn prune(&self, retention: &Retention) -> Done<Pruned> {
        let limit = retention.limit as usize;
        let (mut removed, mut receivers) = (0, BTreeSet::new());
        for state in State::ALL {
            let Some(kept) = retention.of(*state) else { continue };
            let before = self.now.minus(kept).as_unix_millis();
            for number in numbers(*state) {
                let old = self.all(OLD, params![number, before, limit - removed], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?;
                removed += old.len();
                for (seq, event, receiver) in old {
                    self.remove(seq, event)?;
                    receivers.insert(receiver);
                }
            }
        }
        receivers.into_iter().try_for_each(|receiver| self.forget(receiver))?;
        self.shrink()?;
        Ok(Pruned::new(removed as u64, removed == limit))
    }

    fn remove(&self, seq: i64, event: i64) -> Done<()> {
        self.execute(ATTEMPTS, [seq])?;
        self.execute(DELIVERY, [seq])?;
        self.execute(RELEASE, [event])?;
        self.execute(EVENT, [event])?;
        Ok(())
    }

    /// Removes a receiver if it stands for a deleted stream, and nothing of it is kept.
    pub(super) fn forget(&self, receiver: i64) -> Done<()> {
        self.execute(RECEIVER, [receiver]).map(drop)
    }

    fn shrink(&self) -> Done<()> {
        let free: Option<i64> = self.first("PRAGMA freelist_count", (), |row| row.get(0))?;
        if free.is_some_and(|free| free > SPARE_PAGES) {
            // It frees a page whenever it returns a row.
            self.all(VACUUM, (), |_| Ok(()))?;
        }
        Ok(())
    }
}

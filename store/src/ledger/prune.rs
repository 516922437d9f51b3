//! What is removed.

use rusqlite::params;
use ssf_transmitter::outbox::{Pruned, Retention, State};

use super::Ledger;
use crate::{codec::numbers, failed::Done};

/// Pages that stay in the file for what comes next.
const SPARE_PAGES: i64 = 1024;
/// So many pages go back to the disk at once at most: each one is moved within the transaction.
const VACUUM: &str = "PRAGMA incremental_vacuum(256)";

const OLD: &str =
    "SELECT seq, event FROM deliveries WHERE state = ?1 AND ended_at <= ?2 ORDER BY ended_at LIMIT ?3";
const ATTEMPTS: &str = "DELETE FROM attempts WHERE delivery = ?1";
const DELIVERY: &str = "DELETE FROM deliveries WHERE seq = ?1";
const RELEASE: &str = "UPDATE events SET kept = kept - 1 WHERE id = ?1";
const EVENT: &str = "DELETE FROM events WHERE id = ?1 AND kept <= 0";

impl Ledger<'_> {
    pub(crate) fn prune(&self, retention: &Retention) -> Done<Pruned> {
        let limit = retention.limit as usize;
        let mut removed = 0;
        for state in State::ALL {
            let Some(kept) = retention.of(*state) else { continue };
            let before = self.now.minus(kept).as_unix_millis();
            for number in numbers(*state) {
                let old = self.all(OLD, params![number, before, limit - removed], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
                removed += old.len();
                old.into_iter().try_for_each(|(seq, event)| self.remove(seq, event))?;
            }
        }
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

    fn shrink(&self) -> Done<()> {
        let free: Option<i64> = self.first("PRAGMA freelist_count", (), |row| row.get(0))?;
        if free.is_some_and(|free| free > SPARE_PAGES) {
            // It frees a page whenever it returns a row.
            self.all(VACUUM, (), |_| Ok(()))?;
        }
        Ok(())
    }
}

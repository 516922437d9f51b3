//! How deliveries end, and how they come back.

use rusqlite::params;

use super::{
    Ledger,
    delivery::{Delivery, columns},
};
use crate::{
    codec::{state, wait},
    failed::Done,
};

/// How a delivery ends.
pub(super) enum Ending {
    Delivered,
    Dead,
    Expired,
    /// The `jti` of the newer one.
    Superseded(String),
    Removed,
}

pub(super) const END: &str = "
    UPDATE deliveries SET state = ?2, wait = NULL, due_at = NULL, lease_until = NULL, ended_at = ?3, superseded_by = ?4, claims = NULL
    WHERE seq = ?1";
pub(super) const FOLLOWS: &str = "
    SELECT seq, wait, due_at FROM deliveries INDEXED BY deliveries_ordered WHERE receiver = ?1 AND ordered = ?2 AND state <= 1
    ORDER BY seq LIMIT 1";
pub(super) const NEWER: &str = "
    SELECT jti FROM deliveries INDEXED BY deliveries_newer WHERE receiver = ?1 AND supersedes = ?2 AND state <= 2 AND seq > ?3
    ORDER BY seq DESC LIMIT 1";
pub(super) const WAIT: &str =
    "UPDATE deliveries SET state = 0, wait = ?2, due_at = ?3, lease_until = NULL WHERE seq = ?1";
pub(super) const OLDER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deliveries d INDEXED BY deliveries_superseded WHERE d.receiver = ?1 AND d.supersedes = ?2 AND d.state = 0 ORDER BY d.seq"
);

/// The number of a delivery, what it waits for, and when it is due.
type Next = (i64, Option<i64>, Option<i64>);

impl Ledger<'_> {
    pub(super) fn end(&mut self, delivery: &Delivery, ending: Ending) -> Done<()> {
        let (number, by) = match ending {
            Ending::Delivered => (state::DELIVERED, None),
            Ending::Dead => (state::DEAD, None),
            Ending::Expired => (state::EXPIRED, None),
            Ending::Superseded(by) => (state::SUPERSEDED, Some(by)),
            Ending::Removed => (state::REMOVED, None),
        };
        let waited = self.current_wait(delivery)?;
        self.execute(END, params![delivery.seq, number, self.millis(), by])?;
        let lane = self.lane(delivery.receiver)?;
        lane.count(delivery.state, -1);
        lane.count(number, 1);
        lane.ready -= i64::from(waited == Some(wait::NOTHING));
        // One that waited for its own turn does not let the next one go.
        if let Some(ordered) = delivery.ordered.as_deref().filter(|_| waited != Some(wait::TURN)) {
            self.let_next(delivery.receiver, ordered)?;
        }
        Ok(())
    }

    /// What a delivery waits for. Since it was read, the end of an earlier one may have given it its turn.
    fn current_wait(&self, delivery: &Delivery) -> Done<Option<i64>> {
        if delivery.wait != Some(wait::TURN) {
            return Ok(delivery.wait);
        }
        let wait =
            self.first("SELECT wait FROM deliveries WHERE seq = ?1", [delivery.seq], |row| row.get(0))?;
        Ok(wait.flatten())
    }

    /// The first one that waits for its turn is next.
    fn let_next(&mut self, receiver: i64, ordered: &[u8]) -> Done<()> {
        let next = self.next_in_order(receiver, ordered)?;
        if let Some((seq, Some(wait::TURN), due)) = next {
            self.wait_until_due(seq, receiver, due)?;
        }
        Ok(())
    }

    /// One that waits for its turn has nothing left to wait for.
    pub(crate) fn let_go(&mut self, seq: i64, receiver: i64) -> Done<()> {
        let due = self.first("SELECT due_at FROM deliveries WHERE seq = ?1", [seq], |row| row.get(0))?;
        self.wait_until_due(seq, receiver, due.flatten())
    }

    /// The first ordered delivery that has not ended.
    pub(super) fn next_in_order(&self, receiver: i64, ordered: &[u8]) -> Done<Option<Next>> {
        self.first(FOLLOWS, params![receiver, ordered], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    }

    /// A delivery waits until this time, or for nothing.
    pub(super) fn wait_until_due(&mut self, seq: i64, receiver: i64, due: Option<i64>) -> Done<()> {
        let due = due.filter(|time| *time > self.millis());
        let wait = if due.is_some() { wait::TIME } else { wait::NOTHING };
        self.execute(WAIT, params![seq, wait, due])?;
        self.lane(receiver)?.ready += i64::from(due.is_none());
        Ok(())
    }

    /// A delivery comes back from a worker.
    pub(super) fn wait_again(&mut self, delivery: &Delivery, due: Option<i64>) -> Done<()> {
        if let Some(supersedes) = &delivery.supersedes {
            let params = params![delivery.receiver, supersedes, delivery.seq];
            if let Some(newer) = self.first(NEWER, params, |row| row.get(0))? {
                return self.end(delivery, Ending::Superseded(newer));
            }
        }
        let lane = self.lane(delivery.receiver)?;
        lane.count(delivery.state, -1);
        lane.count(state::WAITING, 1);
        self.wait_until_due(delivery.seq, delivery.receiver, due)
    }

    /// Discards what waits and has the same key as a new delivery.
    pub(super) fn supersede(&mut self, receiver: i64, supersedes: &[u8], by: &str) -> Done<()> {
        let older = self.all(OLDER, params![receiver, supersedes], Delivery::read)?;
        older.iter().try_for_each(|older| self.end(older, Ending::Superseded(by.to_owned())))
    }
}

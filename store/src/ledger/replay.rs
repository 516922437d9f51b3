//! What people do with deliveries: replay and discard.

use rusqlite::{params, params_from_iter};
use ssf_transmitter::outbox::{Filter, Replay, State, fresh_jti};

use super::{
    Ledger,
    delivery::{Delivery, columns},
    endings::Ending,
    enqueue::New,
    filter::{Condition, states},
};
use crate::{
    codec::{state, wait},
    failed::{Done, Failed},
};

const BY_SEQ: &str = concat!(
    "SELECT ",
    columns!(),
    ", d.priority, e.max_age FROM deliveries d CROSS JOIN events e ON e.id = d.event WHERE d.seq = ?1"
);
const REVIVE: &str = "
    UPDATE deliveries SET state = 0, wait = ?2, due_at = ?3, expires_at = ?4, uncertain = ?5, ended_at = NULL, superseded_by = NULL,
        attempts = 0, claims = NULL
    WHERE seq = ?1";
const COPY: &str = "
    INSERT INTO events (kept, event, subject, fingerprint, max_age, payload)
    SELECT 1, event, subject, fingerprint, max_age, payload FROM events WHERE id = ?1";

impl Ledger<'_> {
    pub(crate) fn replay(&mut self, replay: &Replay) -> Done<u64> {
        let states = if replay.filter.states.is_empty() {
            vec![State::Dead]
        } else {
            states(&replay.filter, State::has_ended)
        };
        let selected = self.selected(&replay.filter, &states)?;
        if !replay.dry_run {
            for seq in &selected {
                if replay.fresh_jti { self.copy(*seq)? } else { self.revive(*seq)? }
            }
        }
        Ok(selected.len() as u64)
    }

    pub(crate) fn discard(&mut self, filter: &Filter, dry_run: bool) -> Done<u64> {
        let states = states(filter, |state| state == State::Waiting);
        let selected = self.selected(filter, &states)?;
        if !dry_run {
            for seq in &selected {
                let (delivery, ..) = self.delivery(*seq)?;
                self.end(&delivery, Ending::Removed)?;
            }
        }
        Ok(selected.len() as u64)
    }

    /// The numbers of the deliveries that a filter selects among those in these states.
    fn selected(&self, filter: &Filter, states: &[State]) -> Done<Vec<i64>> {
        let Condition { sql, values } = Condition::of(filter, states)?;
        let statement = format!(
            "SELECT d.seq FROM deliveries d CROSS JOIN events e ON e.id = d.event WHERE {sql} ORDER BY d.seq"
        );
        self.all(&statement, params_from_iter(values), |row| Ok(row.get(0)?))
    }

    /// A delivery, its priority, and its age limit.
    fn delivery(&self, seq: i64) -> Done<(Delivery, u8, i64)> {
        let read = |row: &rusqlite::Row<'_>| Ok((Delivery::read(row)?, row.get(12)?, row.get(13)?));
        self.all(BY_SEQ, [seq], read)?.pop().ok_or_else(Failed::corrupt)
    }

    /// The same delivery waits again.
    fn revive(&mut self, seq: i64) -> Done<()> {
        let (delivery, _, max_age) = self.delivery(seq)?;
        let (wait, due) = self.first_wait(delivery.receiver, delivery.ordered.as_deref(), None)?;
        let uncertain = delivery.uncertain || delivery.state == state::DELIVERED;
        self.execute(REVIVE, params![seq, wait, due, self.millis().saturating_add(max_age), uncertain])?;
        let lane = self.lane(delivery.receiver)?;
        lane.count(delivery.state, -1);
        lane.count(state::WAITING, 1);
        lane.ready += i64::from(wait == wait::NOTHING);
        Ok(())
    }

    /// Another delivery with the same content waits. Its event is a copy, so that the idempotency key stays with the first one.
    fn copy(&mut self, seq: i64) -> Done<()> {
        let (old, priority, max_age) = self.delivery(seq)?;
        self.execute(COPY, [old.event])?;
        let event = self.connection.last_insert_rowid();
        let age = std::time::Duration::from_millis(crate::codec::unsigned(max_age));
        self.add(&New {
            jti: &fresh_jti()?,
            event,
            receiver: old.receiver,
            priority,
            enqueued_at: self.now,
            not_before: None,
            expires_at: self.now.plus(age),
            ordered: old.ordered.as_deref(),
            supersedes: old.supersedes.as_deref(),
        })
    }
}

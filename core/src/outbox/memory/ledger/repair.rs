//! Deliveries that begin again, are given up, or are removed.

use super::{
    super::super::{Discard, Filter, Pruned, Record, Replay, Retention, State, fresh_jti},
    Ledger, Number, Row, Wait,
};
use crate::{error::Result, time::Timestamp};

impl Ledger {
    pub(in super::super) fn replay(&mut self, replay: &Replay, now: Timestamp) -> Result<u64> {
        let selected = |row: &&Row| replay.selects(&row.record, row.subject.as_ref());
        let numbers: Vec<_> =
            self.rows.iter().filter(|(_, row)| selected(row)).map(|(number, _)| *number).collect();
        if !replay.dry_run {
            for number in &numbers {
                if replay.fresh_jti { self.copy(*number, now)? } else { self.revive(*number, now) }
            }
        }
        Ok(numbers.len() as u64)
    }

    /// The same delivery waits again.
    fn revive(&mut self, number: Number, now: Timestamp) {
        self.count(number, -1);
        let Some(row) = self.rows.get_mut(&number) else { return };
        row.uncertain |= row.record.state == State::Delivered;
        if let Some(ended) = row.record.ended_at.take() {
            self.ended.remove(&(ended, number));
        }
        row.record.discard = None;
        row.record.attempts = 0;
        row.record.expires_at = now.plus(row.max_age);
        row.frozen = None;
        self.begin(number, None, now);
    }

    /// Another delivery with the same content waits.
    fn copy(&mut self, number: Number, now: Timestamp) -> Result<()> {
        let Some(row) = self.rows.get(&number) else { return Ok(()) };
        let old = &row.record;
        let expires_at = now.plus(row.max_age);
        let mut record = Record::new(fresh_jti()?, &old.receiver, &old.event, now, expires_at);
        record.priority = old.priority;
        let row = Row {
            record,
            wait: Wait::Nothing,
            payload: row.payload.clone(),
            frozen: None,
            subject: row.subject,
            idempotency: None,
            ordered: row.ordered.clone(),
            superseding: row.superseding.clone(),
            max_age: row.max_age,
            token: 0,
            lease_until: None,
            uncertain: false,
            attempts: Vec::new(),
        };
        self.add(row, None, now);
        Ok(())
    }

    pub(in super::super) fn discard(&mut self, filter: &Filter, dry_run: bool, now: Timestamp) -> u64 {
        let selected = |row: &&Row| {
            row.record.state == State::Waiting && filter.selects(&row.record, row.subject.as_ref())
        };
        let numbers: Vec<_> =
            self.rows.iter().filter(|(_, row)| selected(row)).map(|(number, _)| *number).collect();
        if !dry_run {
            for number in &numbers {
                self.end(*number, State::Discarded, Some(Discard::Removed), now);
            }
        }
        numbers.len() as u64
    }

    pub(in super::super) fn prune(&mut self, retention: &Retention, now: Timestamp) -> Pruned {
        let is_old = |(ended, number): &&(Timestamp, Number)| {
            let state = self.rows.get(number).map(|row| row.record.state);
            let kept = state.and_then(|state| retention.of(state));
            kept.is_none_or(|kept| ended.plus(kept) <= now)
        };
        let limit = retention.limit as usize;
        let old: Vec<_> = self.ended.iter().filter(is_old).take(limit).copied().collect();
        for ended in &old {
            self.remove(*ended);
        }
        Pruned::new(old.len() as u64, old.len() == limit)
    }

    /// Removes the deliveries that ended first, so that no more than this many are kept.
    pub(in super::super) fn keep_ended(&mut self, most: usize) {
        while let Some(first) = self.ended.first().copied().filter(|_| self.ended.len() > most) {
            self.remove(first);
        }
    }

    fn remove(&mut self, ended: (Timestamp, Number)) {
        self.ended.remove(&ended);
        let Some(row) = self.rows.remove(&ended.1) else { return };
        self.numbers.remove(&row.record.jti);
        if let Some(lane) = self.lanes.get_mut(&row.record.receiver) {
            lane.kept -= 1;
            self.forget(&row.record.receiver);
        }
        if let Some(group) = row.superseding.filter(|group| self.delivered.get(group) == Some(&ended.1)) {
            self.delivered.remove(&group);
        }
        if let Some(key) = row.idempotency
            && let Some(known) = self.idempotency.get_mut(&key)
        {
            known.kept -= 1;
            if known.kept == 0 {
                self.idempotency.remove(&key);
            }
        }
    }
}

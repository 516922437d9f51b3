//! What the ledger tells.

use std::{
    ops::Bound::{Excluded, Unbounded},
    time::Duration,
};

use super::{
    super::super::{Counts, Cursor, Filter, History, ReceiverRecord, Record, State, Status, StoreHealth},
    Lane, Ledger, Row,
};
use crate::time::Timestamp;

impl Ledger {
    pub(in super::super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.lanes.values().for_each(|lane| counts.add(&lane.counts));
        counts
    }

    pub(in super::super) fn health(&self, now: Timestamp) -> StoreHealth {
        let records = || self.rows.values().map(|row| &row.record);
        let waiting = records().filter(|record| record.state == State::Waiting);
        let minute_ago = now.minus(Duration::from_mins(1));
        let lately = |record: &&Record| {
            record.state == State::Delivered && record.ended_at.is_some_and(|ended| ended > minute_ago)
        };
        let paused = self.lanes.values().filter(|lane| lane.state.status == Status::Paused);
        StoreHealth::new(
            waiting.map(|record| record.enqueued_at).min(),
            records().filter(lately).count() as u64,
            paused.count() as u64,
        )
    }

    pub(in super::super) fn receivers(&self, after: Option<String>, limit: usize) -> Vec<ReceiverRecord> {
        let after = after.map_or(Unbounded, Excluded);
        let of = |(name, lane): (&String, &Lane)| {
            let first = lane.waiting.first().and_then(|number| self.rows.get(number));
            let oldest = first.map(|row| row.record.enqueued_at);
            ReceiverRecord::new(name, lane.state.clone(), lane.counts, oldest)
        };
        self.lanes.range((after, Unbounded)).take(limit).map(of).collect()
    }

    pub(in super::super) fn list(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Vec<Record> {
        let selected = |row: &&Row| {
            filter.selects(&row.record, row.subject.as_ref())
                && after.is_none_or(|after| Cursor::after(&row.record) > *after)
        };
        let mut records: Vec<_> = self.rows.values().filter(selected).map(|row| row.record.clone()).collect();
        records.sort_by_cached_key(Cursor::after);
        records.truncate(limit);
        records
    }

    pub(in super::super) fn history(&self, jti: &str) -> Option<History> {
        let row = self.rows.get(self.numbers.get(jti)?)?;
        Some(History::new(row.record.clone(), row.attempts.clone()))
    }
}

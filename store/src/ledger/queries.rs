//! What the store tells.

use rusqlite::{params, params_from_iter};
use ssf_transmitter::outbox::{
    Attempt, Counts, Cursor, Filter, History, ReceiverRecord, Record, StoreHealth,
};

use super::{
    Ledger,
    filter::{Condition, states},
    lane::{self, Lane},
};
use crate::{
    codec::{RECORD, failure_of, record, time, times, unsigned},
    failed::{Done, Failed},
};

const COUNTS: &str = "
    SELECT coalesce(sum(enqueued), 0), coalesce(sum(waiting), 0), coalesce(sum(in_flight), 0), coalesce(sum(delivered), 0),
        coalesce(sum(dead), 0), coalesce(sum(expired), 0), coalesce(sum(superseded), 0), coalesce(sum(removed), 0)
    FROM receivers";
const RECEIVERS: &str = concat!(
    "SELECT ",
    lane::columns!(),
    ", (SELECT d.enqueued_at FROM deliveries d WHERE d.receiver = receivers.id AND d.state = 0 AND d.lease_until IS NULL
        ORDER BY d.seq LIMIT 1)
     FROM receivers WHERE name > ?1 ORDER BY name LIMIT ?2"
);
/// Each part is answered by an index.
const HEALTH: &str = "
    SELECT
        (SELECT min((SELECT d.enqueued_at FROM deliveries d WHERE d.receiver = r.id AND d.state = 0 AND d.lease_until IS NULL
                ORDER BY d.seq LIMIT 1))
            FROM receivers r WHERE r.waiting > 0),
        (SELECT count(*) FROM deliveries WHERE state = 2 AND ended_at > ?1),
        (SELECT count(*) FROM receivers WHERE state ->> 'status' = 'paused')";
const ATTEMPTS: &str =
    "SELECT at, duration, kid, status, failure FROM attempts WHERE delivery = ?1 ORDER BY n";

impl Ledger<'_> {
    pub(crate) fn counts(&self) -> Done<Counts> {
        let counts = self.all(COUNTS, (), |row| lane::counts(row, 0))?;
        counts.into_iter().next().ok_or_else(Failed::corrupt)
    }

    pub(crate) fn health(&self) -> Done<StoreHealth> {
        let minute_ago = self.millis() - 60_000;
        let health = self.all(HEALTH, [minute_ago], |row| {
            Ok(StoreHealth::new(times(row.get(0)?), unsigned(row.get(1)?), unsigned(row.get(2)?)))
        })?;
        health.into_iter().next().ok_or_else(Failed::corrupt)
    }

    pub(crate) fn receivers(&self, after: Option<&str>, limit: u32) -> Done<Vec<ReceiverRecord>> {
        // No name is empty.
        self.all(RECEIVERS, params![after.unwrap_or_default(), limit], |row| {
            let oldest = times(row.get(17)?);
            let Lane { name, state, counts, .. } = Lane::read(row)?;
            Ok(ReceiverRecord::new(name, state, counts, oldest))
        })
    }

    /// What is damaged, in the words of SQLite.
    pub(crate) fn check(&self) -> Done<Vec<String>> {
        let mut problems = self.all("PRAGMA integrity_check(100)", (), |row| Ok(row.get::<_, String>(0)?))?;
        problems.retain(|problem| problem != "ok");
        Ok(problems)
    }

    /// Writes a snapshot into an empty file.
    pub(crate) fn copy_into(&self, path: &str) -> Done<()> {
        // It needs a transaction of its own, and this one has read nothing yet.
        self.execute("COMMIT", ())?;
        self.execute("PRAGMA query_only = 0", ())?;
        let copied = self.execute("VACUUM INTO ?1", [path]);
        self.execute("PRAGMA query_only = 1", ())?;
        copied?;
        Ok(())
    }

    pub(crate) fn list(&self, filter: &Filter, after: Option<&Cursor>, limit: u32) -> Done<Vec<Record>> {
        let mut condition = Condition::of(filter, &states(filter, |_| true))?;
        if let Some(after) = after {
            // The first comparison is for the index, which has no jti.
            condition.and("d.enqueued_at >= ?", after.enqueued_at.as_unix_millis());
            condition.and("(d.enqueued_at, d.jti) > (?", after.enqueued_at.as_unix_millis());
            condition.sql.push_str(", ?)");
            condition.values.push(after.jti.clone().into());
        }
        let Condition { sql, mut values } = condition;
        values.push(i64::from(limit).into());
        let statement = format!(
            "SELECT {RECORD} FROM deliveries d CROSS JOIN events e ON e.id = d.event CROSS JOIN receivers r ON r.id = d.receiver
             WHERE {sql} ORDER BY d.enqueued_at, d.jti LIMIT ?"
        );
        self.all(&statement, params_from_iter(values), record)
    }

    pub(crate) fn history(&self, jti: &str) -> Done<Option<History>> {
        let statement = format!(
            "SELECT {RECORD}, d.seq FROM deliveries d CROSS JOIN events e ON e.id = d.event
             CROSS JOIN receivers r ON r.id = d.receiver WHERE d.jti = ?1"
        );
        let read = |row: &rusqlite::Row<'_>| Ok((record(row)?, row.get(12)?));
        let Some((record, seq)): Option<(_, i64)> = self.all(&statement, [jti], read)?.pop() else {
            return Ok(None);
        };
        let attempts = self.all(ATTEMPTS, [seq], |row| {
            let duration = std::time::Duration::from_millis(unsigned(row.get(1)?));
            let failure: Option<String> = row.get(4)?;
            let attempt = Attempt::new(time(row.get(0)?), duration)
                .with_kid(row.get(2)?)
                .with_status(row.get(3)?)
                .with_failure(failure_of(failure.as_deref())?);
            Ok(attempt)
        })?;
        Ok(Some(History::new(record, attempts)))
    }
}

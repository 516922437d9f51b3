//! What the store tells.

use std::time::Duration;

use ssf_transmitter::outbox::{
    Attempt, Counts, Cursor, Filter, History, ReceiverRecord, Record, StoreHealth,
};

use super::{
    Ledger, Operation,
    filter::{Condition, states},
    lane::{self, Lane},
};
use crate::{
    codec::{RECORD, failure_of, record, time, times, unsigned},
    failed::{Done, Failed},
    values::{Typed, one},
};

const COUNTS: &str = "
    SELECT coalesce(sum(enqueued), 0)::bigint, coalesce(sum(waiting), 0)::bigint, coalesce(sum(in_flight), 0)::bigint,
        coalesce(sum(delivered), 0)::bigint, coalesce(sum(dead), 0)::bigint, coalesce(sum(expired), 0)::bigint,
        coalesce(sum(superseded), 0)::bigint, coalesce(sum(removed), 0)::bigint
    FROM receivers";
const RECEIVERS: &str = concat!(
    "SELECT ",
    lane::columns!(),
    ", (SELECT d.enqueued_at FROM deliveries d WHERE d.receiver = r.id AND d.state = 0 ORDER BY d.seq LIMIT 1)
     FROM receivers r WHERE name > $1 ORDER BY name LIMIT $2"
);
/// Each part is answered by an index.
const HEALTH: &str = "
    SELECT
        least(
            (SELECT min((SELECT d.enqueued_at FROM deliveries d WHERE d.receiver = r.id AND d.state = 0 ORDER BY d.seq LIMIT 1))
                FROM receivers r WHERE r.waiting > 0),
            (SELECT at FROM inbox WHERE refused_at IS NULL ORDER BY id LIMIT 1)
        ),
        (SELECT count(*) FROM deliveries WHERE state = 2 AND ended_at > $1),
        (SELECT count(*) FROM receivers WHERE state::json ->> 'status' = 'paused'),
        (SELECT count(*) FROM inbox WHERE refused_at IS NOT NULL),
        (SELECT floor(extract(epoch FROM least(
            (SELECT min(xact_start) FROM pg_stat_activity
                WHERE (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND backend_type = 'client backend'
                AND datname = current_database() AND pid <> pg_backend_pid()),
            (SELECT min(prepared) FROM pg_prepared_xacts WHERE database = current_database())
        )) * 1000)::bigint)";
const ATTEMPTS: &str =
    "SELECT at, duration, kid, status, failure FROM attempts WHERE delivery = $1 ORDER BY n";
const FROM: &str = "FROM deliveries d JOIN events e ON e.id = d.event JOIN receivers r ON r.id = d.receiver";

/// Asks for the counts.
pub(crate) struct Total;

impl Operation for Total {
    type Output = Counts;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Counts> {
        let rows = ledger.query(COUNTS, &[]).await?;
        lane::counts(rows.first().ok_or_else(Failed::corrupt)?, 0)
    }
}

/// Asks how the store is.
pub(crate) struct Health;

impl Operation for Health {
    type Output = StoreHealth;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<StoreHealth> {
        let minute_ago = ledger.now.minus(Duration::from_mins(1)).as_unix_millis();
        let rows = ledger.query(HEALTH, &[one(&minute_ago)]).await?;
        let row = rows.first().ok_or_else(Failed::corrupt)?;
        let (oldest, lately, paused) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let mut health = StoreHealth::new(times(oldest), unsigned(lately)?, unsigned(paused)?);
        health.refused = Some(unsigned(row.try_get(3)?)?);
        health.oldest_snapshot = times(row.try_get(4)?);
        Ok(health)
    }
}

/// Lists receivers.
pub(crate) struct Receivers {
    pub(crate) after: Option<String>,
    pub(crate) limit: u32,
}

impl Operation for Receivers {
    type Output = Vec<ReceiverRecord>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Vec<ReceiverRecord>> {
        // No name is empty.
        let (after, limit) = (self.after.clone().unwrap_or_default(), i64::from(self.limit));
        let rows = ledger.query(RECEIVERS, &[one(&after), one(&limit)]).await?;
        let read = |row: &tokio_postgres::Row| {
            let oldest = times(row.try_get(lane::COLUMNS)?);
            let Lane { name, state, counts, .. } = Lane::read(row)?;
            Ok(ReceiverRecord::new(name, state, counts, oldest))
        };
        rows.iter().map(read).collect()
    }
}

/// Lists deliveries.
pub(crate) struct List {
    pub(crate) filter: Filter,
    pub(crate) after: Option<Cursor>,
    pub(crate) limit: u32,
}

impl Operation for List {
    type Output = Vec<Record>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Vec<Record>> {
        let mut condition = Condition::of(&self.filter, &states(&self.filter, |_| true));
        if let Some(after) = &self.after {
            let time = condition.parameter(Box::new(after.enqueued_at.as_unix_millis()), i64::TYPE);
            condition.and(&format!("(d.enqueued_at, d.jti) > ({time}, ?)"), after.jti.clone());
        }
        let limit = condition.parameter(Box::new(i64::from(self.limit)), i64::TYPE);
        let statement = format!(
            "SELECT {RECORD} {FROM} WHERE {} ORDER BY d.enqueued_at, d.jti LIMIT {limit}",
            condition.sql
        );
        let rows = ledger.query(&statement, &condition.values()).await?;
        rows.iter().map(record).collect()
    }
}

/// Asks for a delivery and its attempts.
pub(crate) struct Past(pub(crate) String);

impl Operation for Past {
    type Output = Option<History>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Option<History>> {
        let statement = format!("SELECT {RECORD}, d.seq {FROM} WHERE d.jti = $1");
        let rows = ledger.query(&statement, &[one(&self.0)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let seq: i64 = row.try_get(12)?;
        let attempts = ledger.query(ATTEMPTS, &[one(&seq)]).await?;
        let read = |row: &tokio_postgres::Row| {
            let status: Option<i32> = row.try_get(3)?;
            let status = status.map(|status| unsigned(status.into())).transpose()?;
            Ok(Attempt::new(time(row.try_get(0)?), Duration::from_millis(unsigned(row.try_get(1)?)?))
                .with_kid(row.try_get(2)?)
                .with_status(status)
                .with_failure(failure_of(row.try_get(4)?)?))
        };
        let attempts = attempts.iter().map(read).collect::<Done<_>>()?;
        Ok(Some(History::new(record(row)?, attempts)))
    }
}

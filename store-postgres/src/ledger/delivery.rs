//! Deliveries as rows.

use serde::Serialize;
use ssf_transmitter::outbox::Failure;
use tokio_postgres::Row;

use super::Ledger;
use crate::{
    codec::json,
    failed::{Done, Failed},
    values::{Value, each, one},
};

/// The columns that [`Delivery::read`] reads, of `deliveries` as `d`.
macro_rules! columns {
    () => {
        "d.seq, d.jti, d.event, d.receiver, d.state, d.wait, d.priority, d.max_age, d.due_at, d.expires_at, d.lease_until, \
         d.ended_at, d.token, d.attempts, d.uncertain, d.ordered, d.supersedes, d.superseded_by, d.code, d.failure"
    };
}
pub(super) use columns;

/// How many columns these are.
pub(super) const COLUMNS: usize = 20;

/// What an operation reads of a delivery. What is written of it is what serialization does not skip.
#[derive(Serialize)]
pub(super) struct Delivery {
    pub(super) seq: i64,
    #[serde(skip)]
    pub(super) jti: String,
    #[serde(skip)]
    pub(super) event: i64,
    #[serde(skip)]
    pub(super) receiver: i64,
    pub(super) state: i16,
    /// What it waits for, if it waits.
    pub(super) wait: Option<i16>,
    #[serde(skip)]
    pub(super) priority: i16,
    #[serde(skip)]
    pub(super) max_age: i64,
    pub(super) due_at: Option<i64>,
    pub(super) expires_at: i64,
    pub(super) lease_until: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) token: i64,
    pub(super) attempts: i64,
    pub(super) uncertain: bool,
    /// Those with the same value and receiver go one after the other.
    #[serde(skip)]
    pub(super) ordered: Option<Vec<u8>>,
    /// The newest with the same value and receiver replaces the others.
    #[serde(skip)]
    pub(super) supersedes: Option<Vec<u8>>,
    pub(super) superseded_by: Option<String>,
    pub(super) code: Option<String>,
    pub(super) failure: Option<String>,
    /// Whether its claims are rendered anew.
    #[serde(skip)]
    pub(super) forgets: bool,
}

impl Delivery {
    pub(super) fn read(row: &Row) -> Done<Self> {
        Ok(Self {
            seq: row.try_get(0)?,
            jti: row.try_get(1)?,
            event: row.try_get(2)?,
            receiver: row.try_get(3)?,
            state: row.try_get(4)?,
            wait: row.try_get(5)?,
            priority: row.try_get(6)?,
            max_age: row.try_get(7)?,
            due_at: row.try_get(8)?,
            expires_at: row.try_get(9)?,
            lease_until: row.try_get(10)?,
            ended_at: row.try_get(11)?,
            token: row.try_get(12)?,
            attempts: row.try_get(13)?,
            uncertain: row.try_get(14)?,
            ordered: row.try_get(15)?,
            supersedes: row.try_get(16)?,
            superseded_by: row.try_get(17)?,
            code: row.try_get(18)?,
            failure: row.try_get(19)?,
            forgets: false,
        })
    }

    /// Notes why the last attempt failed, if it did.
    pub(super) fn note(&mut self, failure: Option<&Failure>) -> Done<()> {
        self.code = failure.map(|failure| failure.code.as_str().to_owned());
        self.failure = failure.map(Failure::to_json).transpose()?;
        Ok(())
    }
}

/// A delivery that has no row yet.
pub(super) struct New {
    pub(super) jti: String,
    pub(super) event: i64,
    pub(super) receiver: i64,
    pub(super) wait: i16,
    pub(super) priority: i16,
    pub(super) enqueued_at: i64,
    pub(super) max_age: i64,
    pub(super) due_at: Option<i64>,
    pub(super) expires_at: i64,
    pub(super) ordered: Option<Vec<u8>>,
    pub(super) supersedes: Option<Vec<u8>>,
}

const INSERT: &str = "
    INSERT INTO deliveries (jti, event, receiver, state, wait, priority, enqueued_at, max_age, due_at, expires_at, ordered, supersedes)
    SELECT jti, event, receiver, 0, wait, priority, enqueued_at, max_age, due_at, expires_at, ordered, supersedes
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) WITH ORDINALITY
        AS n (jti, event, receiver, wait, priority, enqueued_at, max_age, due_at, expires_at, ordered, supersedes, position)
    ORDER BY position
    ON CONFLICT (jti) DO NOTHING";
macro_rules! write {
    ($more:literal) => {
        concat!(
            "UPDATE deliveries d
    SET state = n.state, wait = n.wait, due_at = n.due_at, expires_at = n.expires_at, lease_until = n.lease_until,
        ended_at = n.ended_at, token = n.token, attempts = n.attempts, uncertain = n.uncertain, superseded_by = n.superseded_by,
        code = n.code, failure = n.failure",
            $more,
            " FROM json_to_recordset($1::json) AS n (seq bigint, state smallint, wait smallint, due_at bigint, expires_at bigint,
        lease_until bigint, ended_at bigint, token bigint, attempts bigint, uncertain boolean, superseded_by text, code text,
        failure text)
    WHERE d.seq = n.seq AND d.seq = ANY($2)"
        )
    };
}
/// The numbers are there a second time, because the planner takes any JSON for a hundred rows, and might read the whole table for them.
/// Two statements in place of one that reads the claims: who may only enqueue may not.
const WRITE: &str = write!("");
const WRITE_AND_FORGET: &str = write!(", claims = NULL");

impl Ledger<'_> {
    /// Reads the deliveries that a statement selects, and returns their rows. Those that were read before stay as they are now.
    pub(super) async fn read(&mut self, statement: &str, values: &[Value<'_>]) -> Done<Vec<(i64, Row)>> {
        // What is selected depends on it.
        self.write_deliveries().await?;
        let mut found = Vec::new();
        for row in self.query(statement, values).await? {
            let delivery = Delivery::read(&row)?;
            found.push((delivery.seq, row));
            self.deliveries.entry(delivery.seq).or_insert(delivery);
        }
        Ok(found)
    }

    /// A delivery that was read.
    pub(super) fn known(&self, seq: i64) -> Done<&Delivery> {
        self.deliveries.get(&seq).ok_or_else(Failed::corrupt)
    }

    /// A delivery that was read, to change it.
    pub(super) fn delivery(&mut self, seq: i64) -> Done<&mut Delivery> {
        self.changed.insert(seq);
        self.deliveries.get_mut(&seq).ok_or_else(Failed::corrupt)
    }

    pub(super) async fn write_deliveries(&mut self) -> Done<()> {
        self.insert().await?;
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() {
            return Ok(());
        }
        let rows = changed.iter().map(|seq| self.known(*seq)).collect::<Done<Vec<_>>>()?;
        let (forget, keep): (Vec<_>, Vec<_>) = rows.into_iter().partition(|delivery| delivery.forgets);
        for (statement, rows) in [(WRITE, keep), (WRITE_AND_FORGET, forget)] {
            if !rows.is_empty() {
                let numbers = rows.iter().map(|delivery| delivery.seq).collect();
                let rows = json(&rows)?;
                self.execute(statement, &[one(&rows), each(&numbers)]).await?;
            }
        }
        for seq in &changed {
            if let Some(delivery) = self.deliveries.get_mut(seq) {
                delivery.forgets = false;
            }
        }
        Ok(())
    }

    async fn insert(&mut self) -> Done<()> {
        let new = std::mem::take(&mut self.new);
        if new.is_empty() {
            return Ok(());
        }
        let inserted = self
            .execute(
                INSERT,
                &[
                    each(&new.iter().map(|new| &*new.jti).collect()),
                    each(&new.iter().map(|new| new.event).collect()),
                    each(&new.iter().map(|new| new.receiver).collect()),
                    each(&new.iter().map(|new| new.wait).collect()),
                    each(&new.iter().map(|new| new.priority).collect()),
                    each(&new.iter().map(|new| new.enqueued_at).collect()),
                    each(&new.iter().map(|new| new.max_age).collect()),
                    each(&new.iter().map(|new| new.due_at).collect()),
                    each(&new.iter().map(|new| new.expires_at).collect()),
                    each(&new.iter().map(|new| new.ordered.as_deref()).collect()),
                    each(&new.iter().map(|new| new.supersedes.as_deref()).collect()),
                ],
            )
            .await?;
        // Another transaction has used an id since it was looked up.
        if inserted < new.len() as u64 { Err(Failed::Again) } else { Ok(()) }
    }
}

//! Deliveries as rows.

use ssf_transmitter::outbox::Failure;
use tokio_postgres::Row;

use super::Ledger;
use crate::{
    failed::{Done, Failed},
    values::{Value, each},
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

/// What an operation reads of a delivery.
pub(super) struct Delivery {
    pub(super) seq: i64,
    pub(super) jti: String,
    pub(super) event: i64,
    pub(super) receiver: i64,
    pub(super) state: i16,
    /// What it waits for, if it waits.
    pub(super) wait: Option<i16>,
    pub(super) priority: i16,
    pub(super) max_age: i64,
    pub(super) due_at: Option<i64>,
    pub(super) expires_at: i64,
    pub(super) lease_until: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) token: i64,
    pub(super) attempts: i64,
    pub(super) uncertain: bool,
    /// Those with the same value and receiver go one after the other.
    pub(super) ordered: Option<Vec<u8>>,
    /// The newest with the same value and receiver replaces the others.
    pub(super) supersedes: Option<Vec<u8>>,
    pub(super) superseded_by: Option<String>,
    pub(super) code: Option<String>,
    pub(super) failure: Option<String>,
    /// Whether its claims are rendered anew.
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

/// What is to be written of deliveries.
#[derive(Default)]
pub(super) struct Deliveries {
    new: Vec<New>,
    /// The numbers of those that have changed.
    kept: Vec<i64>,
    /// The same, whose claims are rendered anew.
    forgotten: Vec<i64>,
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

/// A known id makes it fail.
const INSERT: &str = "
    INSERT INTO deliveries (jti, event, receiver, state, wait, priority, enqueued_at, max_age, due_at, expires_at, ordered, supersedes)
    SELECT jti, event, receiver, 0, wait, priority, enqueued_at, max_age, due_at, expires_at, ordered, supersedes
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) WITH ORDINALITY
        AS n (jti, event, receiver, wait, priority, enqueued_at, max_age, due_at, expires_at, ordered, supersedes, position)
    ORDER BY position";
macro_rules! write {
    ($more:literal) => {
        concat!(
            "UPDATE deliveries d
    SET state = n.state, wait = n.wait, due_at = n.due_at, expires_at = n.expires_at, lease_until = n.lease_until,
        ended_at = n.ended_at, token = n.token, attempts = n.attempts, uncertain = n.uncertain, superseded_by = n.superseded_by,
        code = n.code, failure = n.failure",
            $more,
            " FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        AS n (seq, state, wait, due_at, expires_at, lease_until, ended_at, token, attempts, uncertain, superseded_by, code, failure)
    WHERE d.seq = n.seq"
        )
    };
}
/// Two statements in place of one that reads the claims: who may only enqueue may not.
const WRITE: &str = write!("");
const WRITE_AND_FORGET: &str = write!(", claims = NULL");

impl Ledger<'_> {
    /// Reads the deliveries that a statement selects, and returns their rows. Those that were read before stay as they are now.
    pub(super) async fn read(&mut self, statement: &str, values: &[Value<'_>]) -> Done<Vec<(i64, Row)>> {
        // What is selected depends on it.
        self.write_deliveries().await?;
        let rows = self.query(statement, values).await?;
        self.note_read(rows)
    }

    /// Notes deliveries whose rows were read.
    pub(super) fn note_read(&mut self, rows: Vec<Row>) -> Done<Vec<(i64, Row)>> {
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
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

    /// Writes new deliveries and those that have changed.
    pub(super) async fn write_deliveries(&mut self) -> Done<()> {
        let changes = self.changed_deliveries();
        self.send_deliveries(&changes).await
    }

    /// What is to be written of deliveries.
    pub(super) fn changed_deliveries(&mut self) -> Deliveries {
        let mut changes = Deliveries { new: std::mem::take(&mut self.new), ..Deliveries::default() };
        for seq in std::mem::take(&mut self.changed) {
            let forgets =
                self.deliveries.get_mut(&seq).is_some_and(|delivery| std::mem::take(&mut delivery.forgets));
            (if forgets { &mut changes.forgotten } else { &mut changes.kept }).push(seq);
        }
        changes
    }

    /// Writes it in one round trip.
    pub(super) async fn send_deliveries(&self, changes: &Deliveries) -> Done<()> {
        let (inserted, kept, forgotten) = tokio::join!(
            biased;
            self.insert(&changes.new),
            self.update(WRITE, &changes.kept),
            self.update(WRITE_AND_FORGET, &changes.forgotten)
        );
        inserted.and(kept).and(forgotten)
    }

    async fn update(&self, statement: &str, changed: &[i64]) -> Done<()> {
        if changed.is_empty() {
            return Ok(());
        }
        let rows = changed.iter().map(|seq| self.known(*seq)).collect::<Done<Vec<_>>>()?;
        self.execute(
            statement,
            &[
                each(&rows.iter().map(|row| row.seq).collect()),
                each(&rows.iter().map(|row| row.state).collect()),
                each(&rows.iter().map(|row| row.wait).collect()),
                each(&rows.iter().map(|row| row.due_at).collect()),
                each(&rows.iter().map(|row| row.expires_at).collect()),
                each(&rows.iter().map(|row| row.lease_until).collect()),
                each(&rows.iter().map(|row| row.ended_at).collect()),
                each(&rows.iter().map(|row| row.token).collect()),
                each(&rows.iter().map(|row| row.attempts).collect()),
                each(&rows.iter().map(|row| row.uncertain).collect()),
                each(&rows.iter().map(|row| row.superseded_by.as_deref()).collect()),
                each(&rows.iter().map(|row| row.code.as_deref()).collect()),
                each(&rows.iter().map(|row| row.failure.as_deref()).collect()),
            ],
        )
        .await
        .map(drop)
    }

    async fn insert(&self, new: &[New]) -> Done<()> {
        if new.is_empty() {
            return Ok(());
        }
        self.execute(
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
        .await
        .map(drop)
    }
}

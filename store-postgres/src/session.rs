//! Transactions on connections of the pool.

use std::sync::Arc;

use deadpool::managed::{Object, Pool, PoolError};
use ssf_transmitter::{Error, ErrorCode, Result, Timestamp, time::Clock};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, Row};

use crate::{
    failed::{Done, Failed},
    ledger::{Ledger, Operation},
    manager::Manager,
    schema::text,
    signals::Signals,
    values::Value,
};

/// How often an operation is tried that other transactions or a lost connection have stopped. Each time, another one has made progress.
const TRIES: u32 = 10;
/// The clock of the database, in milliseconds since 1970. Unlike `now()`, it does not stand still in a transaction.
const CLOCK: &str = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

pub(crate) struct Sessions {
    pub(crate) pool: Pool<Manager>,
    pub(crate) signals: Signals,
    /// Whether the tables are those of this version.
    ready: OnceCell<()>,
    /// Whether it makes them so.
    migrates: bool,
    /// In place of the clock of the database.
    clock: Option<Arc<dyn Clock>>,
}

/// How an attempt failed.
pub(crate) enum Broken {
    /// Before the commit: nothing has happened.
    Undone(Failed),
    /// While it was committed: nobody knows.
    Unknown(Failed),
}

impl From<Failed> for Broken {
    fn from(failed: Failed) -> Self {
        Self::Undone(failed)
    }
}

impl Sessions {
    pub(crate) fn new(pool: Pool<Manager>, migrates: bool, clock: Option<Arc<dyn Clock>>) -> Self {
        let signals = Signals::new(pool.clone());
        Self { pool, signals, ready: OnceCell::new(), migrates, clock }
    }

    pub(crate) async fn run<O: Operation>(&self, operation: &O) -> Result<O::Output> {
        self.repeat(operation)
            .await
            .map_err(|(Broken::Undone(failed) | Broken::Unknown(failed))| failed.into())
    }

    /// Runs an operation, again if others have stopped it, and tells how it failed at last.
    pub(crate) async fn repeat<O: Operation>(&self, operation: &O) -> Result<O::Output, Broken> {
        let mut tries = 1;
        loop {
            match self.attempt(operation).await {
                Err(Broken::Undone(failed)) if failed.is_passing() && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn attempt<O: Operation>(&self, operation: &O) -> Result<O::Output, Broken> {
        let (transaction, now) = self.begin().await?;
        let mut ledger = Ledger::new(transaction.client()?, now);
        let result = async {
            let output = operation.run(&mut ledger).await?;
            let changes = ledger.changes()?;
            Ok((output, changes))
        };
        let (output, changes) = match result.await {
            Ok(done) => done,
            Err(failed) => return Err(transaction.undo(failed).await),
        };
        // The commit does not wait for the answers before it: if one of them is an error, it rolls back.
        let commit = transaction.client()?.batch_execute("COMMIT");
        let (sent, committed) = tokio::join!(biased; ledger.send(&changes), commit);
        match sent {
            Err(failed) if failed.is_of_operation() => return Err(transaction.undo(failed).await),
            sent => sent.and(committed.map_err(Failed::from)).map_err(Broken::Unknown)?,
        }
        let streams = ledger.ready_streams();
        transaction.release();
        self.signals.wake_streams(streams);
        Ok(output)
    }

    /// Checks or migrates the tables, unless it was done.
    pub(crate) async fn ready(&self) -> Done<()> {
        self.transaction().await.map(Transaction::release)
    }

    /// A connection on which a transaction may begin.
    async fn transaction(&self) -> Done<Transaction> {
        let transaction = Transaction(Some(self.connection().await?));
        let schema = &self.pool.manager().schema;
        let prepare = async || {
            let client = transaction.client()?;
            if self.migrates { schema.migrate(client).await } else { schema.check(client).await }
        };
        self.ready.get_or_try_init(prepare).await?;
        Ok(transaction)
    }

    async fn connection(&self) -> Done<Object<Manager>> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(failed) => failed,
            PoolError::Closed => Failed::new(ErrorCode::OutboxUnavailable, "the outbox is closed"),
            _ => Failed::new(
                ErrorCode::OutboxUnavailable,
                "no connection to the database of the outbox became free in time",
            ),
        })
    }

    /// Runs a statement that is a transaction of its own, in one round trip. It may run more than once.
    pub(crate) async fn query(&self, statement: &str, values: &[Value<'_>]) -> Result<Vec<Row>> {
        let mut tries = 1;
        loop {
            let asked = async {
                let transaction = self.transaction().await?;
                let rows = transaction.client()?.query_typed(statement, values).await?;
                transaction.release();
                Done::Ok(rows)
            };
            match asked.await {
                Err(failed) if failed.is_passing() && tries < TRIES => tries += 1,
                result => return result.map_err(Error::from),
            }
        }
    }

    /// Begins a transaction, and tells the time. All of it is one round trip, and nothing of it outlives the transaction: a pooler may
    /// give the connection to another program then.
    async fn begin(&self) -> Done<(Transaction, Timestamp)> {
        let transaction = self.transaction().await?;
        let enter = self.pool.manager().schema.enter();
        let begin = format!("BEGIN ISOLATION LEVEL READ COMMITTED;{enter}");
        let Some(clock) = &self.clock else {
            let told = text(transaction.client()?, &format!("{begin}{CLOCK}")).await?;
            let millis = told.and_then(|millis| millis.parse().ok()).ok_or_else(Failed::corrupt)?;
            return Ok((transaction, Timestamp::from_unix_millis(millis)));
        };
        transaction.client()?.batch_execute(&begin).await?;
        Ok((transaction, clock.now()))
    }
}

/// A connection in a transaction. If it is dropped before the end, because nobody waits for the operation any more, the connection is
/// closed, and the database rolls back.
struct Transaction(Option<Object<Manager>>);

impl Transaction {
    fn client(&self) -> Done<&Client> {
        let client = self.0.as_deref();
        client.ok_or_else(|| {
            Failed::new(ErrorCode::Internal, "a transaction has ended before its last statement")
        })
    }

    /// No transaction is open: the connection goes back to the pool.
    fn release(mut self) {
        drop(self.0.take());
    }

    /// Rolls back. What made it fail is the better message.
    async fn undo(self, failed: Failed) -> Broken {
        let undone = match self.client() {
            Ok(client) => client.batch_execute("ROLLBACK").await.is_ok(),
            Err(_) => false,
        };
        if undone {
            self.release();
        }
        Broken::Undone(failed)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

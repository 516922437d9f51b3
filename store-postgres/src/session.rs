//! Transactions on connections of the pool.

use std::sync::Arc;

use deadpool::managed::{Object, Pool, PoolError};
use ssf_transmitter::{Error, ErrorCode, Result, Timestamp, outbox::Message, time::Clock};
use tokio::sync::OnceCell;
use tokio_postgres::Row;

use crate::{
    connection::Connection,
    failed::{Done, Failed},
    ledger::{Ledger, Operation, single},
    manager::Manager,
    schema::last_row,
    signals::Signals,
    values::Value,
};

/// How often an operation is tried that other transactions or a lost connection have stopped. Each time, another one has made progress.
const TRIES: u32 = 10;
/// The clock of the database, in milliseconds since 1970, and the process that says it. Unlike `now()`, it does not stand still in a
/// transaction.
const CLOCK: &str = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, pg_backend_pid()";

pub(crate) struct Sessions {
    pub(crate) pool: Pool<Manager>,
    pub(crate) signals: Signals,
    /// Whether the tables are those of this version.
    ready: OnceCell<()>,
    /// Whether it makes them so.
    migrates: bool,
    /// In place of the clock of the database.
    clock: Option<Arc<dyn Clock>>,
    /// The statement that accepts a message alone.
    single: String,
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
        let (signals, single) = (Signals::new(pool.clone()), single::statement(&pool.manager().schema));
        Self { pool, signals, ready: OnceCell::new(), migrates, clock, single }
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
        let transaction = self.transaction().await?;
        let connection = transaction.connection()?;
        let result = async {
            let planner = connection.ready(O::OFTEN).await?;
            let now = self.now();
            let (begun, asked) =
                tokio::join!(biased; self.begin(connection, &planner, now), operation.ask(connection, now));
            let mut ledger = Ledger::new(connection, begun?, asked?);
            let output = operation.run(&mut ledger).await?;
            let changes = ledger.changes()?;
            Ok((output, changes, ledger))
        };
        let (output, changes, ledger) = match result.await {
            Ok(done) => done,
            Err(failed) => return Err(self.undo(transaction, failed).await),
        };
        // The commit does not wait for the answers before it: if one of them is an error, it rolls back.
        let commit = connection.client.batch_execute("COMMIT");
        let (sent, committed) = tokio::join!(biased; ledger.send(&changes), commit);
        match sent {
            Err(failed) if failed.is_of_operation() => return Err(self.undo(transaction, failed).await),
            sent => sent.and(committed.map_err(Failed::from)).map_err(Broken::Unknown)?,
        }
        let streams = ledger.ready_streams();
        transaction.release();
        self.signals.wake_streams(streams);
        Ok(output)
    }

    /// Rolls back.
    async fn undo(&self, transaction: Transaction, failed: Failed) -> Broken {
        self.note(&failed);
        transaction.undo(failed).await
    }

    /// Prepares no statements any more if one was lost.
    fn note(&self, failed: &Failed) {
        if failed.is_lost_statement() {
            self.pool.manager().preparing.stop();
        }
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
            let client = &transaction.connection()?.client;
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
                let connection = transaction.connection()?;
                connection.ready(true).await?;
                let rows = connection.query(statement, values).await?;
                transaction.release();
                Done::Ok(rows)
            };
            match asked.await {
                Err(failed) if failed.is_passing() && tries < TRIES => {
                    self.note(&failed);
                    tries += 1;
                }
                result => return result.map_err(Error::from),
            }
        }
    }

    /// What a clock says that takes the place of that of the database.
    fn now(&self) -> Option<Timestamp> {
        let clock = self.clock.as_ref()?;
        Some(clock.now())
    }

    /// Accepts a message in one round trip. Returns whether it could: if not, nothing has happened. If it fails, nobody knows.
    pub(crate) async fn accept(&self, message: &Message) -> Done<bool> {
        let begun = async {
            let transaction = self.transaction().await?;
            transaction.connection()?.ready(true).await?;
            Done::Ok(transaction)
        };
        // Whoever goes the long way learns why.
        let Ok(transaction) = begun.await else { return Ok(false) };
        let now = self.now().map(Timestamp::as_unix_millis);
        match single::accept(transaction.connection()?, &self.single, message, now).await {
            Ok(accepted) => {
                transaction.release();
                Ok(accepted)
            }
            Err(failed) if failed.is_undone() => {
                self.note(&failed);
                if !failed.is_of_statement() {
                    transaction.release();
                }
                Ok(false)
            }
            Err(failed) => Err(failed),
        }
    }

    /// Begins a transaction, and tells the time. All of it is one round trip, and nothing of it outlives the transaction: a pooler may
    /// give the connection to another program then.
    async fn begin(&self, connection: &Connection, planner: &str, now: Option<Timestamp>) -> Done<Timestamp> {
        let enter = self.pool.manager().schema.enter();
        let begin = format!("BEGIN ISOLATION LEVEL READ COMMITTED;{enter}{planner}{CLOCK}");
        let told = last_row(&connection.client, &begin).await?;
        let number =
            |column| told.as_ref().and_then(|row| row.get(column)).and_then(|text| text.parse().ok());
        let (millis, process): (Option<i64>, Option<i64>) = (number(0), number(1));
        let (millis, process) = millis.zip(process).ok_or_else(Failed::corrupt)?;
        connection.runs_in(process)?;
        Ok(now.unwrap_or(Timestamp::from_unix_millis(millis)))
    }
}

/// A connection in a transaction. If it is dropped before the end, because nobody waits for the operation any more, the connection is
/// closed, and the database rolls back.
struct Transaction(Option<Object<Manager>>);

impl Transaction {
    fn connection(&self) -> Done<&Connection> {
        let connection = self.0.as_deref();
        connection.ok_or_else(|| {
            Failed::new(ErrorCode::Internal, "a transaction has ended before its last statement")
        })
    }

    /// No transaction is open: the connection goes back to the pool.
    fn release(mut self) {
        drop(self.0.take());
    }

    /// Rolls back. What made it fail is the better message. A connection whose prepared statements are of no use is closed.
    async fn undo(self, failed: Failed) -> Broken {
        let undone = match self.connection() {
            Ok(connection) if !failed.is_of_statement() => {
                connection.client.batch_execute("ROLLBACK").await.is_ok()
            }
            _ => false,
        };
        if undone {
            self.release();
        }
        Broken::Undone(failed)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

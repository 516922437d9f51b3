//! The operations, each within a transaction. They make the same decisions as the store in memory does, with an index for each question.

mod claim;
mod delivery;
mod endings;
mod enqueue;
mod filter;
mod lane;
mod poll;
mod prune;
mod publish;
mod queries;
mod replay;
mod settle;
mod streams;

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Params, Row};
use ssf_transmitter::Timestamp;

pub use claim::claim_statements;
use lane::Lane;
pub use poll::poll_statements;
pub use publish::publish_statements;

use crate::failed::Done;

/// One operation.
pub(crate) struct Ledger<'a> {
    connection: &'a Connection,
    now: Timestamp,
    /// Receivers that the operation has read, by id. They are written at its end.
    lanes: HashMap<i64, Lane>,
    woken: Woken,
}

/// Who may find something ready after an operation.
#[derive(Default)]
pub(crate) struct Woken {
    pub(crate) workers: bool,
    /// The ids of streams.
    pub(crate) streams: Vec<String>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(connection: &'a Connection, now: Timestamp) -> Self {
        Self { connection, now, lanes: HashMap::new(), woken: Woken::default() }
    }

    /// Who is to be woken after the operation, once it is committed.
    pub(crate) fn woken(&mut self) -> Woken {
        std::mem::take(&mut self.woken)
    }

    fn millis(&self) -> i64 {
        self.now.as_unix_millis()
    }

    /// Runs a statement, and returns how many rows it has changed.
    fn execute(&self, statement: &str, params: impl Params) -> Done<usize> {
        Ok(self.connection.prepare_cached(statement)?.execute(params)?)
    }

    /// The first row of an answer.
    fn first<T>(
        &self,
        statement: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Done<Option<T>> {
        Ok(self.connection.prepare_cached(statement)?.query_one(params, read).optional()?)
    }

    /// All rows of an answer. The statement has ended when this returns, so that the rows may be changed.
    fn all<T>(
        &self,
        statement: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Done<T>,
    ) -> Done<Vec<T>> {
        let mut statement = self.connection.prepare_cached(statement)?;
        let mut rows = statement.query(params)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row)?);
        }
        Ok(all)
    }
}

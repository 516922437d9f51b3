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

use crate::{failed::Done, room::Room};

/// One operation, or several that only add.
pub(crate) struct Ledger<'a> {
    connection: &'a Connection,
    now: Timestamp,
    /// Receivers that the operation has read, by id. They are written at its end.
    lanes: HashMap<i64, Lane>,
    /// Whether there was room, as far as this was asked.
    has_room: bool,
    woken: Woken,
}

/// Who may find something ready after an operation.
#[derive(Default)]
pub(crate) struct Woken {
    pub(crate) workers: bool,
    /// The ids of streams.
    pub(crate) streams: Vec<String>,
}

impl Extend<Self> for Woken {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, others: T) {
        for other in others {
            self.workers |= other.workers;
            self.streams.extend(other.streams);
        }
    }
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(connection: &'a Connection, now: Timestamp) -> Self {
        Self { connection, now, lanes: HashMap::new(), has_room: false, woken: Woken::default() }
    }

    /// Ends the operation: writes the receivers that have changed, and returns who is to be woken once it is committed.
    pub(crate) fn finish(mut self) -> Done<Woken> {
        self.flush()?;
        Ok(self.woken)
    }

    /// Has workers look for what is ready after the commit.
    pub(crate) fn wake_workers(&mut self) {
        self.woken.workers = true;
    }

    /// Fails if the disk has no room for what is new. Asks the system once.
    pub(crate) fn check_room(&mut self, room: Option<&Room>) -> Done<()> {
        if !self.has_room {
            room.map_or(Ok(()), Room::check)?;
            self.has_room = true;
        }
        Ok(())
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

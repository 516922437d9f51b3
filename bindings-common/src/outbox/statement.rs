//! The statement with which a program enqueues in a transaction of its own.

use ssf_transmitter::{
    Result,
    lint::Finding,
    outbox::{Entry, MemoryStore, Outbox},
};
use ssf_transmitter_postgres::{Inbox, ParamStyle, Statement};

use super::{OutboxSettings, Place};
use crate::invalid;

impl OutboxSettings {
    /// The statement that enqueues an entry on a connection of the host, and what lint reports; `style` names a parameter style of
    /// PEP 249. It opens nothing.
    pub fn statement(&self, entry: &Entry, style: &str) -> Result<(Statement, Vec<Finding>)> {
        let Place::Database(database) = &self.place else {
            return Err(invalid(
                "a statement is for an outbox in a database, named by a URL that begins with `postgresql://`",
            ));
        };
        let style = ParamStyle::by_name(style)
            .ok_or_else(|| invalid("a parameter style is `numeric`, `format`, `pyformat` or `named`"))?;
        // It checks, lints and seals; nothing is put into it.
        let outbox = self.checks(Outbox::new(MemoryStore::new()));
        let (message, findings) = outbox.to_message(entry)?;
        Ok((Inbox::new(database.schema())?.statement(&message, style)?, findings))
    }
}

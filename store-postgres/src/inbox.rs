//! The statement with which a program enqueues in a transaction of its own.

use std::fmt;

use ssf_transmitter::{ErrorCode, Result, Timestamp, outbox::Message};

use crate::{builder::SCHEMA, schema::Schema};

/// How a driver writes the parameters of a statement.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ParamStyle {
    /// `$1`, as PostgreSQL itself, tokio-postgres, sqlx, asyncpg, pg and postgres.js have it.
    #[default]
    Numeric,
    /// `%s`, for psycopg and Django.
    Format,
    /// `:entry`, for `SQLAlchemy`.
    Named,
    /// `%(entry)s`, for psycopg with a dict.
    Pyformat,
}

impl ParamStyle {
    /// All styles.
    pub const ALL: &[Self] = &[Self::Numeric, Self::Format, Self::Named, Self::Pyformat];

    /// Its name, such as `numeric` (PEP 249).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Format => "format",
            Self::Named => "named",
            Self::Pyformat => "pyformat",
        }
    }

    /// The style with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|style| style.as_str() == name)
    }

    /// Whether parameters have names, so that a driver takes a map.
    pub const fn is_named(self) -> bool {
        matches!(self, Self::Named | Self::Pyformat)
    }

    const fn parameter(self) -> &'static str {
        match self {
            Self::Numeric => "$1",
            Self::Format => "%s",
            Self::Named => ":entry",
            Self::Pyformat => "%(entry)s",
        }
    }
}

/// A statement that enqueues an entry, for the connection and the transaction of the host.
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct Statement {
    /// The SQL.
    pub sql: String,
    /// The parameters, all of them text.
    pub parameters: Vec<String>,
    /// The names of the parameters, for a style with names.
    pub names: &'static [&'static str],
    /// The ids of the SETs, in the order of the receivers. An entry whose idempotency key is known at the take-over is the first one, with
    /// the ids of that.
    pub jtis: Vec<String>,
}

/// The parameters may contain the payload.
impl fmt::Debug for Statement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Statement")
            .field("sql", &self.sql)
            .field("jtis", &self.jtis)
            .finish_non_exhaustive()
    }
}

/// Writes statements that enqueue entries in transactions of the host. It needs no connection: the host executes the statement on its
/// own, and workers take over what it commits.
///
/// ```
/// use ssf_transmitter::{Subject, event::caep, outbox::{Entry, MemoryStore, Outbox}};
/// use ssf_transmitter_postgres::{Inbox, ParamStyle};
///
/// # fn example() -> Result<(), ssf_transmitter::Error> {
/// let outbox = Outbox::new(MemoryStore::new()); // or the one with the PostgresStore
/// let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme");
/// let (message, _findings) = outbox.to_message(&entry)?;
/// let statement = Inbox::new(None)?.statement(&message, ParamStyle::Numeric)?;
/// assert_eq!(statement.sql, r#"INSERT INTO "ssf_outbox"."inbox" (entry) VALUES (CAST($1 AS text))"#);
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Inbox(Schema);

impl Inbox {
    /// The inbox of the outbox in this schema, by default `ssf_outbox`.
    ///
    /// Fails with [`ErrorCode::ConfigurationInvalid`](ErrorCode::ConfigurationInvalid) if it cannot be the name of one.
    pub fn new<'a>(schema: impl Into<Option<&'a str>>) -> Result<Self> {
        Ok(Self(Schema::new(schema.into().unwrap_or(SCHEMA))?))
    }

    pub(crate) fn of(schema: &Schema) -> Self {
        Self(schema.clone())
    }

    /// The statement that enqueues a message of [`Outbox::to_message`](ssf_transmitter::outbox::Outbox::to_message) or
    /// [`Entry::to_message`](ssf_transmitter::outbox::Entry::to_message). It contains the name of the schema, works with any `search_path`,
    /// and needs the privileges `USAGE` on the schema and `INSERT` on the column `entry` of its table `inbox`.
    ///
    /// Fails with [`ErrorCode::OutboxEntryInvalid`](ErrorCode::OutboxEntryInvalid) if a name or an id contains a NUL character.
    pub fn statement(&self, message: &Message, style: ParamStyle) -> Result<Statement> {
        // No `::` and no other `%`: they mean something else to some drivers.
        let (schema, parameter) = (self.0.name(), style.parameter());
        Ok(Statement {
            sql: format!("INSERT INTO \"{schema}\".\"inbox\" (entry) VALUES (CAST({parameter} AS text))"),
            parameters: vec![message.to_json()?],
            names: if style.is_named() { &["entry"] } else { &[] },
            jtis: message.deliveries.iter().map(|delivery| delivery.jti.clone()).collect(),
        })
    }
}

/// An entry of a transaction that could not be taken over: it stays in the inbox for as long as dead deliveries are kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// Its number: pages of a list go on after it.
    pub id: i64,
    /// When the transaction inserted it.
    pub enqueued_at: Timestamp,
    /// When a worker refused it.
    pub refused_at: Timestamp,
    /// Why: [`ErrorCode::OutboxConflict`] for a known `jti`, or an idempotency key that belongs to other content;
    /// [`ErrorCode::OutboxEntryInvalid`] for what is not an entry.
    pub code: ErrorCode,
    /// What it would have delivered, if it can be read.
    pub message: Option<Message>,
}

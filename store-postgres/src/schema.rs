//! The tables, and the steps that lead from one version to the next.

use ssf_transmitter::{ErrorCode, Result};
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use crate::failed::{Done, Failed};

/// Each step leads from the version that is its index to the next one.
const STEPS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("inbox.sql"),
    include_str!("streams.sql"),
    include_str!("subjects.sql"),
];

/// How often a migration is tried that has met a deadlock.
const TRIES: u32 = 10;

/// Grants to those who enqueue, work and look.
const ROLES: &str = include_str!("roles.sql");

/// The name of a schema, checked, so that it can be part of a statement.
#[derive(Clone, Debug)]
pub(crate) struct Schema(String);

impl Schema {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let letters = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        // PostgreSQL cuts longer names off.
        if name.is_empty() || name.len() > 63 || !name.chars().all(letters) || name.starts_with("pg_") {
            let message =
                "the name of a schema has lower-case letters, digits and underscores, and at most 63 of them";
            return Err(ssf_transmitter::Error::new(ErrorCode::ConfigurationInvalid, message));
        }
        Ok(Self(name.to_owned()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    /// A table of this schema, for a statement outside of a transaction.
    pub(crate) fn table(&self, name: &str) -> String {
        format!("\"{}\".{name}", self.0)
    }

    /// Makes names mean this schema until the transaction ends, whoever has the connection afterwards.
    pub(crate) fn enter(&self) -> String {
        format!("SET LOCAL search_path TO \"{}\", pg_temp;", self.0)
    }

    /// The same for as long as the connection lasts.
    pub(crate) fn enter_session(&self) -> String {
        format!("SET search_path TO \"{}\", pg_temp;", self.0)
    }

    /// The statement that says which version the tables have now.
    fn set_version() -> String {
        format!("UPDATE meta SET value = {} WHERE name = 'version'", STEPS.len())
    }

    /// The statements that create the tables, for a tool that runs them in a transaction.
    pub(crate) fn sql(&self) -> String {
        let (schema, enter, version) = (&self.0, self.enter(), Self::set_version());
        format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\";\n{enter}\n\n{}\n{version};\n", STEPS.join("\n"))
    }

    /// The statements that create roles, and grant them what they need.
    pub(crate) fn roles(&self) -> Result<String> {
        // PostgreSQL cuts longer names off.
        if self.0.len() + "_enqueue".len() > 63 {
            let message =
                "the names of roles begin with that of the schema, which has 55 letters at most for them";
            return Err(ssf_transmitter::Error::new(ErrorCode::ConfigurationInvalid, message));
        }
        Ok(ROLES.replace("{schema}", &self.0))
    }

    /// Creates the tables, or brings those of an older version to this one. Others use them meanwhile: after a deadlock, it begins again.
    pub(crate) async fn migrate(&self, client: &Client) -> Done<()> {
        let mut tries = 1;
        loop {
            match self.migrate_once(client).await {
                Err(failed) if failed.is_passing() && !client.is_closed() && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    /// One process at a time does it.
    async fn migrate_once(&self, client: &Client) -> Done<()> {
        let lock = format!("SELECT pg_advisory_xact_lock(hashtextextended('{} migrate', 0));", self.0);
        client.batch_execute(&format!("BEGIN ISOLATION LEVEL READ COMMITTED;{lock}")).await?;
        let migrated = self.steps(client).await;
        client.batch_execute(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
        migrated
    }

    async fn steps(&self, client: &Client) -> Done<()> {
        let version = self.version(client).await?;
        if self.suits(client, version).await? {
            return Ok(());
        }
        if version.is_none() {
            client.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS \"{}\"", self.0)).await?;
        }
        client.batch_execute(&self.enter()).await?;
        let steps = STEPS.get(version.unwrap_or_default()..).ok_or_else(|| newer(version))?;
        for step in steps {
            client.batch_execute(step).await?;
        }
        client.batch_execute(&Self::set_version()).await?;
        Ok(())
    }

    /// Rejects tables that are missing or that a newer version has changed.
    pub(crate) async fn check(&self, client: &Client) -> Done<()> {
        let version = self.version(client).await?;
        if self.suits(client, version).await? {
            return Ok(());
        }
        if version > Some(STEPS.len()) {
            return Err(newer(version));
        }
        let message = format!(
            "the schema {} has no tables of this version of the library: migrate the outbox first",
            self.0
        );
        Err(Failed::new(ErrorCode::OutboxUnavailable, message))
    }

    /// Whether the tables are those of this version, or of a newer one that this one may use: machines are not updated all at once.
    async fn suits(&self, client: &Client, version: Option<usize>) -> Done<bool> {
        if version <= Some(STEPS.len()) {
            return Ok(version == Some(STEPS.len()));
        }
        let oldest = format!("SELECT value FROM \"{}\".meta WHERE name = 'compatible'", self.0);
        let oldest = text(client, &oldest).await?.and_then(|version| version.parse().ok());
        Ok(oldest.is_some_and(|oldest: usize| oldest <= STEPS.len()))
    }

    /// The version of the tables, if there are any.
    async fn version(&self, client: &Client) -> Done<Option<usize>> {
        let exists = format!("SELECT to_regclass('\"{}\".meta') IS NOT NULL", self.0);
        if text(client, &exists).await?.as_deref() != Some("t") {
            return Ok(None);
        }
        let version = format!("SELECT value FROM \"{}\".meta WHERE name = 'version'", self.0);
        let version = text(client, &version).await?.and_then(|version| version.parse().ok());
        version.map(Some).ok_or_else(Failed::corrupt)
    }
}

fn newer(version: Option<usize>) -> Failed {
    let message = format!(
        "the outbox has version {}, and this library knows {} at most",
        version.unwrap_or_default(),
        STEPS.len()
    );
    Failed::new(ErrorCode::OutboxVersion, message)
}

/// The first column of the last row, as text.
pub(crate) async fn text(client: &Client, statements: &str) -> Done<Option<String>> {
    Ok(last_row(client, statements).await?.and_then(|row| row.get(0).map(str::to_owned)))
}

/// The last row, as text.
pub(crate) async fn last_row(client: &Client, statements: &str) -> Done<Option<SimpleQueryRow>> {
    let messages = client.simple_query(statements).await?;
    Ok(messages.into_iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    }))
}

//! The tables, and the steps that lead from one version to the next.

use rusqlite::{Connection, OptionalExtension};
use ssf_transmitter::ErrorCode;

use crate::failed::{Done, Failed};

/// Marks the file as an outbox: `SSFo`.
const APPLICATION: i32 = 0x5353_466f;

/// Each step leads from the version that is its index to the next one.
const STEPS: &[&str] = &[FIRST, include_str!("streams.sql"), include_str!("subjects.sql")];

/// Each partial index has exactly the rows that one question of a claim asks for, so that a question costs what it returns.
const FIRST: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('version', 1), ('turn', 0);

    CREATE TABLE receivers (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        state TEXT,                       -- JSON; null is the state of a new one
        ready INTEGER NOT NULL,           -- deliveries that can be claimed
        served INTEGER NOT NULL,          -- the number of its last turn
        turn INTEGER,                     -- `served`, if something can be claimed
        parked_until INTEGER,             -- if nothing can be claimed before
        probed_priority INTEGER,          -- of the last delivery that was a probe
        probed INTEGER,                   -- its `seq`
        enqueued INTEGER NOT NULL, waiting INTEGER NOT NULL, in_flight INTEGER NOT NULL, delivered INTEGER NOT NULL,
        dead INTEGER NOT NULL, expired INTEGER NOT NULL, superseded INTEGER NOT NULL, removed INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX receivers_turn ON receivers (turn) WHERE turn IS NOT NULL;
    CREATE INDEX receivers_parked ON receivers (parked_until) WHERE parked_until IS NOT NULL;

    CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        kept INTEGER NOT NULL,            -- deliveries that the store has
        event TEXT NOT NULL,
        subject BLOB,
        idempotency BLOB,
        fingerprint BLOB NOT NULL,
        jtis TEXT,                        -- JSON, for the one who enqueues it again
        max_age INTEGER NOT NULL,
        payload BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX events_idempotency ON events (idempotency) WHERE idempotency IS NOT NULL;

    CREATE TABLE deliveries (
        seq INTEGER PRIMARY KEY,
        jti TEXT NOT NULL UNIQUE,
        event INTEGER NOT NULL,
        receiver INTEGER NOT NULL,
        state INTEGER NOT NULL,
        wait INTEGER,
        priority INTEGER NOT NULL,
        enqueued_at INTEGER NOT NULL,
        due_at INTEGER,
        expires_at INTEGER NOT NULL,
        lease_until INTEGER,
        ended_at INTEGER,
        token INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        uncertain INTEGER NOT NULL,
        ordered BLOB,
        supersedes BLOB,
        superseded_by TEXT,
        failure TEXT,                     -- JSON
        claims BLOB
    ) STRICT;
    CREATE INDEX deliveries_ready ON deliveries (receiver, priority DESC) WHERE wait = 0;
    CREATE INDEX deliveries_due ON deliveries (due_at) WHERE wait = 1;
    CREATE INDEX deliveries_leased ON deliveries (lease_until) WHERE lease_until IS NOT NULL;
    CREATE INDEX deliveries_expiring ON deliveries (expires_at) WHERE state = 0;
    CREATE INDEX deliveries_ended ON deliveries (state, ended_at) WHERE ended_at IS NOT NULL;
    CREATE INDEX deliveries_of ON deliveries (receiver, state);
    CREATE INDEX deliveries_listed ON deliveries (enqueued_at);
    CREATE INDEX deliveries_ordered ON deliveries (receiver, ordered) WHERE ordered IS NOT NULL AND state <= 1;
    CREATE INDEX deliveries_superseded ON deliveries (receiver, supersedes) WHERE supersedes IS NOT NULL AND state = 0;
    CREATE INDEX deliveries_newer ON deliveries (receiver, supersedes) WHERE supersedes IS NOT NULL AND state <= 2;

    CREATE TABLE attempts (
        delivery INTEGER NOT NULL,
        n INTEGER NOT NULL,
        at INTEGER NOT NULL,
        duration INTEGER NOT NULL,
        kid TEXT,
        status INTEGER,
        failure TEXT,
        PRIMARY KEY (delivery, n)
    ) STRICT, WITHOUT ROWID;
";

/// Refuses a file of another program. Changes nothing.
pub(crate) fn check_owner(connection: &Connection) -> Done<()> {
    let tables: i64 = connection.query_one("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    let application: i32 = connection.query_one("PRAGMA application_id", (), |row| row.get(0))?;
    if tables > 0 && application != APPLICATION {
        return Err(Failed::new(ErrorCode::OutboxPlaceInvalid, "the file belongs to another program"));
    }
    Ok(())
}

/// Creates the tables, or brings those of an older version to this one.
pub(crate) fn migrate(connection: &Connection) -> Done<()> {
    if version(connection)? == Some(STEPS.len()) {
        return Ok(());
    }
    // Another process may do the same at this moment.
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let migrated = steps(connection);
    connection.execute_batch(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    migrated
}

fn steps(connection: &Connection) -> Done<()> {
    let version = version(connection)?.unwrap_or_default();
    let Some(steps) = STEPS.get(version..) else {
        let message =
            format!("the outbox has version {version}, and this library knows {} at most", STEPS.len());
        return Err(Failed::new(ErrorCode::OutboxVersion, message));
    };
    for step in steps {
        connection.execute_batch(step)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.execute("UPDATE meta SET value = ?1 WHERE name = 'version'", [STEPS.len()])?;
    Ok(())
}

fn version(connection: &Connection) -> Done<Option<usize>> {
    let exists = "SELECT 1 FROM sqlite_schema WHERE name = 'meta'";
    if connection.query_one(exists, (), |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    Ok(connection
        .query_one("SELECT value FROM meta WHERE name = 'version'", (), |row| row.get(0))
        .optional()?)
}

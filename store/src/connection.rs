//! Connections to the file, with every setting read back.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig, types::Value};
use ssf_transmitter::{Error, ErrorCode, Result};

use crate::{
    failed::{Done, Failed},
    schema,
};

/// How long a process waits for the lock of another one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// All statements of the store, and the common filters.
const STATEMENTS: usize = 128;
/// The pages in memory, in KiB with a minus. Deliveries are looked up by random ids, all over the file.
const CACHE: i64 = -(32 << 10);
/// Up to this size, a file is checked after a crash.
const CHECKED: u64 = 256 << 20;

/// Refuses a library that may corrupt the file: a commit during the reset of the WAL is lost before 3.51.3, except in 3.44.6 and 3.50.7.
/// A lock file can downgrade the library without notice, so this is checked at run time.
pub(crate) fn check_library(version: i32) -> Result<()> {
    if version >= 3_051_003
        || (3_050_007..3_051_000).contains(&version)
        || (3_044_006..3_045_000).contains(&version)
    {
        return Ok(());
    }
    let message = format!("SQLite {} may damage the outbox; it needs 3.51.3 or later", rusqlite::version());
    Err(Error::new(ErrorCode::OutboxUnavailable, message))
}

/// The connection of the writer. Creates what does not exist.
pub(crate) fn writer(path: &Path, log_limit: u64, suspicious: bool) -> Done<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags)?;
    schema::check_owner(&connection)?;
    // Only an empty file accepts it.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    write_ahead(&connection)?;
    expect(&connection, "auto_vacuum", &Value::Integer(2))?;
    set(&connection, "synchronous", 2)?;
    set(&connection, "cache_size", CACHE)?;
    set(&connection, "journal_size_limit", i64::try_from(log_limit).unwrap_or(i64::MAX))?;
    #[cfg(target_os = "macos")]
    for pragma in ["fullfsync", "checkpoint_fullfsync"] {
        set(&connection, pragma, 1)?;
    }
    if suspicious && std::fs::metadata(path).is_ok_and(|metadata| metadata.len() <= CHECKED) {
        let found: String = connection.query_one("PRAGMA quick_check(1)", (), |row| row.get(0))?;
        if found != "ok" {
            return Err(Failed::new(ErrorCode::OutboxCorrupt, "the file of the outbox is damaged"));
        }
    }
    schema::migrate(&connection)?;
    Ok(connection)
}

/// The connection of the reader, to a file that the writer has opened.
pub(crate) fn reader(path: &Path) -> Done<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    set(&connection, "query_only", 1)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Done<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans depend on no value. Otherwise, SQLite looks at that of a `LIMIT`, and prepares the statement again whenever one is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// SQLite does not wait for the lock when two processes switch to WAL at the same time.
fn write_ahead(connection: &Connection) -> Done<()> {
    let set = || -> Done<()> {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        expect(connection, "journal_mode", &Value::Text("wal".to_owned()))
    };
    for _ in 0..100 {
        match set() {
            Err(error) if error.is_busy() => std::thread::sleep(Duration::from_millis(20)),
            result => return result,
        }
    }
    set()
}

fn set(connection: &Connection, pragma: &str, value: i64) -> Done<()> {
    connection.pragma_update(None, pragma, value)?;
    expect(connection, pragma, &Value::Integer(value))
}

/// A setting that the file or the library does not accept is ignored without an error.
fn expect(connection: &Connection, pragma: &str, wanted: &Value) -> Done<()> {
    let found: Value = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
    if found == *wanted {
        return Ok(());
    }
    let message = format!("SQLite does not accept the setting {pragma} for the file of the outbox");
    Err(Failed::new(ErrorCode::OutboxUnavailable, message))
}

//! Copies rows around damaged pages.

use rusqlite::{Connection, ErrorCode, Params, params_from_iter, types::Value};

use crate::failed::Done;

/// After so many numbers without a row, nothing follows, unless a row was found behind them.
const MISSES: i64 = 10_000;

struct Table {
    name: &'static str,
    key: &'static str,
    columns: &'static str,
}

const TABLES: &[Table] = &[
    Table {
        name: "receivers",
        key: "id",
        columns: "id, name, state, ready, served, enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed",
    },
    Table {
        name: "events",
        key: "id",
        columns: "id, kept, event, subject, idempotency, fingerprint, jtis, max_age, payload",
    },
    Table {
        name: "deliveries",
        key: "seq",
        columns: "seq, jti, event, receiver, state, wait, priority, enqueued_at, due_at, expires_at, lease_until, ended_at, token, \
                  attempts, uncertain, ordered, supersedes, superseded_by, failure, claims",
    },
    Table {
        name: "streams",
        key: "receiver",
        columns: "receiver, id, owner, version, status, polled, events, all_subjects, configuration",
    },
];
const ATTEMPTS: &str =
    "SELECT delivery, n, at, duration, kid, status, failure FROM attempts WHERE delivery = ?1 ORDER BY n";
const ATTEMPT: &str = "
    INSERT OR IGNORE INTO attempts (delivery, n, at, duration, kid, status, failure) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const SUBJECTS: &str =
    "SELECT receiver, subject, key, shape, wanted FROM stream_subjects WHERE receiver = ?1";
const SUBJECT: &str = "INSERT OR IGNORE INTO stream_subjects (receiver, subject, key, shape, wanted) VALUES (?1, ?2, ?3, ?4, ?5)";
const LIVE: &str = "SELECT coalesce(sum(waiting + in_flight), 0) FROM receivers";

/// Copies everything that can be read. Returns how many deliveries had not ended, by the counts of the receivers.
pub(super) fn copy(old: &Connection, new: &Connection) -> Done<u64> {
    for table in TABLES.iter().filter(|table| table.is_in(old)) {
        table.copy(old, new)?;
    }
    let turn = old.query_one("SELECT value FROM meta WHERE name = 'turn'", (), |row| row.get::<_, i64>(0));
    let served = "SELECT coalesce(max(served), 0) FROM receivers";
    let turn = turn.or_else(|_| new.query_one(served, (), |row| row.get(0)))?;
    new.execute("UPDATE meta SET value = ?1 WHERE name = 'turn'", [turn])?;
    copy_of_each(old, new, "SELECT seq FROM deliveries", ATTEMPTS, ATTEMPT, 7)?;
    copy_of_each(old, new, "SELECT receiver FROM streams", SUBJECTS, SUBJECT, 5)?;
    Ok(new.query_one(LIVE, (), |row| row.get(0))?)
}

impl Table {
    /// A file of an earlier version does not have all tables. One that is damaged beyond that answer is tried.
    fn is_in(&self, old: &Connection) -> bool {
        let exists = "SELECT count(*) FROM sqlite_schema WHERE name = ?1";
        old.query_one(exists, [self.name], |row| row.get::<_, i64>(0)).map_or(true, |count| count > 0)
    }

    /// From the beginning to the first damaged page, from the end to the last one, and one by one in between.
    fn copy(&self, old: &Connection, new: &Connection) -> Done<()> {
        let Self { name, key, columns } = self;
        let count = columns.split(',').count();
        let places: Vec<_> = (1..=count).map(|number| format!("?{number}")).collect();
        let insert = format!("INSERT OR IGNORE INTO {name} ({columns}) VALUES ({})", places.join(", "));
        let select = |rest: &str| format!("SELECT {columns} FROM {name} NOT INDEXED WHERE {key} {rest}");

        let mut last = i64::MIN;
        let forward = select(&format!("> ?1 ORDER BY {key}"));
        let mut note_last = |row| {
            last = keep(new, &insert, row)?;
            Ok(())
        };
        if each_row(old, &forward, [i64::MIN], count, &mut note_last)? {
            return Ok(());
        }
        let mut first = None;
        let backward = select(&format!("> ?1 ORDER BY {key} DESC"));
        let note_first = |row| {
            first = Some(keep(new, &insert, row)?);
            Ok(())
        };
        if each_row(old, &backward, [last], count, note_first)? {
            return Ok(());
        }
        let one = select("= ?1");
        let mut last = last.max(0);
        for number in last.saturating_add(1)..first.unwrap_or(i64::MAX) {
            let note_last = |row| {
                last = keep(new, &insert, row)?;
                Ok(())
            };
            each_row(old, &one, [number], count, note_last)?;
            if first.is_none() && number - last > MISSES {
                break;
            }
        }
        Ok(())
    }
}

/// Calls `row` with each row until one cannot be read. Returns whether all could.
fn each_row(
    old: &Connection,
    select: &str,
    params: impl Params,
    count: usize,
    mut row: impl FnMut(Vec<Value>) -> Done<()>,
) -> Done<bool> {
    let Ok(mut statement) = old.prepare_cached(select) else { return Ok(false) };
    let Ok(mut rows) = statement.query(params) else { return Ok(false) };
    loop {
        let values = match rows.next() {
            Ok(Some(next)) => (0..count).map(|column| next.get(column)).collect::<rusqlite::Result<_>>(),
            Ok(None) => return Ok(true),
            Err(_) => return Ok(false),
        };
        let Ok(values) = values else { return Ok(false) };
        row(values)?;
    }
}

/// Keeps a row unless it is damaged, and returns its number.
fn keep(new: &Connection, insert: &str, row: Vec<Value>) -> Done<i64> {
    let number = match row.first() {
        Some(Value::Integer(number)) => *number,
        _ => i64::MIN,
    };
    match new.prepare_cached(insert)?.execute(params_from_iter(row)) {
        // The types of the table reject what a damaged page has in place of a value.
        Err(error) if error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation) => Err(error.into()),
        _ => Ok(number),
    }
}

/// Copies rows of a table without numbers of its own: those that belong to each of these.
fn copy_of_each(
    old: &Connection,
    new: &Connection,
    each: &str,
    select: &str,
    insert: &str,
    count: usize,
) -> Done<()> {
    let mut numbers = new.prepare(each)?;
    let mut rows = numbers.query(())?;
    while let Some(row) = rows.next()? {
        each_row(old, select, [row.get::<_, i64>(0)?], count, |row| keep(new, insert, row).map(|_| ()))?;
    }
    Ok(())
}

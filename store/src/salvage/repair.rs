//! Makes a copy consistent in which rows are missing.

use rusqlite::{Connection, params};
use ssf_transmitter::Timestamp;

use crate::{failed::Done, ledger::Ledger};

/// What has lost its content or its receiver is lost. A stream has all that its receiver needs. The counts of what has ended include what was pruned, so they stay.
const REPAIR: &str = "
    INSERT OR IGNORE INTO receivers (id, name, ready, served, enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed)
    SELECT receiver, 'stream:' || id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM streams;
    DELETE FROM streams WHERE NOT EXISTS (SELECT 1 FROM receivers r WHERE r.id = streams.receiver AND r.name = 'stream:' || streams.id);
    UPDATE streams SET subjects = (SELECT count(DISTINCT subject) FROM stream_subjects s WHERE s.receiver = streams.receiver);

    DELETE FROM deliveries WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.id = deliveries.event)
        OR NOT EXISTS (SELECT 1 FROM receivers r WHERE r.id = deliveries.receiver);
    DELETE FROM attempts WHERE NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = attempts.delivery);

    CREATE TEMP TABLE kept (event INTEGER PRIMARY KEY, n INTEGER);
    INSERT INTO kept SELECT event, count(*) FROM deliveries GROUP BY event;
    UPDATE events SET kept = coalesce((SELECT n FROM kept WHERE kept.event = events.id), 0);
    DELETE FROM events WHERE kept = 0;
    DROP TABLE kept;

    UPDATE receivers SET
        waiting = (SELECT count(*) FROM deliveries d WHERE d.receiver = receivers.id AND d.state = 0),
        in_flight = (SELECT count(*) FROM deliveries d WHERE d.receiver = receivers.id AND d.state = 1),
        ready = (SELECT count(*) FROM deliveries d WHERE d.receiver = receivers.id AND d.wait = 0);
    UPDATE receivers SET enqueued = waiting + in_flight + delivered + dead + expired + superseded + removed;
";
/// Those that wait for one that is lost.
const STRANDED: &str = "
    SELECT min(seq), receiver FROM deliveries WHERE ordered IS NOT NULL AND state <= 1
    GROUP BY receiver, ordered HAVING sum(wait IS NOT 2) = 0";

/// Returns how many deliveries have not ended.
pub(super) fn repair(new: &Connection, now: Timestamp) -> Done<u64> {
    new.execute_batch(REPAIR)?;
    let mut ledger = Ledger::new(new, now);
    let stranded: Vec<(i64, i64)> = pairs(new, STRANDED)?;
    stranded.into_iter().try_for_each(|(seq, receiver)| ledger.let_go(seq, receiver))?;
    for (id, _) in pairs(new, "SELECT id, ready FROM receivers")? {
        ledger.touch(id)?;
    }
    ledger.restore_streams()?;
    ledger.finish()?;
    Ok(new.query_one("SELECT count(*) FROM deliveries WHERE state <= 1", params![], |row| row.get(0))?)
}

fn pairs(new: &Connection, select: &str) -> Done<Vec<(i64, i64)>> {
    let mut statement = new.prepare(select)?;
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

//! Streams of receivers, and their subjects.

use ssf_transmitter::{
    ErrorCode,
    outbox::{Created, Mode, StreamRecord, stream_receiver},
};
use tokio_postgres::Row;

use super::{Ledger, Operation};
use crate::{
    codec::{json, parse, signed, state, status_of, unsigned},
    failed::{Done, Failed},
    values::{each, one},
};

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, owner, version, status, polled, events, all_subjects, configuration, receiver FROM streams WHERE ",
            $condition
        )
    };
}
/// The column after those of [`read`].
pub(super) const RECEIVER: usize = 8;
const FIND: &str = select!("id = $1");
pub(super) const LOCK: &str = select!("id = $1 FOR UPDATE");
const OF: &str = select!("owner = $1 ORDER BY id");
const AFTER: &str = select!("id > $1 ORDER BY id LIMIT $2");
/// Two streams of one owner are created one after the other.
const ALONE: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended(current_schema || ' owner ' || $1, 0))::text";
const COUNT: &str = "SELECT count(*) FROM streams WHERE owner = $1";
const CREATE: &str = "
    INSERT INTO streams (id, owner, version, status, polled, events, all_subjects, configuration, receiver)
    VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
const UPDATE: &str = "
    UPDATE streams SET version = version + 1, status = $2, polled = $3, events = $4, all_subjects = $5, configuration = $6
    WHERE id = $1";
const REMOVE_EVENTS: &str = "DELETE FROM stream_events WHERE receiver = $1";
const ADD_EVENTS: &str = "
    INSERT INTO stream_events (receiver, event, all_subjects) SELECT $1, event, $3 FROM unnest($2) AS n (event)
    ON CONFLICT DO NOTHING";
const REMOVE: &str = "DELETE FROM streams WHERE id = $1";
/// One that has never had a delivery.
const FORGET: &str = "DELETE FROM receivers WHERE id = $1";
const DELETED: &str = "UPDATE receivers SET deleted_at = $2 WHERE id = $1";
const REMOVE_SUBJECTS: &str = "DELETE FROM stream_subjects WHERE receiver = $1";
/// What a worker has of a receiver that polls from now on is the receiver's.
const LEND: &str =
    "UPDATE deliveries SET wait = 3 WHERE receiver = $1 AND state = 1 AND lease_until IS NOT NULL";
macro_rules! discard {
    ($condition:literal) => {
        concat!(
            "UPDATE deliveries
            SET state = 6, wait = NULL, due_at = NULL, lease_until = NULL, ended_at = $2, claims = NULL
            WHERE receiver = $1 AND ",
            $condition
        )
    };
}
const DISCARD_WAITING: &str = discard!("state = 0");
const DISCARD_LENT: &str = discard!("state = 1 AND lease_until IS NOT NULL");

pub(super) fn read(row: &Row) -> Done<StreamRecord> {
    let (id, owner): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let mut record = StreamRecord::new(id, owner);
    record.version = unsigned(row.try_get(2)?)?;
    record.status = status_of(row.try_get(3)?)?;
    record.polled = row.try_get(4)?;
    record.events = parse(row.try_get(5)?)?;
    record.all_subjects = row.try_get(6)?;
    record.configuration = row.try_get::<_, Vec<u8>>(7)?.into();
    Ok(record)
}

/// Keeps a new stream.
pub(crate) struct CreateStream {
    pub(crate) stream: StreamRecord,
    pub(crate) limit: u32,
}

impl Operation for CreateStream {
    type Output = Created;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Created> {
        let StreamRecord { id, owner, status, polled, events, all_subjects, configuration, .. } =
            &self.stream;
        ledger.query(ALONE, &[one(owner)]).await?;
        let rows = ledger.query(COUNT, &[one(owner)]).await?;
        let count: i64 = rows.first().ok_or_else(Failed::corrupt)?.try_get(0)?;
        if count >= i64::from(self.limit) {
            return Ok(Created::LimitReached);
        }
        let (status, events, configuration) = (status.as_str(), json(events)?, configuration.as_bytes());
        let receiver = ledger.lock_receiver_of(id).await?;
        let values = [
            one(id),
            one(owner),
            one(&status),
            one(polled),
            one(&events),
            one(all_subjects),
            one(&configuration),
            one(&receiver),
        ];
        if ledger.execute(CREATE, &values).await? == 0 {
            let message = "the outbox already has a stream with this id";
            return Err(Failed::new(ErrorCode::OutboxConflict, message));
        }
        ledger.execute(DELETED, &[one(&receiver), one(&None::<i64>)]).await?;
        ledger.add_stream_events(receiver, &self.stream).await?;
        ledger.lane(receiver)?.state.set_mode(self.stream.mode());
        Ok(Created::Yes)
    }
}

/// Looks for a stream.
pub(crate) struct FindStream(pub(crate) String);

impl Operation for FindStream {
    type Output = Option<StreamRecord>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Option<StreamRecord>> {
        // Callers choose it, and PostgreSQL takes no text with a NUL character.
        if self.0.contains('\0') {
            return Ok(None);
        }
        ledger.query(FIND, &[one(&self.0)]).await?.first().map(read).transpose()
    }
}

/// Lists the streams of an owner.
pub(crate) struct StreamsOf(pub(crate) String);

impl Operation for StreamsOf {
    type Output = Vec<StreamRecord>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Vec<StreamRecord>> {
        ledger.query(OF, &[one(&self.0)]).await?.iter().map(read).collect()
    }
}

/// The streams of all owners after this id, so many at most.
pub(crate) struct StreamsAfter(pub(crate) String, pub(crate) u32);

impl Operation for StreamsAfter {
    type Output = Vec<StreamRecord>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Vec<StreamRecord>> {
        let limit = i64::from(self.1);
        ledger.query(AFTER, &[one(&self.0), one(&limit)]).await?.iter().map(read).collect()
    }
}

/// Replaces a stream whose version is that of the record.
pub(crate) struct UpdateStream(pub(crate) StreamRecord);

impl Operation for UpdateStream {
    type Output = bool;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<bool> {
        let new = &self.0;
        let rows = ledger.query(LOCK, &[one(&new.id)]).await?;
        let Some((row, old)) = rows.first().map(|row| Ok::<_, Failed>((row, read(row)?))).transpose()? else {
            return Ok(false);
        };
        if old.version != new.version {
            return Ok(false);
        }
        let receiver: i64 = row.try_get(RECEIVER)?;
        let StreamRecord { id, status, polled, events, all_subjects, configuration, .. } = new;
        let (status, events, configuration) = (status.as_str(), json(events)?, configuration.as_bytes());
        let values =
            [one(id), one(&status), one(polled), one(&events), one(all_subjects), one(&configuration)];
        ledger.execute(UPDATE, &values).await?;
        let routed = |record: &StreamRecord| (record.keeps(), record.all_subjects, record.events.clone());
        if routed(&old) != routed(new) {
            ledger.execute(REMOVE_EVENTS, &[one(&receiver)]).await?;
            ledger.add_stream_events(receiver, new).await?;
        }
        if old.mode() != new.mode() || !new.keeps() {
            ledger.lock_receiver_of(id).await?;
            if new.mode() == Mode::Polled {
                ledger.execute(LEND, &[one(&receiver)]).await?;
            }
            if !new.keeps() {
                ledger.discard_all(receiver, DISCARD_WAITING, state::WAITING).await?;
            }
            ledger.lane(receiver)?.state.set_mode(new.mode());
        }
        Ok(true)
    }
}

/// Removes a stream.
pub(crate) struct DeleteStream(pub(crate) String);

impl Operation for DeleteStream {
    type Output = Option<u64>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Option<u64>> {
        if ledger.execute(REMOVE, &[one(&self.0)]).await? == 0 {
            return Ok(None);
        }
        let receiver = ledger.lock_receiver_of(&self.0).await?;
        ledger.execute(REMOVE_EVENTS, &[one(&receiver)]).await?;
        ledger.execute(REMOVE_SUBJECTS, &[one(&receiver)]).await?;
        ledger.lane(receiver)?.state.set_mode(Mode::Suspended);
        let waiting = ledger.discard_all(receiver, DISCARD_WAITING, state::WAITING).await?;
        let lent = ledger.discard_all(receiver, DISCARD_LENT, state::IN_FLIGHT).await?;
        if ledger.lane(receiver)?.counts.enqueued == 0 {
            ledger.execute(FORGET, &[one(&receiver)]).await?;
            ledger.lanes.remove(&receiver);
            ledger.names.remove(&stream_receiver(&self.0));
        } else {
            ledger.execute(DELETED, &[one(&receiver), one(&Some(ledger.millis()))]).await?;
        }
        Ok(Some(waiting + lent))
    }
}

impl Ledger<'_> {
    async fn add_stream_events(&self, receiver: i64, stream: &StreamRecord) -> Done<()> {
        if stream.keeps() {
            let values = [one(&receiver), each(&stream.events), one(&stream.all_subjects)];
            self.execute(ADD_EVENTS, &values).await?;
        }
        Ok(())
    }

    /// Locks the receiver that stands for a stream. It may be new.
    async fn lock_receiver_of(&mut self, stream: &str) -> Done<i64> {
        let receiver = stream_receiver(stream);
        self.lock_names(vec![receiver.clone()]).await?;
        self.id(&receiver)
    }

    /// Discards what a receiver has in this state, at once: nothing of it is left that would be next.
    async fn discard_all(&mut self, receiver: i64, statement: &str, number: i16) -> Done<u64> {
        let discarded = self.execute(statement, &[one(&receiver), one(&self.millis())]).await?;
        let lane = self.lane(receiver)?;
        lane.count(number, -signed(discarded));
        lane.count(state::REMOVED, signed(discarded));
        if number == state::WAITING {
            lane.ready = 0;
        }
        Ok(discarded)
    }
}

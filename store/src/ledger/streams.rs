//! Streams and their subjects.

use rusqlite::{Row, params};
use ssf_transmitter::{
    event::StreamStatus,
    outbox::{Created, Mode, State, StreamRecord, SubjectKeys, stream_receiver},
};

use super::{
    Ledger,
    delivery::{Delivery, columns},
    endings::Ending,
    enqueue::conflict,
};
use crate::{
    codec::{json, numbers, parse, signed, unsigned},
    failed::{Done, Failed},
};

macro_rules! streams {
    ($rest:literal) => {
        concat!(
            "SELECT receiver, id, owner, version, status, polled, events, all_subjects, configuration FROM streams ",
            $rest
        )
    };
}
const ALL: &str = streams!("ORDER BY receiver");
const BY_ID: &str = streams!("WHERE id = ?1");
const BY_OWNER: &str = streams!("WHERE owner = ?1 ORDER BY id");
const AFTER: &str = streams!("WHERE id > ?1 ORDER BY id LIMIT ?2");
const COUNT: &str = "SELECT count(*) FROM streams WHERE owner = ?1";
const NEW: &str = "
    INSERT INTO streams (receiver, id, owner, version, status, polled, events, all_subjects, configuration)
    VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8)";
const REPLACE: &str = "
    UPDATE streams SET version = ?2, status = ?3, polled = ?4, events = ?5, all_subjects = ?6, configuration = ?7 WHERE receiver = ?1";
const REMOVE: &str = "DELETE FROM streams WHERE receiver = ?1";
const ENTER: &str = "INSERT OR IGNORE INTO stream_events (event, all_subjects, receiver) SELECT value, ?2, ?3 FROM json_each(?1)";
const LEAVE: &str = "
    DELETE FROM stream_events WHERE event IN (SELECT value FROM json_each(?1)) AND all_subjects = ?2 AND receiver = ?3";
const ADD_SUBJECT: &str = "
    INSERT OR IGNORE INTO stream_subjects (receiver, subject, key, shape, wanted) VALUES (?1, ?2, ?3, ?4, ?5)";
const REMOVE_SUBJECT: &str =
    "DELETE FROM stream_subjects WHERE receiver = ?1 AND subject = ?2 AND wanted IS NOT ?3";
/// How many subjects a stream has kept, and whether this is one of them.
const SUBJECTS: &str = "
    SELECT subjects, EXISTS (SELECT 1 FROM stream_subjects s WHERE s.receiver = streams.receiver AND s.subject = ?2)
    FROM streams WHERE receiver = ?1";
const COUNT_SUBJECT: &str = "UPDATE streams SET subjects = max(subjects + ?2, 0) WHERE receiver = ?1";
const REMOVE_SUBJECTS: &str = "DELETE FROM stream_subjects WHERE receiver = ?1";
const WAITING: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deliveries d INDEXED BY deliveries_of WHERE d.receiver = ?1 AND d.state = ?2"
);

/// The id of the receiver of a stream, and the stream.
fn read(row: &Row<'_>) -> Done<(i64, StreamRecord)> {
    let mut record = StreamRecord::new(row.get::<_, String>(1)?, row.get::<_, String>(2)?);
    record.version = unsigned(row.get(3)?);
    record.status = status(row.get_ref(4)?.as_str().map_err(|_| Failed::corrupt())?)?;
    record.polled = row.get(5)?;
    record.events = parse(row.get_ref(6)?.as_str().map_err(|_| Failed::corrupt())?)?;
    record.all_subjects = row.get(7)?;
    record.configuration = row.get::<_, Vec<u8>>(8)?.into();
    Ok((row.get(0)?, record))
}

fn status(name: &str) -> Done<StreamStatus> {
    let all = [StreamStatus::Enabled, StreamStatus::Paused, StreamStatus::Disabled];
    all.into_iter().find(|status| status.as_str() == name).ok_or_else(Failed::corrupt)
}

impl Ledger<'_> {
    pub(crate) fn stream(&self, id: &str) -> Done<Option<StreamRecord>> {
        Ok(self.stream_with_receiver(id)?.map(|(_, record)| record))
    }

    pub(super) fn stream_with_receiver(&self, id: &str) -> Done<Option<(i64, StreamRecord)>> {
        Ok(self.all(BY_ID, [id], read)?.pop())
    }

    /// The streams of all owners.
    pub(crate) fn streams_after(&self, after: &str, limit: u32) -> Done<Vec<StreamRecord>> {
        self.all(AFTER, params![after, limit], |row| Ok(read(row)?.1))
    }

    pub(crate) fn streams_of(&self, owner: &str) -> Done<Vec<StreamRecord>> {
        self.all(BY_OWNER, [owner], |row| Ok(read(row)?.1))
    }

    pub(crate) fn create_stream(&mut self, stream: &StreamRecord, limit: u32) -> Done<Created> {
        if self.stream(&stream.id)?.is_some() {
            return Err(conflict("the outbox already has a stream with this id"));
        }
        let count: Option<u32> = self.first(COUNT, [&stream.owner], |row| row.get(0))?;
        if count.unwrap_or_default() >= limit {
            return Ok(Created::LimitReached);
        }
        let mode = stream.mode();
        let receiver = self.change_receiver(&stream_receiver(&stream.id), |state, _| state.set_mode(mode))?;
        self.execute(
            NEW,
            params![
                receiver,
                stream.id,
                stream.owner,
                stream.status.as_str(),
                stream.polled,
                json(&stream.events)?,
                stream.all_subjects,
                stream.configuration.as_bytes(),
            ],
        )?;
        self.enter(receiver, stream)?;
        Ok(Created::Yes)
    }

    pub(crate) fn update_stream(&mut self, stream: &StreamRecord) -> Done<bool> {
        let before = self.stream_with_receiver(&stream.id)?;
        let Some((receiver, before)) = before.filter(|(_, before)| before.version == stream.version) else {
            return Ok(false);
        };
        self.leave(receiver, &before)?;
        self.enter(receiver, stream)?;
        self.execute(
            REPLACE,
            params![
                receiver,
                signed(stream.version.saturating_add(1)),
                stream.status.as_str(),
                stream.polled,
                json(&stream.events)?,
                stream.all_subjects,
                stream.configuration.as_bytes(),
            ],
        )?;
        self.lane(receiver)?.state.set_mode(stream.mode());
        if !stream.keeps() {
            self.drop_all(receiver, &[State::Waiting])?;
        }
        Ok(true)
    }

    pub(crate) fn delete_stream(&mut self, id: &str) -> Done<Option<u64>> {
        let Some((receiver, stream)) = self.stream_with_receiver(id)? else { return Ok(None) };
        self.leave(receiver, &stream)?;
        self.execute(REMOVE_SUBJECTS, [receiver])?;
        self.execute(REMOVE, [receiver])?;
        self.lane(receiver)?.state.set_mode(Mode::Suspended);
        let dropped = self.drop_all(receiver, &[State::InFlight, State::Waiting])?;
        self.forget(receiver)?;
        Ok(Some(dropped))
    }

    /// Makes what depends on streams what they say.
    pub(crate) fn restore_streams(&mut self) -> Done<()> {
        for (receiver, stream) in self.all(ALL, (), read)? {
            self.enter(receiver, &stream)?;
            self.lane(receiver)?.state.set_mode(stream.mode());
        }
        Ok(())
    }

    /// Lets events find a stream.
    fn enter(&self, receiver: i64, stream: &StreamRecord) -> Done<()> {
        if stream.keeps() {
            self.execute(ENTER, params![json(&stream.events)?, stream.all_subjects, receiver])?;
        }
        Ok(())
    }

    fn leave(&self, receiver: i64, stream: &StreamRecord) -> Done<()> {
        self.execute(LEAVE, params![json(&stream.events)?, stream.all_subjects, receiver])?;
        Ok(())
    }

    /// Discards the deliveries of a receiver in these states.
    fn drop_all(&mut self, receiver: i64, states: &[State]) -> Done<u64> {
        let mut dropped = 0;
        for number in states.iter().flat_map(|state| numbers(*state)) {
            let deliveries = self.all(WAITING, params![receiver, number], Delivery::read)?;
            deliveries.iter().try_for_each(|delivery| self.end(delivery, Ending::Removed))?;
            dropped += deliveries.len() as u64;
        }
        Ok(dropped)
    }

    /// Keeps what a stream says of a subject, where it is not what the stream does by default. Not beyond the limit.
    pub(crate) fn set_subject(
        &self,
        id: &str,
        subject: &SubjectKeys,
        wanted: bool,
        limit: u32,
    ) -> Done<bool> {
        let Some((receiver, stream)) = self.stream_with_receiver(id)? else { return Ok(true) };
        let kept = (wanted != stream.all_subjects).then_some(wanted);
        let identity = subject.identity();
        let counted = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (count, was_kept): (i64, bool) = self
            .first(SUBJECTS, params![receiver, identity.as_bytes()], counted)?
            .ok_or_else(Failed::corrupt)?;
        if kept.is_some() && !was_kept && count >= i64::from(limit) {
            return Ok(false);
        }
        if kept.is_some() != was_kept {
            self.execute(COUNT_SUBJECT, params![receiver, if was_kept { -1 } else { 1 }])?;
        }
        self.execute(REMOVE_SUBJECT, params![receiver, identity.as_bytes(), kept])?;
        let Some(wanted) = kept else { return Ok(true) };
        let shape = subject.shape();
        for key in subject.keys()? {
            self.execute(ADD_SUBJECT, params![receiver, identity.as_bytes(), key.as_bytes(), shape, wanted])?;
        }
        Ok(true)
    }
}

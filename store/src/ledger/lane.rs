//! Receivers: their states, their counts, and when something of them can be claimed.

use rusqlite::{Row, params};
use ssf_transmitter::{
    Timestamp,
    outbox::{Counts, Mode, ReceiverState, STREAM_PREFIX, Status},
};

use super::Ledger;
use crate::{
    codec::{receiver_json, receiver_of, signed, state, unsigned},
    failed::{Done, Failed},
};

/// The columns that [`Lane::read`] reads.
macro_rules! columns {
    () => {
        "id, name, state, ready, served, turn, parked_until, \
         enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed, probed_priority, probed"
    };
}
pub(super) use columns;

/// A receiver.
pub(super) struct Lane {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) state: ReceiverState,
    pub(super) counts: Counts,
    /// How many deliveries wait for nothing.
    pub(super) ready: i64,
    /// The number of its last turn.
    pub(super) served: i64,
    /// Priority and number of the last delivery that was a probe.
    pub(super) probed: Option<(i64, i64)>,
    place: Place,
    changed: bool,
    /// What it was when it was read or written last.
    before: Before,
}

/// What others wait for that a receiver has more of, or that goes otherwise.
type Before = (i64, Mode, Status);

/// When something of a receiver can be claimed.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    /// Not before something changes.
    Nowhere,
    /// At its turn.
    Turn(i64),
    /// Not before this time.
    Parked(i64),
}

/// The counts of a receiver, or their sums, from this column on.
pub(super) fn counts(row: &Row<'_>, first: usize) -> Done<Counts> {
    let count = |column: usize| row.get(first + column).map(unsigned);
    let mut counts = Counts::default();
    counts.enqueued = count(0)?;
    counts.waiting = count(1)?;
    counts.in_flight = count(2)?;
    counts.delivered = count(3)?;
    counts.dead = count(4)?;
    counts.expired = count(5)?;
    counts.superseded = count(6)?;
    counts.removed = count(7)?;
    Ok(counts)
}

impl Lane {
    pub(super) fn read(row: &Row<'_>) -> Done<Self> {
        let place = match (row.get(5)?, row.get(6)?) {
            (Some(turn), _) => Place::Turn(turn),
            (None, Some(time)) => Place::Parked(time),
            (None, None) => Place::Nowhere,
        };
        let counts = counts(row, 7)?;
        let json: Option<String> = row.get(2)?;
        let (state, ready) = (receiver_of(json.as_deref())?, row.get(3)?);
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            before: (ready, state.mode, state.status),
            state,
            counts,
            ready,
            served: row.get(4)?,
            probed: row.get::<_, Option<i64>>(15)?.zip(row.get(16)?),
            place,
            changed: false,
        })
    }

    fn new(id: i64, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            state: ReceiverState::default(),
            counts: Counts::default(),
            ready: 0,
            served: 0,
            probed: None,
            place: Place::Nowhere,
            changed: true,
            before: (0, Mode::default(), Status::default()),
        }
    }

    /// Whether somebody who waits for it may find something now.
    fn may_wake(&self) -> bool {
        let (ready, mode, status) = self.before;
        self.ready > ready || self.state.mode != mode || self.state.status != status
    }

    /// Adds to the count of the deliveries with this state.
    pub(super) fn count(&mut self, number: i64, by: i64) {
        let counts = &mut self.counts;
        let count = match number {
            state::WAITING => &mut counts.waiting,
            state::IN_FLIGHT => &mut counts.in_flight,
            state::DELIVERED => &mut counts.delivered,
            state::DEAD => &mut counts.dead,
            state::EXPIRED => &mut counts.expired,
            state::SUPERSEDED => &mut counts.superseded,
            _ => &mut counts.removed,
        };
        *count = count.saturating_add_signed(by);
    }

    /// How many deliveries may be claimed.
    pub(super) fn may_claim(&self, now: Timestamp) -> u32 {
        self.state.may_claim(now, u32::try_from(self.counts.in_flight).unwrap_or(u32::MAX))
    }

    fn place_at(&self, now: Timestamp) -> Place {
        if self.ready <= 0 || self.state.status == Status::Held {
            return Place::Nowhere;
        }
        match self.state.resume_at.filter(|time| *time > now) {
            Some(time) => Place::Parked(time.as_unix_millis()),
            None if self.may_claim(now) > 0 => Place::Turn(self.served),
            None => Place::Nowhere,
        }
    }
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM receivers WHERE id = ?1");
const BY_NAME: &str = concat!("SELECT ", columns!(), " FROM receivers WHERE name = ?1");
const NEW: &str = "
    INSERT INTO receivers (name, ready, served, enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed)
    VALUES (?1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)";
const WRITE: &str = "
    UPDATE receivers SET state = ?2, ready = ?3, served = ?4, enqueued = ?5, waiting = ?6, in_flight = ?7, delivered = ?8, dead = ?9,
        expired = ?10, superseded = ?11, removed = ?12, probed_priority = ?13, probed = ?14
    WHERE id = ?1";
const PLACE: &str = "UPDATE receivers SET turn = ?2, parked_until = ?3 WHERE id = ?1";

impl Ledger<'_> {
    /// A receiver to change.
    pub(super) fn lane(&mut self, id: i64) -> Done<&mut Lane> {
        if !self.lanes.contains_key(&id) {
            let lane = self.all(BY_ID, [id], Lane::read)?.pop().ok_or_else(Failed::corrupt)?;
            self.lanes.insert(id, lane);
        }
        let lane = self.lanes.get_mut(&id).ok_or_else(Failed::corrupt)?;
        lane.changed = true;
        Ok(lane)
    }

    /// Writes a receiver at the end, so that it gets its turn or its pause.
    pub(crate) fn touch(&mut self, id: i64) -> Done<()> {
        self.lane(id).map(|_| ())
    }

    /// The id of a receiver, which may be new.
    pub(super) fn receiver(&mut self, name: &str) -> Done<i64> {
        if let Some(lane) = self.known_receiver(name)? {
            return Ok(lane.id);
        }
        self.execute(NEW, [name])?;
        let id = self.connection.last_insert_rowid();
        self.lanes.insert(id, Lane::new(id, name));
        Ok(id)
    }

    /// A receiver to look at.
    pub(super) fn known_receiver(&mut self, name: &str) -> Done<Option<&Lane>> {
        let Some(lane) = self.all(BY_NAME, [name], Lane::read)?.pop() else { return Ok(None) };
        // What the operation has changed is not written yet.
        Ok(Some(self.lanes.entry(lane.id).or_insert(lane)))
    }

    /// Writes the receivers that have changed.
    pub(super) fn flush(&mut self) -> Done<()> {
        let mut lanes = std::mem::take(&mut self.lanes);
        for lane in lanes.values_mut().filter(|lane| lane.changed) {
            self.write(lane)?;
        }
        self.lanes = lanes;
        Ok(())
    }

    fn write(&mut self, lane: &mut Lane) -> Done<()> {
        let counts = &lane.counts;
        let state = receiver_json(&lane.state)?;
        self.execute(
            WRITE,
            params![
                lane.id,
                state,
                lane.ready,
                lane.served,
                signed(counts.enqueued),
                signed(counts.waiting),
                signed(counts.in_flight),
                signed(counts.delivered),
                signed(counts.dead),
                signed(counts.expired),
                signed(counts.superseded),
                signed(counts.removed),
                lane.probed.map(|(priority, _)| priority),
                lane.probed.map(|(_, seq)| seq),
            ],
        )?;
        let place = lane.place_at(self.now);
        if place != lane.place {
            let (turn, parked) = match place {
                Place::Nowhere => (None, None),
                Place::Turn(turn) => (Some(turn), None),
                Place::Parked(time) => (None, Some(time)),
            };
            self.execute(PLACE, params![lane.id, turn, parked])?;
        }
        if lane.may_wake() {
            self.woken.workers |= place != Place::Nowhere;
            self.woken.streams.extend(lane.name.strip_prefix(STREAM_PREFIX).map(str::to_owned));
        }
        lane.before = (lane.ready, lane.state.mode, lane.state.status);
        lane.place = place;
        lane.changed = false;
        Ok(())
    }

    /// Changes the state of a receiver, which may be new.
    pub(super) fn change_receiver(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut ReceiverState, Timestamp),
    ) -> Done<i64> {
        let (id, now) = (self.receiver(name)?, self.now);
        change(&mut self.lane(id)?.state, now);
        Ok(id)
    }

    pub(crate) fn hold(&mut self, name: &str) -> Done<()> {
        self.change_receiver(name, ReceiverState::hold).map(|_| ())
    }

    pub(crate) fn release(&mut self, name: &str) -> Done<()> {
        self.change_receiver(name, ReceiverState::release).map(|_| ())
    }
}

//! Receivers: their states, their counts, and when something of them can be claimed.

use ssf_transmitter::{
    Timestamp,
    outbox::{Counts, Mode, ReceiverState, STREAM_PREFIX, Status},
};
use tokio_postgres::Row;

use super::{Ledger, Operation};
use crate::{
    codec::{signed, state, unsigned},
    connection::Connection,
    failed::{Done, Failed},
    values::{Value, each},
};

/// The columns that [`Lane::read`] reads.
macro_rules! columns {
    () => {
        "id, name, state, ready, served, turn, parked_until, enqueued, waiting, in_flight, delivered, dead, expired, superseded, \
         removed, probed_priority, probed, mode"
    };
}
pub(super) use columns;

/// How many columns these are.
pub(super) const COLUMNS: usize = 18;

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
    pub(super) probed: Option<(i16, i64)>,
    changed: bool,
}

/// The counts of a receiver, or their sums, from this column on.
pub(super) fn counts(row: &Row, first: usize) -> Done<Counts> {
    let count = |column: usize| unsigned(row.try_get(first + column)?);
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
    pub(super) fn read(row: &Row) -> Done<Self> {
        let state: Option<&str> = row.try_get(2)?;
        let mut state = state.map(ReceiverState::from_json).transpose()?.unwrap_or_default();
        // An older version of the library writes the state without it.
        let mode: Option<&str> = row.try_get(17)?;
        let mode = mode.map_or(Some(Mode::Pushed), Mode::by_name);
        state.mode = mode.ok_or_else(Failed::corrupt)?;
        Ok(Self {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            state,
            counts: counts(row, 7)?,
            ready: row.try_get(3)?,
            served: row.try_get(4)?,
            probed: row.try_get::<_, Option<i16>>(15)?.zip(row.try_get(16)?),
            changed: false,
        })
    }

    /// Adds to the count of the deliveries with this state.
    pub(super) fn count(&mut self, number: i16, by: i64) {
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

    /// The stream that it stands for, if that polls and something is ready.
    fn ready_stream(&self) -> Option<&str> {
        let polls = self.ready > 0 && self.state.may_poll() > 0;
        self.name.strip_prefix(STREAM_PREFIX).filter(|_| polls)
    }

    /// The row: with its turn if something can be claimed, or the end of its pause.
    fn row(&self, now: Timestamp) -> Done<LaneRow> {
        let Self { state, .. } = self;
        let waits = self.ready > 0 && state.mode == Mode::Pushed && state.status != Status::Held;
        let parked_until = state.resume_at.filter(|time| waits && *time > now);
        let turn = waits && parked_until.is_none() && self.may_claim(now) > 0;
        let Counts { enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed, .. } =
            self.counts;
        let is_new = *state == ReceiverState::default();
        Ok(LaneRow {
            id: self.id,
            state: if is_new { None } else { Some(state.to_json()?) },
            mode: (state.mode != Mode::Pushed).then_some(state.mode.as_str()),
            ready: self.ready,
            served: self.served,
            turn: turn.then_some(self.served),
            parked_until: parked_until.map(Timestamp::as_unix_millis),
            probed_priority: self.probed.map(|(priority, _)| priority),
            probed: self.probed.map(|(_, seq)| seq),
            counts: [enqueued, waiting, in_flight, delivered, dead, expired, superseded, removed],
        })
    }
}

/// What is written of a receiver.
pub(super) struct LaneRow {
    id: i64,
    state: Option<String>,
    mode: Option<&'static str>,
    ready: i64,
    served: i64,
    turn: Option<i64>,
    parked_until: Option<i64>,
    probed_priority: Option<i16>,
    probed: Option<i64>,
    counts: [u64; 8],
}

const BY_NAMES: &str =
    concat!("SELECT ", columns!(), " FROM receivers WHERE name = ANY($1) ORDER BY id FOR UPDATE");
const NEW: &str = "INSERT INTO receivers (name) SELECT unnest($1) ON CONFLICT DO NOTHING";
const WRITE: &str = "
    UPDATE receivers r
    SET state = n.state, mode = n.mode, ready = n.ready, served = n.served, turn = n.turn, parked_until = n.parked_until,
        probed_priority = n.probed_priority, probed = n.probed, enqueued = n.enqueued, waiting = n.waiting, in_flight = n.in_flight,
        delivered = n.delivered, dead = n.dead, expired = n.expired, superseded = n.superseded, removed = n.removed
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        AS n (id, state, mode, ready, served, turn, parked_until, probed_priority, probed, enqueued, waiting, in_flight, delivered, dead,
            expired, superseded, removed)
    WHERE r.id = n.id";

/// Locks receivers by name, as far as they exist.
pub(super) async fn ask_for(connection: &Connection, names: &Vec<String>) -> Done<Vec<Row>> {
    connection.query(BY_NAMES, &[each(names)]).await
}

impl Ledger<'_> {
    /// Locks the receivers that a statement selects, and returns their ids in its order. All statements that wait for a lock select
    /// in the order of the ids, so two transactions do not wait for each other.
    pub(super) async fn lock(&mut self, statement: &str, values: &[Value<'_>]) -> Done<Vec<i64>> {
        let rows = self.query(statement, values).await?;
        self.locks(&rows)
    }

    /// The ids of receivers whose rows are locked.
    pub(super) fn locks(&mut self, rows: &[Row]) -> Done<Vec<i64>> {
        let mut ids = Vec::new();
        for row in rows {
            let lane = Lane::read(row)?;
            ids.push(lane.id);
            self.names.insert(lane.name.clone(), lane.id);
            self.lanes.entry(lane.id).or_insert(lane);
        }
        Ok(ids)
    }

    /// Locks receivers by name. These may be new.
    pub(super) async fn lock_names(&mut self, names: Vec<String>) -> Done<()> {
        let rows = ask_for(self.connection, &names).await?;
        self.locks(&rows)?;
        self.lock_new(names).await
    }

    /// Adds and locks those receivers that are not locked yet, because they were new.
    pub(super) async fn lock_new(&mut self, mut names: Vec<String>) -> Done<()> {
        names.retain(|name| !self.names.contains_key(name));
        names.sort();
        names.dedup();
        if !names.is_empty() {
            let values = [each(&names)];
            let (added, rows) =
                tokio::join!(biased; self.execute(NEW, &values), self.query(BY_NAMES, &values));
            added?;
            self.locks(&rows?)?;
        }
        Ok(())
    }

    /// The id of a receiver that is locked.
    pub(super) fn id(&self, name: &str) -> Done<i64> {
        self.names.get(name).copied().ok_or_else(Failed::corrupt)
    }

    /// A receiver that is locked.
    pub(super) fn locked(&self, id: i64) -> Done<&Lane> {
        self.lanes.get(&id).ok_or_else(Failed::corrupt)
    }

    /// A receiver that is locked, to change it.
    pub(super) fn lane(&mut self, id: i64) -> Done<&mut Lane> {
        let lane = self.lanes.get_mut(&id).ok_or_else(Failed::corrupt)?;
        lane.changed = true;
        Ok(lane)
    }

    /// What is to be written of receivers.
    pub(super) fn changed_lanes(&mut self) -> Done<Vec<LaneRow>> {
        let changed = self.lanes.values().filter(|lane| lane.changed);
        let rows = changed.clone().map(|lane| lane.row(self.now)).collect::<Done<Vec<_>>>()?;
        self.ready_streams.extend(changed.filter_map(Lane::ready_stream).map(str::to_owned));
        self.lanes.values_mut().for_each(|lane| lane.changed = false);
        Ok(rows)
    }

    pub(super) async fn send_lanes(&self, rows: &[LaneRow]) -> Done<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let count = |number: usize| rows.iter().map(|row| signed(row.counts[number])).collect();
        self.execute(
            WRITE,
            &[
                each(&rows.iter().map(|row| row.id).collect()),
                each(&rows.iter().map(|row| row.state.as_deref()).collect()),
                each(&rows.iter().map(|row| row.mode).collect()),
                each(&rows.iter().map(|row| row.ready).collect()),
                each(&rows.iter().map(|row| row.served).collect()),
                each(&rows.iter().map(|row| row.turn).collect()),
                each(&rows.iter().map(|row| row.parked_until).collect()),
                each(&rows.iter().map(|row| row.probed_priority).collect()),
                each(&rows.iter().map(|row| row.probed).collect()),
                each::<i64>(&count(0)),
                each::<i64>(&count(1)),
                each::<i64>(&count(2)),
                each::<i64>(&count(3)),
                each::<i64>(&count(4)),
                each::<i64>(&count(5)),
                each::<i64>(&count(6)),
                each::<i64>(&count(7)),
            ],
        )
        .await
        .map(drop)
    }
}

/// Holds or releases a receiver, which may be new.
pub(crate) struct Change {
    pub(crate) receiver: String,
    pub(crate) change: fn(&mut ReceiverState, Timestamp),
}

impl Operation for Change {
    type Output = ();

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<()> {
        ledger.lock_names(vec![self.receiver.clone()]).await?;
        let (id, now) = (ledger.id(&self.receiver)?, ledger.now);
        (self.change)(&mut ledger.lane(id)?.state, now);
        Ok(())
    }
}

//! States, failures and times as columns of tables.

use serde::{Deserialize, Serialize};
use ssf_transmitter::{
    ErrorCode, Timestamp,
    event::StreamStatus,
    outbox::{Discard, Failure, Priority, Record, State},
};
use tokio_postgres::Row;

use crate::failed::{Done, Failed};

/// The numbers of states in a column. Those above `IN_FLIGHT` have ended.
pub(crate) mod state {
    pub(crate) const WAITING: i16 = 0;
    pub(crate) const IN_FLIGHT: i16 = 1;
    pub(crate) const DELIVERED: i16 = 2;
    pub(crate) const DEAD: i16 = 3;
    pub(crate) const EXPIRED: i16 = 4;
    pub(crate) const SUPERSEDED: i16 = 5;
    pub(crate) const REMOVED: i16 = 6;
}

/// The numbers of what a delivery waits for. The column is null in one that does not wait.
pub(crate) mod wait {
    pub(crate) const NOTHING: i16 = 0;
    pub(crate) const TIME: i16 = 1;
    pub(crate) const TURN: i16 = 2;
    /// In flight, for a receiver that polls.
    pub(crate) const ANSWER: i16 = 3;
}

/// The numbers that a state has in the column.
pub(crate) fn numbers(of: State) -> &'static [i16] {
    match of {
        State::Waiting => &[state::WAITING],
        State::InFlight => &[state::IN_FLIGHT],
        State::Delivered => &[state::DELIVERED],
        State::Dead => &[state::DEAD],
        State::Discarded => &[state::EXPIRED, state::SUPERSEDED, state::REMOVED],
        _ => &[],
    }
}

/// The state with this number; `by` is the delivery that superseded this one.
fn state_of(number: i16, by: Option<String>) -> Done<(State, Option<Discard>)> {
    Ok(match number {
        state::WAITING => (State::Waiting, None),
        state::IN_FLIGHT => (State::InFlight, None),
        state::DELIVERED => (State::Delivered, None),
        state::DEAD => (State::Dead, None),
        state::EXPIRED => (State::Discarded, Some(Discard::Expired)),
        state::SUPERSEDED => (State::Discarded, Some(Discard::Superseded { by: by.unwrap_or_default() })),
        state::REMOVED => (State::Discarded, Some(Discard::Removed)),
        _ => return Err(Failed::corrupt()),
    })
}

pub(crate) fn status_of(name: &str) -> Done<StreamStatus> {
    let all = [StreamStatus::Enabled, StreamStatus::Paused, StreamStatus::Disabled];
    all.into_iter().find(|status| status.as_str() == name).ok_or_else(Failed::corrupt)
}

pub(crate) fn time(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

pub(crate) fn times(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(time)
}

pub(crate) fn millis(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_unix_millis)
}

/// A number of the library, which PostgreSQL keeps as a signed one.
pub(crate) fn signed(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// A number of PostgreSQL that is not negative.
pub(crate) fn unsigned<T: TryFrom<i64>>(number: i64) -> Done<T> {
    T::try_from(number).map_err(|_| Failed::corrupt())
}

pub(crate) fn failure_of(json: Option<&str>) -> Done<Option<Failure>> {
    Ok(json.map(Failure::from_json).transpose()?)
}

pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Done<String> {
    serde_json::to_string(value)
        .map_err(|_| Failed::new(ErrorCode::Internal, "a value of the outbox is not JSON"))
}

pub(crate) fn parse<T: for<'a> Deserialize<'a>>(json: &str) -> Done<T> {
    serde_json::from_str(json).map_err(|_| Failed::corrupt())
}

/// The columns that [`record`] reads, of `deliveries` as `d`, `receivers` as `r` and `events` as `e`.
pub(crate) const RECORD: &str = "d.jti, r.name, e.event, d.state, d.superseded_by, d.enqueued_at, d.priority, \
                                 d.attempts, d.due_at, d.expires_at, d.ended_at, d.failure";

pub(crate) fn record(row: &Row) -> Done<Record> {
    let (jti, receiver, event): (String, String, String) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let (state, discard) = state_of(row.try_get(3)?, row.try_get(4)?)?;
    let mut record = Record::new(jti, receiver, event, time(row.try_get(5)?), time(row.try_get(9)?));
    record.state = state;
    record.discard = discard;
    let priority = unsigned(i64::from(row.try_get::<_, i16>(6)?))?;
    record.priority = Priority::by_rank(priority).ok_or_else(Failed::corrupt)?;
    record.attempts = unsigned(row.try_get(7)?)?;
    record.due_at = times(row.try_get(8)?);
    record.ended_at = times(row.try_get(10)?);
    record.failure = failure_of(row.try_get(11)?)?;
    Ok(record)
}

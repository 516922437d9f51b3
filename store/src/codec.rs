//! States, failures and times as columns of tables.

use rusqlite::Row;
use serde::{Deserialize, Serialize};
use ssf_transmitter::{
    ErrorCode, Timestamp,
    outbox::{Discard, Failure, Priority, ReceiverState, Record, State},
};

use crate::failed::{Done, Failed};

/// The numbers of states in a column. Those above `IN_FLIGHT` have ended.
pub(crate) mod state {
    pub(crate) const WAITING: i64 = 0;
    pub(crate) const IN_FLIGHT: i64 = 1;
    pub(crate) const DELIVERED: i64 = 2;
    pub(crate) const DEAD: i64 = 3;
    pub(crate) const EXPIRED: i64 = 4;
    pub(crate) const SUPERSEDED: i64 = 5;
    pub(crate) const REMOVED: i64 = 6;
}

/// The numbers of what a delivery waits for. The column is null in one that does not wait.
pub(crate) mod wait {
    pub(crate) const NOTHING: i64 = 0;
    pub(crate) const TIME: i64 = 1;
    pub(crate) const TURN: i64 = 2;
}

/// The numbers that a state has in the column.
pub(crate) fn numbers(of: State) -> &'static [i64] {
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
pub(crate) fn state_of(number: i64, by: Option<String>) -> Done<(State, Option<Discard>)> {
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

pub(crate) fn time(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

pub(crate) fn times(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(time)
}

pub(crate) fn millis(time: Option<Timestamp>) -> Option<i64> {
    time.map(Timestamp::as_unix_millis)
}

/// A number of the library, which SQLite keeps as a signed one.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of SQLite that is not negative, unless the file is damaged.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub(crate) fn duration_millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn failure_json(failure: Option<&Failure>) -> Done<Option<String>> {
    Ok(failure.map(Failure::to_json).transpose()?)
}

pub(crate) fn failure_of(json: Option<&str>) -> Done<Option<Failure>> {
    Ok(json.map(Failure::from_json).transpose()?)
}

/// The state of a receiver as JSON; `None` for that of a receiver that is new.
pub(crate) fn receiver_json(state: &ReceiverState) -> Done<Option<String>> {
    let is_new = *state == ReceiverState::default();
    Ok(if is_new { None } else { Some(state.to_json()?) })
}

pub(crate) fn receiver_of(json: Option<&str>) -> Done<ReceiverState> {
    Ok(json.map_or_else(|| Ok(ReceiverState::default()), ReceiverState::from_json)?)
}

pub(crate) fn json<T: Serialize>(value: &T) -> Done<String> {
    serde_json::to_string(value)
        .map_err(|_| Failed::new(ErrorCode::Internal, "a value of the outbox is not JSON"))
}

pub(crate) fn parse<T: for<'a> Deserialize<'a>>(json: &str) -> Done<T> {
    serde_json::from_str(json).map_err(|_| Failed::corrupt())
}

/// The columns that [`record`] reads, of `deliveries` as `d`, `receivers` as `r` and `events` as `e`.
pub(crate) const RECORD: &str = "d.jti, r.name, e.event, d.state, d.superseded_by, d.enqueued_at, d.priority, \
                                 d.attempts, d.due_at, d.expires_at, d.ended_at, d.failure";

pub(crate) fn record(row: &Row<'_>) -> Done<Record> {
    let (jti, receiver, event): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (state, discard) = state_of(row.get(3)?, row.get(4)?)?;
    let mut record = Record::new(jti, receiver, event, time(row.get(5)?), time(row.get(9)?));
    record.state = state;
    record.discard = discard;
    record.priority = Priority::by_rank(row.get(6)?).ok_or_else(Failed::corrupt)?;
    record.attempts = row.get(7)?;
    record.due_at = times(row.get(8)?);
    record.ended_at = times(row.get(10)?);
    record.failure = failure_of(row.get_ref(11)?.as_str_or_null().map_err(|_| Failed::corrupt())?)?;
    Ok(record)
}

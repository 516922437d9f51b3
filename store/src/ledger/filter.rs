//! Filters as conditions of a statement.

use rusqlite::types::Value;
use ssf_transmitter::outbox::{Filter, State};

use crate::{
    codec::{json, numbers},
    failed::Done,
};

/// A condition, and the values of its parameters.
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Condition {
    /// What the filter selects of `deliveries` as `d` and `events` as `e`, among those in one of these states.
    pub(super) fn of(filter: &Filter, states: &[State]) -> Done<Self> {
        let mut condition = Self { sql: String::new(), values: Vec::new() };
        let states: Vec<_> = states.iter().flat_map(|state| numbers(*state)).map(i64::to_string).collect();
        condition.sql = format!("d.state IN ({})", states.join(", "));
        if let Some(name) = &filter.receiver {
            condition.and("d.receiver = (SELECT id FROM receivers WHERE name = ?)", name.clone());
        }
        if let Some(event) = &filter.event {
            condition.and("e.event = ?", event.clone());
        }
        if let Some(code) = &filter.code {
            condition.and("coalesce(d.failure ->> 'code', '') = ?", code.clone());
        }
        if !filter.jtis.is_empty() {
            condition.and("d.jti IN (SELECT value FROM json_each(?))", json(&filter.jtis)?);
        }
        if let Some(subject) = &filter.subject {
            condition.and("e.subject = ?", subject.as_bytes().to_vec());
        }
        if let Some(since) = filter.since {
            condition.and("d.enqueued_at >= ?", since.as_unix_millis());
        }
        if let Some(until) = filter.until {
            condition.and("d.enqueued_at < ?", until.as_unix_millis());
        }
        Ok(condition)
    }

    pub(super) fn and(&mut self, sql: &str, value: impl Into<Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.push(value.into());
    }
}

/// The states of a filter that are also among these: all of these if the filter names none.
pub(super) fn states(filter: &Filter, among: impl Fn(State) -> bool) -> Vec<State> {
    let named = if filter.states.is_empty() { State::ALL } else { &filter.states };
    named.iter().copied().filter(|state| among(*state)).collect()
}

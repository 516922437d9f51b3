//! Filters as conditions of a statement.

use ssf_transmitter::outbox::{Filter, State};
use tokio_postgres::types::{ToSql, Type};

use crate::{
    codec::numbers,
    values::{Typed, Value},
};

/// A condition, and the values of its parameters.
pub(super) struct Condition {
    pub(super) sql: String,
    values: Vec<(Box<dyn ToSql + Send + Sync>, Type)>,
}

impl Condition {
    /// What the filter selects of `deliveries` as `d`, `receivers` as `r` and `events` as `e`, among those in one of these states.
    pub(super) fn of(filter: &Filter, states: &[State]) -> Self {
        let states: Vec<_> = states.iter().flat_map(|state| numbers(*state)).map(i16::to_string).collect();
        let sql = if states.is_empty() {
            "false".to_owned()
        } else {
            format!("d.state IN ({})", states.join(", "))
        };
        let mut condition = Self { sql, values: Vec::new() };
        if let Some(name) = &filter.receiver {
            condition.and("r.name = ?", name.clone());
        }
        if let Some(event) = &filter.event {
            condition.and("e.event = ?", event.clone());
        }
        if let Some(code) = &filter.code {
            condition.and("coalesce(d.code, '') = ?", code.clone());
        }
        if !filter.jtis.is_empty() {
            let values = Box::new(filter.jtis.clone());
            condition.add("d.jti = ANY(?)", values, String::ARRAY);
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
        condition
    }

    /// Adds a condition with one parameter, `?`.
    pub(super) fn and<T: Typed + Send + 'static>(&mut self, sql: &str, value: T) {
        self.add(sql, Box::new(value), T::TYPE);
    }

    /// The same, with a parameter of this type.
    pub(super) fn add(&mut self, sql: &str, value: Box<dyn ToSql + Send + Sync>, of: Type) {
        let parameter = self.parameter(value, of);
        self.sql.push_str(" AND ");
        self.sql.push_str(&sql.replace('?', &parameter));
    }

    /// Adds a parameter, and returns what stands for it.
    pub(super) fn parameter(&mut self, value: Box<dyn ToSql + Send + Sync>, of: Type) -> String {
        self.values.push((value, of));
        format!("${}", self.values.len())
    }

    pub(super) fn values(&self) -> Vec<Value<'_>> {
        self.values.iter().map(|(value, of)| (&**value as &(dyn ToSql + Sync), of.clone())).collect()
    }
}

/// The states of a filter that are also among these: all of these if the filter names none.
pub(super) fn states(filter: &Filter, among: impl Fn(State) -> bool) -> Vec<State> {
    let named = if filter.states.is_empty() { State::ALL } else { &filter.states };
    named.iter().copied().filter(|state| among(*state)).collect()
}

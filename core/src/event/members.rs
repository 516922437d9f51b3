//! The members of an event on their way from typed fields to JSON.

use serde_json::{Map, Value};

/// Members of an event. What a field of the definition says goes before what was set by name.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Sets a member by name.
    pub(super) fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// Sets a member from a field, if the field holds anything.
    pub(super) fn put(&mut self, name: &str, field: impl Member) {
        if let Some(value) = field.into_value() {
            self.0.insert(name.to_owned(), value);
        }
    }

    /// Adds members that were set by name, where no field has set them.
    pub(super) fn extend(&mut self, others: Self) {
        for (name, value) in others.0 {
            self.0.entry(name).or_insert(value);
        }
    }

    pub(super) fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

/// A field of an event struct: a value, or an optional one.
pub(super) trait Member {
    fn into_value(self) -> Option<Value>;
}

impl<T: Into<Value>> Member for T {
    fn into_value(self) -> Option<Value> {
        match self.into() {
            Value::Null => None,
            value => Some(value),
        }
    }
}

/// A JSON object from pairs.
pub(super) fn members_of(
    pairs: impl IntoIterator<Item = (impl Into<String>, impl Into<Value>)>,
) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

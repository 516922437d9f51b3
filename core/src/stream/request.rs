//! What a body says.

use serde_json::{Map, Value};

use super::problem::Problem;
use crate::json;

/// The members of a body. Members that nobody asks for are ignored.
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Reads a body, exactly: see [`json::parse`]. An empty one has no members.
    pub(super) fn read(body: &[u8]) -> Result<Self, Problem> {
        let text = std::str::from_utf8(body).map_err(|_| Problem::invalid("the body is not UTF-8"))?;
        if text.trim().is_empty() {
            return Ok(Self(Map::new()));
        }
        let read = json::parse_object(text, "the body");
        // The message says where, and quotes no value.
        read.map(Self).map_err(|error| {
            let place = error.pointer().map(|pointer| format!(" at {pointer}")).unwrap_or_default();
            Problem::invalid(format!("{}{place}", error.message()))
        })
    }

    /// A member; null is as good as absent.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn string(&self, name: &str) -> Result<Option<&str>, Problem> {
        self.typed(name, "a string", Value::as_str)
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.typed(name, "true or false", Value::as_bool)
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<u64>, Problem> {
        self.typed(name, "an integer that is not negative", Value::as_u64)
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>, Problem> {
        self.typed(name, "an object", Value::as_object)
    }

    pub(super) fn strings(&self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        self.typed(name, "an array of strings", |value| {
            let strings = value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned));
            strings.collect::<Option<Vec<_>>>()
        })
    }

    fn typed<'a, T>(
        &'a self,
        name: &str,
        what: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let value = self.get(name);
        value
            .map(|value| read(value).ok_or_else(|| Problem::member(name, &format!("must be {what}"))))
            .transpose()
    }
}

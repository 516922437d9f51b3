//! JSON as the caller wrote it: a value is read exactly, or refused with its place.
//!
//! A SET is signed, so nobody may find a value in it that the caller did not write. Most JSON readers change some
//! silently: an integer beyond 64 bits becomes a float, of two members with one name the first is lost. The page
//! `docs/values.md` of this crate lists how each language converts its values.
//!
//! ```
//! use ssf_transmitter::{ErrorCode, json};
//!
//! let error = json::parse(r#"{ "serial": [340282366920938463463374607431768211456] }"#).unwrap_err();
//! assert_eq!((error.code(), error.pointer()), (ErrorCode::NumberNotExact, Some("/serial/0")));
//! ```

mod reader;
mod scan;

use serde_json::{Map, Value};

pub(crate) use reader::{Kind, Problem, read};

use crate::error::{Error, ErrorCode, Result};

/// How deep objects and lists may be nested in a SET, counted from its claims. Readers have their own limits,
/// mostly 100 or more.
pub const MAX_DEPTH: usize = 64;

/// The largest integer that every JSON reader keeps: 2⁵³ − 1 (RFC 7493 §2.2).
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Members of an object by name.
///
/// Objects in a SET are small: comparing a few names takes less time than hashing one.
pub(crate) trait ByName {
    /// The member with this name.
    fn member(&self, name: &str) -> Option<&Value>;

    /// Whether there is one.
    fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }
}

impl ByName for Map<String, Value> {
    fn member(&self, name: &str) -> Option<&Value> {
        /// From here on, hashing is faster.
        const LARGE: usize = 16;
        if self.len() < LARGE {
            self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
        } else {
            self.get(name)
        }
    }
}

/// Reads a JSON text exactly, or refuses it.
///
/// Refused are, with the place as a JSON pointer: numbers that would come out as others (`number_not_exact`), half a
/// surrogate pair (`text_not_unicode`), more than [`MAX_DEPTH`] levels (`value_too_deep`), and a name that occurs twice in
/// one object (`json_invalid`). What is not JSON at all is `json_invalid` with line and column in the message.
///
/// ```
/// use serde_json::json;
/// use ssf_transmitter::{ErrorCode, json};
///
/// assert_eq!(json::parse(r#"{ "score": 0.97 }"#)?, json!({ "score": 0.97 }));
///
/// let error = json::parse(r#"{ "host": "a", "host": "b" }"#).unwrap_err();
/// assert_eq!((error.code(), error.pointer()), (ErrorCode::JsonInvalid, Some("/host")));
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
pub fn parse(json: &str) -> Result<Value> {
    parse_inside(json, 0, "the text")
}

/// Reads a JSON object exactly, as [`parse`] does. `what` names it in messages.
///
/// ```
/// use ssf_transmitter::{ErrorCode, json};
///
/// let error = json::parse_object("[]", "the claims").unwrap_err();
/// assert_eq!((error.code(), error.message()), (ErrorCode::JsonInvalid, "the claims are not a JSON object"));
/// ```
pub fn parse_object(json: &str, what: &str) -> Result<Map<String, Value>> {
    object_inside(json, 0, what)
}

/// Reads an object that is to stand inside `outer` others.
pub(crate) fn object_inside(json: &str, outer: usize, what: &str) -> Result<Map<String, Value>> {
    match parse_inside(json, outer, what)? {
        Value::Object(members) => Ok(members),
        _ => Err(Error::new(ErrorCode::JsonInvalid, format!("{what} {} not a JSON object", is(what)))),
    }
}

fn parse_inside(json: &str, outer: usize, what: &str) -> Result<Value> {
    let reading = read(json.as_bytes(), MAX_DEPTH - outer).map_err(|broken| broken.into_error(what))?;
    match reading.problems.into_iter().next() {
        None => Ok(reading.value),
        Some(problem) => Err(problem.into()),
    }
}

/// Agrees with `what`.
fn is(what: &str) -> &'static str {
    if what.ends_with("claims") { "are" } else { "is" }
}

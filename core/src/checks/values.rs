//! What readers of JSON may see otherwise than it is written, wherever it stands.

use serde_json::{Map, Number, Value};

use super::Report;
use crate::{
    catalogue::rules,
    error::pointer_step,
    json::{MAX_DEPTH, MAX_SAFE_INTEGER},
};

/// Where a value stands. It becomes a text only where something is found.
struct Place<'a> {
    outer: Option<&'a Self>,
    step: Step<'a>,
}

enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        let outer = self.outer.map(Place::pointer).unwrap_or_default();
        outer
            + &match self.step {
                Step::Member(name) => pointer_step(name),
                Step::Item(index) => format!("/{index}"),
            }
    }
}

pub(super) fn check(report: &mut Report<'_>, claims: &Map<String, Value>) {
    for (name, claim) in claims {
        value(report, claim, &Place { outer: None, step: Step::Member(name) }, MAX_DEPTH - 1);
    }
}

/// Checks a value that may be nested at most `room` levels deep.
fn value(report: &mut Report<'_>, given: &Value, place: &Place<'_>, room: usize) {
    let deeper = match given {
        Value::Number(number) if !is_safe(number) => return too_large(report, place),
        Value::Object(_) | Value::Array(_) => room.checked_sub(1),
        _ => return,
    };
    let Some(room) = deeper else {
        let message = format!("the value is nested more than {MAX_DEPTH} levels deep");
        return report.add(&rules::VALUE_TOO_DEEP, place.pointer(), message);
    };
    let mut look = |step, inner: &Value| value(report, inner, &Place { outer: Some(place), step }, room);
    match given {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| look(Step::Member(name), member));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| look(Step::Item(index), item));
        }
        _ => {}
    }
}

/// RFC 7493 §2.2: receivers whose numbers are doubles read another integer beyond these limits.
fn is_safe(number: &Number) -> bool {
    match (number.as_i64(), number.as_u64()) {
        (Some(integer), _) => integer.unsigned_abs() <= MAX_SAFE_INTEGER,
        (None, Some(integer)) => integer <= MAX_SAFE_INTEGER,
        (None, None) => true,
    }
}

fn too_large(report: &mut Report<'_>, place: &Place<'_>) {
    let pointer = place.pointer();
    // Of a time in a wrong unit more is said than that it is large.
    if !report.found_at(&pointer) {
        integer_too_large(report, pointer);
    }
}

/// Notes an integer that most receivers round.
pub(crate) fn integer_too_large(report: &mut Report<'_>, pointer: String) {
    let message = "the integer exceeds 2^53 - 1, so most receivers round it";
    report.add(&rules::INTEGER_TOO_LARGE, pointer, message);
}

//! `tests/vectors/sets`: the SETs that specifications and receivers print, built through the public API.

use crate::common::{builder, claims, count, dialect, folder, refused, same};
use serde_json::{Map, Value, json};

/// One SET, in the dialect of its receiver.
fn check(case: &Value) -> Result<(), String> {
    let built = || -> Result<Value, ssf_transmitter::Error> {
        claims(builder(&case["input"])?.dialect(&dialect(&case["dialect"])?))
    };
    let deviation = &case["deviation"];
    if deviation.is_null() {
        return same("the SET", &built().map_err(|error| error.to_string())?, &case["claims"]);
    }
    if let Some(expected) = deviation.get("claims") {
        assert_ne!(expected, &case["claims"], "a deviation differs from what is printed");
        return same("the SET", &built().map_err(|error| error.to_string())?, expected);
    }
    // Subjects are checked where they are made, without the place that they will have in the SET.
    let pointer = &deviation["pointer"];
    let shorter = pointer.as_str().and_then(|pointer| pointer.strip_prefix("/sub_id"));
    refused(built(), &deviation["code"], pointer)
        .or_else(|_| refused(built(), &deviation["code"], &shorter.map_or(Value::Null, Value::from)))
}

#[test]
fn every_printed_set_is_built_as_printed_or_deviates_as_documented() {
    let cases = folder("sets");
    let failures: Vec<_> = cases
        .iter()
        .filter_map(|case| check(case).err().map(|failure| format!("{}: {failure}", case["id"])))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let deviations = cases.iter().filter(|case| case.get("deviation").is_some()).count();
    assert_eq!(deviations, count("sets", "deviations"));
}

#[test]
fn a_set_comes_out_the_same_whatever_the_order_of_the_members_that_went_in() {
    for case in folder("sets").iter().filter(|case| case.get("deviation").is_none()) {
        let turned = turn(&case["input"]);
        let built = claims(builder(&turned).unwrap().dialect(&dialect(&case["dialect"]).unwrap())).unwrap();
        assert_eq!(built, case["claims"], "{}", case["id"]);
    }
}

/// The same object with its members written the other way round.
fn turn(value: &Value) -> Value {
    let Value::Object(members) = value else {
        return value.clone();
    };
    let turned: Map<_, _> = members.iter().rev().map(|(name, value)| (name.clone(), turn(value))).collect();
    json!(turned)
}

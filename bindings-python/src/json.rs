//! JSON values from what Python has: each exactly, or refused with its place (`docs/values.md`).
//!
//! What Python's own encoder does about other values is not enough here: of a key it makes a string, of `nan` what is not
//! JSON, and of the value of an enumeration whatever it is derived from.

use std::cell::RefCell;

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple, PyType},
};
use serde_json::{Map, Number, Value};
use ssf_transmitter::{self as sdk, ErrorCode, json::MAX_DEPTH};

use crate::{errors::Result, imports::import};

/// Where in a SET an object is to stand.
#[derive(Clone, Copy)]
pub(crate) struct Spot {
    /// A JSON pointer to it.
    pub(crate) pointer: &'static str,
    /// How many objects stand around it.
    pub(crate) outer: usize,
}

/// An event, `{uri: members}`.
pub(crate) const EVENT: Spot = Spot { pointer: "/events", outer: 1 };
/// A subject. Places inside it are told without what is around it.
pub(crate) const SUBJECT: Spot = Spot { pointer: "", outer: 1 };
/// Further claims.
pub(crate) const CLAIMS: Spot = Spot { pointer: "", outer: 0 };

/// Reads a `dict` that is to be a JSON object.
pub(crate) fn object(given: &Bound<'_, PyAny>, spot: Spot) -> Result<Map<String, Value>> {
    let refusal = match value(given, MAX_DEPTH - spot.outer) {
        Ok(Value::Object(members)) => return Ok(members),
        Ok(_) => Refusal::new(ErrorCode::JsonInvalid, "expected a mapping"),
        Err(Problem::Raised(raised)) => return Err(raised.into()),
        Err(Problem::Refused(refusal)) => *refusal,
    };
    let pointer = refusal.steps.iter().rev().fold(spot.pointer.to_owned(), |pointer, step| pointer + step);
    Err(sdk::Error::new(refusal.code, refusal.message).at(pointer).into())
}

/// A string for a SET, at `pointer`.
pub(crate) fn text(given: &Bound<'_, PyString>, pointer: &str) -> Result<String> {
    let text = given.to_str().map(str::to_owned);
    text.map_err(|_| sdk::Error::new(ErrorCode::TextNotUnicode, NOT_UNICODE).at(pointer).into())
}

const NOT_UNICODE: &str = "the string contains an unpaired surrogate";

/// Why a SET cannot contain a value, and the path to it, the innermost step first.
struct Refusal {
    code: ErrorCode,
    message: String,
    steps: Vec<String>,
}

enum Problem {
    Refused(Box<Refusal>),
    /// What reading the value raised.
    Raised(PyErr),
}

impl Refusal {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), steps: Vec::new() }
    }
}

impl Problem {
    fn refused(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal::new(code, message)))
    }

    fn within(mut self, step: impl FnOnce() -> String) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.steps.push(step());
        }
        self
    }
}

impl From<PyErr> for Problem {
    fn from(raised: PyErr) -> Self {
        Self::Raised(raised)
    }
}

type Outcome<T> = Result<T, Problem>;

/// Reads a value that may be nested at most `room` levels deep.
fn value(given: &Bound<'_, PyAny>, room: usize) -> Outcome<Value> {
    if let Ok(text) = given.cast::<PyString>() {
        let text = text.to_str().map_err(|_| Problem::refused(ErrorCode::TextNotUnicode, NOT_UNICODE))?;
        return Ok(Value::String(text.to_owned()));
    }
    if let Ok(members) = given.cast_exact::<PyDict>() {
        return dict(members, deeper(room)?).map(Value::Object);
    }
    if given.is_none() {
        return Ok(Value::Null);
    }
    // Before the integers, which it is one of.
    if let Ok(truth) = given.cast_exact::<PyBool>() {
        return Ok(Value::Bool(truth.is_true()));
    }
    if let Ok(number) = given.cast::<PyInt>() {
        let whole = number.extract::<i64>().map(Number::from);
        let whole = whole.or_else(|_| number.extract::<u64>().map(Number::from));
        let too_large = || Problem::refused(ErrorCode::NumberNotExact, "the integer has more than 64 bits");
        return whole.map(Value::Number).map_err(|_| too_large());
    }
    if let Ok(number) = given.cast::<PyFloat>() {
        let message = "JSON has no nan or inf; omit the value, or pass None or a string";
        let number = Number::from_f64(number.value());
        return number.map(Value::Number).ok_or_else(|| Problem::refused(ErrorCode::ValueNotJson, message));
    }
    if let Ok(items) = given.cast::<PyList>() {
        return list(items.iter(), deeper(room)?);
    }
    // Of a named tuple nobody knows whether its names belong to it.
    if let Ok(items) = given.cast_exact::<PyTuple>() {
        return list(items.iter(), deeper(room)?);
    }
    other(given, room)
}

/// Reads a value of a type that JSON does not have.
fn other(given: &Bound<'_, PyAny>, room: usize) -> Outcome<Value> {
    if is_subject(given)? {
        let members = given.call_method0("to_dict")?;
        return match members.cast_exact::<PyDict>() {
            Ok(members) => dict(members, deeper(room)?).map(Value::Object),
            Err(_) => Err(Problem::refused(ErrorCode::ValueNotJson, "to_dict() of a subject returns a dict")),
        };
    }
    match given.cast::<PyMapping>() {
        Ok(members) => mapping(members, deeper(room)?).map(Value::Object),
        Err(_) => Err(Problem::refused(ErrorCode::ValueNotJson, instead(given)?)),
    }
}

fn deeper(room: usize) -> Outcome<usize> {
    let message = "the value is nested too deep, or contains itself";
    room.checked_sub(1).ok_or_else(|| Problem::refused(ErrorCode::ValueTooDeep, message))
}

fn list<'py>(items: impl Iterator<Item = Bound<'py, PyAny>>, room: usize) -> Outcome<Value> {
    let read = |(index, item)| value(&item, room).map_err(|problem| problem.within(|| format!("/{index}")));
    items.enumerate().map(read).collect::<Outcome<Vec<_>>>().map(Value::Array)
}

fn dict(members: &Bound<'_, PyDict>, room: usize) -> Outcome<Map<String, Value>> {
    // Reading a member may run code that changes the dict, and elsewhere another thread may.
    let pairs = RefCell::new(Vec::with_capacity(members.len()));
    members.locked_for_each(|name, given| {
        pairs.borrow_mut().push((name, given));
        Ok(())
    })?;
    object_of(pairs.into_inner(), room)
}

fn mapping(members: &Bound<'_, PyMapping>, room: usize) -> Outcome<Map<String, Value>> {
    object_of(members.items()?.extract::<Vec<_>>()?, room)
}

fn object_of(pairs: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)>, room: usize) -> Outcome<Map<String, Value>> {
    let mut read = Map::with_capacity(pairs.len());
    for (name, given) in pairs {
        let Ok(name) = name.cast::<PyString>() else {
            let message =
                format!("a member name is of type {}; JSON names must be strings", type_name(&name)?);
            return Err(Problem::refused(ErrorCode::ValueNotJson, message));
        };
        let name = name.to_str().map_err(|_| Problem::refused(ErrorCode::TextNotUnicode, NOT_UNICODE))?;
        let step = || format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        read.insert(name.to_owned(), value(&given, room).map_err(|problem| problem.within(step))?);
    }
    Ok(read)
}

/// Whether it is a subject of ours, which is an object in a SET.
fn is_subject(given: &Bound<'_, PyAny>) -> PyResult<bool> {
    static SUBJECT: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    given.is_instance(import(&SUBJECT, given.py(), "ssf_transmitter._model", "Subject")?)
}

/// What to give instead of a value that has no one form in JSON.
fn instead(given: &Bound<'_, PyAny>) -> PyResult<String> {
    let name = type_name(given)?;
    let instead = match name.as_str() {
        "datetime" | "date" | "time" | "timedelta" | "Timestamp" => "seconds since 1970, or a string",
        "bytes" | "bytearray" | "memoryview" => "a string, such as base64",
        "set" | "frozenset" | "generator" => "a list",
        _ if given.is_instance_of::<PyTuple>() => "a list, or its _asdict()",
        _ if given.hasattr("item")? => "what its item() or tolist() returns",
        _ if given.hasattr("value")? && given.hasattr("name")? => "its value",
        _ => "a string or a dict",
    };
    Ok(format!("{name} has no single JSON form; pass {instead}"))
}

fn type_name(given: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(given.get_type().name()?.to_string())
}

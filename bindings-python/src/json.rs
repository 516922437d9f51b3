//! JSON objects from what Python has.

use std::cell::RefCell;

use pyo3::{
    Borrowed,
    exceptions::PyTypeError,
    prelude::*,
    sync::PyOnceLock,
    types::{PyBool, PyDict, PyFloat, PyFunction, PyInt, PyList, PyString, PyTuple},
};
use serde_json::{Map, Number, Value};

use crate::imports::import;

/// How deep values are followed here; deeper ones, and those that contain themselves, are for Python's own encoder.
const DEPTH: u32 = 64;

/// A `dict` that is to be a JSON object.
pub(crate) enum Object {
    /// Of values that JSON has.
    Read(Map<String, Value>),
    /// Of others too, as Python's encoder has written it. The core is to say what is wrong with it.
    Text(String),
}

impl<'py> FromPyObject<'_, 'py> for Object {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        static DUMPS: PyOnceLock<Py<PyFunction>> = PyOnceLock::new();
        if let Some(Value::Object(members)) = value(&given, DEPTH) {
            return Ok(Self::Read(members));
        }
        let dumps = import(&DUMPS, given.py(), "ssf_transmitter._model", "dumps")?;
        Ok(Self::Text(dumps.call1((given,))?.extract()?))
    }
}

impl Object {
    /// The members, if it is a JSON object after all.
    pub(crate) fn members(self) -> Result<Map<String, Value>, String> {
        match self {
            Self::Read(members) => Ok(members),
            Self::Text(text) => serde_json::from_str(&text).map_err(|_| text),
        }
    }
}

/// A value of one of the types that JSON has, and that Python's encoder would write without asking anybody.
fn value(given: &Bound<'_, PyAny>, depth: u32) -> Option<Value> {
    if let Ok(text) = given.cast::<PyString>() {
        return Some(Value::String(text.to_str().ok()?.to_owned()));
    }
    if let Ok(members) = given.cast_exact::<PyDict>() {
        return object(members, depth.checked_sub(1)?).map(Value::Object);
    }
    if let Ok(number) = given.cast_exact::<PyInt>() {
        let whole = number.extract::<i64>().map(Number::from);
        return whole.or_else(|_| number.extract::<u64>().map(Number::from)).ok().map(Value::Number);
    }
    if given.is_none() {
        return Some(Value::Null);
    }
    if let Ok(truth) = given.cast_exact::<PyBool>() {
        return Some(Value::Bool(truth.is_true()));
    }
    if let Ok(number) = given.cast_exact::<PyFloat>() {
        return Number::from_f64(number.value()).map(Value::Number);
    }
    let depth = depth.checked_sub(1)?;
    if let Ok(items) = given.cast_exact::<PyList>() {
        return items.iter().map(|item| value(&item, depth)).collect();
    }
    let items = given.cast_exact::<PyTuple>().ok()?;
    items.iter().map(|item| value(&item, depth)).collect()
}

fn object(members: &Bound<'_, PyDict>, depth: u32) -> Option<Map<String, Value>> {
    let read = RefCell::new(Map::with_capacity(members.len()));
    let each = |name: Bound<'_, PyAny>, member: Bound<'_, PyAny>| {
        let name = name.cast::<PyString>()?.to_str()?.to_owned();
        let member = value(&member, depth).ok_or_else(|| PyTypeError::new_err("not one of these types"))?;
        read.borrow_mut().insert(name, member);
        Ok(())
    };
    // Where there is no global lock, nobody changes the dict meanwhile.
    members.locked_for_each(each).ok()?;
    Some(read.into_inner())
}

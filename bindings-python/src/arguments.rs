//! What Python gives, as Rust takes it: spans and points of time, texts and bytes, and keywords that nobody knows.

use std::time::{Duration, SystemTime};

use pyo3::{
    Borrowed,
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    sync::PyOnceLock,
    types::{PyBool, PyDateTime, PyDelta, PyDeltaAccess as _, PyDict, PyFunction, PyTzInfo},
};
use serde_json::Value;
use ssf_transmitter as sdk;

use crate::imports::{filled, import};

/// A span of time: a `timedelta`, or a number of seconds.
#[derive(Clone, Copy)]
pub(crate) struct Span(pub(crate) Duration);

impl<'py> FromPyObject<'_, 'py> for Span {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(span) = given.cast::<PyDelta>() {
            return Ok(Self(span.extract()?));
        }
        if given.is_instance_of::<PyBool>() {
            return Err(expected("a timedelta or a number of seconds", given));
        }
        let seconds: f64 =
            given.extract().map_err(|_| expected("a timedelta or a number of seconds", given))?;
        Duration::try_from_secs_f64(seconds)
            .map(Self)
            .map_err(|_| PyValueError::new_err("a duration must be finite and not negative"))
    }
}

/// A point in time: a `datetime` with a time zone.
#[derive(Clone, Copy)]
pub(crate) struct Moment(pub(crate) sdk::Timestamp);

impl<'py> FromPyObject<'_, 'py> for Moment {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        static EPOCH: PyOnceLock<Py<PyDateTime>> = PyOnceLock::new();
        let py = given.py();
        let moment = given.cast::<PyDateTime>().map_err(|_| expected("a datetime", given))?;
        let epoch = filled(&EPOCH, py, || {
            let utc = PyTzInfo::utc(py)?;
            PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, Some(&utc)).map(Bound::unbind)
        })?;
        let since = match moment.sub(epoch) {
            Ok(since) => since,
            // Without a time zone there is no difference to a time with one.
            Err(_) if moment.call_method0("utcoffset")?.is_none() => {
                return Err(PyTypeError::new_err(
                    "expected a datetime with a time zone, such as datetime.now(timezone.utc)",
                ));
            }
            Err(raised) => return Err(raised),
        };
        let since = since.cast::<PyDelta>()?;
        let seconds = i64::from(since.get_days()) * 86_400 + i64::from(since.get_seconds());
        let millis = i64::from(since.get_microseconds() / 1000);
        Ok(Self(sdk::Timestamp::from_unix_millis(seconds * 1000 + millis)))
    }
}

/// A point in time as Python has it: a `datetime` in UTC.
pub(crate) fn datetime(moment: sdk::Timestamp) -> SystemTime {
    let epoch = sdk::Timestamp::from_unix_millis(0);
    SystemTime::UNIX_EPOCH + moment.since(epoch) - epoch.since(moment)
}

/// Seconds since 1970 as JSON has them: whole, or with a fraction.
#[pyfunction]
#[pyo3(signature = (moment, /))]
pub(crate) fn seconds(py: Python<'_>, moment: Moment) -> PyResult<Bound<'_, PyAny>> {
    match Value::from(moment.0).as_i64() {
        Some(whole) => whole.into_pyobject(py).map(Bound::into_any).map_err(Into::into),
        None => Ok(Value::from(moment.0).as_f64().unwrap_or_default().into_pyobject(py)?.into_any()),
    }
}

/// Milliseconds since 1970.
#[pyfunction]
#[pyo3(signature = (moment, /))]
pub(crate) fn milliseconds(moment: Moment) -> i64 {
    moment.0.as_unix_millis()
}

/// `bytes` or `str`.
#[derive(Clone, Copy)]
pub(crate) enum Data<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
}

impl<'a> FromPyObject<'a, '_> for Data<'a> {
    type Error = PyErr;

    fn extract(given: Borrowed<'a, '_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = given.extract() {
            return Ok(Self::Text(text));
        }
        given.extract().map(Self::Bytes).map_err(|_| expected("bytes or str", given))
    }
}

impl AsRef<[u8]> for Data<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }
}

/// The known keyword that was probably meant, if one is near.
#[pyfunction]
#[pyo3(signature = (name, known, /))]
#[allow(clippy::needless_pass_by_value, reason = "this is how lists come from Python")]
pub(crate) fn nearest(name: &str, known: Vec<String>) -> Option<String> {
    ssf_bindings::names::nearest(name, &known)
}

/// Refuses keywords beyond `known`, and says which one may have been meant.
pub(crate) fn no_others(unknown: Option<&Bound<'_, PyDict>>, function: &str, known: &[&str]) -> PyResult<()> {
    static UNEXPECTED: PyOnceLock<Py<PyFunction>> = PyOnceLock::new();
    match unknown {
        Some(unknown) if !unknown.is_empty() => {
            let py = unknown.py();
            let refuse = import(&UNEXPECTED, py, "ssf_transmitter._keywords", "unexpected")?;
            Err(PyErr::from_value(refuse.call1((function, unknown.keys(), known.to_vec()))?))
        }
        _ => Ok(()),
    }
}

/// The error for something else than what was expected.
pub(crate) fn expected(what: &str, given: Borrowed<'_, '_, PyAny>) -> PyErr {
    let name = given.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("expected {what}, got {name}"))
}

/// A JSON text as objects of Python.
pub(crate) fn loads<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyFunction>> = PyOnceLock::new();
    import(&LOADS, py, "json", "loads")?.call1((json,))
}

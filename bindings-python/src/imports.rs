//! Python objects that are looked up once and cached.
//!
//! pyo3 releases the GIL while it initializes a `PyOnceLock`, and another thread may fork then: in the child the cell would
//! stay half initialized, and every use of it would block. So our cells are set in one step, and those inside pyo3 are
//! initialized when the module is imported.

use pyo3::{
    PyTypeCheck,
    prelude::*,
    sync::PyOnceLock,
    types::{PyDateTime, PyDelta, PyDict, PyMapping, PySequence, PyTzInfo},
};

use crate::{
    arguments::{Moment, Span, expected, loads},
    errors::ErrorParts,
    lint::Lint,
    okta,
    policy::Retry,
};

/// A member of a module.
pub(crate) fn import<'a, 'py, T: PyTypeCheck>(
    cell: &'a PyOnceLock<Py<T>>,
    py: Python<'py>,
    module: &str,
    member: &str,
) -> PyResult<&'a Bound<'py, T>> {
    filled(cell, py, || Ok(py.import(module)?.getattr(member)?.cast_into()?.unbind()))
}

/// The content of a cell, which is set to what `find` returns if it is empty.
pub(crate) fn filled<'a, 'py, T>(
    cell: &'a PyOnceLock<Py<T>>,
    py: Python<'py>,
    find: impl Fn() -> PyResult<Py<T>>,
) -> PyResult<&'a Bound<'py, T>> {
    loop {
        if let Some(found) = cell.get(py) {
            return Ok(found.bind(py));
        }
        // Another thread may have set it meanwhile.
        let _ = cell.set(py, find()?);
    }
}

/// An interned attribute name; unlike `pyo3::intern!`, its cell is set in one step.
macro_rules! name {
    ($py:expr, $text:literal) => {{
        static NAME: pyo3::sync::PyOnceLock<Py<pyo3::types::PyString>> = pyo3::sync::PyOnceLock::new();
        let find = || Ok(pyo3::types::PyString::intern($py, $text).unbind());
        $crate::imports::filled(&NAME, $py, find)
    }};
}
pub(crate) use name;

/// Initializes the cells inside pyo3 that converting arguments and results uses, by converting some.
pub(crate) fn fill(py: Python<'_>) -> PyResult<()> {
    PyDelta::new(py, 0, 1, 0, false)?.extract::<Span>()?;
    let utc = PyTzInfo::utc(py)?;
    PyDateTime::new(py, 1970, 1, 1, 0, 0, 0, 0, Some(&utc))?.extract::<Moment>()?;
    let object = loads(py, "{}")?;
    let _ = object.cast::<PySequence>();
    let _ = py.None().bind(py).cast::<PyMapping>();
    let _ = expected("nothing", object.as_borrowed());
    let members =
        ["max_attempts", "attempt_timeout", "base", "max_backoff", "max_retry_after", "refuse", "report"];
    let wanted = ["name", "kind", "well_known_url", "issuer", "jwks_url"];
    let given = PyDict::new(py);
    for name in members.iter().chain(&wanted) {
        given.set_item(name, py.None())?;
    }
    given.set_item("allow", (0,).into_pyobject(py)?.get_slice(0, 0))?;
    let given = py.import("types")?.getattr("SimpleNamespace")?.call((), Some(&given))?;
    given.extract::<Retry>()?;
    given.extract::<Lint>()?;
    given.extract::<okta::ProviderArguments>()?;
    for name in ["code", "message"] {
        given.setattr(name, "")?;
    }
    for name in ["pointer", "status", "receiver_error", "receiver_description"] {
        given.setattr(name, py.None())?;
    }
    given.extract::<ErrorParts>()?;
    Ok(())
}

//! Findings, explanations, and how findings are handled.

use pyo3::{
    Borrowed,
    exceptions::{PyAttributeError, PyValueError},
    prelude::*,
    sync::PyOnceLock,
    types::{PyTuple, PyType},
};
use ssf_bindings::lint::Setup;
use ssf_transmitter::{
    self as sdk,
    catalogue::Language,
    explain::Explanation,
    http::Response,
    lint::{Finding, LintPolicy, Severity},
    set::Audience,
};

use crate::{
    arguments::{Data, Moment, expected},
    emission::{ReadEvent, ReadSubject},
    errors::{ErrorParts, Failure},
    fork::{detached, inside},
    imports::import,
    jwks::Jwks,
    receiver::Dialect,
    sets::{Addressee, SignedSet, UnsignedSet},
};

type FindingsTuple<'py> = Bound<'py, PyTuple>;

/// Lints events, SETs and tokens.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Linter(pub(crate) sdk::lint::Linter);

/// Whether it is delivered, the reason, the cause and its remedy, other causes and theirs, findings, what was said.
type ExplanationTuple<'py> =
    (bool, String, String, String, Vec<(String, String)>, FindingsTuple<'py>, Option<String>);

#[pymethods]
impl Linter {
    #[new]
    #[pyo3(signature = (dialect, *, issuer, audience, jwks, now))]
    fn new(
        dialect: &Dialect,
        issuer: Option<String>,
        audience: Option<Addressee>,
        jwks: Option<&Jwks>,
        now: Option<Moment>,
    ) -> Self {
        let setup = Setup {
            dialect: dialect.0.clone(),
            issuer,
            audience: audience.map(Audience::from),
            jwks: jwks.map(|jwks| jwks.0.clone()),
            now: now.map(|now| now.0),
            ..Setup::default()
        };
        Self(setup.linter())
    }

    fn event<'py>(
        &self,
        py: Python<'py>,
        event: ReadEvent,
        subject: Option<ReadSubject>,
    ) -> PyResult<FindingsTuple<'py>> {
        findings(py, &self.0.read(event.0, subject.map(|subject| subject.0)))
    }

    fn unsigned<'py>(&self, py: Python<'py>, set: &UnsignedSet) -> PyResult<FindingsTuple<'py>> {
        findings(py, &self.0.unsigned(&set.0))
    }

    fn signed<'py>(&self, py: Python<'py>, set: &SignedSet) -> PyResult<FindingsTuple<'py>> {
        findings(py, &detached(py, || self.0.signed(&set.0)))
    }

    fn jwt<'py>(&self, py: Python<'py>, text: &str) -> PyResult<FindingsTuple<'py>> {
        findings(py, &detached(py, || self.0.jwt(text)))
    }

    #[pyo3(signature = (set, *, status, headers, body, sent_as))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        set: &str,
        status: u16,
        headers: Vec<(String, String)>,
        body: Data<'_>,
        sent_as: Option<String>,
    ) -> PyResult<ExplanationTuple<'py>> {
        let answer = Response::new(status, headers, body.as_ref().to_vec());
        let linter = ssf_bindings::set(self.0.clone(), sent_as, sdk::lint::Linter::sent_as);
        explanation_tuple(py, detached(py, || linter.explain(set, &answer)))
    }

    fn explain_error<'py>(
        &self,
        py: Python<'py>,
        set: &str,
        error: ErrorParts,
    ) -> PyResult<ExplanationTuple<'py>> {
        let error = error.into();
        explanation_tuple(py, detached(py, || self.0.explain_error(set, &error)))
    }
}

/// Lints a published JWKS document.
#[pyfunction]
#[pyo3(signature = (document, /))]
pub(crate) fn lint_jwks<'py>(py: Python<'py>, document: &str) -> PyResult<FindingsTuple<'py>> {
    findings(py, &inside(|| sdk::lint::jwks(document)))
}

/// Findings on their way to Python.
pub(crate) struct Findings(pub(crate) Vec<Finding>);

impl<'py> IntoPyObject<'py> for Findings {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        findings(py, &self.0)
    }
}

/// Findings as `ssf_transmitter.lint.Finding`.
pub(crate) fn findings<'py>(py: Python<'py>, found: &[Finding]) -> PyResult<FindingsTuple<'py>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    if found.is_empty() {
        return Ok(PyTuple::empty(py));
    }
    let class = import(&CLASS, py, "ssf_transmitter.lint", "Finding")?;
    let made = found.iter().map(|finding| {
        let rule = finding.rule();
        class.call1((
            rule.id,
            finding.severity().as_str(),
            rule.effect.as_str(),
            rule.code.as_str(),
            finding.pointer(),
            finding.message(),
            finding.remedy(),
            rule.doc,
            rule.source,
        ))
    });
    PyTuple::new(py, made.collect::<PyResult<Vec<_>>>()?)
}

fn explanation_tuple(py: Python<'_>, explanation: Explanation) -> PyResult<ExplanationTuple<'_>> {
    let explanation = explanation.in_language(Language::Python);
    let possible = explanation.possible().iter().map(|other| (other.cause.clone(), other.remedy.clone()));
    Ok((
        explanation.is_delivered(),
        explanation.reason().to_owned(),
        explanation.cause().to_owned(),
        explanation.remedy().to_owned(),
        possible.collect(),
        findings(py, explanation.findings())?,
        explanation.said().map(str::to_owned),
    ))
}

/// How findings are handled: a `ssf_transmitter.lint.LintPolicy`.
#[derive(Clone)]
pub(crate) struct Lint(pub(crate) LintPolicy);

/// Its members.
#[derive(FromPyObject)]
struct Members {
    refuse: Option<String>,
    report: Option<String>,
    allow: Vec<String>,
}

impl<'py> FromPyObject<'_, 'py> for Lint {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let members: Members = given.extract().map_err(|error: PyErr| {
            let other = error.is_instance_of::<PyAttributeError>(given.py());
            if other { expected("a LintPolicy", given) } else { error }
        })?;
        let policy = LintPolicy::new()
            .refuse(severity("refuse", members.refuse.as_deref())?)
            .report(severity("report", members.report.as_deref())?);
        let allow = |policy: LintPolicy, rule: &String| policy.allow(rule);
        let policy = members.allow.iter().try_fold(policy, allow).map_err(Failure::from)?;
        Ok(Self(policy))
    }
}

/// The severity of this name.
fn severity(place: &str, name: Option<&str>) -> PyResult<Option<Severity>> {
    ssf_bindings::lint::severity(name.unwrap_or("never")).ok_or_else(|| {
        PyValueError::new_err(format!("{place}: no such severity; known are note, warning, error, or None"))
    })
}

/// Checks a policy.
#[pyfunction]
#[pyo3(signature = (policy, /))]
#[allow(clippy::needless_pass_by_value, reason = "reading it was the check")]
pub(crate) fn check_lint_policy(policy: Lint) {
    let Lint(_) = policy;
}

//! A request to the stream API, once its head is read. Its steps belong to one process.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, PoisonError},
};

use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyBytes};
use ssf_transmitter::{
    self as sdk, ErrorCode,
    stream::{self, Answer, Step},
};

use crate::{
    arguments::Span,
    errors::{ErrorParts, Result},
    futures::{Mailbox, Task},
    pending::signing,
    process::Own,
    runtime::{FORKED, wait},
    sets::SignatureArgument,
    signer::Signers,
};

/// Status, headers and body of an answer.
pub(crate) type Response = (u16, Vec<(&'static str, String)>, Cow<'static, [u8]>);

pub(crate) fn response(answer: Answer) -> Response {
    let headers = answer.headers().map(|(name, value)| (name, value.to_owned())).collect();
    (answer.status(), headers, Cow::Owned(answer.into_body()))
}

/// What follows from the body of a request.
#[derive(IntoPyObject)]
pub(crate) enum Responded {
    Answered(Response),
    Sign(StreamSigning),
}

impl Responded {
    fn of(step: Step, signers: Arc<Signers>) -> Self {
        match step {
            Step::Answered(answer) => Self::Answered(response(answer)),
            Step::Sign(signing) => Self::Sign(StreamSigning { core: Held::new(signing), signers }),
        }
    }
}

/// A request that waits for its body.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct StreamCall {
    core: Held<stream::Call>,
    signers: Arc<Signers>,
}

impl StreamCall {
    pub(crate) fn of(call: stream::Call, signers: Arc<Signers>) -> Self {
        Self { core: Held::new(call), signers }
    }
}

#[pymethods]
impl StreamCall {
    /// How many bytes of the body to read at most.
    #[getter]
    fn limit(&self) -> Result<usize> {
        self.core.with(stream::Call::limit)
    }

    /// Answers the request on this thread, or tells what to sign first. A long poll waits no longer than `longest`.
    fn respond(&self, py: Python<'_>, body: &[u8], longest: Span) -> Result<Responded> {
        let call = self.core.take()?.longest_poll(longest.0);
        Ok(Responded::of(wait(py, call.step(body))?, self.signers.clone()))
    }

    fn respond_async(&self, body: Vec<u8>, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let (call, signers) = (self.core.take()?, self.signers.clone());
        mailbox.spawn(future, async move { Ok(call.step(&body).await) }, |step| Responded::of(step, signers))
    }

    /// The answer if the body does not come in time.
    fn too_slow(&self) -> Result<Response> {
        self.core.with(|call| response(call.too_slow()))
    }
}

/// A poll that waits for signatures that Python makes.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct StreamSigning {
    core: Held<stream::Signing>,
    signers: Arc<Signers>,
}

/// The function that signs, what it is given, and how many seconds it may take.
type Request<'py> = (Py<PyAny>, Bound<'py, PyBytes>, f64);

#[pymethods]
impl StreamSigning {
    /// The signatures that it waits for.
    #[getter]
    fn requests<'py>(&self, py: Python<'py>) -> Result<Vec<Request<'py>>> {
        let (key, sets, seconds) = self.core.with(|core| {
            (core.key().clone(), core.sets().cloned().collect::<Vec<_>>(), core.time_left().as_secs_f64())
        })?;
        let Some(signer) = self.signers.of(py, &key.into()) else { return Ok(Vec::new()) };
        let request = |set| {
            let (function, input) = signing(py, &signer, &set)?;
            Ok((function, input, seconds))
        };
        sets.into_iter().map(request).collect()
    }

    /// How many seconds are left for them.
    #[getter]
    fn time_left(&self) -> Result<f64> {
        self.core.with(|core| core.time_left().as_secs_f64())
    }

    /// Answers the request, with signatures and exceptions that tell why there are none.
    fn finish(&self, py: Python<'_>, signatures: Vec<Signed>) -> Result<Response> {
        let (core, signatures) = (self.core.take()?, signatures.into_iter().map(|signed| signed.0).collect());
        Ok(response(wait(py, core.finish(signatures))?))
    }

    fn finish_async(&self, signatures: Vec<Signed>, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let (core, signatures) = (self.core.take()?, signatures.into_iter().map(|signed| signed.0).collect());
        mailbox.spawn(future, async move { Ok(core.finish(signatures).await) }, response)
    }
}

/// A signature, or the error that an exception tells. What is neither is an error of the signer.
struct Signed(sdk::error::Result<sdk::Signature>);

impl FromPyObject<'_, '_> for Signed {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(error) = given.extract::<ErrorParts>() {
            return Ok(Self(Err(error.into())));
        }
        let signature = given.extract::<SignatureArgument>();
        Ok(Self(signature.map(|signature| signature.0).map_err(|error| {
            let message = format!("the signer: {}", error.value(given.py()));
            sdk::Error::new(ErrorCode::SignatureMalformed, message)
        })))
    }
}

/// A step of a request, which is taken once, by the process that it belongs to.
struct Held<T>(Mutex<Option<Own<T>>>);

impl<T> Held<T> {
    fn new(step: T) -> Self {
        Self(Mutex::new(Some(Own::new(step))))
    }

    fn with<R>(&self, what: impl FnOnce(&T) -> R) -> Result<R> {
        let step = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let step = step.as_ref().and_then(Own::get).ok_or_else(gone)?;
        Ok(what(step))
    }

    fn take(&self) -> Result<T> {
        let step = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(step.and_then(Own::into_inner).ok_or_else(gone)?)
    }
}

/// It was answered, or belongs to the parent of this process.
fn gone() -> PyErr {
    PyRuntimeError::new_err(FORKED)
}

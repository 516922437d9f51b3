//! A worker. It runs on the threads of the library, and asks Python for receivers and signatures.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use ssf_bindings::outbox::{Question as Asked, Questions, Reply, WorkerSettings};
use ssf_transmitter::{
    self as sdk,
    client::{Drained, WorkerHandle},
    outbox::Alert,
};
use tokio::{sync::Mutex as AsyncMutex, task::JoinHandle};

use crate::{
    arguments::Span,
    errors::{ErrorParts, Result},
    fork::Guarded,
    futures::{Mailbox, Task},
    outbox::Outbox,
    pending::signing,
    process::Own,
    receiver::Receiver,
    runtime::{FORKED, shared, wait},
    sets::{SignatureArgument, UnsignedSet},
    signer::{Signer, Signers},
    streams::StreamApi,
    transmitter::Transmitter,
};

/// The settings of a worker.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct WorkerOptions(WorkerSettings);

#[pymethods]
impl WorkerOptions {
    #[new]
    #[allow(clippy::too_many_arguments, reason = "the settings of a worker")]
    fn new(
        concurrency: Option<u32>,
        per_receiver: Option<u32>,
        lease: Option<Span>,
        grace: Option<Span>,
        poll: Option<Span>,
        max_attempts: Option<u32>,
        base: Option<Span>,
        max_backoff: Option<Span>,
        keep_delivered: Option<Span>,
        keep_dead: Option<Span>,
        keep_discarded: Option<Span>,
    ) -> Self {
        let span = |span: Option<Span>| span.map(|span| span.0);
        Self(WorkerSettings {
            concurrency,
            per_receiver,
            lease: span(lease),
            grace: span(grace),
            poll: span(poll),
            max_attempts,
            base: span(base),
            max_backoff: span(max_backoff),
            keep_delivered: span(keep_delivered),
            keep_dead: span(keep_dead),
            keep_discarded: span(keep_discarded),
        })
    }
}

/// A worker that runs in this process.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Running {
    parts: Own<Parts>,
    signers: Arc<Signers>,
}

struct Parts {
    handle: WorkerHandle,
    questions: Arc<AsyncMutex<Questions>>,
    ended: Mutex<Option<JoinHandle<sdk::Result<Drained>>>>,
}

/// In flight, delivered, failed, lost, errors of the store, and the code of the last one.
type HealthTuple = (u64, u64, u64, u64, u64, Option<&'static str>);

#[pymethods]
impl Running {
    /// Starts a worker: until it is stopped, or until nothing is ready.
    #[new]
    fn new(
        outbox: &Outbox,
        transmitter: &Transmitter,
        options: &WorkerOptions,
        drain: bool,
        streams: Option<&StreamApi>,
    ) -> Result<Self> {
        let streams = streams.map(StreamApi::core).transpose()?.cloned();
        let (worker, questions) = options.0.worker(outbox.core()?, transmitter.shared()?.clone(), streams);
        let handle = worker.handle();
        let ended = shared()?.spawn(Guarded::new(async move {
            if drain { worker.drain().await } else { worker.run().await.map(|()| Drained::default()) }
        }));
        let parts =
            Parts { handle, questions: Arc::new(AsyncMutex::new(questions)), ended: Mutex::new(Some(ended)) };
        Ok(Self { parts: Own::new(parts), signers: transmitter.signers() })
    }

    /// What it asks next; `None` when it has ended.
    fn next(&self, py: Python<'_>) -> Result<Option<Question>> {
        let questions = self.here()?.questions.clone();
        let asked = wait(py, async move { questions.lock().await.next().await })?;
        Ok(asked.map(|asked| self.question(py, asked)))
    }

    fn next_async(&self, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let (questions, signers) = (self.here()?.questions.clone(), self.signers.clone());
        mailbox.spawn(future, async move { Ok(questions.lock().await.next().await) }, move |asked| {
            Python::attach(|py| asked.map(|asked| question(py, &signers, asked)))
        })
    }

    /// Why it ended, or what it did.
    fn result(&self, py: Python<'_>) -> Result<(u64, u64)> {
        let ended = self.here()?.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = ended.ok_or_else(|| PyRuntimeError::new_err("the result was taken"))?;
        let drained =
            wait(py, ended)?.map_err(|_| PyRuntimeError::new_err("the worker ended without a result"))??;
        Ok((drained.delivered, drained.failed))
    }

    /// Asks it to end. A child leaves the worker of its parent alone.
    fn stop(&self) {
        if let Some(parts) = self.parts.get() {
            parts.handle.stop();
        }
    }

    /// Ends it at once. Its deliveries wait until their leases end.
    fn abort(&self) {
        if let Some(parts) = self.parts.get()
            && let Some(ended) = &*parts.ended.lock().unwrap_or_else(PoisonError::into_inner)
        {
            ended.abort();
        }
    }

    /// How it is.
    fn health(&self) -> Result<HealthTuple> {
        let health = self.here()?.handle.health();
        let code = health.store_error.map(|error| error.code().as_str());
        Ok((health.in_flight, health.delivered, health.failed, health.lost, health.store_errors, code))
    }
}

impl Running {
    fn here(&self) -> PyResult<&Parts> {
        self.parts.get().ok_or_else(|| PyRuntimeError::new_err(FORKED))
    }

    fn question(&self, py: Python<'_>, asked: Asked) -> Question {
        question(py, &self.signers, asked)
    }
}

/// What a worker asks: the receiver with a name, a signature, or nothing (an alert).
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Question {
    /// The name of the receiver, except of a signature.
    #[pyo3(get)]
    receiver: Option<String>,
    /// `paused` or `resumed`, of an alert.
    #[pyo3(get)]
    alert: Option<&'static str>,
    /// Why a receiver was paused.
    #[pyo3(get)]
    failure: Option<crate::outbox_records::Failure>,
    signer: Option<Py<Signer>>,
    set: Option<sdk::UnsignedSet>,
    reply: Mutex<Option<AnyReply>>,
}

enum AnyReply {
    Receiver(Reply<Option<sdk::Receiver>>),
    Signature(Reply<sdk::SignedSet>),
}

fn question(py: Python<'_>, signers: &Signers, asked: Asked) -> Question {
    let mut question = Question {
        receiver: None,
        alert: None,
        failure: None,
        signer: None,
        set: None,
        reply: Mutex::default(),
    };
    match asked {
        Asked::Receiver { name, reply } => {
            question.receiver = Some(name);
            question.reply = Mutex::new(Some(AnyReply::Receiver(reply)));
        }
        Asked::Sign { key, set, reply } => {
            question.signer = signers.of(py, &key.into());
            question.set = Some(set);
            question.reply = Mutex::new(Some(AnyReply::Signature(reply)));
        }
        Asked::Alert { receiver, alert } => {
            question.receiver = Some(receiver);
            question.alert = Some(match alert {
                Alert::Paused(failure) => {
                    question.failure = Some(failure.into());
                    "paused"
                }
                _ => "resumed",
            });
        }
        _ => {}
    }
    question
}

/// The function that signs, and what it is given.
type Signing<'py> = (Py<PyAny>, Bound<'py, pyo3::types::PyBytes>);

#[pymethods]
impl Question {
    /// What must sign; `None` if it asks for no signature.
    #[getter]
    fn signing<'py>(&self, py: Python<'py>) -> Result<Option<Signing<'py>>> {
        let (Some(signer), Some(set)) = (&self.signer, &self.set) else { return Ok(None) };
        Ok(Some(signing(py, signer, set)?))
    }

    /// Answers with a receiver, or with `None` if there is none.
    fn found(&self, receiver: Option<&Receiver>) -> Result<()> {
        let receiver = receiver.map(Receiver::core).transpose()?.cloned();
        if let Some(AnyReply::Receiver(reply)) = self.take() {
            reply.answer(Ok(receiver));
        }
        Ok(())
    }

    /// Answers with a signature.
    fn signed(&self, signature: SignatureArgument) {
        if let (Some(AnyReply::Signature(reply)), Some(set)) = (self.take(), &self.set) {
            reply.answer(crate::fork::inside(|| set.clone().attach(signature.0)));
        }
    }

    /// Answers with the exception that says why there is no answer.
    fn failed(&self, error: ErrorParts) {
        match self.take() {
            Some(AnyReply::Receiver(reply)) => reply.answer(Err(error.into())),
            Some(AnyReply::Signature(reply)) => reply.answer(Err(error.into())),
            None => {}
        }
    }

    /// What is signed, for inspection.
    #[getter]
    fn set(&self) -> Option<UnsignedSet> {
        self.set.clone().map(UnsignedSet)
    }
}

impl Question {
    fn take(&self) -> Option<AnyReply> {
        self.reply.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

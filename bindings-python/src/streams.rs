//! The stream API. Its store belongs to one process, as that of its outbox does.

use std::{
    borrow::Cow,
    sync::{Mutex, PoisonError},
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use ssf_bindings::streams::{self, StreamSettings};
use ssf_transmitter::{
    set::Audience,
    stream::{self, Answer},
};

use crate::{
    arguments::Span,
    errors::Result,
    fork::{detached, inside},
    futures::{Mailbox, Task},
    key_set::KeySet,
    outbox::{Entry, Outbox},
    process::{Own, PerProcess},
    runtime::{FORKED, wait},
    sets::Addressee,
};

/// What answers receivers and publishes to their streams.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct StreamApi {
    settings: StreamSettings,
    outbox: Py<Outbox>,
    /// Over a store without streams: what follows from the settings alone.
    bare: stream::StreamApi,
    core: PerProcess<stream::StreamApi>,
}

/// Status, headers and body of an answer.
type Response = (u16, Vec<(&'static str, String)>, Cow<'static, [u8]>);

/// The receiver, its audience, and the names of its scopes.
type CallerTuple = (String, Option<Addressee>, Vec<String>);

/// The ids of SETs, to how many streams they go, and whether they were published before.
type PublishedTuple = (Vec<String>, u64, bool);

#[pymethods]
impl StreamApi {
    #[new]
    #[allow(clippy::too_many_arguments, reason = "the settings of the API")]
    fn new(
        issuer: String,
        keys: &KeySet,
        outbox: Bound<'_, Outbox>,
        base_url: Option<String>,
        events: Vec<String>,
        default_subjects: Option<String>,
        critical_subject_members: Vec<String>,
        max_streams: Option<u32>,
        min_verification_interval: Option<Span>,
        long_poll: Option<Span>,
        lease: Option<Span>,
        max_sets: Option<u32>,
        max_waiting: Option<u64>,
        push: bool,
        allow_networks: Vec<String>,
        resource_metadata: Option<String>,
        allow_loopback_http: bool,
    ) -> Result<Self> {
        let span = |span: Option<Span>| span.map(|span| span.0);
        let settings = StreamSettings {
            issuer,
            keys: keys.core.clone(),
            base_url,
            events,
            default_subjects,
            critical_subject_members,
            max_streams,
            min_verification_interval: span(min_verification_interval),
            long_poll: span(long_poll),
            lease: span(lease),
            max_sets,
            max_waiting,
            push,
            allow_networks,
            resource_metadata,
            allow_loopback_http,
        };
        let bare = inside(|| settings.check(outbox.get().settings()))?;
        Ok(Self { settings, outbox: outbox.unbind(), bare, core: PerProcess::new() })
    }

    /// Whether the API has something at this path.
    fn serves(&self, path: &str) -> bool {
        self.bare.serves(path)
    }

    /// The transmitter configuration, as JSON.
    fn configuration(&self) -> Result<String> {
        Ok(self.bare.configuration().to_json()?)
    }

    /// Begins to answer a request.
    fn begin(
        &self,
        py: Python<'_>,
        method: String,
        target: &str,
        headers: Vec<(String, String)>,
        caller: Option<CallerTuple>,
    ) -> Result<Begun> {
        let api = self.core()?;
        let caller = caller.map(|(receiver, audience, scopes)| {
            streams::caller(receiver, audience.map(Audience::from), &scopes)
        });
        Ok(match detached(py, || streams::begin(api, method, target, headers, caller)) {
            stream::Begun::Answered(answer) => Begun::Answered(response(answer)),
            stream::Begun::Body(call) => Begun::Body(StreamCall(Mutex::new(Some(Own::new(call))))),
        })
    }

    /// Publishes an event.
    fn publish(&self, py: Python<'_>, entry: &Entry) -> Result<PublishedTuple> {
        let (api, entry) = (self.core()?, entry.core());
        Ok(wait(py, async move { api.publish(entry).await })?.map(published)?)
    }

    fn publish_async(&self, entry: &Entry, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let (api, entry) = (self.core()?.clone(), entry.core());
        mailbox.spawn(future, async move { api.publish(entry).await }, published)
    }
}

impl StreamApi {
    /// The API of this process.
    pub(crate) fn core(&self) -> Result<&stream::StreamApi> {
        self.core.get(|| {
            let outbox = self.outbox.get();
            Ok(self.settings.build(outbox.settings(), &outbox.kept()?)?)
        })
    }
}

fn published(published: ssf_transmitter::outbox::Published) -> PublishedTuple {
    (published.jtis, published.streams, published.repeated)
}

fn response(answer: Answer) -> Response {
    let headers = answer.headers().map(|(name, value)| (name, value.to_owned())).collect();
    (answer.status(), headers, Cow::Owned(answer.into_body()))
}

/// What follows from the head of a request.
#[derive(IntoPyObject)]
pub(crate) enum Begun {
    Answered(Response),
    Body(StreamCall),
}

/// A request that waits for its body.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct StreamCall(Mutex<Option<Own<stream::Call>>>);

#[pymethods]
impl StreamCall {
    /// How many bytes of the body to read at most.
    #[getter]
    fn limit(&self) -> Result<usize> {
        self.with(stream::Call::limit)
    }

    /// Answers the request on this thread. A long poll waits no longer than `longest`.
    fn respond(&self, py: Python<'_>, body: &[u8], longest: Span) -> Result<Response> {
        let call = self.take()?.longest_poll(longest.0);
        Ok(response(wait(py, call.respond(body))?))
    }

    fn respond_async(&self, body: Vec<u8>, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let call = self.take()?;
        mailbox.spawn(future, async move { Ok(call.respond(&body).await) }, response)
    }

    /// The answer if the body does not come in time.
    fn too_slow(&self) -> Result<Response> {
        self.with(|call| response(call.too_slow()))
    }
}

impl StreamCall {
    fn with<T>(&self, what: impl FnOnce(&stream::Call) -> T) -> Result<T> {
        let call = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let call = call.as_ref().and_then(Own::get).ok_or_else(gone)?;
        Ok(what(call))
    }

    fn take(&self) -> Result<stream::Call> {
        let call = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(call.and_then(Own::into_inner).ok_or_else(gone)?)
    }
}

/// It was answered, or belongs to the parent of this process.
fn gone() -> PyErr {
    PyRuntimeError::new_err(FORKED)
}

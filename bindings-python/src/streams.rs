//! The stream API. Its store belongs to one process, as that of its outbox does.

use std::{
    borrow::Cow,
    sync::{Mutex, PoisonError},
};

use pyo3::{exceptions::PyRuntimeError, prelude::*};
use ssf_bindings::streams::{self, StreamSettings};
use ssf_transmitter::stream::{self, Answer, Head};

use crate::{
    arguments::Span,
    errors::Result,
    fork::{detached, inside},
    futures::{Mailbox, Task},
    key_set::KeySet,
    outbox::{Entry, Outbox},
    outbox_records::Failure,
    process::{Own, PerProcess},
    receiver::Dialect,
    runtime::{FORKED, wait},
    stream_arguments::{AccessArgument, CallerArgument, HeadArgument},
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

/// The ids of SETs, to how many streams they go, and whether they were published before.
type PublishedTuple = (Vec<String>, u64, bool);

/// Enabled, paused, disabled and failed streams, the last failure, the age of the oldest canary in seconds, and its stream.
type HealthTuple = (u64, u64, u64, u64, Option<Failure>, Option<f64>, Option<String>);

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
        max_subjects: Option<u32>,
        min_verification_interval: Option<Span>,
        long_poll: Option<Span>,
        lease: Option<Span>,
        max_sets: Option<u32>,
        max_waiting: Option<u64>,
        max_held_age: Option<Span>,
        inactivity_timeout: Option<Span>,
        inactivity_stop: Option<String>,
        canary: Option<Span>,
        removal_grace: Option<Span>,
        dialects: Vec<PyRef<'_, Dialect>>,
        push: bool,
        allow_networks: Vec<String>,
        resource_metadata: Option<String>,
        allow_loopback_http: bool,
        access: Option<AccessArgument>,
        rate_limit: Option<u32>,
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
            max_subjects,
            min_verification_interval: span(min_verification_interval),
            long_poll: span(long_poll),
            lease: span(lease),
            max_sets,
            max_waiting,
            max_held_age: span(max_held_age),
            inactivity_timeout: span(inactivity_timeout),
            inactivity_stop,
            canary: span(canary),
            removal_grace: span(removal_grace),
            dialects: dialects.into_iter().map(|dialect| dialect.0.clone()).collect(),
            push,
            allow_networks,
            resource_metadata,
            allow_loopback_http,
            access: access.map(Into::into),
            rate_limit,
        };
        let bare = inside(|| settings.check())?;
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

    /// Begins to answer a request of this caller.
    fn begin(&self, py: Python<'_>, head: HeadArgument, caller: Option<CallerArgument>) -> Result<Begun> {
        let api = self.core()?;
        let (head, caller) = (head.into(), caller.map(Into::into));
        Ok(detached(py, || streams::begin(api, &head, caller)).into())
    }

    /// Finds out who calls, and begins to answer.
    fn admit(&self, py: Python<'_>, head: HeadArgument) -> Result<Begun> {
        let (api, head) = (self.core()?, Head::from(head));
        Ok(wait(py, api.admit(&head))?.into())
    }

    fn admit_async(&self, head: HeadArgument, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let (api, head) = (self.core()?.clone(), Head::from(head));
        mailbox.spawn(future, async move { Ok(api.admit(&head).await) }, Begun::from)
    }

    /// Publishes an event.
    fn publish(&self, py: Python<'_>, entry: &Entry) -> Result<PublishedTuple> {
        let (api, entry) = (self.core()?, entry.core());
        Ok(wait(py, async move { api.publish(entry).await })?.map(published)?)
    }

    /// Looks after all streams.
    fn maintain(&self, py: Python<'_>) -> Result<HealthTuple> {
        let api = self.core()?;
        Ok(wait(py, async move { api.maintain().await })?.map(health)?)
    }

    fn maintain_async(&self, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let api = self.core()?.clone();
        mailbox.spawn(future, async move { api.maintain().await }, health)
    }

    /// Announces that a stream stops: `pause` or `disable`.
    fn stop_stream(&self, py: Python<'_>, stream: &str, how: &str, reason: &str) -> Result<bool> {
        let (api, how) = (self.core()?, streams::stop(how)?);
        Ok(wait(py, async move { api.stop_stream(stream, how, reason).await })??)
    }

    fn stop_stream_async(
        &self,
        stream: String,
        how: &str,
        reason: String,
        mailbox: &Mailbox,
        future: Py<PyAny>,
    ) -> Result<Task> {
        let (api, how) = (self.core()?.clone(), streams::stop(how)?);
        mailbox.spawn(future, async move { api.stop_stream(&stream, how, &reason).await }, |stops| stops)
    }

    /// Lets a stream go on.
    fn resume_stream(&self, py: Python<'_>, stream: &str, reason: &str) -> Result<bool> {
        let api = self.core()?;
        Ok(wait(py, async move { api.resume_stream(stream, reason).await })??)
    }

    fn resume_stream_async(
        &self,
        stream: String,
        reason: String,
        mailbox: &Mailbox,
        future: Py<PyAny>,
    ) -> Result<Task> {
        let api = self.core()?.clone();
        mailbox.spawn(future, async move { api.resume_stream(&stream, &reason).await }, |goes_on| goes_on)
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

fn health(maintained: stream::Maintained) -> HealthTuple {
    let health = maintained.health;
    let age = health.canary_age.map(|age| age.as_secs_f64());
    let failure = health.failure.map(Into::into);
    (health.enabled, health.paused, health.disabled, health.failed, failure, age, health.canary_stream)
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

impl From<stream::Begun> for Begun {
    fn from(begun: stream::Begun) -> Self {
        match begun {
            stream::Begun::Answered(answer) => Self::Answered(response(answer)),
            stream::Begun::Body(call) => Self::Body(StreamCall(Mutex::new(Some(Own::new(call))))),
        }
    }
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

//! The stream API. Its store belongs to one process, as that of its outbox does.

use std::sync::Arc;

use pyo3::prelude::*;
use ssf_bindings::streams::{self, StreamSettings};
use ssf_transmitter::stream::{self, Head};

use crate::{
    arguments::Span,
    errors::Result,
    fork::{detached, inside},
    futures::{Mailbox, Task},
    key_set::KeySet,
    outbox::{Entry, Outbox},
    outbox_records::Failure,
    process::PerProcess,
    receiver::Dialect,
    runtime::wait,
    signer::Signers,
    stream_arguments::{AccessArgument, CallerArgument, HeadArgument},
    stream_calls::{Response, StreamCall, response},
};

/// What answers receivers and publishes to their streams.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct StreamApi {
    settings: StreamSettings,
    signers: Arc<Signers>,
    outbox: Py<Outbox>,
    /// Over a store without streams: what follows from the settings alone.
    bare: stream::StreamApi,
    core: PerProcess<stream::StreamApi>,
}

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
        let signers = keys.signers.clone();
        Ok(Self { settings, signers, outbox: outbox.unbind(), bare, core: PerProcess::new() })
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
        Ok(Begun::of(detached(py, || streams::begin(api, &head, caller)), self.signers.clone()))
    }

    /// Finds out who calls, and begins to answer.
    fn admit(&self, py: Python<'_>, head: HeadArgument) -> Result<Begun> {
        let (api, head) = (self.core()?, Head::from(head));
        Ok(Begun::of(wait(py, api.admit(&head))?, self.signers.clone()))
    }

    fn admit_async(&self, head: HeadArgument, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let (api, head, signers) = (self.core()?.clone(), Head::from(head), self.signers.clone());
        let begun = async move { Ok(api.admit(&head).await) };
        mailbox.spawn(future, begun, |begun| Begun::of(begun, signers))
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

/// What follows from the head of a request.
#[derive(IntoPyObject)]
pub(crate) enum Begun {
    Answered(Response),
    Body(StreamCall),
}

impl Begun {
    fn of(begun: stream::Begun, signers: Arc<Signers>) -> Self {
        match begun {
            stream::Begun::Answered(answer) => Self::Answered(response(answer)),
            stream::Begun::Body(call) => Self::Body(StreamCall::of(call, signers)),
        }
    }
}

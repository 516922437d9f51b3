//! The stream API: answers requests of receivers, and publishes to their streams.

use std::{future::Future, sync::Arc};

use napi::bindgen_prelude::{ClassInstance, Either};
use napi_derive::napi;
use ssf_bindings::streams::{self, StreamSettings};
use ssf_transmitter::{
    self as sdk,
    stream::{self, Begun, Caller},
};
use tokio::sync::OnceCell;

use crate::{
    access::{AccessOptions, CallerOptions},
    deliveries::{DeliveryFailure, count},
    entries::Lines,
    failure::{Failure, Outcome, Result, outcome},
    key::KeySet,
    mailbox::Mailbox,
    outbox::Outbox,
    policy::milliseconds,
    receiver::Dialect,
    stream_calls::{Answer, Audit, StreamCall},
};

/// What can be set of a stream API. Spans are in milliseconds.
#[napi(object, object_to_js = false)]
pub struct StreamOptions<'a> {
    pub issuer: String,
    pub base_url: Option<String>,
    pub events: Vec<String>,
    pub default_subjects: Option<String>,
    pub critical_subject_members: Vec<String>,
    pub max_streams: Option<u32>,
    pub max_subjects: Option<u32>,
    pub min_verification_interval: Option<f64>,
    pub long_poll: Option<f64>,
    pub lease: Option<f64>,
    pub max_sets: Option<u32>,
    pub max_waiting: Option<u32>,
    pub max_held_age: Option<f64>,
    pub inactivity_timeout: Option<f64>,
    pub inactivity_stop: Option<String>,
    pub canary: Option<f64>,
    pub removal_grace: Option<f64>,
    pub dialects: Vec<ClassInstance<'a, Dialect>>,
    pub push: bool,
    pub allow_networks: Vec<String>,
    pub resource_metadata: Option<String>,
    pub allow_loopback: bool,
    pub access: Option<AccessOptions>,
    pub rate_limit: Option<u32>,
}

impl StreamOptions<'_> {
    fn read(self, keys: sdk::KeySet) -> sdk::Result<StreamSettings> {
        let span = |span: Option<f64>| span.map(milliseconds).transpose();
        Ok(StreamSettings {
            issuer: self.issuer,
            keys,
            base_url: self.base_url,
            events: self.events,
            default_subjects: self.default_subjects,
            critical_subject_members: self.critical_subject_members,
            max_streams: self.max_streams,
            max_subjects: self.max_subjects,
            min_verification_interval: span(self.min_verification_interval)?,
            long_poll: span(self.long_poll)?,
            lease: span(self.lease)?,
            max_sets: self.max_sets,
            max_waiting: self.max_waiting.map(u64::from),
            max_held_age: span(self.max_held_age)?,
            inactivity_timeout: span(self.inactivity_timeout)?,
            inactivity_stop: self.inactivity_stop,
            canary: span(self.canary)?,
            removal_grace: span(self.removal_grace)?,
            dialects: self.dialects.iter().map(|dialect| dialect.0.clone()).collect(),
            push: self.push,
            allow_networks: self.allow_networks,
            resource_metadata: self.resource_metadata,
            allow_loopback_http: self.allow_loopback,
            access: self.access.map(Into::into),
            rate_limit: self.rate_limit,
        })
    }
}

/// A stream API.
#[napi]
pub struct StreamApi(Arc<Inner>);

struct Inner {
    settings: StreamSettings,
    outbox: Outbox,
    /// Over a store without streams: what follows from the settings alone.
    bare: stream::StreamApi,
    /// Made where the outbox is first used.
    api: OnceCell<stream::StreamApi>,
}

/// The head of a request: headers are names and values by turns.
#[napi(object, object_to_js = false)]
pub struct RequestHead {
    pub method: String,
    pub target: String,
    pub headers: Vec<String>,
    pub caller: Option<CallerOptions>,
    /// Whether the API finds out who calls.
    pub admit: bool,
    pub remote: Option<String>,
}

/// What was published.
#[napi(object, object_from_js = false)]
pub struct Published {
    pub jtis: Vec<String>,
    pub streams: f64,
    pub repeated: bool,
}

/// How the streams are. The age is in milliseconds.
#[napi(object, object_from_js = false)]
pub struct StreamHealth {
    pub enabled: f64,
    pub paused: f64,
    pub disabled: f64,
    pub failed: f64,
    pub failure: Option<DeliveryFailure>,
    pub canary_age: Option<f64>,
    pub canary_stream: Option<String>,
    pub audits: Vec<Audit>,
}

impl From<stream::Maintained> for StreamHealth {
    fn from(maintained: stream::Maintained) -> Self {
        let health = maintained.health;
        Self {
            enabled: count(health.enabled),
            paused: count(health.paused),
            disabled: count(health.disabled),
            failed: count(health.failed),
            failure: health.failure.map(Into::into),
            canary_age: health.canary_age.map(|age| age.as_secs_f64() * 1000.0),
            canary_stream: health.canary_stream,
            audits: maintained.audits.iter().map(Into::into).collect(),
        }
    }
}

#[napi]
impl StreamApi {
    #[napi]
    pub fn build(options: StreamOptions<'_>, keys: &KeySet, outbox: &Outbox) -> Outcome<StreamApi> {
        let built = options.read(keys.0.clone()).and_then(|settings| {
            let bare = settings.check()?;
            let inner = Inner { settings, outbox: outbox.clone(), bare, api: OnceCell::new() };
            Ok(Self(Arc::new(inner)))
        });
        outcome(built.map_err(Failure::from))
    }

    /// Whether the API has something at this path.
    #[napi]
    pub fn serves(&self, path: String) -> bool {
        self.0.bare.serves(&path)
    }

    /// The transmitter configuration, as JSON.
    #[napi]
    pub fn configuration(&self) -> Outcome<String> {
        outcome(self.0.bare.configuration().to_json().map_err(Failure::from))
    }

    /// Begins to answer a request: the answer, or what waits for the body.
    #[napi]
    pub fn begin(&self, mailbox: &Mailbox, number: u32, head: RequestHead) -> Outcome<()> {
        let api = self.core();
        mailbox.spawn(number, async move {
            let mut rest = head.headers.into_iter();
            let headers = std::iter::from_fn(|| rest.next().zip(rest.next())).collect();
            let remote = head.remote.and_then(|address| address.parse().ok());
            let parts = streams::head(head.method, &head.target, headers, remote);
            let api = api.await?;
            let begun = match head.caller {
                None if head.admit => api.admit(&parts).await,
                caller => streams::begin(&api, &parts, caller.map(Caller::from)),
            };
            Ok(match begun {
                Begun::Answered(answer) => Either::A(Answer::from(answer)),
                Begun::Body(call) => Either::B(StreamCall::of(call)),
            })
        })
    }

    /// Looks after all streams.
    #[napi]
    pub fn maintain(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let api = self.core();
        mailbox.spawn(number, async move { Ok(StreamHealth::from(api.await?.maintain().await?)) })
    }

    /// Announces that a stream stops: `pause` or `disable`.
    #[napi]
    pub fn stop_stream(
        &self,
        mailbox: &Mailbox,
        number: u32,
        stream: String,
        how: String,
        reason: String,
    ) -> Outcome<()> {
        let api = self.core();
        mailbox.spawn(number, async move {
            let how = streams::stop(&how)?;
            Ok(api.await?.stop_stream(&stream, how, &reason).await?)
        })
    }

    /// Lets a stream go on.
    #[napi]
    pub fn resume_stream(
        &self,
        mailbox: &Mailbox,
        number: u32,
        stream: String,
        reason: String,
    ) -> Outcome<()> {
        let api = self.core();
        mailbox.spawn(number, async move { Ok(api.await?.resume_stream(&stream, &reason).await?) })
    }

    /// Publishes an event: the lines of its entry.
    #[napi]
    pub fn publish(&self, mailbox: &Mailbox, number: u32, lines: String) -> Outcome<()> {
        let api = self.core();
        mailbox.spawn(number, async move {
            let published = api.await?.publish(Lines(lines).one()?).await?;
            let streams = count(published.streams);
            Ok(Published { jtis: published.jtis, streams, repeated: published.repeated })
        })
    }
}

impl StreamApi {
    /// The API, over the open outbox.
    pub(crate) fn core(&self) -> impl Future<Output = Result<stream::StreamApi>> + Send + 'static {
        let inner = self.0.clone();
        async move {
            let make = || async {
                let kept = inner.outbox.kept().await?;
                Ok::<_, Failure>(inner.settings.build(inner.outbox.settings(), &kept)?)
            };
            inner.api.get_or_try_init(make).await.cloned()
        }
    }
}

//! Settings of the stream API.

use std::{fmt, sync::Arc, time::Duration};

use super::{StreamApi, Timer, api::Settings, route::Routes};
use crate::{
    dialect::Dialect,
    error::{Error, ErrorCode, Result},
    key::KeySet,
    metadata::DefaultSubjects,
    outbox::{Seal, StreamStore},
    time::{Clock, SystemClock},
};

/// How many streams a receiver may have by default.
const STREAMS: u32 = 10;
/// How often a receiver may ask for a verification by default.
const VERIFICATION: Duration = Duration::from_mins(1);
/// How long a long poll waits by default. Proxies end requests after 60 seconds, often.
const LONG_POLL: Duration = Duration::from_secs(25);
/// How long a receiver has to acknowledge by default.
const LEASE: Duration = Duration::from_mins(1);
/// How many SETs a poll returns at most, by default.
const MAX_SETS: u32 = 100;
/// How many deliveries may wait in a stream by default.
const MAX_WAITING: u64 = 10_000;

/// Makes a [`StreamApi`]; from [`StreamApi::builder`].
pub struct StreamApiBuilder {
    issuer: String,
    keys: KeySet,
    store: Arc<dyn StreamStore>,
    base: Option<String>,
    seal: Option<Arc<Seal>>,
    clock: Arc<dyn Clock>,
    timer: Option<Arc<dyn Timer>>,
    events: Vec<String>,
    default_subjects: DefaultSubjects,
    critical_subject_members: Vec<String>,
    streams: u32,
    min_verification_interval: Option<Duration>,
    long_poll: Duration,
    lease: Duration,
    max_sets: u32,
    max_waiting: u64,
    push: Option<super::api::Judge>,
    resource_metadata: Option<String>,
    loopback: bool,
}

impl StreamApiBuilder {
    pub(super) fn new(issuer: String, keys: KeySet, store: Arc<dyn StreamStore>) -> Self {
        Self {
            issuer,
            keys,
            store,
            base: None,
            seal: None,
            clock: Arc::new(SystemClock),
            timer: None,
            events: Vec::new(),
            default_subjects: DefaultSubjects::All,
            critical_subject_members: Vec::new(),
            streams: STREAMS,
            min_verification_interval: Some(VERIFICATION),
            long_poll: LONG_POLL,
            lease: LEASE,
            max_sets: MAX_SETS,
            max_waiting: MAX_WAITING,
            push: None,
            resource_metadata: None,
            loopback: false,
        }
    }

    /// Sets the URL of the API; the path `/ssf` below the issuer by default.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base = Some(url.into());
        self
    }

    /// Adds an event that receivers can request, by its URI or its id in the catalogue. Without any, no stream gets events.
    #[must_use]
    pub fn event(mut self, event: &str) -> Self {
        let known = crate::catalogue::EventType::by_id(event);
        self.events.push(known.map_or(event, |kind| kind.uri).to_owned());
        self
    }

    /// Adds events that receivers can request.
    #[must_use]
    pub fn events<'a>(self, events: impl IntoIterator<Item = &'a str>) -> Self {
        events.into_iter().fold(self, Self::event)
    }

    /// Sets whose events a new stream delivers (SSF 1.0 §7.1): of all subjects by default, as receivers of the CAEP Interoperability
    /// Profile expect (§2.4.2).
    #[must_use]
    pub fn default_subjects(mut self, subjects: DefaultSubjects) -> Self {
        self.default_subjects = subjects;
        self
    }

    /// Sets the members of complex subjects that receivers have to understand (SSF 1.0 §3.6).
    #[must_use]
    pub fn critical_subject_members(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.critical_subject_members = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how many streams a receiver may have; 10 by default.
    #[must_use]
    pub fn max_streams(mut self, streams: u32) -> Self {
        self.streams = streams;
        self
    }

    /// Sets how long a receiver waits between two requests for a verification, in whole seconds: a minute by default; `None` if
    /// there is no limit.
    #[must_use]
    pub fn min_verification_interval(mut self, interval: Option<Duration>) -> Self {
        self.min_verification_interval = interval.filter(|interval| interval.as_secs() > 0);
        self
    }

    /// Sets what lets long polls wait, and for how long: 25 seconds by default. Without a timer, each poll is answered at once.
    #[must_use]
    pub fn long_poll(mut self, timer: impl Timer + 'static, longest: Duration) -> Self {
        self.timer = Some(Arc::new(timer));
        self.long_poll = longest;
        self
    }

    /// Sets how long a receiver that polls has to acknowledge SETs before it gets them again; a minute by default.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets how many SETs a poll returns at most; 100 by default.
    #[must_use]
    pub fn max_sets(mut self, sets: u32) -> Self {
        self.max_sets = sets;
        self
    }

    /// Sets how many events may wait in one stream, paused or not polled: 10,000 by default. One more takes the place of the oldest.
    /// Publish this limit to your receivers (CAEP Interoperability Profile §2.3.5).
    #[must_use]
    pub fn max_waiting(mut self, events: u64) -> Self {
        self.max_waiting = events;
        self
    }

    /// Lets receivers have their events pushed, to endpoints that `judge` accepts: it is called with each URL before the URL is
    /// kept. URLs without https and those of the transmitter's own host are refused before it is called.
    #[must_use]
    pub fn push(mut self, judge: impl Fn(&str) -> Result<()> + Send + Sync + 'static) -> Self {
        self.push = Some(Arc::new(judge));
        self
    }

    /// Sets the URL of the protected resource metadata (RFC 9728), which challenges then name.
    #[must_use]
    pub fn resource_metadata(mut self, url: impl Into<String>) -> Self {
        self.resource_metadata = Some(url.into());
        self
    }

    /// Seals configurations and deliveries before the store gets them. The workers need the same seal.
    #[must_use]
    pub fn seal(mut self, seal: Seal) -> Self {
        self.seal = Some(Arc::new(seal));
        self
    }

    /// Sets the clock. By default, it is the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Allows http URLs of this machine, for trials. Push endpoints with one are not judged.
    #[must_use]
    pub fn allow_loopback_http(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Checks the settings.
    pub fn build(self) -> Result<StreamApi> {
        let invalid = |message: &str| Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        if self.lease.is_zero() || self.max_sets == 0 || self.streams == 0 || self.max_waiting == 0 {
            return invalid("the limits of the stream API must be more than zero");
        }
        let base = self.base.unwrap_or_else(|| format!("{}/ssf", self.issuer.trim_end_matches('/')));
        let routes = Routes::new(&self.issuer, &base, self.loopback)?;
        let settings = Settings {
            routes,
            issuer: self.issuer,
            seal: self.seal,
            clock: self.clock,
            timer: self.timer,
            events: self.events,
            default_subjects: self.default_subjects,
            critical_subject_members: self.critical_subject_members,
            streams: self.streams,
            min_verification_interval: self.min_verification_interval,
            long_poll: self.long_poll,
            lease: self.lease,
            max_sets: self.max_sets,
            max_waiting: self.max_waiting,
            push: self.push,
            resource_metadata: self.resource_metadata,
            loopback: self.loopback,
            dialect: Dialect::default(),
        };
        StreamApi::of(settings, self.keys, self.store)
    }
}

impl fmt::Debug for StreamApiBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StreamApiBuilder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

//! Settings of the stream API.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    Authenticate, Stop, StreamApi, Timer,
    route::Routes,
    settings::{Options, Settings},
};
use crate::{
    dialect::Dialect,
    error::{Error, ErrorCode, Result},
    key::KeySet,
    metadata::DefaultSubjects,
    outbox::{Seal, StreamStore},
    rate::RateLimit,
    time::{Clock, SteadyClock, SystemClock},
};

/// The longest time that an outbox keeps what it has not delivered.
const LONGEST_HELD: Duration = Duration::from_hours(14 * 24);
/// What the transmitter does by itself, it does not more often.
const SHORTEST: Duration = Duration::from_mins(1);

/// Makes a [`StreamApi`]; from [`StreamApi::builder`].
pub struct StreamApiBuilder {
    issuer: String,
    keys: KeySet,
    store: Arc<dyn StreamStore>,
    base: Option<String>,
    clock: Option<Arc<dyn Clock>>,
    options: Options,
}

impl StreamApiBuilder {
    pub(super) fn new(issuer: String, keys: KeySet, store: Arc<dyn StreamStore>) -> Self {
        Self { issuer, keys, store, base: None, clock: None, options: Options::default() }
    }

    /// Sets the URL of the API; the path `/ssf` below the issuer by default.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base = Some(url.into());
        self
    }

    /// Sets what finds out who calls, for [`StreamApi::admit`]. Its protected resource metadata is a document of the API then.
    #[must_use]
    pub fn authenticator(mut self, authenticator: impl Authenticate + 'static) -> Self {
        self.options.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Sets how many requests one receiver may send: 50 per second by default; `None` if there is no limit.
    #[must_use]
    pub fn rate_limit(mut self, limit: Option<RateLimit>) -> Self {
        self.options.requests = limit;
        self
    }

    /// Adds an event that receivers can request, by its URI or its id in the catalogue. Without any, no stream gets events.
    #[must_use]
    pub fn event(mut self, event: &str) -> Self {
        let known = crate::catalogue::EventType::by_id(event);
        self.options.events.push(known.map_or(event, |kind| kind.uri).to_owned());
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
        self.options.default_subjects = subjects;
        self
    }

    /// Sets the members of complex subjects that receivers have to understand (SSF 1.0 §3.6).
    #[must_use]
    pub fn critical_subject_members(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.critical_subject_members = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how many streams a receiver may have; 10 by default.
    #[must_use]
    pub fn max_streams(mut self, streams: u32) -> Self {
        self.options.streams = streams;
        self
    }

    /// Sets how many subjects one stream may have: those added where it gets none by default, or those removed where it gets all; 100,000
    /// by default.
    #[must_use]
    pub fn max_subjects(mut self, subjects: u32) -> Self {
        self.options.subjects = subjects;
        self
    }

    /// Sets how long a receiver waits between two requests for a verification, in whole seconds: a minute by default; `None` if
    /// there is no limit.
    #[must_use]
    pub fn min_verification_interval(mut self, interval: Option<Duration>) -> Self {
        self.options.min_verification_interval = interval.filter(|interval| interval.as_secs() > 0);
        self
    }

    /// Sets what lets long polls wait, and for how long: 25 seconds by default. Without a timer, each poll is answered at once.
    #[must_use]
    pub fn long_poll(mut self, timer: impl Timer + 'static, longest: Duration) -> Self {
        self.options.timer = Some(Arc::new(timer));
        self.options.long_poll = longest;
        self
    }

    /// Sets how long a receiver that polls has to acknowledge SETs before it gets them again; a minute by default.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.options.lease = lease;
        self
    }

    /// Sets how many SETs a poll returns at most; 100 by default.
    #[must_use]
    pub fn max_sets(mut self, sets: u32) -> Self {
        self.options.max_sets = sets;
        self
    }

    /// Sets how many events may wait in one stream, paused or not polled: 10,000 by default. One more takes the place of the oldest.
    /// The configuration publishes it as `max_held_events` (CAEP Interoperability Profile §2.3.5).
    #[must_use]
    pub fn max_waiting(mut self, events: u64) -> Self {
        self.options.max_waiting = events;
        self
    }

    /// Sets how long an event waits in a stream at most, paused or not: 24 hours by default, 14 days at most. An entry that may wait
    /// longer is shortened, for the receivers that it names, too. The configuration publishes it as `max_held_seconds` (CAEP
    /// Interoperability Profile §2.3.5).
    #[must_use]
    pub fn max_held_age(mut self, age: Duration) -> Self {
        self.options.max_held_age = age;
        self
    }

    /// Stops the streams of receivers that were not active for so long, in whole seconds: no call that concerns the stream, and no poll
    /// (SSF 1.0 §8.1.1). By default, none is stopped. The receiver is told before. A stream that was paused goes on with the next poll;
    /// otherwise, the receiver enables it. [`StreamApi::maintain`] does the work.
    ///
    /// A receiver with a push stream is active only where it calls the API now and then. Do not set it if yours do not.
    #[must_use]
    pub fn inactivity_timeout(mut self, timeout: Duration, stop: Stop) -> Self {
        self.options.inactivity = Some((timeout, stop));
        self
    }

    /// Sends a verification event to each enabled stream this often: [`StreamHealth::canary_age`](super::StreamHealth::canary_age) tells then
    /// whether streams work. By default, there are none. [`StreamApi::maintain`] does the work.
    #[must_use]
    pub fn canary(mut self, every: Duration) -> Self {
        self.options.canary = Some(every);
        self
    }

    /// Goes on for so long with events about a subject that a receiver has removed (SSF 1.0 §9.3): whoever has stolen its credentials does
    /// not silence it at once. Zero by default. [`StreamApi::maintain`] completes removals. Where a stream has
    /// [as many subjects as it may have](Self::max_subjects) by then, the events go on.
    #[must_use]
    pub fn removal_grace(mut self, grace: Duration) -> Self {
        self.options.removal_grace = grace;
        self
    }

    /// Adds a dialect of your own, which [`Caller::dialect`](super::Caller::dialect) can name. Keep it as long as there are streams with it.
    #[must_use]
    pub fn dialect(mut self, dialect: &Dialect) -> Self {
        self.options.dialects.push(dialect.clone());
        self
    }

    /// Lets receivers have their events pushed, to endpoints that `judge` accepts: it is called with each URL before the URL is
    /// kept. URLs without https and those of the transmitter's own host are refused before it is called.
    #[must_use]
    pub fn push(mut self, judge: impl Fn(&str) -> Result<()> + Send + Sync + 'static) -> Self {
        self.options.push = Some(Arc::new(judge));
        self
    }

    /// Sets the URL of protected resource metadata (RFC 9728) that you serve elsewhere: challenges name it. That of an
    /// [`authenticator`](Self::authenticator) is known.
    #[must_use]
    pub fn resource_metadata(mut self, url: impl Into<Arc<str>>) -> Self {
        self.options.resource_metadata = Some(url.into());
        self
    }

    /// Seals configurations and deliveries before the store gets them. The workers need the same seal.
    #[must_use]
    pub fn seal(mut self, seal: Seal) -> Self {
        self.options.seal = Some(Arc::new(seal));
        self
    }

    /// Sets the clock for everything. By default, it is the system's, and a monotonic one for rate limits.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Allows http URLs of this machine, for trials. Push endpoints with one are not judged.
    #[must_use]
    pub fn allow_loopback_http(mut self) -> Self {
        self.options.loopback = true;
        self
    }

    /// Checks the settings.
    ///
    /// Errors are `configuration_invalid`, `issuer_invalid` and `endpoint_invalid`.
    pub fn build(self) -> Result<StreamApi> {
        let Self { issuer, keys, store, base, clock, mut options } = self;
        let invalid = |message: &str| Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        if options.lease.is_zero()
            || options.max_sets == 0
            || options.streams == 0
            || options.subjects == 0
            || options.max_waiting == 0
        {
            return invalid("the limits of the stream API must be more than zero");
        }
        if !(Duration::from_secs(1)..=LONGEST_HELD).contains(&options.max_held_age) {
            return invalid("events are held for a second at least, and 14 days at most");
        }
        let is_short = |every: Duration| every < SHORTEST;
        if options.inactivity.is_some_and(|(timeout, _)| is_short(timeout))
            || options.canary.is_some_and(is_short)
        {
            return invalid("the inactivity timeout and the time between canaries are a minute at least");
        }
        let resource =
            options.authenticator.as_ref().and_then(|authenticator| authenticator.protected_resource());
        if let Some(resource) = &resource {
            options.resource_metadata.get_or_insert_with(|| resource.url.as_str().into());
        }
        let base = base.unwrap_or_else(|| format!("{}/ssf", issuer.trim_end_matches('/')));
        let routes = Routes::new(&issuer, &base, resource.as_ref(), options.loopback)?;
        let (clock, steady): (Arc<dyn Clock>, Arc<dyn Clock>) = match clock {
            Some(clock) => (clock.clone(), clock),
            None => (Arc::new(SystemClock), Arc::new(SteadyClock::start())),
        };
        StreamApi::of(Settings { issuer, routes, clock, steady, resource, options }, keys, store)
    }
}

impl fmt::Debug for StreamApiBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StreamApiBuilder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

//! The stream API: its settings, and how a request comes in. Each language reads sockets in its own way, and gives values in.

use std::{net::IpAddr, pin::Pin, time::Duration};

use ssf_transmitter::{
    Dialect, KeySet, Network, Result,
    outbox::MemoryStore,
    set::Audience,
    stream::{Authentication, Begun, Caller, Head, RateLimit, Stop, StreamApi, StreamApiBuilder, Timer},
};

use crate::{
    access::AccessSettings,
    invalid, metadata,
    outbox::{Kept, OutboxSettings},
    set,
};

/// How long a long poll waits by default.
const LONG_POLL: Duration = Duration::from_secs(25);

/// The settings of a stream API.
#[derive(Clone)]
pub struct StreamSettings {
    /// The `iss` of the SETs.
    pub issuer: String,
    /// What signs.
    pub keys: KeySet,
    /// The URL of the API.
    pub base_url: Option<String>,
    /// The events that receivers can request, by id or URI.
    pub events: Vec<String>,
    /// Whose events a new stream delivers: `ALL` or `NONE`.
    pub default_subjects: Option<String>,
    /// The members of complex subjects that receivers must understand.
    pub critical_subject_members: Vec<String>,
    /// How many streams a receiver may have.
    pub max_streams: Option<u32>,
    /// How many subjects a stream may have.
    pub max_subjects: Option<u32>,
    /// How long a receiver waits between two requests for a verification; zero is no limit.
    pub min_verification_interval: Option<Duration>,
    /// How long a poll waits for events.
    pub long_poll: Option<Duration>,
    /// How long a receiver has to acknowledge.
    pub lease: Option<Duration>,
    /// How many SETs a poll returns.
    pub max_sets: Option<u32>,
    /// How many events may wait in a stream.
    pub max_waiting: Option<u64>,
    /// How long an event waits in a stream.
    pub max_held_age: Option<Duration>,
    /// After what time the streams of receivers that do nothing are stopped.
    pub inactivity_timeout: Option<Duration>,
    /// How they are stopped: `pause` or `disable`.
    pub inactivity_stop: Option<String>,
    /// How often streams get a verification of the transmitter itself.
    pub canary: Option<Duration>,
    /// How long events about a removed subject go on.
    pub removal_grace: Option<Duration>,
    /// Dialects beside the built-in ones, which callers can name.
    pub dialects: Vec<Dialect>,
    /// Whether receivers may have their events pushed.
    pub push: bool,
    /// Networks that the egress guard lets push endpoints be in.
    pub allow_networks: Vec<String>,
    /// The URL of the protected resource metadata.
    pub resource_metadata: Option<String>,
    /// Whether http URLs of this machine are allowed.
    pub allow_loopback_http: bool,
    /// What finds out who calls, if not the language.
    pub access: Option<AccessSettings>,
    /// How many requests per second one receiver may send; zero is no limit.
    pub rate_limit: Option<u32>,
}

impl StreamSettings {
    /// Reports what is wrong with the settings before a store is opened. Returns the API over a store without streams, for what follows
    /// from the settings alone.
    pub fn check(&self) -> Result<StreamApi> {
        if self.push {
            // A wrong network is an error now, and not when a receiver names an endpoint.
            self.judge()("https://receiver.example.com")?;
        }
        self.set(StreamApi::builder(&self.issuer, self.keys.clone(), MemoryStore::new()))?.build()
    }

    /// The API, over what an outbox is kept in.
    pub fn build(&self, outbox: &OutboxSettings, kept: &Kept) -> Result<StreamApi> {
        let builder = self.set(kept.streams(&self.issuer, self.keys.clone()))?;
        set(builder, outbox.seal.clone(), StreamApiBuilder::seal).build()
    }

    fn set(&self, builder: StreamApiBuilder) -> Result<StreamApiBuilder> {
        type Builder = StreamApiBuilder;
        let subjects = self.default_subjects.as_deref().map(metadata::default_subjects).transpose()?;
        let builder = builder
            .events(self.events.iter().map(String::as_str))
            .critical_subject_members(&self.critical_subject_members)
            .long_poll(RuntimeTimer, self.long_poll.unwrap_or(LONG_POLL));
        let builder = set(builder, self.base_url.clone(), Builder::base_url);
        let builder = set(builder, subjects, Builder::default_subjects);
        let builder = set(builder, self.max_streams, Builder::max_streams);
        let builder = set(builder, self.max_subjects, Builder::max_subjects);
        let builder =
            set(builder, self.min_verification_interval.map(Some), Builder::min_verification_interval);
        let builder = set(builder, self.lease, Builder::lease);
        let builder = set(builder, self.max_sets, Builder::max_sets);
        let builder = set(builder, self.max_waiting, Builder::max_waiting);
        let builder = set(builder, self.max_held_age, Builder::max_held_age);
        let how = self.inactivity_stop.as_deref().map_or(Ok(Stop::Pause), stop)?;
        let builder = set(builder, self.inactivity_timeout, |builder, timeout| {
            builder.inactivity_timeout(timeout, how)
        });
        let builder = set(builder, self.canary, Builder::canary);
        let builder = set(builder, self.removal_grace, Builder::removal_grace);
        let builder = self.dialects.iter().fold(builder, Builder::dialect);
        let builder = set(builder, self.resource_metadata.clone(), Builder::resource_metadata);
        let limit =
            self.rate_limit.map(|rate| Some(rate).filter(|rate| *rate > 0).map(RateLimit::per_second));
        let builder = set(builder, limit, Builder::rate_limit);
        let access = self.access.as_ref().map(|access| access.build(&self.resource())).transpose()?;
        let builder = set(builder, access, Builder::authenticator);
        let builder = if self.push { builder.push(self.judge()) } else { builder };
        Ok(if self.allow_loopback_http { builder.allow_loopback_http() } else { builder })
    }

    /// The URL of the API: what access tokens are for.
    fn resource(&self) -> String {
        let below = || format!("{}/ssf", self.issuer.trim_end_matches('/'));
        self.base_url.clone().unwrap_or_else(below)
    }

    /// What judges the endpoints of push streams: the egress guard.
    fn judge(&self) -> impl Fn(&str) -> Result<()> + Send + Sync + 'static {
        let network = self.allow_networks.iter().cloned().fold(Network::new(), Network::allow_network);
        move |url| network.check_endpoint(url)
    }
}

/// How a stream is stopped, by its name.
pub fn stop(name: &str) -> Result<Stop> {
    match name {
        "pause" => Ok(Stop::Pause),
        "disable" => Ok(Stop::Disable),
        _ => Err(invalid("a stream is stopped by pause or disable")),
    }
}

/// A caller: the id of the receiver, the audience of its SETs, the names of its scopes, and the id of its dialect.
pub fn caller(
    receiver: String,
    audience: Option<Audience>,
    scopes: &[String],
    dialect: Option<String>,
) -> Caller {
    let caller = Caller::new(receiver).scopes(scopes.iter().map(String::as_str));
    set(set(caller, audience, Caller::audience), dialect, Caller::dialect)
}

/// The head of a request.
pub fn head(method: String, target: &str, headers: Vec<(String, String)>, remote: Option<IpAddr>) -> Head {
    let head = Head::new(method, target);
    let head = headers.into_iter().fold(head, |head, (name, value)| head.header(name, value));
    set(head, remote, Head::with_remote)
}

/// Begins to answer a request of this caller. Without one, its credentials are invalid if there are any.
pub fn begin(api: &StreamApi, head: &Head, caller: Option<Caller>) -> Begun {
    let shows_credentials = head.values("authorization").next().is_some();
    let authentication = match caller {
        Some(caller) => Authentication::Valid(caller),
        None if shows_credentials => Authentication::Invalid,
        None => Authentication::Missing,
    };
    api.begin(head, authentication)
}

/// The timer of the runtime that a request is answered on.
struct RuntimeTimer;

impl Timer for RuntimeTimer {
    fn wait(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(time))
    }
}

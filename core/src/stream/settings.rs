//! What a host sets.

use std::{ops::Deref, sync::Arc, time::Duration};

use super::{Authenticate, ProtectedResource, Stop, Timer, route::Routes};
use crate::{
    dialect::Dialect, error::Result, metadata::DefaultSubjects, outbox::Seal, rate::RateLimit, time::Clock,
};

/// Judges the URL of an endpoint before it is kept.
pub(super) type Judge = Arc<dyn Fn(&str) -> Result<()> + Send + Sync>;

/// The settings of an API, checked.
pub(super) struct Settings {
    pub(super) issuer: String,
    pub(super) routes: Routes,
    /// The clock of streams and SETs.
    pub(super) clock: Arc<dyn Clock>,
    /// The clock of rate limits.
    pub(super) steady: Arc<dyn Clock>,
    pub(super) resource: Option<ProtectedResource>,
    pub(super) options: Options,
}

impl Deref for Settings {
    type Target = Options;

    fn deref(&self) -> &Options {
        &self.options
    }
}

/// What has a default.
pub(super) struct Options {
    pub(super) seal: Option<Arc<Seal>>,
    pub(super) timer: Option<Arc<dyn Timer>>,
    pub(super) authenticator: Option<Arc<dyn Authenticate>>,
    pub(super) requests: Option<RateLimit>,
    pub(super) events: Vec<String>,
    pub(super) default_subjects: DefaultSubjects,
    pub(super) critical_subject_members: Vec<String>,
    pub(super) streams: u32,
    pub(super) subjects: u32,
    pub(super) min_verification_interval: Option<Duration>,
    pub(super) long_poll: Duration,
    pub(super) lease: Duration,
    pub(super) max_sets: u32,
    pub(super) max_waiting: u64,
    pub(super) max_held_age: Duration,
    pub(super) inactivity: Option<(Duration, Stop)>,
    pub(super) canary: Option<Duration>,
    pub(super) push: Option<Judge>,
    pub(super) resource_metadata: Option<Arc<str>>,
    pub(super) loopback: bool,
    pub(super) dialects: Vec<Dialect>,
    pub(super) removal_grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seal: None,
            timer: None,
            authenticator: None,
            // Polling without a pause, and management beside it.
            requests: Some(RateLimit::per_second(50)),
            events: Vec::new(),
            default_subjects: DefaultSubjects::All,
            critical_subject_members: Vec::new(),
            streams: 10,
            subjects: 100_000,
            min_verification_interval: Some(Duration::from_mins(1)),
            // Proxies end requests after 60 seconds, often.
            long_poll: Duration::from_secs(25),
            lease: Duration::from_mins(1),
            max_sets: 100,
            max_waiting: 10_000,
            max_held_age: Duration::from_hours(24),
            inactivity: None,
            canary: None,
            push: None,
            resource_metadata: None,
            loopback: false,
            dialects: Vec::new(),
            removal_grace: Duration::ZERO,
        }
    }
}

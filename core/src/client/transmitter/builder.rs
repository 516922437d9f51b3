//! The settings of a transmitter.

use std::{fmt, sync::Arc, time::Duration};

use super::{Inner, Transmitter};
use crate::{
    client::{counters::Tracker, driver::Driver, network::Network, transport::Transport},
    error::{Error, ErrorCode, Result},
    key::KeySet,
    lint::LintPolicy,
    random,
    retry::{Bounds, RetryPolicy},
    time::{Clock, SteadyClock, SystemClock},
};

/// Builds a [`Transmitter`]; [`build`](Self::build) checks it.
pub struct TransmitterBuilder {
    issuer: String,
    keys: KeySet,
    clock: Option<Arc<dyn Clock>>,
    deadline: Option<Duration>,
    retry: RetryPolicy,
    lint: LintPolicy,
    network: Network,
}

impl TransmitterBuilder {
    pub(super) fn new(issuer: String, keys: KeySet) -> Self {
        Self {
            issuer,
            keys,
            clock: None,
            deadline: None,
            retry: RetryPolicy::default(),
            lint: LintPolicy::default(),
            network: Network::default(),
        }
    }

    /// Sets the deadline of an operation, from the call to its result; 30 seconds by default.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how often deliveries are tried, and how long the waits are.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Sets how findings are handled. By default, errors block the send, and warnings are returned on the receipt.
    pub fn lint(mut self, policy: LintPolicy) -> Self {
        self.lint = policy;
        self
    }

    /// Sets the clock for everything. By default, `iat` uses the system clock, and delays, deadlines and token lifetimes
    /// use a monotonic clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Sets how connections leave this machine.
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Checks the settings and makes the HTTP pool.
    pub fn build(self) -> Result<Transmitter> {
        if self.issuer.is_empty() {
            return Err(Error::new(ErrorCode::IssuerInvalid, "the issuer is empty"));
        }
        let bounds = Bounds::default().with(self.deadline, &self.retry).checked()?;
        if bounds.deadline.is_zero() {
            return Err(Error::new(
                ErrorCode::ConfigurationInvalid,
                "the deadline must be greater than zero",
            ));
        }
        let own_clock = self.clock.is_some();
        let (clock, steady): (Box<dyn Clock>, Box<dyn Clock>) = match self.clock {
            Some(clock) => (Box::new(clock.clone()), Box::new(clock)),
            None => (Box::new(SystemClock), Box::new(SteadyClock::start())),
        };
        Ok(Transmitter(Arc::new(Inner {
            issuer: self.issuer,
            keys: self.keys,
            clock,
            own_clock,
            bounds,
            lint: self.lint,
            driver: Driver {
                transport: Transport::new(&self.network)?,
                steady,
                tracker: Tracker::default(),
                seed: random::number()?.into(),
            },
        })))
    }
}

impl fmt::Debug for TransmitterBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TransmitterBuilder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

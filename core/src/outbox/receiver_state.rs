//! What an outbox knows of one receiver: whether it is paused, when it is probed, how fast it is ramped up.

use std::time::Duration;

use super::{Claim, Failure, Fault, Next, Outcome};
use crate::{retry::Bounds, time::Timestamp};

/// So many failures in a row pause a receiver.
const FAILURES_TO_PAUSE: u32 = 5;
/// The longest wait for the first probe of a receiver that is down.
const OUTAGE_PROBE: Duration = Duration::from_secs(5);
/// The longest wait for the first probe of a receiver that needs a person.
const REFUSAL_PROBE: Duration = Duration::from_mins(1);
/// The longest wait between two probes.
const LONGEST_PROBE: Duration = Duration::from_mins(15);
/// After an outage, so many deliveries at once are let through at first. Each success lets one more through.
const FIRST_ALLOWANCE: u32 = 2;
/// With so many at once the ramp is over.
const FULL_ALLOWANCE: u32 = 64;

/// Whether deliveries to a receiver go.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// They go.
    #[default]
    Active,
    /// They wait, and one at a time is sent as a probe.
    Paused,
    /// They wait until a person lets them go.
    Held,
}

impl Status {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Active, Self::Paused, Self::Held];

    /// Its name, such as `paused`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Held => "held",
        }
    }

    /// The status with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == name)
    }
}

/// How the deliveries of a receiver reach it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Mode {
    /// A worker sends them.
    #[default]
    Pushed,
    /// The receiver fetches them: no worker claims them.
    Polled,
    /// They wait for the receiver: its stream is paused or disabled.
    Suspended,
}

impl Mode {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Pushed, Self::Polled, Self::Suspended];

    /// Its name, such as `polled`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Polled => "polled",
            Self::Suspended => "suspended",
        }
    }

    /// The mode with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|mode| mode.as_str() == name)
    }
}

/// A change that a person should hear of. One for each change, not one for each delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Alert {
    /// The receiver is paused, for this reason.
    Paused(Failure),
    /// A probe succeeded: the receiver is ramped up.
    Resumed,
}

/// What an outbox knows of one receiver. A store keeps it beside the receiver's deliveries, and changes it in the transaction
/// that settles them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReceiverState {
    /// How deliveries go.
    pub mode: Mode,
    /// Whether deliveries go.
    pub status: Status,
    /// Why the last one failed, since the last success.
    pub failure: Option<Failure>,
    /// Since when the receiver has its status; `None` if it never changed.
    pub since: Option<Timestamp>,
    /// Nothing is claimed before this time: the next probe, or the time that the receiver asked for.
    pub resume_at: Option<Timestamp>,
    /// Failures since the last success.
    pub failures: u32,
    /// How many waits for a probe there were since the receiver was paused.
    pub probes: u32,
    /// How many deliveries may be in flight during the ramp; `None` without a limit.
    pub allowance: Option<u32>,
    /// When a delivery succeeded last.
    pub delivered_at: Option<Timestamp>,
    /// When a delivery failed last.
    pub failed_at: Option<Timestamp>,
}

impl ReceiverState {
    /// How many deliveries may be claimed at `now` if `in_flight` are in flight.
    pub fn may_claim(&self, now: Timestamp, in_flight: u32) -> u32 {
        if self.mode != Mode::Pushed || self.resume_at.is_some_and(|time| now < time) {
            return 0;
        }
        match self.status {
            Status::Active => {
                self.allowance.map_or(u32::MAX, |allowance| allowance.saturating_sub(in_flight))
            }
            // One probe at a time.
            Status::Paused => u32::from(in_flight == 0),
            Status::Held => 0,
        }
    }

    /// How many deliveries the receiver itself may fetch: none while it is held, or not polled.
    pub fn may_poll(&self) -> u32 {
        if self.mode == Mode::Polled && self.status != Status::Held { u32::MAX } else { 0 }
    }

    /// What a store does with a delivery whose lease ended after so many attempts, and was noted `now`: as [`Claim::next`] says, unless
    /// the receiver polls. It gets the delivery again at once then, until the delivery is too old.
    pub fn lost(&self, claim: &Claim, jti: &str, attempts: u32, now: Timestamp) -> Next {
        match self.mode {
            Mode::Polled => Next::Waits { until: None, spends_attempt: false },
            Mode::Pushed | Mode::Suspended => claim.next(jti, attempts, now),
        }
    }

    /// Changes how deliveries go. The failures of another way say nothing about the new one.
    pub fn set_mode(&mut self, mode: Mode) {
        if self.mode == mode {
            return;
        }
        let held = self.status == Status::Held;
        let (status, since) = if held { (self.status, self.since) } else { (Status::Active, None) };
        let Self { delivered_at, failed_at, .. } = *self;
        *self = Self { mode, status, since, delivered_at, failed_at, ..Self::default() };
    }

    /// Notes what a receiver that polls says of a SET: that it has it, or why it rejects it. Neither pauses it.
    pub fn note_polled(&mut self, rejected: Option<&Failure>, now: Timestamp) {
        match rejected {
            None => self.delivered_at = Some(now),
            Some(_) => self.failed_at = Some(now),
        }
        self.failure = rejected.cloned();
    }

    /// Notes the outcome of a delivery. `random` spreads the probes of many receivers.
    pub fn note(&mut self, outcome: &Outcome, now: Timestamp, random: u64) -> Option<Alert> {
        match outcome {
            Outcome::Delivered => {
                self.delivered_at = Some(now);
                self.answered(now)
            }
            Outcome::Dead(failure) if failure.fault() == Fault::Event => {
                self.failed_at = Some(now);
                let alert = self.answered(now);
                self.failure = Some(failure.clone());
                alert
            }
            Outcome::Dead(failure) | Outcome::Retry { failure, .. } => {
                self.failed(failure, FAILURES_TO_PAUSE, OUTAGE_PROBE, now, random)
            }
            Outcome::Refused(failure) => self.failed(failure, 1, REFUSAL_PROBE, now, random),
            Outcome::Deferred { failure, after } => {
                self.failed_at = Some(now);
                self.failure = Some(failure.clone());
                self.wait_until(now.plus(*after));
                None
            }
            Outcome::Released => None,
        }
    }

    /// Stops deliveries until [`release`](Self::release).
    pub fn hold(&mut self, now: Timestamp) {
        if self.status != Status::Held {
            self.set_status(Status::Held, now);
        }
    }

    /// Lets deliveries go again, whether they were held or the receiver was paused.
    pub fn release(&mut self, now: Timestamp) {
        if self.status != Status::Active {
            self.set_status(Status::Active, now);
        }
        self.failures = 0;
        self.resume_at = None;
        self.allowance = Some(FIRST_ALLOWANCE);
    }

    fn set_status(&mut self, status: Status, now: Timestamp) {
        self.status = status;
        self.since = Some(now);
    }

    /// The receiver is there.
    fn answered(&mut self, now: Timestamp) -> Option<Alert> {
        self.failures = 0;
        self.failure = None;
        if self.status == Status::Paused {
            self.set_status(Status::Active, now);
            self.resume_at = None;
            self.allowance = Some(FIRST_ALLOWANCE);
            return Some(Alert::Resumed);
        }
        let more = self.allowance.map(|allowance| allowance.saturating_add(1));
        self.allowance = more.filter(|allowance| *allowance < FULL_ALLOWANCE);
        None
    }

    /// A delivery failed because of the receiver; so many failures pause it.
    fn failed(
        &mut self,
        failure: &Failure,
        pausing: u32,
        first_probe: Duration,
        now: Timestamp,
        random: u64,
    ) -> Option<Alert> {
        self.failed_at = Some(now);
        // What was in flight when the receiver was paused says nothing new.
        let stale = self.status == Status::Paused && self.resume_at.is_some_and(|time| now < time);
        if self.failure.is_none() || !stale {
            self.failure = Some(failure.clone());
        }
        if stale || self.status == Status::Held {
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        let paused = self.status == Status::Paused;
        if !paused && self.failures < pausing {
            return None;
        }
        self.probes = if paused { self.probes.saturating_add(1) } else { 1 };
        self.wait_until(now.plus(probe_wait(self.probes, first_probe, random)));
        if paused {
            return None;
        }
        self.set_status(Status::Paused, now);
        Some(Alert::Paused(failure.clone()))
    }

    fn wait_until(&mut self, time: Timestamp) {
        self.resume_at = Some(self.resume_at.map_or(time, |other| other.max(time)));
    }
}

/// The wait for the next probe: between half and all of the exponential bound.
fn probe_wait(waits: u32, first: Duration, random: u64) -> Duration {
    let bounds = Bounds { base: first, max_backoff: LONGEST_PROBE, ..Bounds::default() };
    let bound = bounds.bound(waits);
    bound / 2 + bounds.wait(waits, None, random) / 2
}

//! What the end of an attempt means for the delivery and its receiver.

use std::time::Duration;

use super::{
    Attempt, Failure, Fault, Lease, ReceiverState, Schedule, State, Status, failure::requested_wait,
};
use crate::{
    delivery::{Receipt, leaves_open},
    error::{Error, ErrorCode},
    time::Timestamp,
};

/// How long a receiver is left alone that asks for time and does not say how much.
const BREATHER: Duration = Duration::from_secs(5);
/// What happens to a claimed delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// It would fail again, or has been tried often enough.
    Dead(Failure),
    /// It waits this long, and is tried again.
    Retry {
        /// Why it failed.
        failure: Failure,
        /// How long it waits.
        after: Duration,
    },
    /// The receiver cannot be used: it is paused, the delivery waits, and no attempt is spent.
    Refused(Failure),
    /// The receiver needs time: it is left alone this long, and no attempt is spent.
    Deferred {
        /// Why it failed.
        failure: Failure,
        /// How long the receiver is left alone.
        after: Duration,
    },
    /// It was not tried: it waits as before, and no attempt is spent.
    Released,
}

/// What a store does with a delivery that comes back from a worker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Next {
    /// It has ended in this state.
    Ends(State),
    /// It waits.
    Waits {
        /// Until this time, if any.
        until: Option<Timestamp>,
        /// Whether the attempt counts.
        spends_attempt: bool,
    },
}

impl Outcome {
    /// What a store does with the delivery. `receiver` is the state that has [noted](ReceiverState::note) the outcome.
    ///
    /// While a receiver is paused, its failures say nothing about the event: they spend no attempt.
    pub fn next(&self, receiver: &ReceiverState, now: Timestamp) -> Next {
        let paused = receiver.status == Status::Paused;
        let waits = Next::Waits { until: None, spends_attempt: false };
        match self {
            Self::Delivered => Next::Ends(State::Delivered),
            Self::Dead(failure) if paused && failure.fault() != Fault::Event => waits,
            Self::Dead(_) => Next::Ends(State::Dead),
            Self::Retry { after, .. } if !paused => {
                Next::Waits { until: Some(now.plus(*after)), spends_attempt: true }
            }
            Self::Retry { .. } | Self::Refused(_) | Self::Deferred { .. } | Self::Released => waits,
        }
    }

    /// Whether there was an attempt.
    pub fn was_tried(&self) -> bool {
        !matches!(self, Self::Released)
    }

    /// Why the attempt failed, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Dead(failure)
            | Self::Retry { failure, .. }
            | Self::Refused(failure)
            | Self::Deferred { failure, .. } => Some(failure),
            Self::Delivered | Self::Released => None,
        }
    }
}

/// The end of a claimed delivery.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settlement {
    /// The lease of the claim. If another one was given since, the settlement changes nothing.
    pub lease: Lease,
    /// What happens to the delivery.
    pub outcome: Outcome,
    /// Whether the receiver may have the SET nevertheless: the answer was lost.
    pub uncertain: bool,
    /// What the ledger keeps, if there was an attempt.
    pub attempt: Option<Attempt>,
    /// Spreads waits; any number.
    pub random: u64,
}

impl Settlement {
    /// What follows from the result of a delivery. `attempts` is the number in the claim: it includes this attempt.
    pub fn of(
        lease: Lease,
        attempts: u32,
        result: Result<&Receipt, &Error>,
        schedule: &Schedule,
        random: u64,
    ) -> Self {
        let outcome = match result {
            Ok(_) => Outcome::Delivered,
            Err(error) => failed(error, attempts, schedule, random),
        };
        let uncertain = result.is_err_and(|error| leaves_open(error.code()));
        Self { lease, outcome, uncertain, attempt: None, random }
    }

    /// A delivery that was claimed and not tried.
    pub fn released(lease: Lease) -> Self {
        Self { lease, outcome: Outcome::Released, uncertain: false, attempt: None, random: 0 }
    }

    /// Adds what the ledger keeps.
    pub fn with_attempt(mut self, attempt: Attempt) -> Self {
        self.attempt = Some(attempt);
        self
    }
}

fn failed(error: &Error, attempts: u32, schedule: &Schedule, random: u64) -> Outcome {
    // Another worker may send what a closed one refuses.
    if error.code() == ErrorCode::TransmitterClosed {
        return Outcome::Released;
    }
    let failure = Failure::from(error);
    let requested = requested_wait(error);
    match failure.fault() {
        Fault::Event => Outcome::Dead(failure),
        Fault::Receiver => Outcome::Refused(failure),
        Fault::Busy => Outcome::Deferred { failure, after: requested.unwrap_or(BREATHER) },
        Fault::Passing if requested.is_some() => {
            Outcome::Deferred { failure, after: requested.unwrap_or(BREATHER) }
        }
        Fault::Passing if attempts >= schedule.attempts() => Outcome::Dead(failure),
        Fault::Passing => Outcome::Retry { failure, after: schedule.wait(attempts, None, random) },
    }
}

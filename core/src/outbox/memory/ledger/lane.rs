//! Receivers: their states, their counts, and an index for each question that they are asked.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{
    super::super::{Counts, Priority, ReceiverState, State, Status},
    Ledger, Number,
};
use crate::time::Timestamp;

#[derive(Default)]
pub(super) struct Lane {
    pub(super) state: ReceiverState,
    pub(super) counts: Counts,
    /// How many deliveries there are.
    pub(super) kept: usize,
    pub(super) ready: BTreeSet<(Reverse<Priority>, Number)>,
    pub(super) waiting: BTreeSet<Number>,
    pub(super) due: BTreeSet<(Timestamp, Number)>,
    pub(super) leases: BTreeSet<(Timestamp, Number)>,
    pub(super) served: u64,
    /// The last delivery that was sent as a probe.
    pub(super) probed: Option<(Reverse<Priority>, Number)>,
    place: Option<Place>,
}

/// Where a receiver is indexed.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Turn(u64),
    Parked(Timestamp),
}

impl Ledger {
    /// Adds to the count that a delivery belongs to, and to the index of those that wait.
    pub(super) fn count(&mut self, number: Number, by: i8) {
        let Some(row) = self.rows.get(&number) else { return };
        let Some(lane) = self.lanes.get_mut(&row.record.receiver) else { return };
        match row.record.state {
            State::Waiting if by > 0 => lane.waiting.insert(number),
            State::Waiting => lane.waiting.remove(&number),
            _ => false,
        };
        let count = lane.counts.of(row.record.state, row.record.discard.as_ref());
        *count = count.saturating_add_signed(by.into());
    }

    /// Indexes a receiver by when something of it can be claimed.
    pub(super) fn place(&mut self, receiver: &str, now: Timestamp) {
        let Some(lane) = self.lanes.get_mut(receiver) else { return };
        let place = if lane.ready.is_empty() || lane.state.status == Status::Held {
            None
        } else if let Some(time) = lane.state.resume_at.filter(|time| *time > now) {
            Some(Place::Parked(time))
        } else {
            let in_flight = u32::try_from(lane.counts.in_flight).unwrap_or(u32::MAX);
            (lane.state.may_claim(now, in_flight) > 0).then_some(Place::Turn(lane.served))
        };
        if place == lane.place {
            return;
        }
        match std::mem::replace(&mut lane.place, place) {
            Some(Place::Turn(turn)) => self.turns.remove(&(turn, receiver.to_owned())),
            Some(Place::Parked(time)) => self.parked.remove(&(time, receiver.to_owned())),
            None => false,
        };
        match place {
            Some(Place::Turn(turn)) => self.turns.insert((turn, receiver.to_owned())),
            Some(Place::Parked(time)) => self.parked.insert((time, receiver.to_owned())),
            None => false,
        };
    }

    pub(in super::super) fn change_receiver(
        &mut self,
        receiver: &str,
        now: Timestamp,
        change: impl FnOnce(&mut ReceiverState),
    ) {
        change(&mut self.lanes.entry(receiver.to_owned()).or_default().state);
        self.place(receiver, now);
    }
}

//! Claims, and how they end.

use std::ops::Bound::{Excluded, Unbounded};

use super::{
    super::super::{
        Claim, Claimed, Claims, Discard, Failure, Frozen, Lease, Next, Settled, Settlement, State, Status,
    },
    Ledger, Number, Row, Wait,
};
use crate::{error::ErrorCode, time::Timestamp};

impl Ledger {
    pub(in super::super) fn claim(&mut self, claim: &Claim, now: Timestamp) -> Claims {
        self.free_leases(claim, now);
        self.expire(now);
        self.promote(None, now);
        while let Some((_, receiver)) = self.parked.first().cloned().filter(|(time, _)| *time <= now) {
            self.place(&receiver, now);
        }
        let mut deliveries = Vec::new();
        let limit = claim.deliveries as usize;
        // A receiver has one turn in a claim.
        let began = self.next_turn;
        while let Some((turn, receiver)) = self.turns.first().cloned() {
            if turn > began || deliveries.len() >= limit {
                break;
            }
            self.claim_of(&receiver, claim, limit, &mut deliveries, now);
        }
        let times = [
            self.leases.first().map(|(time, _)| *time),
            self.due.first().map(|(time, _)| *time),
            self.parked.first().map(|(time, _)| *time),
            self.expiries.first().map(|(time, _)| *time),
        ];
        let next = times.into_iter().flatten().min().map(|time| time.since(now));
        // The limit of the claim may have left something.
        let next = if self.turns.is_empty() { next } else { Some(std::time::Duration::ZERO) };
        Claims::new(deliveries, next).with_more(!self.turns.is_empty())
    }

    /// Discards what has waited too long.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while let Some((_, number)) = self.expiries.first().copied().filter(|(time, _)| *time <= now) {
            self.end(number, State::Discarded, Some(Discard::Expired), now);
        }
    }

    /// Lets deliveries go whose time has come: all, or those of one receiver.
    pub(super) fn promote(&mut self, receiver: Option<&str>, now: Timestamp) {
        let due = |ledger: &Self| match receiver {
            Some(receiver) => ledger.lanes.get(receiver)?.due.first().copied(),
            None => ledger.due.first().copied(),
        };
        while let Some((_, number)) = due(self).filter(|(time, _)| *time <= now) {
            self.stop_waiting(number, now);
            self.wait(number, Wait::Nothing, now);
        }
    }

    /// Deliveries of which nobody knows how they ended.
    fn free_leases(&mut self, claim: &Claim, now: Timestamp) {
        while let Some((_, number)) = self.leases.first().copied().filter(|(time, _)| *time <= now) {
            let next = self.rows.get(&number).and_then(|row| {
                let lane = self.lanes.get(&row.record.receiver)?;
                Some(lane.state.lost(claim, &row.record.jti, row.record.attempts, now))
            });
            self.free(number, next, now);
        }
    }

    /// Lets a receiver fetch again what it has not acknowledged in time.
    pub(super) fn free_leases_of(&mut self, receiver: &str, now: Timestamp) {
        let first = |ledger: &Self| ledger.lanes.get(receiver)?.leases.first().copied();
        while let Some((_, number)) = first(self).filter(|(time, _)| *time <= now) {
            self.free(number, Some(Next::Waits { until: None, spends_attempt: false }), now);
        }
    }

    /// Ends a lease, of which nobody knows what the receiver has.
    fn free(&mut self, number: Number, next: Option<Next>, now: Timestamp) {
        self.set_lease(number, None);
        let Some(row) = self.rows.get_mut(&number) else { return };
        row.uncertain = true;
        let receiver = row.record.receiver.clone();
        match next {
            Some(Next::Ends(state)) => {
                let message = "every attempt ended without a result, as if the worker had crashed";
                row.record.failure = Some(Failure::new(ErrorCode::OutboxAttemptsExhausted, message));
                self.end(number, state, None, now);
            }
            Some(Next::Waits { until, .. }) => self.wait_again(number, until, now),
            None => {}
        }
        // It is not in flight any more, so another one may go.
        self.place(&receiver, now);
    }

    fn claim_of(
        &mut self,
        receiver: &str,
        claim: &Claim,
        limit: usize,
        claimed: &mut Vec<Claimed>,
        now: Timestamp,
    ) {
        let Some(lane) = self.lanes.get_mut(receiver) else { return };
        let in_flight = u32::try_from(lane.counts.in_flight).unwrap_or(u32::MAX);
        let most = lane.state.may_claim(now, in_flight).min(claim.per_receiver) as usize;
        let most = most.min(limit - claimed.len());
        let numbers: Vec<_> = if lane.state.status == Status::Paused {
            let after = lane.probed.and_then(|last| lane.ready.range((Excluded(last), Unbounded)).next());
            lane.probed = after.or(lane.ready.first()).copied().filter(|_| most > 0).or(lane.probed);
            lane.probed.iter().take(most).map(|(_, number)| *number).collect()
        } else {
            lane.ready.iter().take(most).map(|(_, number)| *number).collect()
        };
        self.next_turn += 1;
        lane.served = self.next_turn;
        for number in numbers {
            claimed.extend(self.take(number, 1, now.plus(claim.lease), now));
        }
        self.place(receiver, now);
    }

    /// Gives a delivery out until this time, for so many attempts.
    pub(super) fn take(
        &mut self,
        number: Number,
        attempts: u32,
        until: Timestamp,
        now: Timestamp,
    ) -> Option<Claimed> {
        self.stop_waiting(number, now);
        self.count(number, -1);
        let row = self.rows.get_mut(&number)?;
        row.record.state = State::InFlight;
        row.record.attempts += attempts;
        row.token += 1;
        let claimed = Claimed::new(
            Lease::new(row.record.jti.as_str(), row.token),
            row.record.receiver.clone(),
            row.payload.clone(),
            row.frozen.clone(),
            row.record.enqueued_at,
            row.record.attempts,
            row.uncertain,
        );
        self.expiries.remove(&(row.record.expires_at, number));
        self.set_lease(number, Some(until));
        self.count(number, 1);
        Some(claimed)
    }

    /// A lease begins, is extended, or ends.
    pub(super) fn set_lease(&mut self, number: Number, until: Option<Timestamp>) {
        let Some(row) = self.rows.get_mut(&number) else { return };
        let lane = self.lanes.get_mut(&row.record.receiver).map(|lane| &mut lane.leases);
        for leases in std::iter::once(&mut self.leases).chain(lane) {
            if let Some(before) = row.lease_until {
                leases.remove(&(before, number));
            }
            leases.extend(until.map(|until| (until, number)));
        }
        row.lease_until = until;
    }

    /// The delivery of a lease that still holds.
    fn leased(&mut self, lease: &Lease) -> Option<(Number, &mut Row)> {
        let number = *self.numbers.get(&lease.jti)?;
        let row = self.rows.get_mut(&number)?;
        (row.record.state == State::InFlight && row.token == lease.token).then_some((number, row))
    }

    pub(in super::super) fn freeze(&mut self, frozen: Frozen) -> bool {
        let row = self.leased(&frozen.lease);
        row.map(|(_, row)| row.frozen = Some(frozen.claims)).is_some()
    }

    pub(in super::super) fn renew(&mut self, lease: &Lease, until: Timestamp) -> bool {
        let Some((number, _)) = self.leased(lease) else { return false };
        self.set_lease(number, Some(until));
        true
    }

    pub(in super::super) fn settle(&mut self, settlement: Settlement, now: Timestamp) -> Settled {
        let Settlement { lease, outcome, uncertain, attempt, random } = settlement;
        let Some((number, row)) = self.leased(&lease) else { return Settled::Lost };
        row.attempts.extend(attempt);
        row.uncertain |= uncertain;
        row.record.failure = outcome.failure().cloned();
        let receiver = row.record.receiver.clone();
        self.set_lease(number, None);
        let Some(lane) = self.lanes.get_mut(&receiver) else { return Settled::Lost };
        let alert = lane.state.note(&outcome, now, random);
        match outcome.next(&lane.state, now) {
            Next::Ends(state) => self.end(number, state, None, now),
            Next::Waits { until, spends_attempt } => {
                if let Some(row) = self.rows.get_mut(&number).filter(|_| !spends_attempt) {
                    row.record.attempts = row.record.attempts.saturating_sub(1);
                }
                self.wait_again(number, until, now);
            }
        }
        self.place(&receiver, now);
        Settled::Applied(alert)
    }

    /// A delivery comes back from a worker.
    fn wait_again(&mut self, number: Number, due: Option<Timestamp>, now: Timestamp) {
        if let Some(by) = self.newer(number) {
            return self.end(number, State::Discarded, Some(Discard::Superseded { by }), now);
        }
        self.count(number, -1);
        let Some(row) = self.rows.get_mut(&number) else { return };
        row.record.state = State::Waiting;
        row.record.due_at = due;
        self.expiries.insert((row.record.expires_at, number));
        self.count(number, 1);
        self.wait_until_due(number, now);
    }
}

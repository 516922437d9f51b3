//! The deliveries of a memory store, with an index for each question that a claim asks.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use super::super::{
    Alert, Attempt, Claim, Claimed, Claims, Counts, Cursor, Discard, Enqueued, Failure, Filter, Frozen, History,
    Lease, Message, Outcome, Priority, Pruned, ReceiverRecord, ReceiverState, Record, Replay, Retention, Settled,
    Settlement, State, Status, Tag, fresh_jti,
    store::Payload,
};
use crate::{
    error::{Error, ErrorCode, Result},
    time::Timestamp,
};

/// In the order in which deliveries were accepted.
type Number = u64;

#[derive(Default)]
pub(super) struct Ledger {
    rows: BTreeMap<Number, Row>,
    numbers: HashMap<String, Number>,
    lanes: BTreeMap<String, Lane>,
    /// Receivers of which something can be claimed, the one that was served longest ago first.
    turns: BTreeSet<(u64, String)>,
    /// Receivers of which nothing can be claimed before a time.
    parked: BTreeSet<(Timestamp, String)>,
    due: BTreeSet<(Timestamp, Number)>,
    leases: BTreeSet<(Timestamp, Number)>,
    expiries: BTreeSet<(Timestamp, Number)>,
    ended: BTreeSet<(Timestamp, Number)>,
    idempotency: HashMap<Tag, Known>,
    /// Deliveries that have not ended, by receiver and what they have in common.
    groups: HashMap<Group, BTreeSet<Number>>,
    /// The newest delivery that was delivered in a group of those that supersede.
    delivered: HashMap<Group, Number>,
    next_number: Number,
    next_turn: u64,
}

#[derive(Clone, Eq, Hash, PartialEq)]
enum Group {
    /// Sent one after the other.
    Ordered(String, Tag),
    /// The newest replaces the others.
    Superseding(String, Tag),
}

struct Known {
    fingerprint: Tag,
    jtis: Vec<String>,
    /// How many of its deliveries are kept.
    kept: usize,
}

struct Row {
    record: Record,
    wait: Wait,
    payload: Payload,
    frozen: Option<Payload>,
    subject: Option<Tag>,
    idempotency: Option<Tag>,
    ordered: Option<Group>,
    superseding: Option<Group>,
    max_age: std::time::Duration,
    token: u64,
    lease_until: Option<Timestamp>,
    uncertain: bool,
    attempts: Vec<Attempt>,
}

/// What a delivery waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wait {
    /// Nothing: it can be claimed.
    Nothing,
    /// A time.
    Until(Timestamp),
    /// The end of an earlier one.
    Turn,
}

#[derive(Default)]
struct Lane {
    state: ReceiverState,
    counts: Counts,
    ready: BTreeSet<(Reverse<Priority>, Number)>,
    served: u64,
    place: Option<Place>,
}

/// Where a receiver is indexed.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Turn(u64),
    Parked(Timestamp),
}

/// What an enqueue will do.
pub(super) struct Plan(Vec<Option<Enqueued>>, usize);

impl Plan {
    /// How many deliveries it adds.
    pub(super) fn deliveries(&self) -> usize {
        self.1
    }
}

impl Ledger {
    /// Deliveries that have not ended.
    pub(super) fn live(&self) -> usize {
        self.rows.len() - self.ended.len()
    }

    /// Checks messages: which ones are known, and whether any conflicts.
    pub(super) fn plan(&self, messages: &[Message]) -> Result<Plan> {
        let mut plan = Plan(Vec::with_capacity(messages.len()), 0);
        let (mut jtis, mut keys) = (HashSet::new(), HashMap::new());
        let conflict = |message| Err(Error::new(ErrorCode::OutboxConflict, message));
        for message in messages {
            if let Some(key) = message.idempotency {
                let known = self.idempotency.get(&key).map(|known| (known.fingerprint, known.jtis.clone()));
                if let Some((fingerprint, jtis)) = known.or_else(|| keys.get(&key).cloned()) {
                    if fingerprint != message.fingerprint {
                        return conflict("the idempotency key belongs to an entry with other content");
                    }
                    plan.0.push(Some(Enqueued::new(jtis, true)));
                    continue;
                }
                let all = message.deliveries.iter().map(|delivery| delivery.jti.clone()).collect();
                keys.insert(key, (message.fingerprint, all));
            }
            for delivery in &message.deliveries {
                if self.numbers.contains_key(&delivery.jti) || !jtis.insert(&delivery.jti) {
                    return conflict("the outbox already has a delivery with this jti");
                }
            }
            plan.1 += message.deliveries.len();
            plan.0.push(None);
        }
        Ok(plan)
    }

    pub(super) fn enqueue(&mut self, messages: Vec<Message>, plan: Plan, now: Timestamp) -> Vec<Enqueued> {
        let new = |(message, known): (Message, Option<Enqueued>)| match known {
            Some(known) => known,
            None => self.accept(message, now),
        };
        messages.into_iter().zip(plan.0).map(new).collect()
    }

    fn accept(&mut self, message: Message, now: Timestamp) -> Enqueued {
        let jtis: Vec<_> = message.deliveries.iter().map(|delivery| delivery.jti.clone()).collect();
        if let Some(key) = message.idempotency {
            let known =
                Known { fingerprint: message.fingerprint, jtis: jtis.clone(), kept: message.deliveries.len() };
            self.idempotency.insert(key, known);
        }
        let begins = message.not_before.map_or(now, |time| time.max(now));
        for delivery in message.deliveries {
            let expires_at = begins.plus(message.max_age);
            let mut record =
                Record::new(delivery.jti, &delivery.receiver, &message.event, message.issued_at, expires_at);
            record.priority = message.priority;
            let group = |kind: fn(String, Tag) -> Group, tag: Option<Tag>| {
                tag.map(|tag| kind(delivery.receiver.clone(), tag))
            };
            let row = Row {
                record,
                wait: Wait::Nothing,
                payload: message.payload.clone(),
                frozen: None,
                subject: message.subject,
                idempotency: message.idempotency,
                ordered: group(Group::Ordered, message.subject.filter(|_| message.ordered)),
                superseding: group(Group::Superseding, message.supersedes),
                max_age: message.max_age,
                token: 0,
                lease_until: None,
                uncertain: false,
                attempts: Vec::new(),
            };
            self.add(row, message.not_before, now);
        }
        Enqueued::new(jtis, false)
    }

    /// Adds a delivery, which discards those that it supersedes.
    fn add(&mut self, row: Row, not_before: Option<Timestamp>, now: Timestamp) {
        let number = self.next_number;
        self.next_number += 1;
        let older: Vec<_> = row.superseding.iter().flat_map(|group| self.waiting_in(group)).collect();
        for older in older {
            self.end(older, State::Discarded, Some(Discard::Superseded { by: row.record.jti.clone() }), now);
        }
        self.numbers.insert(row.record.jti.clone(), number);
        self.lanes.entry(row.record.receiver.clone()).or_default().counts.enqueued += 1;
        self.rows.insert(number, row);
        self.begin(number, not_before, now);
    }

    fn waiting_in(&self, group: &Group) -> Vec<Number> {
        let waits = |number: &&Number| {
            self.rows.get(number).is_some_and(|row| row.record.state == State::Waiting)
        };
        self.groups.get(group).into_iter().flatten().filter(waits).copied().collect()
    }

    /// A delivery begins to wait: it is new, or replayed.
    fn begin(&mut self, number: Number, not_before: Option<Timestamp>, now: Timestamp) {
        let Some(row) = self.rows.get_mut(&number) else { return };
        row.record.state = State::Waiting;
        let (ordered, superseding) = (row.ordered.clone(), row.superseding.clone());
        let expires_at = row.record.expires_at;
        self.count(number, 1);
        self.expiries.insert((expires_at, number));
        let follows = ordered.as_ref().is_some_and(|group| self.groups.contains_key(group));
        for group in [ordered, superseding].into_iter().flatten() {
            self.groups.entry(group).or_default().insert(number);
        }
        if let Some(row) = self.rows.get_mut(&number) {
            row.record.due_at = not_before.filter(|time| *time > now);
        }
        if follows { self.wait(number, Wait::Turn, now) } else { self.wait_until_due(number, now) }
    }

    fn wait_until_due(&mut self, number: Number, now: Timestamp) {
        let due = self.rows.get(&number).and_then(|row| row.record.due_at).filter(|time| *time > now);
        self.wait(number, due.map_or(Wait::Nothing, Wait::Until), now);
    }

    /// A delivery waits for something.
    fn wait(&mut self, number: Number, wait: Wait, now: Timestamp) {
        let Some(row) = self.rows.get_mut(&number) else { return };
        row.wait = wait;
        match wait {
            Wait::Turn => {}
            Wait::Until(time) => {
                row.record.due_at = Some(time);
                self.due.insert((time, number));
            }
            Wait::Nothing => {
                row.record.due_at = None;
                let (receiver, key) = (row.record.receiver.clone(), (Reverse(row.record.priority), number));
                self.lanes.entry(receiver.clone()).or_default().ready.insert(key);
                self.place(&receiver, now);
            }
        }
    }

    /// Takes a delivery out of the index that its wait has put it into.
    fn stop_waiting(&mut self, number: Number, now: Timestamp) {
        let Some(row) = self.rows.get(&number) else { return };
        match row.wait {
            Wait::Turn => {}
            Wait::Until(time) => {
                self.due.remove(&(time, number));
            }
            Wait::Nothing => {
                let (receiver, key) = (row.record.receiver.clone(), (Reverse(row.record.priority), number));
                if let Some(lane) = self.lanes.get_mut(&receiver) {
                    lane.ready.remove(&key);
                }
                self.place(&receiver, now);
            }
        }
    }

    /// Adds to the count that a delivery belongs to.
    fn count(&mut self, number: Number, by: i8) {
        let Some(row) = self.rows.get(&number) else { return };
        let Some(lane) = self.lanes.get_mut(&row.record.receiver) else { return };
        let count = lane.counts.of(row.record.state, row.record.discard.as_ref());
        *count = count.saturating_add_signed(by.into());
    }

    /// Indexes a receiver by when something of it can be claimed.
    fn place(&mut self, receiver: &str, now: Timestamp) {
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

    pub(super) fn claim(&mut self, claim: &Claim, now: Timestamp) -> Claims {
        self.free_leases(claim.max_attempts, now);
        while let Some((_, number)) = self.expiries.first().copied().filter(|(time, _)| *time <= now) {
            self.end(number, State::Discarded, Some(Discard::Expired), now);
        }
        while let Some((time, number)) = self.due.first().copied().filter(|(time, _)| *time <= now) {
            self.due.remove(&(time, number));
            self.wait(number, Wait::Nothing, now);
        }
        while let Some((_, receiver)) = self.parked.first().cloned().filter(|(time, _)| *time <= now) {
            self.place(&receiver, now);
        }
        let mut deliveries = Vec::new();
        let limit = claim.deliveries as usize;
        while let Some((_, receiver)) = self.turns.first().cloned().filter(|_| deliveries.len() < limit) {
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
        Claims::new(deliveries, next)
    }

    /// Deliveries of which nobody knows how they ended.
    fn free_leases(&mut self, max_attempts: u32, now: Timestamp) {
        while let Some((time, number)) = self.leases.first().copied().filter(|(time, _)| *time <= now) {
            self.leases.remove(&(time, number));
            let Some(row) = self.rows.get_mut(&number) else { continue };
            row.lease_until = None;
            row.uncertain = true;
            if row.record.attempts >= max_attempts {
                let message = "every attempt ended without a result, as if the worker had crashed";
                row.record.failure = Some(Failure::new(ErrorCode::OutboxAttemptsExhausted, message));
                self.end(number, State::Dead, None, now);
            } else {
                self.wait_again(number, None, now);
            }
        }
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
        let numbers: Vec<_> =
            lane.ready.iter().take(most.min(limit - claimed.len())).map(|(_, number)| *number).collect();
        self.next_turn += 1;
        lane.served = self.next_turn;
        for number in numbers {
            self.stop_waiting(number, now);
            self.count(number, -1);
            let Some(row) = self.rows.get_mut(&number) else { continue };
            row.record.state = State::InFlight;
            row.record.attempts += 1;
            row.token += 1;
            let until = now.plus(claim.lease);
            row.lease_until = Some(until);
            claimed.push(Claimed::new(
                Lease::new(row.record.jti.as_str(), row.token),
                row.record.receiver.clone(),
                row.payload.clone(),
                row.frozen.clone(),
                row.record.enqueued_at,
                row.record.attempts,
                row.uncertain,
            ));
            self.expiries.remove(&(row.record.expires_at, number));
            self.leases.insert((until, number));
            self.count(number, 1);
        }
        self.place(receiver, now);
    }

    /// The delivery of a lease that still holds.
    fn leased(&mut self, lease: &Lease) -> Option<(Number, &mut Row)> {
        let number = *self.numbers.get(&lease.jti)?;
        let row = self.rows.get_mut(&number)?;
        (row.record.state == State::InFlight && row.token == lease.token).then_some((number, row))
    }

    pub(super) fn freeze(&mut self, frozen: Frozen) -> bool {
        let row = self.leased(&frozen.lease);
        row.map(|(_, row)| row.frozen = Some(frozen.claims)).is_some()
    }

    pub(super) fn renew(&mut self, lease: &Lease, until: Timestamp) -> bool {
        let Some((number, row)) = self.leased(lease) else { return false };
        let before = row.lease_until.replace(until);
        if let Some(before) = before {
            self.leases.remove(&(before, number));
        }
        self.leases.insert((until, number));
        true
    }

    pub(super) fn settle(&mut self, settlement: Settlement, now: Timestamp) -> Settled {
        let Settlement { lease, outcome, uncertain, attempt, random } = settlement;
        let Some((number, row)) = self.leased(&lease) else { return Settled::Lost };
        row.attempts.extend(attempt);
        row.uncertain |= uncertain;
        row.record.failure = outcome.failure().cloned();
        if !outcome.spends_attempt() {
            row.record.attempts = row.record.attempts.saturating_sub(1);
        }
        let lease_until = row.lease_until.take();
        let receiver = row.record.receiver.clone();
        if let Some(until) = lease_until {
            self.leases.remove(&(until, number));
        }
        let alert = self.note(&receiver, &outcome, now, random);
        match outcome {
            Outcome::Delivered => self.end(number, State::Delivered, None, now),
            Outcome::Dead(_) => self.end(number, State::Dead, None, now),
            Outcome::Retry { after, .. } => self.wait_again(number, Some(now.plus(after)), now),
            Outcome::Refused(_) | Outcome::Deferred { .. } | Outcome::Released => {
                self.wait_again(number, None, now);
            }
        }
        self.place(&receiver, now);
        Settled::Applied(alert)
    }

    fn note(&mut self, receiver: &str, outcome: &Outcome, now: Timestamp, random: u64) -> Option<Alert> {
        self.lanes.get_mut(receiver)?.state.note(outcome, now, random)
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

    /// The delivery that supersedes this one.
    fn newer(&self, number: Number) -> Option<String> {
        let group = self.rows.get(&number)?.superseding.as_ref()?;
        let live = self.groups.get(group).and_then(|numbers| numbers.last().copied());
        let delivered = self.delivered.get(group).copied();
        let newest = live.max(delivered).filter(|newest| *newest > number)?;
        Some(self.rows.get(&newest)?.record.jti.clone())
    }

    /// A delivery ends.
    fn end(&mut self, number: Number, state: State, discard: Option<Discard>, now: Timestamp) {
        let Some(row) = self.rows.get(&number) else { return };
        let waited = (row.record.state == State::Waiting).then_some(row.wait);
        if waited.is_some() {
            self.stop_waiting(number, now);
        }
        self.count(number, -1);
        let Some(row) = self.rows.get_mut(&number) else { return };
        row.record.state = state;
        row.record.discard = discard;
        row.record.due_at = None;
        row.record.ended_at = Some(now);
        row.lease_until = None;
        let (ordered, superseding) = (row.ordered.clone(), row.superseding.clone());
        let receiver = row.record.receiver.clone();
        self.expiries.remove(&(row.record.expires_at, number));
        self.ended.insert((now, number));
        self.count(number, 1);
        // One that was in flight may have kept the others of its receiver from being claimed.
        self.place(&receiver, now);
        if let Some(group) = superseding {
            if state == State::Delivered {
                let newest = self.delivered.entry(group.clone()).or_default();
                *newest = number.max(*newest);
            }
            self.leave(&group, number);
        }
        if let Some(group) = ordered {
            self.leave(&group, number);
            // The first of those that wait for their turn is next, unless this one waited for its own.
            let next = self.groups.get(&group).and_then(|numbers| numbers.first().copied());
            if let Some(next) = next.filter(|_| waited != Some(Wait::Turn)) {
                self.wait_until_due(next, now);
            }
        }
    }

    fn leave(&mut self, group: &Group, number: Number) {
        if let Some(numbers) = self.groups.get_mut(group) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.groups.remove(group);
            }
        }
    }

    pub(super) fn replay(&mut self, replay: &Replay, now: Timestamp) -> Result<u64> {
        let selected = |row: &&Row| replay.selects(&row.record, row.subject.as_ref());
        let numbers: Vec<_> =
            self.rows.iter().filter(|(_, row)| selected(row)).map(|(number, _)| *number).collect();
        if !replay.dry_run {
            for number in &numbers {
                if replay.fresh_jti { self.copy(*number, now)? } else { self.revive(*number, now) }
            }
        }
        Ok(numbers.len() as u64)
    }

    /// The same delivery waits again.
    fn revive(&mut self, number: Number, now: Timestamp) {
        self.count(number, -1);
        let Some(row) = self.rows.get_mut(&number) else { return };
        row.uncertain |= row.record.state == State::Delivered;
        if let Some(ended) = row.record.ended_at.take() {
            self.ended.remove(&(ended, number));
        }
        row.record.discard = None;
        row.record.attempts = 0;
        row.record.expires_at = now.plus(row.max_age);
        row.frozen = None;
        self.begin(number, None, now);
    }

    /// Another delivery with the same content waits.
    fn copy(&mut self, number: Number, now: Timestamp) -> Result<()> {
        let Some(row) = self.rows.get(&number) else { return Ok(()) };
        let old = &row.record;
        let expires_at = now.plus(row.max_age);
        let mut record = Record::new(fresh_jti()?, &old.receiver, &old.event, now, expires_at);
        record.priority = old.priority;
        let row = Row {
            record,
            wait: Wait::Nothing,
            payload: row.payload.clone(),
            frozen: None,
            subject: row.subject,
            idempotency: None,
            ordered: row.ordered.clone(),
            superseding: row.superseding.clone(),
            max_age: row.max_age,
            token: 0,
            lease_until: None,
            uncertain: false,
            attempts: Vec::new(),
        };
        self.add(row, None, now);
        Ok(())
    }

    pub(super) fn discard(&mut self, filter: &Filter, dry_run: bool, now: Timestamp) -> u64 {
        let selected = |row: &&Row| {
            row.record.state == State::Waiting && filter.selects(&row.record, row.subject.as_ref())
        };
        let numbers: Vec<_> =
            self.rows.iter().filter(|(_, row)| selected(row)).map(|(number, _)| *number).collect();
        if !dry_run {
            for number in &numbers {
                self.end(*number, State::Discarded, Some(Discard::Removed), now);
            }
        }
        numbers.len() as u64
    }

    pub(super) fn change_receiver(
        &mut self,
        receiver: &str,
        now: Timestamp,
        change: impl FnOnce(&mut ReceiverState),
    ) {
        change(&mut self.lanes.entry(receiver.to_owned()).or_default().state);
        self.place(receiver, now);
    }

    pub(super) fn prune(&mut self, retention: &Retention, now: Timestamp) -> Pruned {
        let is_old = |(ended, number): &&(Timestamp, Number)| {
            let state = self.rows.get(number).map(|row| row.record.state);
            let kept = state.and_then(|state| retention.of(state));
            kept.is_none_or(|kept| ended.plus(kept) <= now)
        };
        let limit = retention.limit as usize;
        let old: Vec<_> = self.ended.iter().filter(is_old).take(limit).copied().collect();
        old.iter().for_each(|ended| self.remove(*ended));
        Pruned::new(old.len() as u64, old.len() == limit)
    }

    /// Removes the deliveries that ended first, so that no more than this many are kept.
    pub(super) fn keep_ended(&mut self, most: usize) {
        while let Some(first) = self.ended.first().copied().filter(|_| self.ended.len() > most) {
            self.remove(first);
        }
    }

    fn remove(&mut self, ended: (Timestamp, Number)) {
        self.ended.remove(&ended);
        let Some(row) = self.rows.remove(&ended.1) else { return };
        self.numbers.remove(&row.record.jti);
        if let Some(group) = row.superseding.filter(|group| self.delivered.get(group) == Some(&ended.1)) {
            self.delivered.remove(&group);
        }
        if let Some(key) = row.idempotency
            && let Some(known) = self.idempotency.get_mut(&key)
        {
            known.kept -= 1;
            if known.kept == 0 {
                self.idempotency.remove(&key);
            }
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.lanes.values().for_each(|lane| counts.add(&lane.counts));
        counts
    }

    pub(super) fn receivers(&self, after: Option<String>, limit: usize) -> Vec<ReceiverRecord> {
        use std::ops::Bound;
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let of = |(name, lane): (&String, &Lane)| {
            let waits = |row: &&Row| row.record.receiver == *name && row.record.state == State::Waiting;
            let oldest = self.rows.values().find(waits).map(|row| row.record.enqueued_at);
            ReceiverRecord::new(name, lane.state.clone(), lane.counts, oldest)
        };
        self.lanes.range((after, Bound::Unbounded)).take(limit).map(of).collect()
    }

    pub(super) fn list(&self, filter: &Filter, after: Option<&Cursor>, limit: usize) -> Vec<Record> {
        let selected = |row: &&Row| {
            filter.selects(&row.record, row.subject.as_ref())
                && after.is_none_or(|after| Cursor::after(&row.record) > *after)
        };
        let mut records: Vec<_> = self.rows.values().filter(selected).map(|row| row.record.clone()).collect();
        records.sort_by_cached_key(Cursor::after);
        records.truncate(limit);
        records
    }

    pub(super) fn history(&self, jti: &str) -> Option<History> {
        let row = self.rows.get(self.numbers.get(jti)?)?;
        Some(History::new(row.record.clone(), row.attempts.clone()))
    }
}

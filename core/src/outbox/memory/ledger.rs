//! The deliveries of a memory store, with an index for each question that a claim asks.

mod claim;
mod lane;
mod questions;
mod repair;
mod streams;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use lane::Lane;

use super::{
    super::{Attempt, Discard, Enqueued, Message, Record, State, Tag, store::Payload},
    directory::Directory,
};
use crate::{
    error::{Error, ErrorCode, Result},
    time::Timestamp,
};

/// In the order in which deliveries were accepted.
type Number = u64;

#[derive(Default)]
pub(super) struct Ledger {
    pub(super) directory: Directory,
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

    /// The earlier message that this one repeats. Errors are those of [`plan`](Self::plan).
    pub(super) fn known(&self, message: &Message) -> Result<Option<Enqueued>> {
        Ok(self.plan(std::slice::from_ref(message))?.0.pop().flatten())
    }

    pub(super) fn enqueue(&mut self, messages: Vec<Message>, plan: Plan, now: Timestamp) -> Vec<Enqueued> {
        let new = |(message, known): (Message, Option<Enqueued>)| match known {
            Some(known) => known,
            None => self.accept(message, now),
        };
        messages.into_iter().zip(plan.0).map(new).collect()
    }

    fn accept(&mut self, message: Message, now: Timestamp) -> Enqueued {
        let ordered = message.ordered;
        self.accept_some(message, now, |_| ordered)
    }

    /// Accepts a message. Its deliveries are ordered for which `is_ordered` tells so, by their index.
    fn accept_some(
        &mut self,
        message: Message,
        now: Timestamp,
        is_ordered: impl Fn(usize) -> bool,
    ) -> Enqueued {
        let jtis: Vec<_> = message.deliveries.iter().map(|delivery| delivery.jti.clone()).collect();
        if let Some(key) = message.idempotency {
            let known = Known {
                fingerprint: message.fingerprint,
                jtis: jtis.clone(),
                kept: message.deliveries.len(),
            };
            self.idempotency.insert(key, known);
        }
        let begins = message.not_before.map_or(now, |time| time.max(now));
        for (index, delivery) in message.deliveries.into_iter().enumerate() {
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
                ordered: group(Group::Ordered, message.subject.filter(|_| is_ordered(index))),
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
        let lane = self.lanes.entry(row.record.receiver.clone()).or_default();
        lane.counts.enqueued += 1;
        lane.kept += 1;
        self.rows.insert(number, row);
        self.begin(number, not_before, now);
    }

    fn waiting_in(&self, group: &Group) -> Vec<Number> {
        let waits =
            |number: &&Number| self.rows.get(number).is_some_and(|row| row.record.state == State::Waiting);
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
                if let Some(lane) = self.lanes.get_mut(&row.record.receiver) {
                    lane.due.insert((time, number));
                }
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
                if let Some(lane) = self.lanes.get_mut(&row.record.receiver) {
                    lane.due.remove(&(time, number));
                }
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
        self.set_lease(number, None);
        self.count(number, -1);
        let Some(row) = self.rows.get_mut(&number) else { return };
        row.record.state = state;
        row.record.discard = discard;
        row.record.due_at = None;
        row.record.ended_at = Some(now);
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
}

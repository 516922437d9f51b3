//! Long sequences of operations on the streams of two stores, which tell the same after each of them.

use std::{collections::HashMap, time::Duration};

use super::{
    super::{
        pair::{Pair, both},
        tester::{Dice, failure, retry},
    },
    Case, Check, EVENT, LEASE, Streams, event, record, user,
};
use crate::{
    error::{ErrorCode, Result},
    event::StreamStatus,
    outbox::{
        Acknowledgement, Claim, Claimed, Discard, Filter, Frozen, Lease, Outcome, Poll, Priority,
        Publication, Record, Replay, Settlement, State, Store, StreamRecord, StreamStore, SubjectKeys,
        stream_receiver,
    },
    subject::{ComplexSubject, Subject},
};

pub(super) const CASES: &[Case] = &[
    ("a walk over streams agrees with the store in memory", |streams| Box::pin(walk(streams, 1))),
    ("another walk over streams agrees", |streams| Box::pin(walk(streams, 2))),
    ("a third walk over streams agrees", |streams| Box::pin(walk(streams, 3))),
];

const STEPS: u64 = 600;
/// How long a delivery waits that was lost twice depends on its `jti`, which differs. With two attempts, none waits.
const MAX_ATTEMPTS: u32 = 2;

/// A sequence of operations.
struct Walk<'a> {
    streams: &'a Streams,
    pair: Pair<'a, dyn StreamStore>,
    /// The `jti` in memory, by that of the store.
    jtis: HashMap<String, String>,
    /// What was given out, as the store calls it.
    lent: Vec<Lease>,
}

async fn walk(streams: &Streams, seed: u64) -> Check {
    let pair = Pair::new(&*streams.store, streams.clock.clone());
    let mut walk = Walk { streams, pair, jtis: HashMap::new(), lent: Vec::new() };
    // Among those that were never served, memory goes by name.
    for number in 0..4 {
        walk.create(&format!("s{number}"), number % 2 == 0).await?;
    }
    let mut dice = Dice::new(seed);
    for step in 0..STEPS {
        walk.pair.step = step;
        walk.operate(&mut dice).await?;
        walk.compare().await?;
    }
    Ok(())
}

fn stream(dice: &mut Dice) -> String {
    format!("s{}", dice.roll(4))
}

/// One of a few subjects, of which some match others.
fn subject(dice: &mut Dice) -> Subject {
    let name = |dice: &mut Dice| user(&format!("u{}", dice.roll(2)));
    let complex = ComplexSubject::new();
    match dice.roll(4) {
        0 => complex.with_member("user", name(dice)).into(),
        1 => complex.with_member("user", name(dice)).with_member("device", name(dice)).into(),
        _ => name(dice),
    }
}

impl Walk<'_> {
    /// What memory calls it.
    fn named(&self, jti: &str) -> String {
        self.jtis.get(jti).cloned().unwrap_or_else(|| jti.to_owned())
    }

    fn translated(&self, mut record: Record) -> Record {
        record.jti = self.named(&record.jti);
        if let Some(Discard::Superseded { by }) = &mut record.discard {
            *by = self.named(by);
        }
        record
    }

    async fn compare(&self) -> Check {
        both!(self.pair, "the counts", store => store.counts());
        both!(self.pair, "the receivers", store => store.receivers(None, 100));
        both!(self.pair, "the streams", store => store.streams_of("owner"));
        let sorted = |mut records: Vec<Record>| {
            records.sort_by(|one, other| one.jti.cmp(&other.jti));
            records
        };
        let wanted = self.pair.memory.list(Filter::new(), None, 10_000).await.map(sorted);
        let told = self.pair.store.list(Filter::new(), None, 10_000).await;
        let told = told.map(|list| sorted(list.into_iter().map(|record| self.translated(record)).collect()));
        self.pair.same("the list", told, wanted).map(|_| ())
    }

    async fn operate(&mut self, dice: &mut Dice) -> Check {
        match dice.roll(26) {
            0..=6 => self.publish(dice).await?,
            7..=10 => self.poll(dice).await?,
            11 | 12 => self.claim(dice).await?,
            13..=15 => self.acknowledge(dice).await?,
            16 | 17 => self.use_lease(dice).await?,
            18 | 19 => self.streams.clock.advance(dice.seconds(90)),
            20 => {
                let keys = SubjectKeys::of(None, &subject(dice)).map_err(|error| error.to_string())?;
                let (id, wanted) = (stream(dice), dice.roll(2) == 0);
                both!(self.pair, "a subject", store => store.set_subject(&id, keys.clone(), wanted, 2));
            }
            21 | 22 => self.update(dice).await?,
            23 => {
                let (id, polled) = (stream(dice), dice.roll(2) == 0);
                both!(self.pair, "what is deleted", store => store.delete_stream(&id));
                self.create(&id, polled).await?;
            }
            24 => {
                let (name, holds) = (stream_receiver(&stream(dice)), dice.roll(4) == 0);
                both!(self.pair, "a hold", store => if holds { store.hold(&name) } else { store.release(&name) });
            }
            _ => {
                let state = *dice.pick(&[State::Dead, State::Delivered, State::Discarded]);
                let filter = Filter::new().state(state).receiver(stream_receiver(&stream(dice)));
                both!(self.pair, "a replay", store => store.replay(Replay::new(filter.clone())));
            }
        }
        Ok(())
    }

    async fn create(&self, id: &str, polled: bool) -> Check {
        let new = StreamRecord { polled, ..record(id) };
        both!(self.pair, "a new stream", store => store.create_stream(new.clone(), 10));
        Ok(())
    }

    async fn publish(&mut self, dice: &mut Dice) -> Check {
        let mut entry = event(subject(dice));
        for _ in 0..dice.roll(2) {
            entry = match dice.roll(4) {
                0 => entry.priority(*dice.pick(&[Priority::Low, Priority::High])),
                1 => entry.not_before(self.streams.now().plus(dice.seconds(120))),
                2 => entry.supersedes(format!("risk-{}", dice.roll(2))),
                _ => entry.max_age(Duration::from_mins(1) + dice.seconds(600)),
            };
        }
        let publication = Publication {
            only: (dice.roll(8) == 0).then(|| stream(dice)),
            ordered: dice.roll(3) > 0,
            most_waiting: 3,
            ..self.streams.publication(&entry)?
        };
        let wanted = self.pair.memory.publish(publication.clone()).await;
        let told = self.pair.store.publish(publication).await;
        if let (Ok(told), Ok(wanted)) = (&told, &wanted) {
            self.jtis.extend(told.jtis.iter().cloned().zip(wanted.jtis.iter().cloned()));
        }
        let numbers = |result: Result<crate::outbox::Published>| {
            result.map(|published| (published.streams, published.jtis.len(), published.repeated))
        };
        self.pair.same("what was published", numbers(told), numbers(wanted)).map(|_| ())
    }

    async fn poll(&mut self, dice: &mut Dice) -> Check {
        let poll = Poll::new(stream(dice), u32::try_from(dice.roll(5)).unwrap_or_default(), LEASE);
        let wanted = self.pair.memory.poll(poll.clone()).await;
        let wanted = wanted.map(|polled| (self.told(&polled.deliveries), polled.more, polled.next));
        let polled = self.pair.store.poll(poll).await;
        let told = polled.as_ref().map(|polled| (self.told(&polled.deliveries), polled.more, polled.next));
        self.pair.same("a poll", told.map_err(Clone::clone), wanted)?;
        let lent = polled.into_iter().flat_map(|polled| polled.deliveries).map(|claimed| claimed.lease);
        self.lent.extend(lent);
        Ok(())
    }

    async fn claim(&mut self, dice: &mut Dice) -> Check {
        let claim = Claim::new(u32::try_from(1 + dice.roll(4)).unwrap_or(1), 100, LEASE, MAX_ATTEMPTS);
        let wanted = self.pair.memory.claim(claim).await;
        let wanted = wanted.map(|claims| (self.told(&claims.deliveries), claims.next));
        let claims = self.pair.store.claim(claim).await;
        let told = claims.as_ref().map(|claims| (self.told(&claims.deliveries), claims.next));
        self.pair.same("a claim", told.map_err(Clone::clone), wanted)?;
        let lent = claims.into_iter().flat_map(|claims| claims.deliveries).map(|claimed| claimed.lease);
        self.lent.extend(lent);
        Ok(())
    }

    /// What was given out, in a form that can be compared.
    fn told(&self, claimed: &[Claimed]) -> Vec<String> {
        let told = |claimed: &Claimed| {
            let Claimed { lease, receiver, payload, frozen, issued_at, attempts, uncertain } = claimed;
            let (jti, token) = (self.named(&lease.jti), lease.token);
            format!("{jti} {token} {receiver} {payload:?} {frozen:?} {issued_at} {attempts} {uncertain}")
        };
        claimed.iter().map(told).collect()
    }

    fn some_lease(&self, dice: &mut Dice) -> Option<Lease> {
        let newest = self.lent.len().saturating_sub(8);
        let of = self.lent.get(newest..).filter(|leases| !leases.is_empty())?;
        of.get(usize::try_from(dice.roll(of.len() as u64)).unwrap_or_default()).cloned()
    }

    async fn acknowledge(&self, dice: &mut Dice) -> Check {
        let (mut said, mut of_memory) = (Acknowledgement::new(stream(dice)), Acknowledgement::default());
        of_memory.stream.clone_from(&said.stream);
        for _ in 0..dice.roll(4) {
            let Some(lease) = self.some_lease(dice) else { break };
            let named = self.named(&lease.jti);
            if dice.roll(4) == 0 {
                let failure = failure(ErrorCode::ReceiverRejected);
                said.rejected.push((lease.jti, failure.clone()));
                of_memory.rejected.push((named, failure));
            } else {
                said.accepted.push(lease.jti);
                of_memory.accepted.push(named);
            }
        }
        let wanted = self.pair.memory.acknowledge(of_memory).await;
        self.pair.same("an acknowledgement", self.pair.store.acknowledge(said).await, wanted).map(|_| ())
    }

    async fn use_lease(&self, dice: &mut Dice) -> Check {
        let Some(lease) = self.some_lease(dice) else { return Ok(()) };
        let of_memory = Lease::new(self.named(&lease.jti), lease.token);
        if dice.roll(3) == 0 {
            let frozen = |lease| vec![Frozen::new(lease, self.pair.step.to_string().into_bytes().into())];
            let wanted = self.pair.memory.freeze(frozen(of_memory.clone())).await;
            self.pair.same("what is frozen", self.pair.store.freeze(frozen(lease.clone())).await, wanted)?;
            let id = stream(dice);
            let wanted = self.pair.memory.frozen(&id, vec![of_memory.jti]).await;
            let told = self.pair.store.frozen(&id, vec![lease.jti]).await;
            return self.pair.same("what was frozen", told, wanted).map(|_| ());
        }
        let outcome = match dice.roll(5) {
            0 => Outcome::Released,
            1 => Outcome::Dead(failure(ErrorCode::ReceiverRejected)),
            2 => retry(dice.seconds(100)),
            3 => Outcome::Refused(failure(ErrorCode::ReceiverNotFound)),
            _ => Outcome::Delivered,
        };
        let settled = |lease| vec![Settlement { outcome: outcome.clone(), ..Settlement::released(lease) }];
        let wanted = self.pair.memory.settle(settled(of_memory)).await;
        self.pair.same("a settlement", self.pair.store.settle(settled(lease)).await, wanted).map(|_| ())
    }

    async fn update(&self, dice: &mut Dice) -> Check {
        let id = stream(dice);
        let found = both!(self.pair, "a stream", store => store.stream(&id)).flatten();
        let Some(mut changed) = found else { return Ok(()) };
        match dice.roll(5) {
            0 => changed.polled = !changed.polled,
            1 => changed.all_subjects = !changed.all_subjects,
            2 => changed.events = if dice.roll(4) == 0 { Vec::new() } else { vec![EVENT.to_owned()] },
            3 => changed.version = changed.version.saturating_sub(dice.roll(2)),
            _ => {
                let all = [StreamStatus::Enabled, StreamStatus::Paused, StreamStatus::Disabled];
                changed.status = *dice.pick(&all);
            }
        }
        both!(self.pair, "an update", store => store.update_stream(changed.clone()));
        Ok(())
    }
}

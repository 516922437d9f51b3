//! Long sequences of operations on two stores, which tell the same after each of them.

use std::time::Duration;

use super::{
    Case,
    pair::{Pair, both},
    tester::{Check, Dice, LEASE, MAX_ATTEMPTS, Tester, entry, failure, retry},
};
use crate::{
    error::ErrorCode,
    outbox::{
        Attempt, Claim, Claimed, Enqueued, Entry, Filter, Frozen, Outcome, Priority, Replay, Retention,
        Settlement, State, Store,
    },
};

pub(super) const CASES: &[Case] = &[
    ("a random walk agrees with the store in memory", |tester| Box::pin(walk(tester, 1))),
    ("another walk agrees", |tester| Box::pin(walk(tester, 2))),
    ("a third walk agrees", |tester| Box::pin(walk(tester, 3))),
];

const STEPS: u64 = 700;

/// A sequence of operations.
struct Walk<'a> {
    tester: &'a Tester,
    pair: Pair<'a, dyn Store>,
}

async fn walk(tester: &Tester, seed: u64) -> Check {
    let mut walk = Walk { tester, pair: Pair::new(&*tester.store, tester.clock.clone()) };
    // Among those that were never served, memory goes by name.
    for name in ["r0", "r1", "r2", "r3"] {
        walk.enqueue(&entry(name, "first").jti(name)).await?;
    }
    let (mut dice, mut held) = (Dice::new(seed), Vec::new());
    for step in 0..STEPS {
        walk.pair.step = step;
        walk.operate(&mut dice, &mut held).await?;
        walk.compare().await?;
    }
    Ok(())
}

impl Walk<'_> {
    async fn enqueue(&self, entry: &Entry) -> Check<Option<Vec<Enqueued>>> {
        let message = self.tester.message(entry)?;
        Ok(both!(self.pair, "what was accepted", store => store.enqueue(vec![message.clone()])))
    }

    async fn compare(&self) -> Check {
        both!(self.pair, "the counts", store => store.counts());
        both!(self.pair, "the receivers", store => store.receivers(None, 100));
        let list = both!(self.pair, "the list", store => store.list(Filter::new(), None, 10_000));
        if let Some(record) = list.as_ref().and_then(|list| list.last()) {
            both!(self.pair, "the history", store => store.history(&record.jti));
        }
        Ok(())
    }

    async fn operate(&self, dice: &mut Dice, held: &mut Vec<Claimed>) -> Check {
        match dice.roll(24) {
            0..=7 => drop(self.enqueue(&self.new_entry(dice)).await?),
            8..=11 => held.extend(self.claim(dice).await?),
            12..=16 if !held.is_empty() => {
                let at = usize::try_from(dice.roll(held.len() as u64)).unwrap_or_default();
                self.use_lease(dice, held, at).await?;
            }
            17..=19 => self.tester.advance(dice.seconds(90)),
            20 => {
                let states = [State::Dead, State::Delivered, State::Discarded];
                let filter = Filter::new().state(*dice.pick(&states)).receiver(dice.receiver());
                both!(self.pair, "a replay", store => store.replay(Replay::new(filter.clone())));
            }
            21 => {
                let jti = |dice: &mut Dice| format!("jti-{}", dice.roll(self.pair.step + 1));
                let filter = Filter::new().jti(jti(dice)).jti(jti(dice));
                let dry_run = dice.roll(3) == 0;
                both!(self.pair, "a discard", store => store.discard(filter.clone(), dry_run));
            }
            22 => {
                let (name, holds) = (dice.receiver(), dice.roll(4) == 0);
                both!(self.pair, "a hold", store => if holds { store.hold(&name) } else { store.release(&name) });
            }
            _ => {
                let hour = Duration::from_hours(1);
                let (delivered, dead, discarded) = (hour / 6, hour / 3, hour / 4);
                let retention = Retention { delivered, dead, discarded, ..Retention::default() };
                both!(self.pair, "what is pruned", store => store.prune(retention));
            }
        }
        Ok(())
    }

    fn new_entry(&self, dice: &mut Dice) -> Entry {
        let mut new =
            entry(&dice.receiver(), &format!("u{}", dice.roll(3))).jti(format!("jti-{}", self.pair.step));
        for _ in 0..dice.roll(3) {
            new = match dice.roll(6) {
                0 | 1 => new.ordered(),
                2 => new.supersedes(format!("risk-{}", dice.roll(2))),
                3 => new.priority(*dice.pick(&[Priority::Low, Priority::High])),
                4 => new.not_before(self.tester.now().plus(dice.seconds(120))),
                _ => new.max_age(Duration::from_mins(1) + dice.seconds(600)),
            };
        }
        if dice.roll(4) == 0 { new.idempotency_key(format!("key-{}", dice.roll(20))) } else { new }
    }

    async fn claim(&self, dice: &mut Dice) -> Check<Vec<Claimed>> {
        let deliveries = u32::try_from(1 + dice.roll(6)).unwrap_or(1);
        let claim = Claim::new(deliveries, 100, LEASE, MAX_ATTEMPTS);
        let wanted =
            self.pair.memory.claim(claim).await.map(|claims| (told(&claims.deliveries), claims.next));
        let claims = self.pair.store.claim(claim).await;
        let of_store = claims.as_ref().map(|claims| (told(&claims.deliveries), claims.next));
        self.pair.same("a claim", of_store.map_err(Clone::clone), wanted)?;
        Ok(claims.map(|claims| claims.deliveries).unwrap_or_default())
    }

    async fn use_lease(&self, dice: &mut Dice, held: &mut Vec<Claimed>, at: usize) -> Check {
        let Some(lease) = held.get(at).map(|claimed| claimed.lease.clone()) else { return Ok(()) };
        match dice.roll(6) {
            0 => drop(both!(self.pair, "a renewal", store => store.renew(vec![lease.clone()], LEASE * 2))),
            1 => {
                let frozen = Frozen::new(lease, self.pair.step.to_string().into_bytes().into());
                both!(self.pair, "what is frozen", store => store.freeze(vec![frozen.clone()]));
            }
            _ => {
                held.swap_remove(at);
                let mut settlement = Settlement::released(lease);
                settlement.outcome = outcome(dice);
                settlement.uncertain = dice.roll(4) == 0;
                settlement.random = dice.roll(u64::MAX);
                let failure = settlement.outcome.failure().cloned();
                let attempt = Attempt::new(self.tester.now(), Duration::from_millis(self.pair.step));
                let settlement =
                    settlement.with_attempt(attempt.with_failure(failure).with_status(Some(202)));
                both!(self.pair, "a settlement", store => store.settle(vec![settlement.clone()]));
            }
        }
        Ok(())
    }
}

fn outcome(dice: &mut Dice) -> Outcome {
    let failure = |code| failure(code).with_answer(Some(500), None, None);
    match dice.roll(10) {
        0 => Outcome::Dead(failure(ErrorCode::ReceiverRejected)),
        1 | 2 => retry(dice.seconds(100)),
        3 => Outcome::Refused(failure(ErrorCode::ReceiverNotFound)),
        4 => Outcome::Deferred { failure: failure(ErrorCode::ReceiverThrottled), after: dice.seconds(50) },
        5 => Outcome::Released,
        _ => Outcome::Delivered,
    }
}

/// What a claim says, in a form that can be compared.
fn told(claimed: &[Claimed]) -> Vec<String> {
    let told = |claimed: &Claimed| {
        let Claimed { lease, receiver, payload, frozen, issued_at, attempts, uncertain } = claimed;
        format!("{lease:?} {receiver} {payload:?} {frozen:?} {issued_at} {attempts} {uncertain}")
    };
    claimed.iter().map(told).collect()
}

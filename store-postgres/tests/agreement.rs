//! The store does exactly what the store in memory does, over long sequences of operations.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

mod common;

use std::time::Duration;

use common::{LEASE, entry, outbox, server::shared};
use ssf_transmitter::{
    ErrorCode, Timestamp,
    outbox::{
        Attempt, Claim, Claimed, Failure, Filter, Frozen, MemoryStore, Outcome, Priority, Replay, Retention,
        Settlement, State, Store, suite::ManualClock,
    },
    time::Clock,
};
use ssf_transmitter_postgres::PostgresStore;

struct Dice(u64);

impl Dice {
    /// A number below `sides`, by xorshift.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }

    fn seconds(&mut self, below: u64) -> Duration {
        Duration::from_secs(self.roll(below))
    }

    fn outcome(&mut self) -> Outcome {
        let failure = |code| Failure::new(code, "a failure of the test").with_answer(Some(500), None, None);
        match self.roll(10) {
            0 => Outcome::Dead(failure(ErrorCode::ReceiverRejected)),
            1 | 2 => {
                Outcome::Retry { failure: failure(ErrorCode::ReceiverUnavailable), after: self.seconds(100) }
            }
            3 => Outcome::Refused(failure(ErrorCode::ReceiverNotFound)),
            4 => {
                Outcome::Deferred { failure: failure(ErrorCode::ReceiverThrottled), after: self.seconds(50) }
            }
            5 => Outcome::Released,
            _ => Outcome::Delivered,
        }
    }
}

/// The same operation on both.
macro_rules! both {
    ($pair:expr, $store:ident => $call:expr) => {{
        let $store = &$pair.0;
        let one = $call.await;
        let $store = &$pair.1;
        let other = $call.await;
        (one, other)
    }};
}

/// What a claim says, without what only this call knows.
fn told(claimed: &[Claimed]) -> Vec<String> {
    let told = |claimed: &Claimed| {
        let Claimed { lease, receiver, payload, frozen, issued_at, attempts, uncertain, .. } = claimed;
        format!("{lease:?} {receiver} {payload:?} {frozen:?} {issued_at} {attempts} {uncertain}")
    };
    claimed.iter().map(told).collect()
}

type Pair = (PostgresStore, MemoryStore);

async fn compare(pair: &Pair, step: u64) {
    let (one, other) = both!(pair, store => store.counts());
    assert_eq!(one.unwrap(), other.unwrap(), "step {step}");
    let (one, other) = both!(pair, store => store.receivers(None, 100));
    assert_eq!(one.unwrap(), other.unwrap(), "step {step}");
    let (one, other) = both!(pair, store => store.list(Filter::new(), None, 10_000));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one, other, "step {step}");
    if let Some(record) = one.last() {
        let (one, other) = both!(pair, store => store.history(&record.jti));
        assert_eq!(one.unwrap(), other.unwrap(), "step {step}");
    }
}

async fn operate(pair: &Pair, clock: &ManualClock, dice: &mut Dice, held: &mut Vec<Claimed>, step: u64) {
    match dice.roll(24) {
        0..=7 => {
            let mut new = entry(&format!("r{}", dice.roll(4)), &format!("u{}", dice.roll(3)))
                .jti(format!("jti-{step}"));
            for _ in 0..dice.roll(3) {
                new = match dice.roll(6) {
                    0 | 1 => new.ordered(),
                    2 => new.supersedes(format!("risk-{}", dice.roll(2))),
                    3 => new.priority([Priority::Low, Priority::High][usize::from(dice.roll(2) == 0)]),
                    4 => new.not_before(clock.now().plus(dice.seconds(120))),
                    _ => new.max_age(Duration::from_mins(1) + dice.seconds(600)),
                };
            }
            if dice.roll(4) == 0 {
                new = new.idempotency_key(format!("key-{}", dice.roll(20)));
            }
            let message = new.to_message(None, clock.now()).unwrap();
            let (one, other) = both!(pair, store => store.enqueue(vec![message.clone()]));
            assert_eq!(one.map_err(|error| error.code()), other.map_err(|error| error.code()), "step {step}");
        }
        8..=11 => {
            let claim = Claim::new(u32::try_from(1 + dice.roll(6)).unwrap(), 100, LEASE, 3);
            let (one, other) = both!(pair, store => store.claim(claim));
            let (one, other) = (one.unwrap(), other.unwrap());
            assert_eq!(told(&one.deliveries), told(&other.deliveries), "step {step}");
            assert_eq!(one.next, other.next, "step {step}");
            held.extend(one.deliveries);
        }
        12..=16 if !held.is_empty() => {
            let at = usize::try_from(dice.roll(held.len() as u64)).unwrap();
            let lease = held[at].lease.clone();
            match dice.roll(6) {
                0 => {
                    let (one, other) = both!(pair, store => store.renew(vec![lease.clone()], LEASE * 2));
                    assert_eq!(one.unwrap(), other.unwrap(), "step {step}");
                }
                1 => {
                    let frozen = Frozen::new(lease, step.to_string().into_bytes().into());
                    let (one, other) = both!(pair, store => store.freeze(vec![frozen.clone()]));
                    assert_eq!(one.unwrap(), other.unwrap(), "step {step}");
                }
                _ => {
                    held.swap_remove(at);
                    let mut settlement = Settlement::released(lease);
                    settlement.outcome = dice.outcome();
                    settlement.uncertain = dice.roll(4) == 0;
                    settlement.random = dice.roll(u64::MAX);
                    let failure = settlement.outcome.failure().cloned();
                    let attempt =
                        Attempt::new(clock.now(), Duration::from_millis(step)).with_failure(failure);
                    let settlement = settlement.with_attempt(attempt.with_status(Some(202)));
                    let (one, other) = both!(pair, store => store.settle(vec![settlement.clone()]));
                    assert_eq!(one.unwrap(), other.unwrap(), "step {step}");
                }
            }
        }
        17..=19 => clock.advance(dice.seconds(90)),
        20 => {
            let states = [State::Dead, State::Delivered, State::Discarded];
            let filter = Filter::new()
                .state(states[usize::try_from(dice.roll(3)).unwrap()])
                .receiver(format!("r{}", dice.roll(4)));
            let (one, other) = both!(pair, store => store.replay(Replay::new(filter.clone())));
            assert_eq!(one.unwrap(), other.unwrap(), "step {step}");
        }
        21 => {
            let filter = Filter::new()
                .jti(format!("jti-{}", dice.roll(step + 1)))
                .jti(format!("jti-{}", dice.roll(step + 1)));
            let dry_run = dice.roll(3) == 0;
            let (one, other) = both!(pair, store => store.discard(filter.clone(), dry_run));
            assert_eq!(one.unwrap(), other.unwrap(), "step {step}");
        }
        22 => {
            let name = format!("r{}", dice.roll(4));
            let (one, other) = if dice.roll(4) == 0 {
                both!(pair, store => store.hold(&name))
            } else {
                both!(pair, store => store.release(&name))
            };
            assert_eq!((one.is_ok(), other.is_ok()), (true, true), "step {step}");
        }
        _ => {
            let hour = Duration::from_hours(1);
            let mut retention = Retention::default();
            (retention.delivered, retention.dead, retention.discarded) = (hour / 6, hour / 3, hour / 4);
            let (one, other) = both!(pair, store => store.prune(retention));
            assert_eq!(one.unwrap(), other.unwrap(), "step {step}");
        }
    }
}

async fn walk(seed: u64) {
    let clock = ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000));
    let store = outbox(&shared().url()).await.clock(clock.clone()).connect().await.unwrap();
    let pair = (store, MemoryStore::new().clock(clock.clone()));
    // Among those that were never served, memory goes by name.
    for name in ["r0", "r1", "r2", "r3"] {
        let message = entry(name, "first").jti(name).to_message(None, clock.now()).unwrap();
        let (one, other) = both!(pair, store => store.enqueue(vec![message.clone()]));
        assert_eq!(one.unwrap(), other.unwrap());
    }
    let (mut dice, mut held) = (Dice(seed), Vec::new());
    for step in 0..700 {
        operate(&pair, &clock, &mut dice, &mut held, step).await;
        compare(&pair, step).await;
    }
}

#[tokio::test]
async fn a_walk_agrees() {
    walk(0x9e37_79b9_7f4a_7c15).await;
}

#[tokio::test]
async fn another_walk_agrees() {
    walk(0xd1b5_4a32_d192_ed03).await;
}

#[tokio::test]
async fn a_third_walk_agrees() {
    walk(0x2545_f491_4f6c_dd1d).await;
}

//! Long sequences of operations that nobody thought of: nothing is lost, nothing is sent twice at once.

use std::{collections::HashMap, time::Duration};

use super::{
    Case,
    tester::{Check, Dice, LEASE, Tester, entry, equal, failure, holds, retry},
};
use crate::{
    error::ErrorCode,
    outbox::{Claimed, Counts, Filter, Outcome, Priority, Replay, Settled, State},
};

pub(super) const CASES: &[Case] = &[
    ("a random walk keeps the ledger balanced", |tester| Box::pin(walk(tester, 1))),
    ("another random walk", |tester| Box::pin(walk(tester, 2))),
    ("a third random walk", |tester| Box::pin(walk(tester, 3))),
];

const STEPS: u32 = 400;

async fn walk(tester: &Tester, seed: u64) -> Check {
    let mut dice = Dice::new(seed);
    let mut held: Vec<(Claimed, crate::Timestamp)> = Vec::new();
    for step in 0..STEPS {
        match dice.roll(10) {
            0..=3 => {
                let (receiver, user) = (format!("r{}", dice.roll(4)), format!("u{}", dice.roll(3)));
                let mut new = entry(&receiver, &user);
                match dice.roll(6) {
                    0 => new = new.ordered(),
                    1 => new = new.supersedes("risk"),
                    2 => new = new.priority(Priority::High),
                    3 => new = new.not_before(tester.now().plus(Duration::from_secs(dice.roll(120)))),
                    4 => new = new.max_age(Duration::from_secs(60 + dice.roll(600))),
                    _ => {}
                }
                tester.enqueue(new).await?;
            }
            4 | 5 => {
                let most = u32::try_from(1 + dice.roll(5)).unwrap_or(1);
                let until = tester.now().plus(LEASE);
                let claimed = tester.claims(most, 2).await?.deliveries;
                for new in claimed {
                    let twice = held
                        .iter()
                        .any(|(other, until)| other.lease.jti == new.lease.jti && *until > tester.now());
                    holds(&format!("step {step}: a delivery was claimed twice at once"), !twice)?;
                    held.push((new, until));
                }
            }
            6 | 7 if !held.is_empty() => {
                let at = usize::try_from(dice.roll(held.len() as u64)).unwrap_or_default();
                let (claimed, until) = held.swap_remove(at);
                let outcome = match dice.roll(8) {
                    0 => Outcome::Dead(failure(ErrorCode::ReceiverRejected)),
                    1 => retry(Duration::from_secs(dice.roll(100))),
                    2 => Outcome::Refused(failure(ErrorCode::ReceiverNotFound)),
                    3 => {
                        let after = Duration::from_secs(dice.roll(50));
                        Outcome::Deferred { failure: failure(ErrorCode::ReceiverThrottled), after }
                    }
                    4 => Outcome::Released,
                    _ => Outcome::Delivered,
                };
                let settled = tester.settle(&claimed, outcome).await?;
                let in_time = tester.now() < until;
                holds(
                    &format!("step {step}: a settlement in time was lost"),
                    !in_time || settled != Settled::Lost,
                )?;
            }
            8 => tester.advance(Duration::from_secs(dice.roll(90))),
            9 => match dice.roll(6) {
                0 => {
                    let replay = Replay::new(Filter::new());
                    tester.store.replay(replay).await.map_err(|error| error.to_string())?;
                }
                1 => {
                    let filter = Filter::new().receiver("r0");
                    tester.store.discard(filter, false).await.map_err(|error| error.to_string())?;
                }
                2 => tester.store.release("r1").await.map_err(|error| error.to_string())?,
                _ => {}
            },
            _ => {}
        }
        agree(tester, step).await?;
    }
    end_all(tester).await
}

/// The counts agree with the list.
async fn agree(tester: &Tester, step: u32) -> Check {
    let counts = tester.counts().await?;
    let mut listed = Counts::default();
    for record in tester.list(Filter::new()).await? {
        listed.enqueued += 1;
        *listed.of(record.state, record.discard.as_ref()) += 1;
    }
    equal(&format!("step {step}: the counts and the list"), &counts, &listed)
}

/// Everything ends if workers go on.
async fn end_all(tester: &Tester) -> Check {
    for receiver in ["r0", "r1", "r2", "r3"] {
        tester.store.release(receiver).await.map_err(|error| error.to_string())?;
    }
    let mut last: HashMap<String, u64> = HashMap::new();
    for _ in 0..1000 {
        let claimed = tester.claim().await?;
        for claimed in &claimed {
            let before = last.insert(claimed.lease.jti.clone(), claimed.lease.token);
            holds("tokens grow with each claim", before.is_none_or(|before| before < claimed.lease.token))?;
            tester.end(claimed, Outcome::Delivered).await?;
        }
        let counts = tester.counts().await?;
        if counts.waiting + counts.in_flight == 0 {
            return Ok(());
        }
        tester.advance(Duration::from_secs(30));
    }
    let left = tester.list(Filter::new().state(State::Waiting).state(State::InFlight)).await?;
    Err(format!("{} deliveries never end", left.len()))
}

//! Claims and their ends.

use std::time::Duration;

use super::{
    Case,
    tester::{Check, LEASE, MAX_ATTEMPTS, Tester, entry, equal, failure, holds, retry},
};
use crate::{
    error::ErrorCode,
    outbox::{Frozen, Lease, Outcome, Settled, State},
};

pub(super) const CASES: &[Case] = &[
    ("a delivery belongs to one worker at a time", |tester| Box::pin(exclusive(tester))),
    ("a lease that has ended changes nothing", |tester| Box::pin(fenced(tester))),
    ("an extended lease holds", |tester| Box::pin(renewed(tester))),
    ("a delivery that crashes its workers is dead in the end", |tester| Box::pin(exhausted(tester))),
    ("what crashes its workers is claimed apart from the others", |tester| Box::pin(apart(tester))),
    ("a retry waits and spends an attempt", |tester| Box::pin(retried(tester))),
    ("a release spends no attempt", |tester| Box::pin(released(tester))),
    ("claims stay as they were sent", |tester| Box::pin(frozen(tester))),
    ("an end cannot be repeated", |tester| Box::pin(once(tester))),
    ("a lost answer makes a delivery uncertain", |tester| Box::pin(uncertain(tester))),
];

async fn exclusive(tester: &Tester) -> Check {
    tester.enqueue(entry("a", "1")).await?;
    tester.claim_one().await?;
    tester.claim_none("claimed twice").await
}

async fn fenced(tester: &Tester) -> Check {
    let jti = tester.enqueue(entry("a", "1")).await?;
    let late = tester.claim_one().await?;
    equal("the end of the lease is told", &tester.claims(1, 1).await?.next, &Some(LEASE))?;
    tester.advance(LEASE);
    let current = tester.claim_one().await?;
    equal("the same delivery", &current.lease.jti, &jti)?;
    equal("the second attempt", &current.attempts, &2)?;
    holds("nobody knows whether the first attempt arrived", current.uncertain)?;
    holds("tokens grow", current.lease.token > late.lease.token)?;

    equal("a late settlement", &tester.settle(&late, Outcome::Delivered).await?, &Settled::Lost)?;
    let renewed =
        tester.store.renew(vec![late.lease.clone()], LEASE).await.map_err(|error| error.to_string())?;
    equal("a late extension", &renewed, &vec![false])?;
    let frozen = Frozen::new(late.lease.clone(), b"{}".to_vec().into());
    let frozen = tester.store.freeze(vec![frozen]).await.map_err(|error| error.to_string())?;
    equal("late claims", &frozen, &vec![false])?;
    let unknown =
        tester.store.renew(vec![Lease::new("unknown", 1)], LEASE).await.map_err(|error| error.to_string())?;
    equal("an unknown lease", &unknown, &vec![false])?;

    tester.end(&current, Outcome::Delivered).await?;
    equal("delivered", &tester.counts().await?.delivered, &1)
}

async fn renewed(tester: &Tester) -> Check {
    tester.enqueue(entry("a", "1")).await?;
    let claimed = tester.claim_one().await?;
    tester.advance(LEASE / 2);
    let renewed =
        tester.store.renew(vec![claimed.lease.clone()], LEASE).await.map_err(|error| error.to_string())?;
    equal("extended", &renewed, &vec![true])?;
    tester.advance(LEASE / 2 + Duration::from_secs(1));
    tester.claim_none("the first end of the lease has passed, the second one has not").await?;
    tester.end(&claimed, Outcome::Delivered).await
}

async fn exhausted(tester: &Tester) -> Check {
    let jti = tester.enqueue(entry("a", "1")).await?;
    for _ in 0..MAX_ATTEMPTS {
        tester.claim_one().await?;
        tester.lose().await?;
    }
    tester.claim_none("claimed too often").await?;
    let record = tester.record(&jti).await?;
    equal("the state", &record.state, &State::Dead)?;
    let code = record.failure.map(|failure| failure.code);
    equal("the reason", &code, &Some(ErrorCode::OutboxAttemptsExhausted))?;
    equal("dead", &tester.counts().await?.dead, &1)
}

async fn apart(tester: &Tester) -> Check {
    for user in 0..20 {
        tester.enqueue(entry("a", &user.to_string())).await?;
    }
    for round in 1..=2 {
        equal(&format!("claimed together, {round}"), &tester.claims(100, 100).await?.deliveries.len(), &20)?;
        tester.advance(LEASE);
    }
    let mut claims = tester.claims(100, 100).await?;
    let mut claimed = claims.deliveries.len();
    while let Some(next) = claims.next.filter(|_| claimed < 20) {
        holds("more than a few at once", claims.deliveries.len() < 10)?;
        holds("a delivery waits too long", next <= Duration::from_secs(2))?;
        tester.advance(next);
        claims = tester.claims(100, 100).await?;
        claimed += claims.deliveries.len();
    }
    equal("claimed in the end", &claimed, &20)
}

async fn retried(tester: &Tester) -> Check {
    let jti = tester.enqueue(entry("a", "1")).await?;
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, retry(Duration::from_secs(30))).await?;
    let record = tester.record(&jti).await?;
    equal("the state", &record.state, &State::Waiting)?;
    equal("the attempts", &record.attempts, &1)?;
    equal("when it is due", &record.due_at, &Some(tester.now().plus(Duration::from_secs(30))))?;
    equal("why", &record.failure, &Some(failure(ErrorCode::ReceiverUnavailable)))?;
    tester.claim_none("claimed before it is due").await?;
    tester.advance(Duration::from_secs(30));
    let claimed = tester.claim_one().await?;
    equal("the second attempt", &claimed.attempts, &2)?;
    holds("the receiver did not have it", !claimed.uncertain)?;
    tester.end(&claimed, Outcome::Dead(failure(ErrorCode::ReceiverUnavailable))).await?;
    let record = tester.record(&jti).await?;
    equal("the state in the end", &record.state, &State::Dead)?;
    equal("when it ended", &record.ended_at, &Some(tester.now()))
}

async fn released(tester: &Tester) -> Check {
    tester.enqueue(entry("a", "1")).await?;
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, Outcome::Released).await?;
    let again = tester.claim_one().await?;
    equal("the attempts", &again.attempts, &1)?;
    holds("the token is new", again.lease.token > claimed.lease.token)?;
    holds("the receiver does not have it", !again.uncertain)
}

async fn frozen(tester: &Tester) -> Check {
    tester.enqueue(entry("a", "1")).await?;
    let claimed = tester.claim_one().await?;
    let frozen = Frozen::new(claimed.lease.clone(), b"{\"jti\":\"1\"}".to_vec().into());
    let held = tester.store.freeze(vec![frozen]).await.map_err(|error| error.to_string())?;
    equal("the lease holds", &held, &vec![true])?;
    tester.end(&claimed, Outcome::Released).await?;
    let again = tester.claim_one().await?;
    let claims = again.frozen.map(|claims| claims.as_bytes().to_vec());
    equal("the claims", &claims, &Some(b"{\"jti\":\"1\"}".to_vec()))?;
    equal("the payload", &again.payload, &claimed.payload)
}

async fn once(tester: &Tester) -> Check {
    tester.enqueue(entry("a", "1")).await?;
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, Outcome::Delivered).await?;
    equal("a second end", &tester.settle(&claimed, Outcome::Delivered).await?, &Settled::Lost)?;
    equal("delivered", &tester.counts().await?.delivered, &1)
}

async fn uncertain(tester: &Tester) -> Check {
    tester.enqueue(entry("a", "1")).await?;
    let claimed = tester.claim_one().await?;
    let settlement = crate::outbox::Settlement {
        lease: claimed.lease.clone(),
        outcome: retry(Duration::from_secs(1)),
        uncertain: true,
        attempt: None,
        random: 0,
    };
    tester.store.settle(vec![settlement]).await.map_err(|error| error.to_string())?;
    tester.advance(Duration::from_secs(1));
    let claimed = tester.claim_one().await?;
    holds("the answer was lost", claimed.uncertain)?;
    tester.end(&claimed, Outcome::Released).await?;
    holds("a later attempt does not make it certain", tester.claim_one().await?.uncertain)
}

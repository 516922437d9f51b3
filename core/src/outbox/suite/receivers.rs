//! Pauses, probes and ramps.

use std::time::Duration;

use super::{
    Case,
    tester::{Check, MAX_ATTEMPTS, Tester, entry, equal, failure, holds, receivers, retry},
};
use crate::{
    error::ErrorCode,
    outbox::{Alert, Outcome, Settled, Status},
};

pub(super) const CASES: &[Case] = &[
    ("a refusal of the sender pauses the receiver", |tester| Box::pin(refused(tester))),
    ("failures in a row pause the receiver", |tester| Box::pin(outage(tester))),
    ("probes go round", |tester| Box::pin(rotated(tester))),
    ("a receiver that needs time gets it", |tester| Box::pin(deferred(tester))),
    ("a receiver that was down is ramped up", |tester| Box::pin(ramp(tester))),
    ("a paused receiver does not delay another", |tester| Box::pin(isolated(tester))),
    ("a probe that dies with its lease lets the next one go", |tester| Box::pin(lost_probe(tester))),
    ("a person holds and releases a receiver", |tester| Box::pin(held(tester))),
];

/// Longer than the wait for any probe.
const LONG: Duration = Duration::from_mins(20);

fn refusal() -> Outcome {
    Outcome::Refused(failure(ErrorCode::ReceiverUnauthorized))
}

async fn status(tester: &Tester, name: &str) -> Check<Status> {
    let all =
        tester.store.receivers(None, 100).await.map_err(|error| format!("receivers failed: {error}"))?;
    let found = all.into_iter().find(|receiver| receiver.name == name);
    found.map(|receiver| receiver.state.status).ok_or_else(|| format!("receivers does not list {name}"))
}

async fn refused(tester: &Tester) -> Check {
    for user in 0..3 {
        tester.enqueue(entry("a", &user.to_string())).await?;
    }
    let claimed = tester.claim().await?;
    equal("claimed", &claimed.len(), &3)?;
    let [first, second, third] = &claimed[..] else { return Err("three deliveries are ready".to_owned()) };
    let alert = tester.settle(first, refusal()).await?;
    let paused = Settled::Applied(Some(Alert::Paused(failure(ErrorCode::ReceiverUnauthorized))));
    equal("the first refusal", &alert, &paused)?;
    for other in [second, third] {
        equal(
            "one alert for the receiver",
            &tester.settle(other, refusal()).await?,
            &Settled::Applied(None),
        )?;
    }
    equal("the status", &status(tester, "a").await?, &Status::Paused)?;
    tester.claim_none("the receiver is paused").await?;

    tester.advance(LONG);
    let probe = tester.claim_one().await?;
    equal("no attempt was spent", &probe.attempts, &1)?;
    tester.claim_none("one probe at a time").await?;
    equal(
        "a probe that fails alerts nobody",
        &tester.settle(&probe, refusal()).await?,
        &Settled::Applied(None),
    )?;
    tester.claim_none("the next probe waits").await?;
    tester.advance(LONG);
    let probe = tester.claim_one().await?;
    let resumed = Settled::Applied(Some(Alert::Resumed));
    equal("a probe that succeeds", &tester.settle(&probe, Outcome::Delivered).await?, &resumed)?;
    equal("the status afterwards", &status(tester, "a").await?, &Status::Active)?;
    equal("the others go", &tester.claim().await?.len(), &2)?;
    equal("nothing is dead", &tester.counts().await?.dead, &0)
}

async fn outage(tester: &Tester) -> Check {
    for user in 0..8 {
        tester.enqueue(entry("a", &user.to_string())).await?;
    }
    let claimed = tester.claim().await?;
    let mut alerts = Vec::new();
    for claimed in &claimed {
        if let Settled::Applied(Some(alert)) = tester.settle(claimed, retry(Duration::from_secs(1))).await? {
            alerts.push(alert);
        }
    }
    equal("one alert", &alerts, &vec![Alert::Paused(failure(ErrorCode::ReceiverUnavailable))])?;
    equal("the status", &status(tester, "a").await?, &Status::Paused)?;
    tester.advance(LONG);
    let mut probe = tester.claim_one().await?;
    for _ in 0..MAX_ATTEMPTS * 3 {
        let dead = Outcome::Dead(failure(ErrorCode::ReceiverUnavailable));
        equal(
            "a probe that fails alerts nobody",
            &tester.settle(&probe, dead).await?,
            &Settled::Applied(None),
        )?;
        tester.advance(LONG);
        probe = tester.claim_one().await?;
    }
    equal("nothing is dead while the receiver is down", &tester.counts().await?.dead, &0)?;
    // The answer to one event shows that the receiver is there.
    let outcome = Outcome::Dead(failure(ErrorCode::ReceiverRejected));
    equal(
        "a rejection resumes",
        &tester.settle(&probe, outcome).await?,
        &Settled::Applied(Some(Alert::Resumed)),
    )
}

async fn rotated(tester: &Tester) -> Check {
    let bad = tester.enqueue(entry("a", "1")).await?;
    let good = tester.enqueue(entry("a", "2")).await?;
    let claimed = tester.claims(1, 1).await?.deliveries;
    let [first] = &claimed[..] else { return Err("a delivery is ready".to_owned()) };
    equal("the first one", &first.lease.jti, &bad)?;
    tester.end(first, refusal()).await?;
    tester.advance(LONG);
    let probe = tester.claim_one().await?;
    equal("the first probe", &probe.lease.jti, &bad)?;
    tester.end(&probe, refusal()).await?;
    let Some(wait) = tester.claims(1, 1).await?.next else {
        return Err("the next probe is not told".to_owned());
    };
    tester.advance(wait);
    let probe = tester.claim_one().await?;
    equal("the other one is the probe", &probe.lease.jti, &good)?;
    tester.end(&probe, Outcome::Delivered).await?;
    equal("the first one goes afterwards", &tester.claim_one().await?.lease.jti, &bad)
}

async fn deferred(tester: &Tester) -> Check {
    tester.enqueue(entry("a", "1")).await?;
    tester.enqueue(entry("a", "2")).await?;
    let claimed = tester.claims(1, 1).await?.deliveries;
    let [first] = &claimed[..] else { return Err("a delivery is ready".to_owned()) };
    let after = Duration::from_secs(40);
    let outcome = Outcome::Deferred { failure: failure(ErrorCode::ReceiverThrottled), after };
    equal("no alert", &tester.settle(first, outcome).await?, &Settled::Applied(None))?;
    let claims = tester.claims(10, 10).await?;
    equal("all of the receiver waits", &claims.deliveries.len(), &0)?;
    equal("for the time it asked for", &claims.next, &Some(after))?;
    equal("it is not paused", &status(tester, "a").await?, &Status::Active)?;
    tester.advance(after);
    let claimed = tester.claim().await?;
    equal("both go afterwards", &claimed.len(), &2)?;
    holds("no attempt was spent", claimed.iter().all(|claimed| claimed.attempts == 1))
}

async fn ramp(tester: &Tester) -> Check {
    for user in 0..40 {
        tester.enqueue(entry("a", &user.to_string())).await?;
    }
    let claimed = tester.claims(1, 1).await?.deliveries;
    let [first] = &claimed[..] else { return Err("a delivery is ready".to_owned()) };
    tester.end(first, refusal()).await?;
    tester.advance(LONG);
    let mut claimed = vec![tester.claim_one().await?];
    let mut rounds = Vec::new();
    while !claimed.is_empty() {
        rounds.push(claimed.len());
        for claimed in &claimed {
            tester.end(claimed, Outcome::Delivered).await?;
        }
        claimed = tester.claim().await?;
    }
    let grows = rounds.windows(2).all(|pair| matches!(pair, [one, next] if *next <= one * 2));
    holds(&format!("each round at most doubles the one before: {rounds:?}"), grows)?;
    holds(&format!("the rounds grow: {rounds:?}"), rounds.len() < 8)?;
    equal("all are delivered", &tester.counts().await?.delivered, &40)
}

async fn isolated(tester: &Tester) -> Check {
    for user in 0..20 {
        tester.enqueue(entry("down", &user.to_string())).await?;
    }
    let claimed = tester.claims(1, 1).await?.deliveries;
    let [first] = &claimed[..] else { return Err("a delivery is ready".to_owned()) };
    tester.end(first, refusal()).await?;
    tester.enqueue(entry("up", "1")).await?;
    equal("the other receiver goes", &receivers(&tester.claim().await?), &vec!["up"])
}

async fn lost_probe(tester: &Tester) -> Check {
    let first = tester.enqueue(entry("a", "1")).await?;
    let second = tester.enqueue(entry("a", "2")).await?;
    let claimed = tester.claims(1, 1).await?.deliveries;
    let [claimed] = &claimed[..] else { return Err("a delivery is ready".to_owned()) };
    tester.end(claimed, refusal()).await?;
    tester.advance(LONG);
    // They take turns as probes, until no attempt is left.
    for _ in 0..MAX_ATTEMPTS {
        for jti in [&first, &second] {
            equal("the probe", &tester.claim_one().await?.lease.jti, jti)?;
            tester.claim_none("one probe at a time").await?;
            tester.lose().await?;
        }
    }
    tester.claim_none("every attempt was spent").await?;
    equal("dead", &tester.counts().await?.dead, &2)
}

async fn held(tester: &Tester) -> Check {
    let done = |result: crate::error::Result<()>| result.map_err(|error| error.to_string());
    done(tester.store.hold("a").await)?;
    tester.enqueue(entry("a", "1")).await?;
    tester.claim_none("the receiver was held before it had deliveries").await?;
    equal("the status", &status(tester, "a").await?, &Status::Held)?;
    done(tester.store.release("a").await)?;
    let claimed = tester.claim_one().await?;

    // A receiver that is paused resumes at once, and a held one stays held whatever happens.
    tester.end(&claimed, refusal()).await?;
    done(tester.store.release("a").await)?;
    let claimed = tester.claim_one().await?;
    done(tester.store.hold("a").await)?;
    equal(
        "no alert for a held receiver",
        &tester.settle(&claimed, refusal()).await?,
        &Settled::Applied(None),
    )?;
    equal("it stays held", &status(tester, "a").await?, &Status::Held)?;
    tester.advance(LONG);
    tester.claim_none("nothing of a held receiver goes").await
}

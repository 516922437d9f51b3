//! What is accepted, and what is claimed in which order.

use std::time::Duration;

use super::{
    Case,
    tester::{Check, Tester, entry, equal, holds, jtis, receivers},
};
use crate::{
    error::ErrorCode,
    outbox::{Enqueued, Filter, Outcome, Priority, State},
};

pub(super) const CASES: &[Case] = &[
    ("an entry becomes one delivery for each receiver", |tester| Box::pin(fan_out(tester))),
    ("a batch is accepted completely or not at all", |tester| Box::pin(all_or_none(tester))),
    ("an idempotency key returns the first entry", |tester| Box::pin(idempotency(tester))),
    ("higher priorities go first, then what was enqueued first", |tester| Box::pin(order(tester))),
    ("receivers take turns", |tester| Box::pin(turns(tester))),
    ("nothing is sent before its time", |tester| Box::pin(not_before(tester))),
    ("ordered deliveries about one subject go one after the other", |tester| Box::pin(ordered(tester))),
    ("ordered deliveries that end together let the next one go", |tester| Box::pin(ordered_expiry(tester))),
    ("the end of one that waits for its turn lets nothing go", |tester| Box::pin(ordered_discard(tester))),
];

async fn fan_out(tester: &Tester) -> Check {
    let enqueued = tester.enqueue_all([entry("a", "1").to("b")]).await?;
    let [Enqueued { jtis: sent, repeated: false, .. }] = &enqueued[..] else {
        return Err(format!("expected one new entry, not {enqueued:?}"));
    };
    let claimed = tester.claim().await?;
    equal("the jtis of the entry", &jtis(&claimed), sent)?;
    equal("the receivers", &receivers(&claimed), &vec!["a", "b"])?;
    for claimed in &claimed {
        equal("attempts at the first claim", &claimed.attempts, &1)?;
        equal("the time of the entry", &claimed.issued_at, &tester.now())?;
        holds("claims are frozen before the first attempt", claimed.frozen.is_none())?;
        holds("a new delivery is not uncertain", !claimed.uncertain)?;
    }
    let counts = tester.counts().await?;
    equal("enqueued and in flight", &(counts.enqueued, counts.in_flight), &(2, 2))
}

async fn all_or_none(tester: &Tester) -> Check {
    tester.enqueue(entry("a", "1").jti("taken")).await?;
    let result = tester.try_enqueue([entry("a", "2"), entry("a", "3").jti("taken")]).await?;
    equal("a jti that exists", &result.err(), &Some(ErrorCode::OutboxConflict))?;
    let result = tester.try_enqueue([entry("a", "2").jti("new"), entry("a", "3").jti("new")]).await?;
    equal("a jti twice in a batch", &result.err(), &Some(ErrorCode::OutboxConflict))?;
    equal("deliveries after a batch that failed", &tester.counts().await?.enqueued, &1)
}

async fn idempotency(tester: &Tester) -> Check {
    let keyed = |user: &str| entry("a", user).idempotency_key("incident-1");
    let first = tester.enqueue(keyed("1")).await?;
    let again = tester.enqueue_all([keyed("1")]).await?;
    equal("the same entry again", &again, &vec![Enqueued::new(vec![first.clone()], true)])?;
    let other = tester.try_enqueue([keyed("2")]).await?;
    equal("other content with the key", &other.err(), &Some(ErrorCode::OutboxConflict))?;

    let twice =
        tester.enqueue_all([entry("b", "1").idempotency_key("2"), entry("b", "1").idempotency_key("2")]);
    let twice = twice.await?;
    let same =
        matches!(&twice[..], [one, other] if one.jtis == other.jtis && !one.repeated && other.repeated);
    holds("a key twice in a batch is one entry", same)?;

    // The key holds also after the delivery, for as long as the store keeps it.
    for claimed in tester.claim().await? {
        tester.end(&claimed, Outcome::Delivered).await?;
    }
    let again = tester.enqueue_all([keyed("1")]).await?;
    equal("the same entry after its delivery", &again, &vec![Enqueued::new(vec![first], true)])?;
    equal("deliveries", &tester.counts().await?.enqueued, &2)
}

async fn order(tester: &Tester) -> Check {
    let mut wanted = Vec::new();
    for (priority, count) in [(Priority::Low, 1), (Priority::Normal, 2), (Priority::High, 2)] {
        let mut same = Vec::new();
        for user in 0..count {
            same.push(tester.enqueue(entry("a", &user.to_string()).priority(priority)).await?);
        }
        same.append(&mut wanted);
        wanted = same;
    }
    equal("the order of the claims", &jtis(&tester.claim().await?), &wanted)
}

async fn turns(tester: &Tester) -> Check {
    for user in 0..5 {
        tester.enqueue(entry("busy", &user.to_string())).await?;
    }
    tester.enqueue(entry("quiet", "1")).await?;
    let first = tester.claims(10, 2).await?;
    equal("two of each receiver at most", &receivers(&first.deliveries), &vec!["busy", "busy", "quiet"])?;
    tester.enqueue(entry("quiet", "2")).await?;
    let second = tester.claims(3, 2).await?;
    equal("busy was served longer ago", &receivers(&second.deliveries), &vec!["busy", "busy", "quiet"])?;
    equal("there is more at once", &tester.claims(0, 2).await?.next, &Some(Duration::ZERO))?;
    equal("what is left", &receivers(&tester.claim().await?), &vec!["busy"])
}

async fn not_before(tester: &Tester) -> Check {
    let minute = Duration::from_mins(1);
    let jti = tester.enqueue(entry("a", "1").not_before(tester.now().plus(minute))).await?;
    let early = tester.claims(10, 10).await?;
    equal("claimed before its time", &jtis(&early.deliveries), &Vec::new())?;
    equal("the time until it is due", &early.next, &Some(minute))?;
    equal("it waits", &tester.record(&jti).await?.state, &State::Waiting)?;
    tester.advance(minute);
    equal("claimed at its time", &tester.claim_one().await?.lease.jti, &jti)
}

async fn ordered_expiry(tester: &Tester) -> Check {
    let of_age = |minutes| entry("a", "ada").ordered().max_age(Duration::from_mins(minutes));
    for _ in 0..2 {
        tester.enqueue(of_age(1)).await?;
    }
    let third = tester.enqueue(of_age(10)).await?;
    tester.advance(Duration::from_mins(2));
    equal("what is ready", &tester.claim_one().await?.lease.jti, &third)?;
    equal("what has expired", &tester.counts().await?.expired, &2)
}

async fn ordered(tester: &Tester) -> Check {
    let first = tester.enqueue(entry("a", "ada").ordered()).await?;
    let second = tester.enqueue(entry("a", "ada").ordered().priority(Priority::High)).await?;
    let third = tester.enqueue(entry("a", "ada").ordered()).await?;
    let other = tester.enqueue(entry("a", "bob").ordered()).await?;
    let elsewhere = tester.enqueue(entry("b", "ada").ordered()).await?;
    let unordered = tester.enqueue(entry("a", "ada")).await?;
    let claimed = tester.claim().await?;
    let mut ready = jtis(&claimed);
    ready.sort();
    let mut wanted = vec![first.clone(), other, elsewhere, unordered];
    wanted.sort();
    equal("only the first about a subject is ready", &ready, &wanted)?;

    let head =
        claimed.iter().find(|claimed| claimed.lease.jti == first).ok_or("the first one was not claimed")?;
    tester.end(head, super::tester::retry(Duration::from_secs(10))).await?;
    tester.claim_none("the second one waits while the first one is retried").await?;
    tester.advance(Duration::from_secs(10));
    let head = tester.claim_one().await?;
    equal("the first one is retried", &head.lease.jti, &first)?;
    tester.end(&head, Outcome::Dead(super::tester::failure(ErrorCode::ReceiverRejected))).await?;
    let next = tester.claim_one().await?;
    equal("the second one follows a dead one", &next.lease.jti, &second)?;
    tester.end(&next, Outcome::Delivered).await?;
    equal("the third one follows", &tester.claim_one().await?.lease.jti, &third)
}

async fn ordered_discard(tester: &Tester) -> Check {
    tester.enqueue(entry("a", "ada").ordered()).await?;
    let second = tester.enqueue(entry("a", "ada").ordered()).await?;
    let third = tester.enqueue(entry("a", "ada").ordered()).await?;
    let head = tester.claim_one().await?;
    let removed =
        tester.store.discard(Filter::new().jti(second), false).await.map_err(|error| error.to_string())?;
    equal("removed", &removed, &1)?;
    tester.claim_none("the third one still waits for the first one").await?;
    tester.end(&head, Outcome::Delivered).await?;
    equal("the third one follows the first one", &tester.claim_one().await?.lease.jti, &third)
}

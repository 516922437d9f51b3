//! How deliveries end without an answer, and begin again.

use std::time::Duration;

use super::{
    Case,
    tester::{Check, LEASE, Tester, entry, equal, failure, holds, jtis, retry},
};
use crate::{
    error::ErrorCode,
    outbox::{Discard, Filter, Frozen, Outcome, Replay, Retention, State},
};

pub(super) const CASES: &[Case] = &[
    ("what waits too long expires", |tester| Box::pin(expired(tester))),
    ("a newer delivery supersedes those that wait", |tester| Box::pin(superseded(tester))),
    ("a delivery that comes back gives way to a newer one", |tester| Box::pin(superseded_later(tester))),
    ("a person removes deliveries that wait", |tester| Box::pin(removed(tester))),
    ("a replay lets dead deliveries wait again", |tester| Box::pin(replayed(tester))),
    ("a replay with a new jti is another delivery", |tester| Box::pin(replayed_anew(tester))),
    ("what ended long ago is removed, and stays counted", |tester| Box::pin(pruned(tester))),
];

async fn expired(tester: &Tester) -> Check {
    let hour = Duration::from_hours(1);
    let jti = tester.enqueue(entry("a", "1").max_age(hour)).await?;
    let late = tester.enqueue(entry("a", "2").max_age(hour).not_before(tester.now().plus(hour))).await?;
    let almost = hour.saturating_sub(LEASE / 2);
    tester.advance(almost);
    let claimed = tester.claim_one().await?;
    // What is in flight does not expire; it does when it comes back.
    tester.advance(LEASE / 2);
    let other = tester.claim_one().await?;
    equal("the age counts from not_before", &other.lease.jti, &late)?;
    tester.end(&claimed, retry(Duration::ZERO)).await?;
    tester.claim_none("it is too old").await?;
    let record = tester.record(&jti).await?;
    equal("the state", &record.state, &State::Discarded)?;
    equal("the reason", &record.discard, &Some(Discard::Expired))?;
    equal("expired", &tester.counts().await?.expired, &1)
}

async fn superseded(tester: &Tester) -> Check {
    let risk = |receiver: &str| entry(receiver, "ada").supersedes("risk:ada");
    let first = tester.enqueue(risk("a")).await?;
    let elsewhere = tester.enqueue(risk("b")).await?;
    let unrelated = tester.enqueue(entry("a", "ada").supersedes("risk:bob")).await?;
    let second = tester.enqueue(risk("a")).await?;
    let record = tester.record(&first).await?;
    equal("the state", &record.state, &State::Discarded)?;
    equal("the reason", &record.discard, &Some(Discard::Superseded { by: second.clone() }))?;
    let mut ready = jtis(&tester.claim().await?);
    ready.sort();
    let mut wanted = vec![elsewhere, unrelated, second];
    wanted.sort();
    equal("what goes", &ready, &wanted)?;
    equal("superseded", &tester.counts().await?.superseded, &1)
}

async fn superseded_later(tester: &Tester) -> Check {
    let risk = || entry("a", "ada").supersedes("risk:ada");
    let first = tester.enqueue(risk()).await?;
    let claimed = tester.claim_one().await?;
    let second = tester.enqueue(risk()).await?;
    equal("it is in flight", &tester.record(&first).await?.state, &State::InFlight)?;
    tester.end(&claimed, retry(Duration::ZERO)).await?;
    let record = tester.record(&first).await?;
    equal("the reason", &record.discard, &Some(Discard::Superseded { by: second.clone() }))?;
    let claimed = tester.claim_one().await?;
    equal("the newer one goes", &claimed.lease.jti, &second)?;

    // The same where the newer one has been delivered meanwhile, and where a lease ends.
    let third = tester.enqueue(risk()).await?;
    let newer = tester.claim_one().await?;
    tester.end(&newer, Outcome::Delivered).await?;
    tester.advance(LEASE);
    tester.claim_none("the older one came back after the newer one was delivered").await?;
    let record = tester.record(&second).await?;
    equal(
        "the reason after the end of the lease",
        &record.discard,
        &Some(Discard::Superseded { by: third }),
    )?;
    equal("superseded", &tester.counts().await?.superseded, &2)
}

async fn removed(tester: &Tester) -> Check {
    let flying = tester.enqueue(entry("a", "1")).await?;
    tester.claim_one().await?;
    let waiting = tester.enqueue(entry("a", "2")).await?;
    tester.enqueue(entry("b", "3")).await?;
    let discard = |filter: Filter, dry_run| async move {
        tester.store.discard(filter, dry_run).await.map_err(|error| format!("discard failed: {error}"))
    };
    let of_a = || Filter::new().receiver("a");
    equal("counted", &discard(of_a(), true).await?, &1)?;
    equal("nothing changed", &tester.record(&waiting).await?.state, &State::Waiting)?;
    equal("removed", &discard(of_a(), false).await?, &1)?;
    equal("the reason", &tester.record(&waiting).await?.discard, &Some(Discard::Removed))?;
    equal("what is in flight stays", &tester.record(&flying).await?.state, &State::InFlight)?;
    equal("the other receiver's goes", &tester.claim_one().await?.receiver, &"b".to_owned())?;
    equal("the count", &tester.counts().await?.removed, &1)
}

async fn replay(tester: &Tester, replay: Replay) -> Check<u64> {
    tester.store.replay(replay).await.map_err(|error| format!("replay failed: {error}"))
}

async fn replayed(tester: &Tester) -> Check {
    let dead = tester.enqueue(entry("a", "1").max_age(Duration::from_hours(1))).await?;
    let claimed = tester.claim_one().await?;
    let frozen = Frozen::new(claimed.lease.clone(), b"{}".to_vec().into());
    tester.store.freeze(vec![frozen]).await.map_err(|error| error.to_string())?;
    tester.end(&claimed, Outcome::Dead(failure(ErrorCode::ReceiverRejected))).await?;
    let delivered = tester.enqueue(entry("a", "2")).await?;
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, Outcome::Delivered).await?;
    tester.advance(Duration::from_hours(2));

    let all = || Replay::new(Filter::new());
    equal("counted", &replay(tester, all().dry_run()).await?, &1)?;
    equal("nothing changed", &tester.record(&dead).await?.state, &State::Dead)?;
    let other = Filter::new().code("receiver_throttled");
    equal("dead for another reason", &replay(tester, Replay::new(other)).await?, &0)?;
    let same = Filter::new().code("receiver_rejected");
    equal("dead for this reason", &replay(tester, Replay::new(same)).await?, &1)?;
    let claimed = tester.claim_one().await?;
    equal("the same jti", &claimed.lease.jti, &dead)?;
    equal("all attempts", &claimed.attempts, &1)?;
    holds("claims are rendered anew", claimed.frozen.is_none())?;
    holds("the receiver did not have it", !claimed.uncertain)?;
    tester.end(&claimed, Outcome::Delivered).await?;

    let filter = Filter::new().state(State::Delivered).jti(delivered.as_str());
    equal("a delivered one", &replay(tester, Replay::new(filter)).await?, &1)?;
    let claimed = tester.claim_one().await?;
    holds("the receiver may have it already", claimed.uncertain && claimed.lease.jti == delivered)?;
    let waiting = Filter::new().state(State::InFlight);
    equal("what has not ended", &replay(tester, Replay::new(waiting)).await?, &0)?;
    equal("enqueued", &tester.counts().await?.enqueued, &2)
}

async fn replayed_anew(tester: &Tester) -> Check {
    let old = tester.enqueue(entry("a", "1").idempotency_key("1")).await?;
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, Outcome::Delivered).await?;
    let filter = Filter::new().state(State::Delivered);
    equal("replayed", &replay(tester, Replay::new(filter).fresh_jti()).await?, &1)?;
    let copy = tester.claim_one().await?;
    holds("it has a new jti", copy.lease.jti != old)?;
    equal("it says the same", &copy.payload, &claimed.payload)?;
    holds("the receiver does not have it", !copy.uncertain)?;
    equal("the old one stays", &tester.record(&old).await?.state, &State::Delivered)?;
    equal("enqueued", &tester.counts().await?.enqueued, &2)
}

async fn pruned(tester: &Tester) -> Check {
    let key = "incident-1";
    let delivered = tester.enqueue(entry("a", "1").idempotency_key(key)).await?;
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, Outcome::Delivered).await?;
    let dead = tester.enqueue(entry("a", "2")).await?;
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, Outcome::Dead(failure(ErrorCode::ReceiverRejected))).await?;
    tester.enqueue(entry("a", "3")).await?;
    let before = tester.counts().await?;

    let hour = Duration::from_hours(1);
    let retention = Retention { delivered: hour, dead: hour * 2, discarded: hour, limit: 1 };
    let prune =
        || async { tester.store.prune(retention).await.map_err(|error| format!("prune failed: {error}")) };
    equal("nothing is old enough", &prune().await?.deliveries, &0)?;
    tester.advance(hour);
    let pruned = prune().await?;
    equal("the delivered one", &pruned.deliveries, &1)?;
    holds("the limit was reached", pruned.more)?;
    let history = tester.store.history(&delivered).await.map_err(|error| error.to_string())?;
    holds("it is gone", history.is_none())?;
    equal("the dead one stays", &tester.record(&dead).await?.state, &State::Dead)?;
    tester.advance(hour);
    equal("the dead one", &prune().await?.deliveries, &1)?;
    equal("what waits stays", &prune().await?.deliveries, &0)?;
    equal("the counts", &tester.counts().await?, &before)?;
    tester.enqueue(entry("a", "other").idempotency_key(key)).await?;
    equal("the key is free again", &tester.counts().await?.enqueued, &4)
}

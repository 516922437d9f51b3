//! What a store tells.

use std::time::Duration;

use super::{
    Case,
    tester::{Check, Tester, entry, equal, failure, holds, retry},
};
use crate::{
    error::ErrorCode,
    event::risc,
    outbox::{Cursor, Entry, Filter, Outcome, Seal, State},
    subject::Subject,
};

pub(super) const CASES: &[Case] = &[
    ("a list is filtered", |tester| Box::pin(filtered(tester))),
    ("a list is paged", |tester| Box::pin(paged(tester))),
    ("a history has all attempts", |tester| Box::pin(history(tester))),
    ("its health is told", |tester| Box::pin(health(tester))),
    ("receivers are listed with their counts", |tester| Box::pin(receivers(tester))),
];

async fn filtered(tester: &Tester) -> Check {
    let began = tester.now();
    let first = tester.enqueue(entry("a", "ada")).await?;
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, Outcome::Dead(failure(ErrorCode::ReceiverRejected))).await?;
    tester.advance(Duration::from_secs(10));
    let other = Entry::new(risc::AccountDisabled::new(), Subject::opaque("bob")).to("b");
    let second = tester.enqueue(other).await?;

    let subject = Seal::subject_tag(None, &Subject::opaque("ada")).map_err(|error| error.to_string())?;
    let later = began.plus(Duration::from_secs(5));
    let cases = [
        ("all", Filter::new(), vec![&first, &second]),
        ("state", Filter::new().state(State::Dead), vec![&first]),
        ("states", Filter::new().state(State::Dead).state(State::Waiting), vec![&first, &second]),
        ("no such state", Filter::new().state(State::Delivered), vec![]),
        ("receiver", Filter::new().receiver("b"), vec![&second]),
        ("event", Filter::new().event("caep.session-revoked"), vec![&first]),
        ("code", Filter::new().code("receiver_rejected"), vec![&first]),
        ("jti", Filter::new().jti(second.as_str()), vec![&second]),
        ("jtis", Filter::new().jti(second.as_str()).jti(first.as_str()), vec![&first, &second]),
        ("subject", Filter::new().subject(subject), vec![&first]),
        ("since", Filter::new().since(later), vec![&second]),
        ("until", Filter::new().until(later), vec![&first]),
        ("two conditions", Filter::new().receiver("b").state(State::Dead), vec![]),
    ];
    for (what, filter, wanted) in cases {
        let records = tester.list(filter).await?;
        equal(what, &records.iter().map(|record| &record.jti).collect(), &wanted)?;
    }
    Ok(())
}

async fn paged(tester: &Tester) -> Check {
    for user in 0..7 {
        tester.enqueue(entry("a", &user.to_string())).await?;
        // Some have the same time.
        if user % 2 == 0 {
            tester.advance(Duration::from_millis(1));
        }
    }
    let whole = tester.list(Filter::new()).await?;
    equal("all of them", &whole.len(), &7)?;
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = tester.store.list(Filter::new(), after, 3).await.map_err(|error| error.to_string())?;
        let Some(last) = page.last() else { break };
        holds("a page is not longer than its limit", page.len() <= 3)?;
        after = Some(Cursor::after(last));
        pages.extend(page);
    }
    equal("the pages together", &pages, &whole)
}

async fn history(tester: &Tester) -> Check {
    let jti = tester.enqueue(entry("a", "1")).await?;
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, retry(Duration::from_secs(1))).await?;
    tester.advance(Duration::from_secs(1));
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, Outcome::Delivered).await?;
    let history = tester.store.history(&jti).await.map_err(|error| error.to_string())?;
    let history = history.ok_or("the delivery has no history")?;
    equal("the state", &history.record.state, &State::Delivered)?;
    equal("no failure after a success", &history.record.failure, &None)?;
    let [failed, succeeded] = &history.attempts[..] else {
        return Err(format!("expected two attempts, not {:?}", history.attempts));
    };
    equal("the first attempt", &failed.failure, &Some(failure(ErrorCode::ReceiverUnavailable)))?;
    equal("its key", &failed.kid.as_deref(), &Some("key-1"))?;
    equal("how long it took", &failed.duration, &Duration::from_millis(5))?;
    equal("the second attempt", &succeeded.failure, &None)?;
    equal("when it began", &succeeded.at, &tester.now())?;
    let unknown = tester.store.history("unknown").await.map_err(|error| error.to_string())?;
    equal("an unknown jti", &unknown, &None)
}

async fn health(tester: &Tester) -> Check {
    let health = || async { tester.store.health().await.map_err(|error| error.to_string()) };
    let empty = health().await?;
    let told = (empty.oldest_waiting, empty.delivered_in_last_minute, empty.paused);
    equal("of an empty store", &told, &(None, 0, 0))?;
    tester.enqueue(entry("a", "1")).await?;
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, Outcome::Delivered).await?;
    tester.advance(Duration::from_secs(30));
    let oldest = tester.now();
    tester.enqueue(entry("b", "1")).await?;
    let claimed = tester.claim_one().await?;
    tester.end(&claimed, Outcome::Refused(failure(ErrorCode::ReceiverUnauthorized))).await?;
    tester.advance(Duration::from_secs(29));
    tester.enqueue(entry("a", "2")).await?;
    let soon = health().await?;
    let told = (soon.oldest_waiting, soon.delivered_in_last_minute, soon.paused);
    equal("after a minute", &told, &(Some(oldest), 1, 1))?;
    tester.advance(Duration::from_secs(2));
    equal("delivered earlier", &health().await?.delivered_in_last_minute, &0)
}

async fn receivers(tester: &Tester) -> Check {
    let oldest = tester.now();
    for name in ["c", "a", "b"] {
        tester.enqueue(entry(name, "1")).await?;
    }
    tester.advance(Duration::from_secs(1));
    tester.enqueue(entry("a", "2")).await?;
    let page = |after: Option<&str>, limit| {
        let after = after.map(str::to_owned);
        async move { tester.store.receivers(after, limit).await.map_err(|error| error.to_string()) }
    };
    let first = page(None, 2).await?;
    let names: Vec<_> = first.iter().map(|receiver| receiver.name.as_str()).collect();
    equal("the first page", &names, &vec!["a", "b"])?;
    let rest = page(Some("b"), 2).await?;
    equal("the second page", &rest.iter().map(|receiver| receiver.name.as_str()).collect(), &vec!["c"])?;
    let Some(a) = first.first() else { return Err("a is missing".to_owned()) };
    equal("its deliveries", &(a.counts.enqueued, a.counts.waiting), &(2, 2))?;
    equal("its oldest one", &a.oldest_waiting, &Some(oldest))
}

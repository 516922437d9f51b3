//! A store under test, with short ways to use it.

use std::{fmt::Debug, time::Duration};

use super::ManualClock;
use crate::{
    error::ErrorCode,
    event::caep,
    outbox::{
        Attempt, Claim, Claimed, Claims, Counts, Enqueued, Entry, Failure, Filter, Message, Outcome, Record,
        Settled, Settlement, Store,
    },
    retry::Jitter,
    subject::Subject,
    time::{Clock, Timestamp},
};

pub(super) type Check<T = ()> = Result<T, String>;

pub(super) const LEASE: Duration = Duration::from_mins(1);
pub(super) const MAX_ATTEMPTS: u32 = 3;
/// How long a delivery waits at most whose lease has ended.
const LONGEST_LOST_WAIT: Duration = Duration::from_mins(1);

pub(super) struct Tester {
    pub(super) store: Box<dyn Store>,
    pub(super) clock: ManualClock,
}

/// An entry for a receiver about a user.
pub(super) fn entry(receiver: &str, user: &str) -> Entry {
    Entry::new(caep::SessionRevoked::new(), Subject::opaque(user)).to(receiver)
}

pub(super) fn failure(code: ErrorCode) -> Failure {
    Failure::new(code, "a failure of the test")
}

/// A failure after which the delivery is retried.
pub(super) fn retry(after: Duration) -> Outcome {
    Outcome::Retry { failure: failure(ErrorCode::ReceiverUnavailable), after }
}

/// Numbers that are the same in each run.
pub(super) struct Dice(Jitter);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(Jitter::new(seed))
    }

    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0.next() % sides
    }

    pub(super) fn seconds(&mut self, below: u64) -> Duration {
        Duration::from_secs(self.roll(below))
    }

    /// One of four receivers.
    pub(super) fn receiver(&mut self) -> String {
        format!("r{}", self.roll(4))
    }

    /// One of these.
    pub(super) fn pick<'a, T, const N: usize>(&mut self, of: &'a [T; N]) -> &'a T {
        let at = usize::try_from(self.roll(N as u64)).unwrap_or_default();
        &of[at]
    }
}

pub(super) fn equal<T: Debug + PartialEq>(what: &str, is: &T, wanted: &T) -> Check {
    if is == wanted { Ok(()) } else { Err(format!("{what}: expected {wanted:?}, not {is:?}")) }
}

pub(super) fn holds(what: &str, is: bool) -> Check {
    if is { Ok(()) } else { Err(what.to_owned()) }
}

impl Tester {
    pub(super) fn new(store: Box<dyn Store>, clock: ManualClock) -> Self {
        Self { store, clock }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn message(&self, entry: &Entry) -> Check<Message> {
        entry.to_message(None, self.now()).map_err(|error| error.to_string())
    }

    pub(super) async fn enqueue(&self, entry: Entry) -> Check<String> {
        let enqueued = self.enqueue_all([entry]).await?;
        let first = enqueued.into_iter().next().and_then(|enqueued| enqueued.jtis.into_iter().next());
        first.ok_or_else(|| "enqueue returned no jti".to_owned())
    }

    pub(super) async fn enqueue_all(&self, entries: impl IntoIterator<Item = Entry>) -> Check<Vec<Enqueued>> {
        self.try_enqueue(entries).await?.map_err(|code| format!("enqueue failed with {}", code.as_str()))
    }

    pub(super) async fn try_enqueue(
        &self,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Check<Result<Vec<Enqueued>, ErrorCode>> {
        let messages = entries.into_iter().map(|entry| self.message(&entry)).collect::<Check<Vec<_>>>()?;
        Ok(self.store.enqueue(messages).await.map_err(|error| error.code()))
    }

    pub(super) async fn claims(&self, deliveries: u32, per_receiver: u32) -> Check<Claims> {
        let claim = Claim::new(deliveries, per_receiver, LEASE, MAX_ATTEMPTS);
        self.store.claim(claim).await.map_err(|error| format!("claim failed: {error}"))
    }

    /// Claims as many as there are.
    pub(super) async fn claim(&self) -> Check<Vec<Claimed>> {
        Ok(self.claims(1000, 1000).await?.deliveries)
    }

    /// Claims the only delivery that is ready.
    pub(super) async fn claim_one(&self) -> Check<Claimed> {
        let mut claimed = self.claim().await?;
        match claimed.pop() {
            Some(one) if claimed.is_empty() => Ok(one),
            Some(_) => Err(format!("claim returned {} deliveries instead of one", claimed.len() + 1)),
            None => Err("claim returned nothing, though a delivery is ready".to_owned()),
        }
    }

    pub(super) async fn claim_none(&self, why: &str) -> Check {
        equal(why, &jtis(&self.claim().await?), &Vec::new())
    }

    /// Lets all leases end, and the waits that follow.
    pub(super) async fn lose(&self) -> Check {
        self.advance(LEASE);
        self.claims(0, 1).await?;
        self.advance(LONGEST_LOST_WAIT);
        Ok(())
    }

    pub(super) async fn settle(&self, claimed: &Claimed, outcome: Outcome) -> Check<Settled> {
        let attempt = outcome.was_tried().then(|| {
            Attempt::new(self.now(), Duration::from_millis(5))
                .with_kid(Some("key-1".to_owned()))
                .with_failure(outcome.failure().cloned())
        });
        let settlement =
            Settlement { lease: claimed.lease.clone(), outcome, uncertain: false, attempt, random: 7 };
        let settled =
            self.store.settle(vec![settlement]).await.map_err(|error| format!("settle failed: {error}"))?;
        settled.into_iter().next().ok_or_else(|| "settle returned nothing".to_owned())
    }

    /// Settles a claim that must hold.
    pub(super) async fn end(&self, claimed: &Claimed, outcome: Outcome) -> Check {
        match self.settle(claimed, outcome).await? {
            Settled::Applied(_) => Ok(()),
            Settled::Lost => Err("a settlement within its lease was lost".to_owned()),
        }
    }

    /// The counts, which must be balanced and agree with the list.
    pub(super) async fn counts(&self) -> Check<Counts> {
        let counts = self.store.counts().await.map_err(|error| format!("counts failed: {error}"))?;
        holds(&format!("the counts are not balanced: {counts:?}"), counts.is_balanced())?;
        Ok(counts)
    }

    pub(super) async fn list(&self, filter: Filter) -> Check<Vec<Record>> {
        self.store.list(filter, None, 10_000).await.map_err(|error| format!("list failed: {error}"))
    }

    pub(super) async fn record(&self, jti: &str) -> Check<Record> {
        let history = self.store.history(jti).await.map_err(|error| format!("history failed: {error}"))?;
        Ok(history.ok_or_else(|| "a delivery has no history".to_owned())?.record)
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }
}

pub(super) fn jtis(claimed: &[Claimed]) -> Vec<String> {
    claimed.iter().map(|claimed| claimed.lease.jti.clone()).collect()
}

pub(super) fn receivers(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| claimed.receiver.as_str()).collect()
}

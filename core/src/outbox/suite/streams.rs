//! Checks that a store keeps the promises of [`StreamStore`]: for tests of stores, also of your own.

mod agreement;
mod keeping;
mod polling;
mod routing;

use std::{future::Future, time::Duration};

use super::{
    ManualClock, Violation,
    tester::{Check, equal, holds},
};
use crate::{
    error::Result,
    event::caep,
    key::BoxFuture,
    outbox::{
        Acknowledgement, Claim, Created, Entry, Poll, Polled, Publication, Published, Record, StreamRecord,
        StreamStore, SubjectKeys,
    },
    subject::Subject,
    time::{Clock, Timestamp},
};

const LEASE: Duration = Duration::from_mins(1);
const EVENT: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const LIMIT: u32 = 3;
const SUBJECTS: u32 = 3;
const CLAIM: Claim = Claim { deliveries: 10, per_receiver: 10, lease: LEASE, max_attempts: 3 };

struct Streams {
    store: Box<dyn StreamStore>,
    clock: ManualClock,
}

type Case = (&'static str, for<'a> fn(&'a Streams) -> BoxFuture<'a, Check>);

/// Runs all cases, each with an empty store from `make`, which must go by the clock that it gets. Returns the promises that the
/// store does not keep; none if it is right. [`run`](super::run) checks the promises of [`Store`](super::super::Store).
pub async fn run<F, R>(make: F) -> Vec<Violation>
where
    F: Fn(ManualClock) -> R,
    R: Future<Output = Result<Box<dyn StreamStore>>>,
{
    violations(&[keeping::CASES, routing::CASES, polling::CASES], make).await
}

/// Compares a store with [`MemoryStore`](super::super::MemoryStore) after each step of random walks, as [`compare`](super::compare) does.
pub async fn compare<F, R>(make: F) -> Vec<Violation>
where
    F: Fn(ManualClock) -> R,
    R: Future<Output = Result<Box<dyn StreamStore>>>,
{
    violations(&[agreement::CASES], make).await
}

async fn violations<F, R>(cases: &[&[Case]], make: F) -> Vec<Violation>
where
    F: Fn(ManualClock) -> R,
    R: Future<Output = Result<Box<dyn StreamStore>>>,
{
    let mut violations = Vec::new();
    for (case, check) in cases.iter().copied().flatten() {
        let clock = ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000));
        let result = match make(clock.clone()).await {
            Ok(store) => check(&Streams { store, clock }).await,
            Err(error) => Err(format!("the store cannot be made: {error}")),
        };
        violations.extend(result.err().map(|message| Violation { case, message }));
    }
    violations
}

fn done<T>(result: Result<T>) -> Check<T> {
    result.map_err(|error| format!("an operation failed: {error}"))
}

fn user(name: &str) -> Subject {
    Subject::opaque(name)
}

fn event(subject: Subject) -> Entry {
    Entry::new(caep::SessionRevoked::new(), subject)
}

fn record(id: &str) -> StreamRecord {
    StreamRecord { events: vec![EVENT.to_owned()], ..StreamRecord::new(id, "owner") }
}

impl Streams {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn create(&self, record: StreamRecord) -> Check {
        equal("create", &done(self.store.create_stream(record, LIMIT).await)?, &Created::Yes)
    }

    async fn get(&self, id: &str) -> Check<StreamRecord> {
        done(self.store.stream(id).await)?.ok_or_else(|| format!("there is no stream {id}"))
    }

    async fn update(&self, id: &str, change: impl FnOnce(&mut StreamRecord)) -> Check {
        let mut record = self.get(id).await?;
        change(&mut record);
        holds("an update of the newest version", done(self.store.update_stream(record).await)?)
    }

    fn publication(&self, entry: &Entry) -> Check<Publication> {
        let subject = entry.subject().map(|subject| SubjectKeys::of(None, subject)).transpose();
        Ok(Publication {
            message: done(entry.to_published(None, self.clock.now()))?,
            event: EVENT.to_owned(),
            subject: done(subject)?,
            only: None,
            ordered: true,
            most_waiting: 100,
        })
    }

    async fn publish(&self, subject: Subject) -> Check<Published> {
        self.publish_entry(&event(subject)).await
    }

    async fn publish_entry(&self, entry: &Entry) -> Check<Published> {
        done(self.store.publish(self.publication(entry)?).await)
    }

    /// What a worker gets.
    async fn claimed(&self) -> Check<Vec<String>> {
        let claims = done(self.store.claim(CLAIM).await)?;
        Ok(claims.deliveries.into_iter().map(|claimed| claimed.lease.jti).collect())
    }

    async fn poll(&self, id: &str) -> Check<Polled> {
        done(self.store.poll(Poll::new(id, 100, LEASE)).await)
    }

    async fn polled(&self, id: &str) -> Check<Vec<String>> {
        Ok(self.poll(id).await?.deliveries.into_iter().map(|claimed| claimed.lease.jti).collect())
    }

    async fn acknowledge(&self, id: &str, jtis: &[String]) -> Check<u64> {
        let mut said = Acknowledgement::new(id);
        said.accepted = jtis.to_vec();
        done(self.store.acknowledge(said).await)
    }

    async fn state(&self, jti: &str) -> Check<Record> {
        let history = done(self.store.history(jti).await)?;
        Ok(history.ok_or_else(|| "a delivery has no history".to_owned())?.record)
    }

    /// Tells whether it was done: not beyond the limit.
    async fn set_within(&self, id: &str, subject: &Subject, wanted: bool) -> Check<bool> {
        let keys = done(SubjectKeys::of(None, subject))?;
        done(self.store.set_subject(id, keys, wanted, SUBJECTS).await)
    }

    async fn set(&self, id: &str, subject: &Subject, wanted: bool) -> Check {
        holds("a subject within the limit", self.set_within(id, subject, wanted).await?)
    }

    async fn balanced(&self) -> Check {
        let counts = done(self.store.counts().await)?;
        holds(&format!("the counts are not balanced: {counts:?}"), counts.is_balanced())
    }
}

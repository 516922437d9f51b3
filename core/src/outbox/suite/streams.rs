//! Checks that a store keeps the promises of [`StreamStore`]: for tests of stores, also of your own.

use std::{future::Future, time::Duration};

use super::{
    ManualClock, Violation,
    tester::{Check, equal, holds},
};
use crate::{
    error::{ErrorCode, Result},
    event::{StreamStatus, caep},
    key::BoxFuture,
    outbox::{
        Acknowledgement, Claim, Created, Entry, Failure, Filter, Frozen, Payload, Poll, Polled, Publication,
        Published, Record, State, StreamRecord, StreamStore, SubjectKeys, stream_receiver,
    },
    subject::{ComplexSubject, Subject},
    time::{Clock, Timestamp},
};

const LEASE: Duration = Duration::from_mins(1);
const EVENT: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const LIMIT: u32 = 3;

struct Streams {
    store: Box<dyn StreamStore>,
    clock: ManualClock,
}

type Case = (&'static str, for<'a> fn(&'a Streams) -> BoxFuture<'a, Check>);

const CASES: &[Case] = &[
    ("streams are created, read, replaced and deleted", |streams| Box::pin(managed(streams))),
    ("the streams of all owners are listed", |streams| Box::pin(listed(streams))),
    ("an owner has a limited number of streams", |streams| Box::pin(limited(streams))),
    ("an update of an older version changes nothing", |streams| Box::pin(compared(streams))),
    ("an event goes to the streams that want it", |streams| Box::pin(routed(streams))),
    ("subjects match by the members that both have", |streams| Box::pin(matched(streams))),
    ("a stream gets what it does not acknowledge again", |streams| Box::pin(repeated(streams))),
    ("what a stream rejects is dead", |streams| Box::pin(rejected(streams))),
    ("a stream acknowledges only its own", |streams| Box::pin(foreign(streams))),
    ("no worker claims what a stream polls", |streams| Box::pin(unclaimed(streams))),
    ("a stream that changes its method loses nothing", |streams| Box::pin(switched(streams))),
    ("a paused stream keeps its events, a disabled one does not", |streams| Box::pin(stopped(streams))),
    ("events about one subject keep their order", |streams| Box::pin(ordered(streams))),
    ("a full stream gives up its oldest event", |streams| Box::pin(bounded(streams))),
    ("a deleted stream discards what waits", |streams| Box::pin(deleted(streams))),
    ("what was frozen can be read until it ends", |streams| Box::pin(frozen(streams))),
    ("an idempotency key publishes once", |streams| Box::pin(once(streams))),
    ("receivers with a name get it, too", |streams| Box::pin(named(streams))),
    ("a change in a stream wakes those who wait for it", |streams| Box::pin(woken(streams))),
];

/// Runs all cases, each with an empty store from `make`, which must go by the clock that it gets. Returns the promises that the
/// store does not keep; none if it is right. [`run`](super::run) checks the promises of [`Store`](super::super::Store).
pub async fn run<F, R>(make: F) -> Vec<Violation>
where
    F: Fn(ManualClock) -> R,
    R: Future<Output = Result<Box<dyn StreamStore>>>,
{
    let mut violations = Vec::new();
    for (case, check) in CASES {
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

fn record(id: &str) -> StreamRecord {
    StreamRecord { events: vec![EVENT.to_owned()], ..StreamRecord::new(id, "owner") }
}

impl Streams {
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
        let publication = self.publication(&Entry::new(caep::SessionRevoked::new(), subject))?;
        done(self.store.publish(publication).await)
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

    async fn set(&self, id: &str, subject: &Subject, wanted: bool) -> Check {
        let keys = done(SubjectKeys::of(None, subject))?;
        done(self.store.set_subject(id, keys, wanted).await)
    }

    async fn balanced(&self) -> Check {
        let counts = done(self.store.counts().await)?;
        holds(&format!("the counts are not balanced: {counts:?}"), counts.is_balanced())
    }
}

async fn managed(streams: &Streams) -> Check {
    let mut one = record("one");
    one.configuration = b"{}".to_vec().into();
    streams.create(one.clone()).await?;
    streams.create(record("another")).await?;
    let kept = streams.get("one").await?;
    equal("what is read", &kept, &StreamRecord { version: kept.version, ..one })?;
    let all = done(streams.store.streams_of("owner").await)?;
    let ids: Vec<_> = all.iter().map(|record| record.id.as_str()).collect();
    equal("all of the owner, by id", &ids, &vec!["another", "one"])?;
    equal("of somebody else", &done(streams.store.streams_of("other").await)?, &Vec::new())?;
    streams.update("one", |record| record.configuration = b"{ }".to_vec().into()).await?;
    let newer = streams.get("one").await?;
    equal("the new configuration", &newer.configuration.as_bytes(), &b"{ }".as_slice())?;
    holds("the version grows", newer.version > kept.version)?;
    equal("deleted", &done(streams.store.delete_stream("one").await)?, &Some(0))?;
    equal("gone", &done(streams.store.stream("one").await)?, &None)?;
    equal("deleted again", &done(streams.store.delete_stream("one").await)?, &None)
}

async fn listed(streams: &Streams) -> Check {
    for id in ["2", "3", "1"] {
        streams.create(StreamRecord { owner: format!("owner of {id}"), ..record(id) }).await?;
    }
    // Names of receivers before and after those of streams, and deliveries of one.
    for name in ["okta", "zoom"] {
        let entry = Entry::new(caep::SessionRevoked::new(), user("ada")).to(name);
        done(streams.store.publish(streams.publication(&entry)?).await)?;
    }
    let after = async |id: Option<&str>, limit| {
        let found = done(streams.store.streams(id.map(str::to_owned), limit).await)?;
        Check::Ok(found.into_iter().map(|record| record.id).collect::<Vec<_>>())
    };
    equal("the first ones", &after(None, 2).await?, &vec!["1".to_owned(), "2".to_owned()])?;
    equal("those after them", &after(Some("2"), 2).await?, &vec!["3".to_owned()])?;
    equal("after all", &after(Some("3"), 2).await?, &Vec::new())?;
    done(streams.store.delete_stream("1").await)?;
    equal("without a deleted one", &after(None, 1).await?, &vec!["2".to_owned()])?;
    let read = done(streams.store.streams(None, 10).await)?;
    equal("what is read", &read.first(), &Some(&streams.get("2").await?))
}

async fn limited(streams: &Streams) -> Check {
    for id in ["1", "2", "3"] {
        streams.create(record(id)).await?;
    }
    let more = done(streams.store.create_stream(record("4"), LIMIT).await)?;
    equal("one more", &more, &Created::LimitReached)?;
    equal("it is not there", &done(streams.store.stream("4").await)?, &None)?;
    streams.create(StreamRecord { owner: "other".to_owned(), ..record("5") }).await?;
    done(streams.store.delete_stream("1").await)?;
    streams.create(record("4")).await
}

async fn compared(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let old = streams.get("one").await?;
    streams.update("one", |record| record.events.clear()).await?;
    holds("an older version is refused", !done(streams.store.update_stream(old).await)?)?;
    equal("the update stays", &streams.get("one").await?.events, &Vec::new())?;
    let unknown = done(streams.store.update_stream(record("two")).await)?;
    holds("a stream that does not exist is refused", !unknown)
}

async fn routed(streams: &Streams) -> Check {
    streams.create(record("wants")).await?;
    streams.create(StreamRecord { events: Vec::new(), ..record("other event") }).await?;
    streams.create(StreamRecord { all_subjects: false, ..record("added") }).await?;
    equal("streams of an event", &streams.publish(user("ada")).await?.streams, &1)?;
    streams.set("added", &user("ada"), true).await?;
    streams.set("added", &user("ada"), true).await?;
    streams.set("other event", &user("ada"), true).await?;
    equal("an added subject", &streams.publish(user("ada")).await?.streams, &2)?;
    equal("another one", &streams.publish(user("bob")).await?.streams, &1)?;
    streams.set("added", &user("ada"), false).await?;
    streams.set("wants", &user("ada"), false).await?;
    equal("a removed subject", &streams.publish(user("ada")).await?, &Published::default())?;
    streams.set("wants", &user("ada"), true).await?;
    equal("added again", &streams.publish(user("ada")).await?.streams, &1)?;
    streams.update("wants", |record| record.events.clear()).await?;
    equal("an event that nobody wants", &streams.publish(user("ada")).await?.streams, &0)?;
    streams.balanced().await
}

/// SSF 1.0 §8.1.3.1.
async fn matched(streams: &Streams) -> Check {
    let complex = |parts: &[(&str, &str)]| {
        let add =
            |subject: ComplexSubject, (name, value): &(&str, &str)| subject.with_member(*name, user(value));
        Subject::from(parts.iter().fold(ComplexSubject::new(), add))
    };
    streams.create(StreamRecord { all_subjects: false, ..record("one") }).await?;
    let cases: [(&[_], &[_], bool); 6] = [
        (&[("tenant", "t")], &[("tenant", "t"), ("user", "u")], true),
        (&[("user", "u"), ("device", "d")], &[("user", "u")], true),
        (&[("user", "u"), ("group", "g")], &[("user", "u"), ("group", "other")], false),
        (&[("user", "u")], &[("user", "other")], false),
        (&[("user", "u")], &[("user", "u")], true),
        (&[("user", "u"), ("tenant", "t")], &[("tenant", "t"), ("user", "u")], true),
    ];
    for (added, event, wanted) in cases {
        let (added, event) = (complex(added), complex(event));
        streams.set("one", &added, true).await?;
        let got = streams.publish(event.clone()).await?.streams == 1;
        equal(&format!("{:?} and {:?}", added.members(), event.members()), &got, &wanted)?;
        streams.set("one", &added, false).await?;
        equal("nothing is left of it", &streams.publish(event).await?.streams, &0)?;
    }
    Ok(())
}

async fn repeated(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let jtis = streams.publish(user("ada")).await?.jtis;
    let polled = streams.poll("one").await?;
    equal("no attempt is spent", &polled.deliveries.first().map(|claimed| claimed.attempts), &Some(0))?;
    equal("when it comes again", &polled.next.or(streams.poll("one").await?.next), &Some(LEASE))?;
    equal("within the lease", &streams.polled("one").await?, &Vec::new())?;
    // More often than any worker would try.
    for _ in 0..50 {
        streams.clock.advance(LEASE);
        equal("after the lease", &streams.polled("one").await?, &jtis)?;
    }
    streams.clock.advance(LEASE);
    equal("an acknowledgement after the lease", &streams.acknowledge("one", &jtis).await?, &1)?;
    equal("a second one", &streams.acknowledge("one", &jtis).await?, &0)?;
    let [jti] = &jtis[..] else { return Err("one stream gets one SET".to_owned()) };
    equal("it is delivered", &streams.state(jti).await?.state, &State::Delivered)?;
    streams.clock.advance(LEASE);
    equal("it does not come again", &streams.polled("one").await?, &Vec::new())?;
    streams.publish(user("ada")).await?;
    streams.polled("one").await?;
    streams.clock.advance(Duration::from_hours(25));
    equal("one that is too old", &streams.polled("one").await?, &Vec::new())?;
    equal("it has expired", &done(streams.store.counts().await)?.expired, &1)?;
    streams.balanced().await
}

async fn rejected(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let jtis = streams.publish(user("ada")).await?.jtis;
    streams.polled("one").await?;
    let failure = Failure::new(ErrorCode::ReceiverRejected, "rejected").with_answer(
        None,
        Some("authentication_failed".to_owned()),
        Some("The SET could not be authenticated".to_owned()),
    );
    let [jti] = &jtis[..] else { return Err("one stream gets one SET".to_owned()) };
    for expected in [1, 0] {
        let mut said = Acknowledgement::new("one");
        said.rejected = vec![(jti.clone(), failure.clone())];
        equal("a rejection", &done(streams.store.acknowledge(said).await)?, &expected)?;
    }
    let record = streams.state(jti).await?;
    equal("it is dead", &record.state, &State::Dead)?;
    equal("with the receiver's words", &record.failure, &Some(failure))?;
    // It says something about one SET, and does not stop the stream.
    for _ in 0..10 {
        streams.publish(user("bob")).await?;
    }
    equal("the others", &streams.polled("one").await?.len(), &1)?;
    streams.balanced().await
}

async fn foreign(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    streams.create(record("two")).await?;
    streams.publish(user("ada")).await?;
    let (one, two) = (streams.polled("one").await?, streams.polled("two").await?);
    equal("those of another stream", &streams.acknowledge("two", &one).await?, &0)?;
    equal("unknown ones", &streams.acknowledge("two", &["unknown".to_owned()]).await?, &0)?;
    equal("its own", &streams.acknowledge("two", &two).await?, &1)?;
    let waiting = streams.publish(user("bob")).await?.jtis;
    equal("those that it was not given", &streams.acknowledge("one", &waiting).await?, &0)
}

async fn unclaimed(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let jtis = streams.publish(user("ada")).await?.jtis;
    let claim = Claim::new(10, 10, LEASE, 3);
    let claims = done(streams.store.claim(claim).await)?;
    holds("no worker gets it", claims.deliveries.is_empty())?;
    holds("no worker waits for it", claims.next.is_none_or(|next| next > LEASE))?;
    equal("a poll gets it", &streams.polled("one").await?, &jtis)?;
    streams.clock.advance(LEASE);
    holds("nor after the lease", done(streams.store.claim(claim).await)?.deliveries.is_empty())?;
    equal("a poll gets it again", &streams.polled("one").await?, &jtis)
}

async fn switched(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let first = streams.publish(user("ada")).await?.jtis;
    streams.polled("one").await?;
    let second = streams.publish(user("bob")).await?.jtis;
    streams.update("one", |record| record.polled = false).await?;
    equal("it cannot be polled", &streams.polled("one").await?, &Vec::new())?;
    let claim = Claim::new(10, 10, LEASE, 3);
    let claimed = done(streams.store.claim(claim).await)?.deliveries;
    let jtis: Vec<_> = claimed.iter().map(|claimed| claimed.lease.jti.clone()).collect();
    equal("a worker gets what waits", &jtis, &second)?;
    streams.clock.advance(LEASE);
    let claimed = done(streams.store.claim(claim).await)?.deliveries;
    let jtis: Vec<_> = claimed.iter().map(|claimed| claimed.lease.jti.clone()).collect();
    equal("and what was not acknowledged", &jtis, &[first, second].concat())?;
    streams.update("one", |record| record.polled = true).await?;
    streams.clock.advance(Duration::from_hours(1));
    done(streams.store.claim(claim).await)?;
    streams.clock.advance(Duration::from_hours(1));
    equal("back again", &streams.polled("one").await?.len(), &2)?;
    streams.balanced().await
}

async fn stopped(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let jtis = streams.publish(user("ada")).await?.jtis;
    streams.update("one", |record| record.status = StreamStatus::Paused).await?;
    let more = streams.publish(user("bob")).await?.jtis;
    equal("paused", &streams.polled("one").await?, &Vec::new())?;
    streams.update("one", |record| record.status = StreamStatus::Enabled).await?;
    equal("enabled", &streams.polled("one").await?, &[jtis, more].concat())?;
    streams.publish(user("eve")).await?;
    streams.update("one", |record| record.status = StreamStatus::Disabled).await?;
    equal("what waited is discarded", &done(streams.store.counts().await)?.removed, &1)?;
    equal("disabled", &streams.publish(user("ada")).await?.streams, &0)?;
    streams.update("one", |record| record.status = StreamStatus::Enabled).await?;
    equal("enabled again", &streams.polled("one").await?, &Vec::new())?;
    streams.balanced().await
}

async fn ordered(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.extend(streams.publish(user("ada")).await?.jtis);
    }
    for jti in &all {
        let jtis = streams.polled("one").await?;
        equal("one after the other", &jtis, &vec![jti.clone()])?;
        streams.acknowledge("one", &jtis).await?;
    }
    streams.balanced().await
}

async fn bounded(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let mut jtis = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let entry = Entry::new(caep::SessionRevoked::new(), user(name));
        let publication = Publication { most_waiting: 2, ..streams.publication(&entry)? };
        jtis.extend(done(streams.store.publish(publication).await)?.jtis);
    }
    equal("the newest stay", &streams.polled("one").await?, &jtis[2..].to_vec())?;
    equal("the others are counted", &done(streams.store.counts().await)?.superseded, &2)?;
    streams.balanced().await
}

async fn deleted(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let lent = streams.publish(user("ada")).await?.jtis;
    streams.polled("one").await?;
    streams.publish(user("bob")).await?;
    equal("discarded", &done(streams.store.delete_stream("one").await)?, &Some(2))?;
    equal("nothing to poll", &streams.polled("one").await?, &Vec::new())?;
    equal("nothing to acknowledge", &streams.acknowledge("one", &lent).await?, &0)?;
    let filter = Filter::new().receiver(stream_receiver("one")).state(State::Discarded);
    equal("in the ledger", &done(streams.store.list(filter, None, 10).await)?.len(), &2)?;
    streams.balanced().await
}

async fn frozen(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    streams.create(StreamRecord { events: Vec::new(), ..record("other") }).await?;
    let jtis = streams.publish(user("ada")).await?.jtis;
    let of = async |stream: &str| done(streams.store.frozen(stream, jtis.clone()).await);
    equal("nothing yet", &of("one").await?, &vec![None])?;
    let claimed = streams.poll("one").await?.deliveries;
    let kept = Payload::from(b"a SET".to_vec());
    let all = claimed.into_iter().map(|claimed| Frozen::new(claimed.lease, kept.clone())).collect();
    equal("frozen", &done(streams.store.freeze(all).await)?, &vec![true])?;
    equal("what was kept", &of("one").await?, &vec![Some(kept)])?;
    equal("of another stream", &of("other").await?, &vec![None])?;
    streams.acknowledge("one", &jtis).await?;
    equal("of one that has ended", &of("one").await?, &vec![None])
}

async fn once(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let entry = Entry::new(caep::SessionRevoked::new(), user("ada")).idempotency_key("key");
    let first = done(streams.store.publish(streams.publication(&entry)?).await)?;
    let again = done(streams.store.publish(streams.publication(&entry)?).await)?;
    holds("it is repeated", !first.repeated && again.repeated)?;
    equal("the same ids", &again.jtis, &first.jtis)?;
    let other = Entry::new(caep::SessionRevoked::new(), user("bob")).idempotency_key("key");
    let conflict = streams.store.publish(streams.publication(&other)?).await.map_err(|error| error.code());
    equal("other content", &conflict.err(), &Some(ErrorCode::OutboxConflict))
}

async fn named(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let entry = Entry::new(caep::SessionRevoked::new(), user("ada")).to("okta");
    let published = done(streams.store.publish(streams.publication(&entry)?).await)?;
    equal("to streams", &published.streams, &1)?;
    let claimed = done(streams.store.claim(Claim::new(10, 10, LEASE, 3)).await)?.deliveries;
    let names: Vec<_> = claimed.iter().map(|claimed| claimed.receiver.as_str()).collect();
    equal("to the named receiver", &names, &vec!["okta"])?;
    let jtis: Vec<_> = claimed.iter().map(|claimed| claimed.lease.jti.clone()).collect();
    equal("its id comes first", &jtis, &published.jtis[..1].to_vec())
}

async fn woken(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    // A future that was made before the change ends; it would hang otherwise.
    let changed = streams.store.stream_changed("one");
    streams.publish(user("ada")).await?;
    changed.await;
    let jtis = streams.polled("one").await?;
    streams.publish(user("ada")).await?;
    let changed = streams.store.stream_changed("one");
    streams.acknowledge("one", &jtis).await?;
    changed.await;
    let changed = streams.store.stream_changed("one");
    streams.update("one", |record| record.status = StreamStatus::Paused).await?;
    changed.await;
    Ok(())
}

//! Who gets an event.

use std::time::Duration;

use super::{Case, Check, LEASE, Streams, done, equal, event, holds, record, user};
use crate::{
    error::ErrorCode,
    event::{StreamStatus, caep},
    outbox::{Entry, Priority, Publication, Published, StreamRecord},
    subject::{ComplexSubject, Subject},
};

/// A complex subject with these members.
fn complex(parts: &[(&str, &str)]) -> Subject {
    let add = |subject: ComplexSubject, (name, value): &(&str, &str)| subject.with_member(*name, user(value));
    Subject::from(parts.iter().fold(ComplexSubject::new(), add))
}

pub(super) const CASES: &[Case] = &[
    ("an event goes to the streams that want it", |streams| Box::pin(routed(streams))),
    ("subjects match by the members that both have", |streams| Box::pin(matched(streams))),
    ("receivers with a name get it, too", |streams| Box::pin(named(streams))),
    ("an idempotency key publishes once", |streams| Box::pin(once(streams))),
    ("a full stream gives up its oldest event", |streams| Box::pin(bounded(streams))),
    ("events about one subject keep their order", |streams| Box::pin(ordered(streams))),
    ("a removed subject is excluded where the event has all of it", |streams| Box::pin(excluded(streams))),
    ("an event without a subject goes to streams of all subjects", |streams| Box::pin(subjectless(streams))),
    ("an event about a stream goes to this one alone", |streams| Box::pin(alone(streams))),
    ("a full stream gives up what waits for its turn, too", |streams| Box::pin(bounded_order(streams))),
    ("an event for later waits", |streams| Box::pin(later(streams))),
];

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

async fn matched(streams: &Streams) -> Check {
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

async fn named(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let entry = Entry::new(caep::SessionRevoked::new(), user("ada")).to("okta");
    let published = done(streams.store.publish(streams.publication(&entry)?).await)?;
    equal("to streams", &published.streams, &1)?;
    let claimed = done(streams.store.claim(super::CLAIM).await)?.deliveries;
    let names: Vec<_> = claimed.iter().map(|claimed| claimed.receiver.as_str()).collect();
    equal("to the named receiver", &names, &vec!["okta"])?;
    let jtis: Vec<_> = claimed.iter().map(|claimed| claimed.lease.jti.clone()).collect();
    equal("its id comes first", &jtis, &published.jtis[..1].to_vec())
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

async fn excluded(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    streams.set("one", &complex(&[("user", "u"), ("device", "d")]), false).await?;
    let cases: [(&[_], u64); 4] = [
        (&[("user", "u"), ("device", "d"), ("tenant", "t")], 0),
        (&[("device", "d"), ("user", "u")], 0),
        (&[("user", "u")], 1),
        (&[("user", "u"), ("device", "other")], 1),
    ];
    for (members, expected) in cases {
        let told = streams.publish(complex(members)).await?.streams;
        equal(&format!("an event about {members:?}"), &told, &expected)?;
    }
    Ok(())
}

async fn subjectless(streams: &Streams) -> Check {
    streams.create(record("all")).await?;
    streams.create(StreamRecord { all_subjects: false, ..record("added") }).await?;
    streams.set("added", &user("ada"), true).await?;
    let publication = Publication { subject: None, ..streams.publication(&event(user("ada")))? };
    equal("streams", &done(streams.store.publish(publication).await)?.streams, &1)?;
    equal("the one of all subjects", &streams.polled("all").await?.len(), &1)
}

async fn alone(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    streams.create(StreamRecord { events: Vec::new(), all_subjects: false, ..record("two") }).await?;
    let publication = |stream: &str| -> Check<Publication> {
        let entry = event(user("ada")).priority(Priority::High);
        Ok(Publication { only: Some(stream.to_owned()), ordered: false, ..streams.publication(&entry)? })
    };
    let before = streams.publish(user("ada")).await?.jtis;
    equal("before", &streams.polled("one").await?, &before)?;
    let told = done(streams.store.publish(publication("two")?).await)?;
    equal("one stream", &told.streams, &1)?;
    equal("this one", &streams.polled("two").await?, &told.jtis)?;
    let told = done(streams.store.publish(publication("one")?).await)?;
    equal("it waits for no other", &streams.polled("one").await?, &told.jtis)?;
    equal("no stream", &done(streams.store.publish(publication("three")?).await)?, &Published::default())?;
    streams.update("two", |record| record.status = StreamStatus::Disabled).await?;
    equal("also a disabled one", &done(streams.store.publish(publication("two")?).await)?.streams, &1)
}

async fn bounded_order(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let mut jtis = Vec::new();
    for number in 0..5 {
        let publication = Publication { most_waiting: 2, ..streams.publication(&event(user("ada")))? };
        jtis.extend(done(streams.store.publish(publication).await)?.jtis);
        if number == 0 {
            equal("the first", &streams.polled("one").await?, &jtis)?;
        }
    }
    equal("those that wait", &done(streams.store.counts().await)?.waiting, &2)?;
    for jti in [&jtis[0], &jtis[3], &jtis[4]] {
        let jti = std::slice::from_ref(jti);
        // The first one is lent already.
        let polled = streams.polled("one").await?;
        holds("the next one", polled.is_empty() || polled == jti)?;
        equal("in order", &streams.acknowledge("one", jti).await?, &1)?;
    }
    equal("the others are counted", &done(streams.store.counts().await)?.superseded, &2)?;
    streams.balanced().await
}

async fn later(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let due = Duration::from_mins(10);
    let entry = Entry::new(caep::SessionRevoked::new(), user("ada")).not_before(streams.now().plus(due));
    let jtis = streams.publish_entry(&entry).await?.jtis;
    let polled = streams.poll("one").await?;
    holds("not yet", polled.deliveries.is_empty() && !polled.more)?;
    equal("when", &polled.next, &Some(due))?;
    streams.clock.advance(due);
    equal("its time has come", &streams.polled("one").await?, &jtis)?;
    equal("then the lease ends", &streams.poll("one").await?.next, &Some(LEASE))
}

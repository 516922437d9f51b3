//! Streams are kept, changed and removed.

use std::time::Duration;

use super::{Case, Check, LIMIT, Streams, done, equal, event, holds, record, user};
use crate::{
    error::ErrorCode,
    event::StreamStatus,
    outbox::{Created, Filter, Retention, State, StreamRecord, stream_receiver},
    subject::ComplexSubject,
};

const DAY: Duration = Duration::from_hours(24);

pub(super) const CASES: &[Case] = &[
    ("streams are created, read, replaced and deleted", |streams| Box::pin(managed(streams))),
    ("the streams of all owners are listed", |streams| Box::pin(listed(streams))),
    ("an owner has a limited number of streams", |streams| Box::pin(limited(streams))),
    ("an update of an older version changes nothing", |streams| Box::pin(compared(streams))),
    ("a deleted stream discards what waits", |streams| Box::pin(deleted(streams))),
    ("a paused stream keeps its events, a disabled one does not", |streams| Box::pin(stopped(streams))),
    ("an id names one stream", |streams| Box::pin(unique(streams))),
    ("the owner of a stream stays", |streams| Box::pin(owned(streams))),
    ("the subjects of a stream go with it", |streams| Box::pin(forgotten(streams))),
    ("the receiver of a deleted stream goes with its last delivery", |streams| Box::pin(left(streams))),
    ("a stream keeps a limited number of subjects", |streams| Box::pin(few_subjects(streams))),
];

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
        streams.publish_entry(&event(user("ada")).to(name)).await?;
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

async fn unique(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let other = StreamRecord { owner: "other".to_owned(), ..record("one") };
    let again = streams.store.create_stream(other, LIMIT).await.map_err(|error| error.code());
    equal("the same id again", &again, &Err(ErrorCode::OutboxConflict))?;
    equal("the first one stays", &streams.get("one").await?.owner.as_str(), &"owner")
}

async fn owned(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    streams.update("one", |record| "other".clone_into(&mut record.owner)).await?;
    equal("the owner", &streams.get("one").await?.owner.as_str(), &"owner")?;
    equal("of the other", &done(streams.store.streams_of("other").await)?, &Vec::new())
}

async fn forgotten(streams: &Streams) -> Check {
    let wanting = || StreamRecord { all_subjects: false, ..record("one") };
    streams.create(wanting()).await?;
    streams.set("one", &user("ada"), true).await?;
    equal("before", &streams.publish(user("ada")).await?.streams, &1)?;
    done(streams.store.delete_stream("one").await)?;
    equal("without the stream", &streams.publish(user("ada")).await?.streams, &0)?;
    streams.set("one", &user("ada"), true).await?;
    streams.create(wanting()).await?;
    equal("in a new one with the same id", &streams.publish(user("ada")).await?.streams, &0)?;
    streams.set("one", &user("ada"), true).await?;
    equal("added again", &streams.publish(user("ada")).await?.streams, &1)?;
    // What was said of a subject stays while it has no effect.
    streams.update("one", |record| record.all_subjects = true).await?;
    equal("all subjects", &streams.publish(user("bob")).await?.streams, &1)?;
    streams.update("one", |record| record.all_subjects = false).await?;
    equal("none but this", &streams.publish(user("bob")).await?.streams, &0)?;
    equal("this one", &streams.publish(user("ada")).await?.streams, &1)
}

async fn left(streams: &Streams) -> Check {
    let receivers = async || {
        let found = done(streams.store.receivers(None, 10).await)?;
        Check::Ok(found.into_iter().map(|receiver| receiver.name).collect::<Vec<_>>())
    };
    let names = |ids: &[&str]| ids.iter().map(|id| stream_receiver(id)).collect::<Vec<_>>();
    let retention = Retention { delivered: DAY, dead: DAY, discarded: DAY * 2, ..Retention::default() };
    let prune = async || done(streams.store.prune(retention).await).map(|pruned| pruned.deliveries);

    streams.create(record("idle")).await?;
    done(streams.store.delete_stream("idle").await)?;
    equal("without deliveries", &receivers().await?, &Vec::new())?;
    streams.create(record("one")).await?;
    streams.create(record("two")).await?;
    streams.publish(user("ada")).await?;
    for id in ["one", "two"] {
        let jtis = streams.polled(id).await?;
        equal("acknowledged", &streams.acknowledge(id, &jtis).await?, &1)?;
    }
    streams.publish(user("bob")).await?;
    equal("discarded", &done(streams.store.delete_stream("one").await)?, &Some(1))?;
    equal("the ledger has its deliveries", &receivers().await?, &names(&["one", "two"]))?;
    streams.clock.advance(DAY);
    equal("those that were delivered", &prune().await?, &2)?;
    equal("the ledger has a discarded one", &receivers().await?, &names(&["one", "two"]))?;
    streams.clock.advance(DAY);
    equal("the discarded one", &prune().await?, &1)?;
    equal("only the stream that is left", &receivers().await?, &names(&["two"]))?;
    streams.balanced().await?;

    // The id is free again.
    streams.create(record("one")).await?;
    let published = streams.publish(user("eve")).await?;
    equal("to both", &published.streams, &2)?;
    let polled = [streams.polled("one").await?, streams.polled("two").await?].concat();
    holds("what was published", published.jtis.iter().all(|jti| polled.contains(jti)))?;
    streams.balanced().await
}

async fn few_subjects(streams: &Streams) -> Check {
    let both = ComplexSubject::new().with_member("user", user("ada")).with_member("device", user("phone"));
    let all = [user("ada"), user("bob"), both.into()];
    streams.create(StreamRecord { all_subjects: false, ..record("one") }).await?;
    for subject in &all {
        streams.set("one", subject, true).await?;
        streams.set("one", subject, true).await?;
    }
    let more = async || streams.set_within("one", &user("eve"), true).await;
    holds("one more is refused", !more().await?)?;
    equal("an event about it", &streams.publish(user("eve")).await?.streams, &0)?;
    // What the stream does by default is not kept, and what it has is no more.
    streams.set("one", &user("eve"), false).await?;
    streams.set("one", &user("ada"), true).await?;
    holds("it is still full", !more().await?)?;
    streams.create(StreamRecord { all_subjects: false, ..record("two") }).await?;
    streams.set("two", &user("eve"), true).await?;

    // Those that do not count by default any more are kept, too.
    streams.update("one", |record| record.all_subjects = true).await?;
    holds("the other side is full, too", !streams.set_within("one", &user("eve"), false).await?)?;
    streams.set("one", &user("ada"), false).await?;
    equal("one that changes sides", &streams.publish(user("ada")).await?.streams, &0)?;
    streams.set("one", &user("ada"), true).await?;
    streams.set("one", &user("ada"), true).await?;
    streams.set("one", &user("eve"), false).await?;
    holds("full again", !streams.set_within("one", &user("ada"), false).await?)?;
    done(streams.store.delete_stream("one").await)?;
    streams.set("one", &user("ada"), true).await?;
    streams.create(StreamRecord { all_subjects: false, ..record("one") }).await?;
    for subject in &all {
        streams.set("one", subject, true).await?;
    }
    holds("as many in a new one", !more().await?)
}

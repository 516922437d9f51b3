//! What a poll gets, and what the receiver says of it.

use std::time::Duration;

use super::{CLAIM, Case, Check, LEASE, Streams, done, equal, event, holds, record, user};
use crate::{
    error::ErrorCode,
    event::StreamStatus,
    outbox::{
        Acknowledgement, Failure, Frozen, Outcome, Payload, Poll, Priority, Settlement, State, StreamRecord,
        stream_receiver,
    },
};

pub(super) const CASES: &[Case] = &[
    ("a stream gets what it does not acknowledge again", |streams| Box::pin(repeated(streams))),
    ("what a stream rejects is dead", |streams| Box::pin(rejected(streams))),
    ("a stream acknowledges only its own", |streams| Box::pin(foreign(streams))),
    ("no worker claims what a stream polls", |streams| Box::pin(unclaimed(streams))),
    ("a stream that changes its method loses nothing", |streams| Box::pin(switched(streams))),
    ("what was frozen can be read until it ends", |streams| Box::pin(frozen(streams))),
    ("a change in a stream wakes those who wait for it", |streams| Box::pin(woken(streams))),
    ("a poll gets so many, the most urgent first", |streams| Box::pin(limited(streams))),
    ("a poll gets what a worker has lost", |streams| Box::pin(lost(streams))),
    ("nothing that has expired is given out", |streams| Box::pin(expired(streams))),
    ("a person can hold a stream", |streams| Box::pin(held(streams))),
    ("what a poll gives back is ready at once", |streams| Box::pin(released(streams))),
    ("a stream that ends takes nothing of the others with it", |streams| Box::pin(kept(streams))),
];

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
    let claims = done(streams.store.claim(CLAIM).await)?;
    holds("no worker gets it", claims.deliveries.is_empty())?;
    holds("no worker waits for it", claims.next.is_none_or(|next| next > LEASE))?;
    equal("a poll gets it", &streams.polled("one").await?, &jtis)?;
    streams.clock.advance(LEASE);
    holds("nor after the lease", streams.claimed().await?.is_empty())?;
    equal("a poll gets it again", &streams.polled("one").await?, &jtis)
}

async fn switched(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let first = streams.publish(user("ada")).await?.jtis;
    streams.polled("one").await?;
    let second = streams.publish(user("bob")).await?.jtis;
    streams.update("one", |record| record.polled = false).await?;
    equal("it cannot be polled", &streams.polled("one").await?, &Vec::new())?;
    equal("a worker gets what waits", &streams.claimed().await?, &second)?;
    streams.clock.advance(LEASE);
    equal("and what was not acknowledged", &streams.claimed().await?, &[first, second].concat())?;
    streams.update("one", |record| record.polled = true).await?;
    streams.clock.advance(Duration::from_hours(1));
    streams.claimed().await?;
    streams.clock.advance(Duration::from_hours(1));
    equal("back again", &streams.polled("one").await?.len(), &2)?;
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

async fn limited(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let mut jtis = Vec::new();
    for (name, priority) in [("a", Priority::Low), ("b", Priority::Normal), ("c", Priority::High)] {
        jtis.extend(streams.publish_entry(&event(user(name)).priority(priority)).await?.jtis);
    }
    jtis.reverse();
    let polled = done(streams.store.poll(Poll::new("one", 2, LEASE)).await)?;
    let got: Vec<_> = polled.deliveries.iter().map(|claimed| claimed.lease.jti.clone()).collect();
    equal("the first two", &got, &jtis[..2].to_vec())?;
    holds("there are more", polled.more)?;
    let polled = done(streams.store.poll(Poll::new("one", 0, LEASE)).await)?;
    holds("none, and there are more", polled.deliveries.is_empty() && polled.more)?;
    let polled = done(streams.store.poll(Poll::new("one", 1, LEASE)).await)?;
    holds("the last one", polled.deliveries.len() == 1 && !polled.more)?;
    let unknown = done(streams.store.poll(Poll::new("two", 2, LEASE)).await)?;
    holds("no stream", unknown.deliveries.is_empty() && !unknown.more && unknown.next.is_none())
}

/// A transmitter whose streams all poll has no worker: nobody else gives back what one has lost.
async fn lost(streams: &Streams) -> Check {
    streams.create(StreamRecord { polled: false, ..record("one") }).await?;
    let jtis = streams.publish(user("ada")).await?.jtis;
    equal("a worker has it", &streams.claimed().await?, &jtis)?;
    streams.update("one", |record| record.polled = true).await?;
    equal("when it comes back", &streams.poll("one").await?.next, &Some(LEASE))?;
    streams.clock.advance(LEASE);
    let polled = streams.poll("one").await?.deliveries;
    equal("it is given out", &polled.iter().map(|claimed| claimed.lease.jti.clone()).collect(), &jtis)?;
    holds("the receiver may have it", polled.iter().all(|claimed| claimed.uncertain))?;
    equal("and acknowledged", &streams.acknowledge("one", &jtis).await?, &1)?;
    streams.balanced().await
}

async fn expired(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    streams.create(record("two")).await?;
    let entry = event(user("ada")).max_age(Duration::from_mins(5));
    streams.publish_entry(&entry).await?;
    let later = streams.publish(user("ada")).await?.jtis;
    streams.clock.advance(Duration::from_mins(5));
    let polled = streams.polled("one").await?;
    holds("the one that follows it", polled.len() == 1 && later.contains(&polled[0]))?;
    holds("of the other stream", streams.polled("two").await?.iter().all(|jti| later.contains(jti)))?;
    equal("both have expired", &done(streams.store.counts().await)?.expired, &2)?;
    streams.balanced().await
}

async fn held(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let jtis = streams.publish(user("ada")).await?.jtis;
    done(streams.store.hold(&stream_receiver("one")).await)?;
    equal("held", &streams.polled("one").await?, &Vec::new())?;
    streams.update("one", |record| record.status = StreamStatus::Paused).await?;
    streams.update("one", |record| record.status = StreamStatus::Enabled).await?;
    equal("the receiver cannot undo it", &streams.polled("one").await?, &Vec::new())?;
    let changed = streams.store.stream_changed("one");
    done(streams.store.release(&stream_receiver("one")).await)?;
    changed.await;
    equal("released", &streams.polled("one").await?, &jtis)
}

async fn released(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    let jtis = streams.publish(user("ada")).await?.jtis;
    let leases = streams.poll("one").await?.deliveries.into_iter().map(|claimed| claimed.lease);
    let changed = streams.store.stream_changed("one");
    done(streams.store.settle(leases.map(Settlement::released).collect()).await)?;
    changed.await;
    let polled = streams.poll("one").await?.deliveries;
    equal("it is given out again", &polled.iter().map(|claimed| claimed.lease.jti.clone()).collect(), &jtis)?;
    let failure = Failure::new(ErrorCode::OutboxCorrupt, "it cannot be a SET");
    let dead = polled.into_iter().map(|claimed| {
        let mut settlement = Settlement::released(claimed.lease);
        settlement.outcome = Outcome::Dead(failure.clone());
        settlement
    });
    done(streams.store.settle(dead.collect()).await)?;
    equal("it is dead", &done(streams.store.counts().await)?.dead, &1)?;
    streams.balanced().await
}

async fn kept(streams: &Streams) -> Check {
    streams.create(record("one")).await?;
    streams.create(StreamRecord { polled: false, ..record("two") }).await?;
    streams.publish(user("ada")).await?;
    streams.update("one", |record| record.status = StreamStatus::Disabled).await?;
    equal("of the one", &done(streams.store.counts().await)?.removed, &1)?;
    equal("a worker gets that of the other", &streams.claimed().await?.len(), &1)?;
    equal("it is deleted in flight", &done(streams.store.delete_stream("two").await)?, &Some(1))?;
    streams.balanced().await
}

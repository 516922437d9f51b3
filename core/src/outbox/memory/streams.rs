//! Streams in a memory store.

use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard, PoisonError},
};

use super::{
    super::{
        Acknowledgement, Created, Notifier, Payload, Poll, Polled, Publication, Published, StreamRecord,
        StreamStore, SubjectKeys, stream_receiver,
    },
    MemoryStore, WhenFull,
};
use crate::{
    error::{Error, ErrorCode, Result},
    key::BoxFuture,
};

/// From so many streams on, those are dropped that nobody waits for any more.
const SWEEP: usize = 1024;

impl MemoryStore {
    fn waited_for(&self) -> MutexGuard<'_, HashMap<String, Arc<Notifier>>> {
        self.shared.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait for one of these streams.
    pub(super) fn wake(&self, streams: &[String]) {
        if streams.is_empty() {
            return;
        }
        let mut waited_for = self.waited_for();
        let woken: Vec<_> = streams.iter().filter_map(|stream| waited_for.remove(stream)).collect();
        drop(waited_for);
        for notifier in woken {
            notifier.notify();
        }
    }

    /// Wakes all who wait for a stream.
    pub(super) fn wake_all(&self) {
        let woken = std::mem::take(&mut *self.waited_for());
        for notifier in woken.values() {
            notifier.notify();
        }
    }
}

impl StreamStore for MemoryStore {
    fn create_stream(&self, stream: StreamRecord, limit: u32) -> BoxFuture<'_, Result<Created>> {
        self.ask(move |ledger, now| ledger.create_stream(stream, limit, now))
    }

    fn stream(&self, id: &str) -> BoxFuture<'_, Result<Option<StreamRecord>>> {
        self.ask(|ledger, _| ledger.directory.get(id).cloned())
    }

    fn streams_of(&self, owner: &str) -> BoxFuture<'_, Result<Vec<StreamRecord>>> {
        self.ask(|ledger, _| ledger.directory.of(owner))
    }

    fn streams(&self, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Vec<StreamRecord>>> {
        self.ask(move |ledger, _| ledger.directory.after(after.as_deref(), limit as usize))
    }

    fn update_stream(&self, stream: StreamRecord) -> BoxFuture<'_, Result<bool>> {
        let id = stream.id.clone();
        let updated = self.change(move |ledger, now| ledger.update_stream(stream, now));
        self.wake(&[id]);
        updated
    }

    fn delete_stream(&self, id: &str) -> BoxFuture<'_, Result<Option<u64>>> {
        let deleted = self.change(|ledger, now| ledger.delete_stream(id, now));
        self.wake(&[id.to_owned()]);
        Box::pin(async move { deleted.await? })
    }

    fn set_subject(&self, stream: &str, subject: SubjectKeys, wanted: bool) -> BoxFuture<'_, Result<()>> {
        let set = self.ask(|ledger, _| ledger.directory.set_subject(stream, &subject, wanted));
        Box::pin(async move { set.await? })
    }

    fn publish(&self, publication: Publication) -> BoxFuture<'_, Result<Published>> {
        Box::pin(async move {
            loop {
                let room = self.shared.room.changed();
                {
                    let mut ledger = self.ledger();
                    if let Some(known) = ledger.known(&publication.message)? {
                        return Ok(Published::new(known.jtis, 0, true));
                    }
                    let streams = ledger.streams_for(&publication)?;
                    let named = publication.message.deliveries.len();
                    let added = named + ledger.added(&streams, publication.most_waiting);
                    if ledger.live() + added <= self.capacity {
                        let published = ledger.publish(publication, &streams, self.now())?;
                        ledger.keep_ended(self.capacity);
                        drop(ledger);
                        self.shared.ready.notify();
                        self.wake(&streams);
                        return Ok(published);
                    }
                    if self.when_full == WhenFull::Refuse || added > self.capacity {
                        let message = format!("the outbox has room for {} deliveries", self.capacity);
                        return Err(Error::new(ErrorCode::OutboxFull, message));
                    }
                }
                room.await;
            }
        })
    }

    fn poll(&self, poll: Poll) -> BoxFuture<'_, Result<Polled>> {
        self.ask(move |ledger, now| ledger.poll(&poll, now))
    }

    fn frozen(&self, stream: &str, jtis: Vec<String>) -> BoxFuture<'_, Result<Vec<Option<Payload>>>> {
        let receiver = stream_receiver(stream);
        self.ask(move |ledger, _| jtis.iter().map(|jti| ledger.frozen(&receiver, jti)).collect())
    }

    fn acknowledge(&self, acknowledgement: Acknowledgement) -> BoxFuture<'_, Result<u64>> {
        if acknowledgement.accepted.is_empty() && acknowledgement.rejected.is_empty() {
            return Box::pin(std::future::ready(Ok(0)));
        }
        let stream = acknowledgement.stream.clone();
        let acknowledged = self.change(move |ledger, now| ledger.acknowledge(acknowledgement, now));
        // The next one about the same subject may be ready.
        self.wake(&[stream]);
        acknowledged
    }

    fn stream_changed(&self, stream: &str) -> BoxFuture<'_, ()> {
        let mut waited_for = self.waited_for();
        // Those that were cancelled leave their place, as long as nothing happens in their stream.
        if waited_for.len() >= SWEEP && waited_for.len().is_power_of_two() {
            waited_for.retain(|_, notifier| notifier.is_awaited());
        }
        let changed = waited_for.entry(stream.to_owned()).or_default().changed();
        Box::pin(changed)
    }
}

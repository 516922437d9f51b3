//! Streams in a memory store.

use super::{
    super::{
        Acknowledgement, Created, Payload, Poll, Polled, Publication, Published, StreamRecord, StreamStore,
        SubjectKeys, stream_receiver,
    },
    MemoryStore, WhenFull,
};
use crate::{
    error::{Error, ErrorCode, Result},
    key::BoxFuture,
};

impl StreamStore for MemoryStore {
    fn create_stream(&self, stream: StreamRecord, limit: u32) -> BoxFuture<'_, Result<Created>> {
        let created = self.ask(move |ledger, now| ledger.create_stream(stream, limit, now));
        Box::pin(async move { created.await? })
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

    fn set_subject(
        &self,
        stream: &str,
        subject: SubjectKeys,
        wanted: bool,
        limit: u32,
    ) -> BoxFuture<'_, Result<bool>> {
        let set =
            self.ask(|ledger, _| ledger.directory.set_subject(stream, &subject, wanted, limit as usize));
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
        Box::pin(self.shared.streams.changed(stream))
    }
}

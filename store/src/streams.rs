//! The store as the stream API sees it.

use ssf_transmitter::{
    Result,
    key::BoxFuture,
    outbox::{
        Acknowledgement, Created, Payload, Poll, Polled, Publication, Published, StreamRecord, StreamStore,
        SubjectKeys,
    },
};

use crate::{SqliteStore, writer};

impl StreamStore for SqliteStore {
    fn create_stream(&self, stream: StreamRecord, limit: u32) -> BoxFuture<'_, Result<Created>> {
        let room = self.room();
        self.write(move |ledger| {
            ledger.check_room(room.as_ref())?;
            ledger.create_stream(&stream, limit)
        })
    }

    fn stream(&self, id: &str) -> BoxFuture<'_, Result<Option<StreamRecord>>> {
        let id = id.to_owned();
        self.read(move |ledger| ledger.stream(&id))
    }

    fn streams_of(&self, owner: &str) -> BoxFuture<'_, Result<Vec<StreamRecord>>> {
        let owner = owner.to_owned();
        self.read(move |ledger| ledger.streams_of(&owner))
    }

    fn streams(&self, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Vec<StreamRecord>>> {
        self.read(move |ledger| ledger.streams_after(after.as_deref().unwrap_or_default(), limit))
    }

    fn update_stream(&self, stream: StreamRecord) -> BoxFuture<'_, Result<bool>> {
        self.write(move |ledger| ledger.update_stream(&stream))
    }

    fn delete_stream(&self, id: &str) -> BoxFuture<'_, Result<Option<u64>>> {
        let id = id.to_owned();
        self.write(move |ledger| ledger.delete_stream(&id))
    }

    fn set_subject(
        &self,
        stream: &str,
        subject: SubjectKeys,
        wanted: bool,
        limit: u32,
    ) -> BoxFuture<'_, Result<bool>> {
        let (stream, room) = (stream.to_owned(), self.room());
        self.write(move |ledger| {
            ledger.check_room(room.as_ref())?;
            ledger.set_subject(&stream, &subject, wanted, limit)
        })
    }

    fn publish(&self, publication: Publication) -> BoxFuture<'_, Result<Published>> {
        let room = self.room();
        self.write(move |ledger| {
            ledger.check_room(room.as_ref())?;
            ledger.publish(&publication)
        })
    }

    fn poll(&self, poll: Poll) -> BoxFuture<'_, Result<Polled>> {
        self.write(move |ledger| ledger.poll(&poll))
    }

    fn frozen(&self, stream: &str, jtis: Vec<String>) -> BoxFuture<'_, Result<Vec<Option<Payload>>>> {
        let stream = stream.to_owned();
        self.read(move |ledger| ledger.frozen(&stream, &jtis))
    }

    fn acknowledge(&self, acknowledgement: Acknowledgement) -> BoxFuture<'_, Result<u64>> {
        if acknowledgement.accepted.is_empty() && acknowledgement.rejected.is_empty() {
            return Box::pin(std::future::ready(Ok(0)));
        }
        self.write(move |ledger| ledger.acknowledge(&acknowledgement))
    }

    fn stream_changed(&self, stream: &str) -> BoxFuture<'_, ()> {
        let Ok(inner) = self.inner() else { return Box::pin(std::future::pending()) };
        let changed = inner.streams.changed(stream);
        // While somebody waits, the writer also looks for changes by other processes. If the store is closed, nothing changes any more.
        let _ = inner.writer.send(writer::Message::Watch);
        Box::pin(changed)
    }
}

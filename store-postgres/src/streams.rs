//! Streams in a PostgreSQL store.

use std::collections::BTreeSet;

use ssf_transmitter::{
    Result,
    key::BoxFuture,
    outbox::{
        Acknowledgement, Created, Payload, Poll, Polled, Publication, Published, StreamRecord, StreamStore,
        SubjectKeys,
    },
};

use crate::{
    ledger::{
        CreateStream, DeleteStream, Expire, FindStream, FrozenOf, PollOnce, Publish, SetSubject,
        StreamsAfter, StreamsOf, UpdateStream,
    },
    store::{PostgresStore, Wakes},
};

impl StreamStore for PostgresStore {
    fn create_stream(&self, stream: StreamRecord, limit: u32) -> BoxFuture<'_, Result<Created>> {
        self.run(CreateStream { stream, limit })
    }

    fn stream(&self, id: &str) -> BoxFuture<'_, Result<Option<StreamRecord>>> {
        self.run(FindStream(id.to_owned()))
    }

    fn streams_of(&self, owner: &str) -> BoxFuture<'_, Result<Vec<StreamRecord>>> {
        self.run(StreamsOf(owner.to_owned()))
    }

    fn streams(&self, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Vec<StreamRecord>>> {
        self.run(StreamsAfter(after.unwrap_or_default(), limit))
    }

    fn update_stream(&self, stream: StreamRecord) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move {
            let id = BTreeSet::from([stream.id.clone()]);
            let updated = self.change(Wakes::All, UpdateStream(stream)).await?;
            self.signals().wake_streams(id);
            Ok(updated)
        })
    }

    fn delete_stream(&self, id: &str) -> BoxFuture<'_, Result<Option<u64>>> {
        let id = id.to_owned();
        Box::pin(async move {
            let deleted = self.run(DeleteStream(id.clone())).await?;
            self.signals().wake_streams(BTreeSet::from([id]));
            Ok(deleted)
        })
    }

    fn set_subject(
        &self,
        stream: &str,
        subject: SubjectKeys,
        wanted: bool,
        limit: u32,
    ) -> BoxFuture<'_, Result<bool>> {
        self.run(SetSubject { stream: stream.to_owned(), subject, wanted, limit })
    }

    fn publish(&self, publication: Publication) -> BoxFuture<'_, Result<Published>> {
        self.change(Wakes::All, Publish(publication))
    }

    fn poll(&self, poll: Poll) -> BoxFuture<'_, Result<Polled>> {
        Box::pin(async move {
            let once = PollOnce { poll: poll.clone(), looks: true };
            if let Some(polled) = self.run(once).await? {
                return Ok(polled);
            }
            self.run(Expire).await?;
            let polled = self.run(PollOnce { poll, looks: false }).await?;
            Ok(polled.unwrap_or_default())
        })
    }

    fn frozen(&self, stream: &str, jtis: Vec<String>) -> BoxFuture<'_, Result<Vec<Option<Payload>>>> {
        self.run(FrozenOf { stream: stream.to_owned(), jtis })
    }

    fn acknowledge(&self, acknowledgement: Acknowledgement) -> BoxFuture<'_, Result<u64>> {
        if acknowledgement.accepted.is_empty() && acknowledgement.rejected.is_empty() {
            return Box::pin(std::future::ready(Ok(0)));
        }
        self.run(acknowledgement)
    }

    fn stream_changed(&self, stream: &str) -> BoxFuture<'_, ()> {
        Box::pin(self.signals().stream_changed(stream))
    }
}

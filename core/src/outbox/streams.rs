//! What the streams of receivers need of a store: their configuration, their subjects, and their deliveries, in one place.

use std::time::Duration;

use super::{Claimed, Failure, Message, Mode, Payload, Store, SubjectKeys};
use crate::{error::Result, event::StreamStatus, key::BoxFuture};

/// How the names of receivers begin that stand for streams. Entries cannot name them.
pub const STREAM_PREFIX: &str = "stream:";

/// The name under which the outbox has the deliveries of a stream.
pub fn stream_receiver(stream: &str) -> String {
    format!("{STREAM_PREFIX}{stream}")
}

/// Keeps streams beside the deliveries of an outbox: a stream is a receiver whose deliveries the outbox has under
/// [`stream_receiver`].
///
/// Each operation is one transaction, as those of [`Store`] are. The rules are in [`suite::streams`](super::suite::streams).
pub trait StreamStore: Store {
    /// Keeps a new stream, unless its owner has `limit` streams already. The version of the record does not matter. A stream with an id
    /// that the store has is [`ErrorCode::OutboxConflict`](crate::ErrorCode::OutboxConflict).
    fn create_stream(&self, stream: StreamRecord, limit: u32) -> BoxFuture<'_, Result<Created>>;

    /// The stream with this id.
    fn stream(&self, id: &str) -> BoxFuture<'_, Result<Option<StreamRecord>>>;

    /// The streams of an owner, in the order of their ids.
    fn streams_of(&self, owner: &str) -> BoxFuture<'_, Result<Vec<StreamRecord>>>;

    /// The streams of all owners in the order of their ids, those after `after`; fewer than `limit` only if there are no more.
    fn streams(&self, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Vec<StreamRecord>>>;

    /// Replaces a stream, if its version is still the one of this record; tells whether it was. The owner stays. A stream that is
    /// disabled from now on discards what waits.
    fn update_stream(&self, stream: StreamRecord) -> BoxFuture<'_, Result<bool>>;

    /// Removes a stream with its subjects, and discards what waits for it or is in flight. Tells how many deliveries that was; `None` if
    /// there is no such stream. Its receiver goes, with its counts, once the store has no delivery of it: now, or when it
    /// [prunes](Store::prune), at the latest when all of them were kept long enough.
    fn delete_stream(&self, id: &str) -> BoxFuture<'_, Result<Option<u64>>>;

    /// Makes a stream want events about a subject, or not. A subject is kept only where it differs from what the stream wants
    /// by default. Tells whether it was done: nothing is, if the subject would be kept beside `limit` others. Without the stream,
    /// there is nothing to do.
    fn set_subject(
        &self,
        stream: &str,
        subject: SubjectKeys,
        wanted: bool,
        limit: u32,
    ) -> BoxFuture<'_, Result<bool>>;

    /// Accepts a message for the receivers that it names, and for each stream that wants it.
    ///
    /// Errors are those of [`Store::enqueue`].
    fn publish(&self, publication: Publication) -> BoxFuture<'_, Result<Published>>;

    /// Gives a stream what is ready, in the order of a claim: what it was not given before, and what it has not acknowledged within the
    /// lease. A poll spends no attempt, so a delivery ends by its age and not by the number of polls. It concerns this stream alone: what
    /// is due to others, or is given back by them, is for their polls and for workers. A stream that
    /// [may not poll](super::ReceiverState::may_poll) gets nothing.
    fn poll(&self, poll: Poll) -> BoxFuture<'_, Result<Polled>>;

    /// What [`Store::freeze`] kept of deliveries of a stream that have not ended, in the order of the ids; `None` for others.
    fn frozen(&self, stream: &str, jtis: Vec<String>) -> BoxFuture<'_, Result<Vec<Option<Payload>>>>;

    /// Ends deliveries of a stream that it was given: as delivered, or as dead with the failure. Others are left alone, so a repeat
    /// has no effect. Returns how many ended.
    fn acknowledge(&self, acknowledgement: Acknowledgement) -> BoxFuture<'_, Result<u64>>;

    /// Ends when a delivery of the stream may have become ready since this call. By default, it is [`Store::changed`], which
    /// wakes all who wait; a store for many streams wakes only those concerned.
    fn stream_changed(&self, stream: &str) -> BoxFuture<'_, ()> {
        let _ = stream;
        self.changed()
    }
}

/// A stream as a store keeps it: what the store decides by, and the rest as bytes that it does not read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StreamRecord {
    /// The `stream_id`.
    pub id: String,
    /// The receiver that the stream belongs to: the id of its caller.
    pub owner: String,
    /// Grows with each update.
    pub version: u64,
    /// Whether the stream is enabled.
    pub status: StreamStatus,
    /// Whether the receiver polls. Otherwise a worker sends.
    pub polled: bool,
    /// The URIs of the events that the stream gets.
    pub events: Vec<String>,
    /// Whether the stream gets events about subjects that nobody added.
    pub all_subjects: bool,
    /// All else, sealed if there is a [`Seal`](super::Seal).
    pub configuration: Payload,
}

impl StreamRecord {
    /// An enabled stream with this id and owner, which gets nothing yet.
    pub fn new(id: impl Into<String>, owner: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            owner: owner.into(),
            version: 0,
            status: StreamStatus::Enabled,
            polled: true,
            events: Vec::new(),
            all_subjects: true,
            configuration: Payload::from(Vec::new()),
        }
    }

    /// How its deliveries go.
    pub fn mode(&self) -> Mode {
        match self.status {
            StreamStatus::Enabled if self.polled => Mode::Polled,
            StreamStatus::Enabled => Mode::Pushed,
            _ => Mode::Suspended,
        }
    }

    /// Whether its deliveries are kept: those of a disabled stream are not (SSF 1.0 §8.1.2.1).
    pub fn keeps(&self) -> bool {
        self.status != StreamStatus::Disabled
    }
}

/// Whether a stream was created.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Created {
    /// It was.
    Yes,
    /// Its owner has as many streams as it may have.
    LimitReached,
}

/// An event for streams.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Publication {
    /// What happened. Its deliveries are those to receivers that it names; the store adds those to streams.
    pub message: Message,
    /// The URI of the event.
    pub event: String,
    /// Whom it is about. Without a subject, only streams get it that want all subjects.
    pub subject: Option<SubjectKeys>,
    /// To this stream alone, whatever it wants and its status is: for events about the stream itself (SSF 1.0 §8.1.4, §8.1.5).
    pub only: Option<String>,
    /// Keeps the order among events about the same subject.
    pub ordered: bool,
    /// How many deliveries may wait in one stream. One more takes the place of the oldest one that is ready and has the lowest
    /// priority; if none is ready, of the oldest one.
    pub most_waiting: u64,
}

/// What was published.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Published {
    /// The ids of the SETs: those to receivers that the entry names, in their order, and those to streams.
    pub jtis: Vec<String>,
    /// How many streams get it.
    pub streams: u64,
    /// Whether an earlier entry with the same idempotency key is meant.
    pub repeated: bool,
}

impl Published {
    /// These ids, so many of them to streams.
    pub fn new(jtis: Vec<String>, streams: u64, repeated: bool) -> Self {
        Self { jtis, streams, repeated }
    }
}

/// A request for deliveries of one stream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Poll {
    /// The stream.
    pub stream: String,
    /// How many at most.
    pub limit: u32,
    /// How long the stream has to acknowledge them, before they are given out again.
    pub lease: Duration,
}

impl Poll {
    /// So many deliveries of a stream at most, for so long.
    pub fn new(stream: impl Into<String>, limit: u32, lease: Duration) -> Self {
        Self { stream: stream.into(), limit, lease }
    }
}

/// What a poll got.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Polled {
    /// The deliveries.
    pub deliveries: Vec<Claimed>,
    /// Whether more are ready.
    pub more: bool,
    /// If it got none: how long it is until one may be ready by itself, because it is due or its lease ends. `None` if nothing waits
    /// for a time.
    pub next: Option<Duration>,
}

impl Polled {
    /// These deliveries, whether more are ready, and when another one may be.
    pub fn new(deliveries: Vec<Claimed>, more: bool, next: Option<Duration>) -> Self {
        Self { deliveries, more, next }
    }
}

/// What a stream says of SETs that it was given.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Acknowledgement {
    /// The stream.
    pub stream: String,
    /// The ids of those that it has.
    pub accepted: Vec<String>,
    /// The ids of those that it rejects, and why.
    pub rejected: Vec<(String, Failure)>,
}

impl Acknowledgement {
    /// What this stream says: nothing yet.
    pub fn new(stream: impl Into<String>) -> Self {
        Self { stream: stream.into(), ..Self::default() }
    }
}

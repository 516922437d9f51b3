//! Files in a folder of the build, and short ways to use a store.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    borrow::Borrow,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use ssf_transmitter::{
    ErrorCode, KeySet, KeyType, SigningKey, Subject, Timestamp,
    event::caep,
    outbox::{
        Acknowledgement, Claim, Claimed, Entry, Message, Outcome, Poll, Settled, Settlement, Store,
        StreamRecord, StreamStore,
    },
    stream::StreamApi,
    time::{Clock, SystemClock},
};
use ssf_transmitter_store::SqliteStore;

pub(crate) const LEASE: Duration = Duration::from_mins(1);

/// An empty folder, which is removed in the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("outbox-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.file("outbox.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

pub(crate) fn entry(receiver: &str, user: &str) -> Entry {
    Entry::new(caep::SessionRevoked::new(), Subject::opaque(user)).to(receiver)
}

pub(crate) fn message(entry: impl Borrow<Entry>) -> Message {
    entry.borrow().to_message(None, Timestamp::now()).unwrap()
}

pub(crate) async fn enqueue(store: &impl Store, entry: Entry) -> String {
    try_enqueue(store, entry).await.unwrap()
}

pub(crate) async fn try_enqueue(store: &impl Store, entry: Entry) -> Result<String, ErrorCode> {
    let enqueued = store.enqueue(vec![message(entry)]).await;
    enqueued.map(|mut enqueued| enqueued.remove(0).jtis.remove(0)).map_err(|error| error.code())
}

pub(crate) async fn claim(store: &impl Store, deliveries: u32) -> Vec<Claimed> {
    store.claim(Claim::new(deliveries, deliveries, LEASE, 5)).await.unwrap().deliveries
}

pub(crate) async fn settle(store: &impl Store, claimed: &Claimed, outcome: Outcome) -> Settled {
    let mut settlement = Settlement::released(claimed.lease.clone());
    settlement.outcome = outcome;
    store.settle(vec![settlement]).await.unwrap().remove(0)
}

pub(crate) const EVENT: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// A stream that gets the event about all subjects.
pub(crate) fn stream(id: &str) -> StreamRecord {
    let mut record = StreamRecord::new(id, "owner");
    record.events = vec![EVENT.to_owned()];
    record
}

/// What gives events to the streams of a store.
pub(crate) fn publisher(store: &SqliteStore) -> StreamApi {
    publisher_at(store, SystemClock)
}

pub(crate) fn publisher_at(store: &SqliteStore, clock: impl Clock + 'static) -> StreamApi {
    let keys = KeySet::new(SigningKey::generate(KeyType::Ed25519).unwrap());
    StreamApi::builder("https://tr.example.com", keys, store.clone()).clock(clock).build().unwrap()
}

/// An event about a user, for streams.
pub(crate) fn event(user: &str) -> Entry {
    Entry::new(caep::SessionRevoked::new(), Subject::opaque(user))
}

/// The ids of what a stream gets.
pub(crate) async fn poll(store: &impl StreamStore, stream: &str, limit: u32) -> Vec<String> {
    let polled = store.poll(Poll::new(stream, limit, LEASE)).await.unwrap();
    polled.deliveries.into_iter().map(|claimed| claimed.lease.jti).collect()
}

pub(crate) async fn acknowledge(store: &impl StreamStore, stream: &str, jtis: &[String]) -> u64 {
    let mut said = Acknowledgement::new(stream);
    said.accepted = jtis.to_vec();
    store.acknowledge(said).await.unwrap()
}

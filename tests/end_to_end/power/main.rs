//! What the outbox has accepted survives a power cut, and a full disk stops nothing that was accepted. The disk is simulated: between
//! two syncs, a power cut loses any part of what was written.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

#[path = "../../../store/tests/common/mod.rs"]
mod common;
mod disk;
mod random;
#[path = "../support/rounds.rs"]
mod rounds;
mod vfs;

use std::{
    cell::Cell,
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Mutex,
};

use common::{Folder, LEASE, claim, entry, message, settle, try_enqueue};
use disk::Handle;
use random::Random;
use ssf_transmitter::{
    ErrorCode,
    outbox::{Claim, Filter, Outcome, Retention, Settled, Settlement, State, Store},
};
use ssf_transmitter_store::SqliteStore;

const CALLERS: u32 = 3;

/// What the store has acknowledged.
#[derive(Default)]
struct Acknowledged {
    enqueued: Mutex<Vec<String>>,
    delivered: Mutex<Vec<String>>,
}

fn folder(folder: &Folder) -> PathBuf {
    folder.database().parent().unwrap().to_owned()
}

/// A short log, so that it is often moved into the file.
fn open(path: &Path) -> Result<SqliteStore, ErrorCode> {
    let store = SqliteStore::builder(path).wal_limit(64 << 10).disk_reserve(0).open();
    store.map_err(|error| error.code())
}

/// Enqueues and settles until the power fails.
async fn work(store: &SqliteStore, acknowledged: &Acknowledged) {
    let on = Cell::new(true);
    let enqueuer = async |caller: u32| {
        for number in 0_u32.. {
            let entry = entry(&format!("r{}", number % 5), &format!("{caller}-{number:0>200}"));
            let Ok(jti) = try_enqueue(store, entry).await else { break };
            acknowledged.enqueued.lock().unwrap().push(jti);
        }
        on.set(false);
    };
    let worker = async {
        // A claim that finds nothing may need no disk.
        while on.get()
            && let Ok(claims) = store.claim(Claim::new(5, 2, LEASE, 100)).await
        {
            for claimed in claims.deliveries {
                let jti = claimed.lease.jti.clone();
                let mut settlement = Settlement::released(claimed.lease);
                settlement.outcome = Outcome::Delivered;
                let Ok(settled) = store.settle(vec![settlement]).await else { return };
                assert_eq!(settled, [Settled::Applied(None)]);
                acknowledged.delivered.lock().unwrap().push(jti);
            }
        }
    };
    let callers = async { tokio::join!(enqueuer(0), enqueuer(1), enqueuer(CALLERS - 1)) };
    tokio::join!(callers, worker);
}

async fn check(store: &SqliteStore, acknowledged: &Acknowledged, round: u32) {
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new(), "round {round}");
    let listed = store.list(Filter::new(), None, 1_000_000).await.unwrap();
    let states: HashMap<_, _> = listed.iter().map(|record| (record.jti.as_str(), record.state)).collect();
    for jti in &*acknowledged.enqueued.lock().unwrap() {
        assert!(states.contains_key(jti.as_str()), "round {round}: an event is lost");
    }
    for jti in &*acknowledged.delivered.lock().unwrap() {
        assert_eq!(states[jti.as_str()], State::Delivered, "round {round}: an end is lost");
    }
    let counts = store.counts().await.unwrap();
    assert!(counts.is_balanced() && counts.enqueued == listed.len() as u64, "round {round}: {counts:?}");
}

#[tokio::test]
async fn every_acknowledged_event_survives_a_power_cut() {
    vfs::install();
    let (rounds, mut random) = (rounds::rounds(100), Random(4711));
    let (mut enqueued, mut delivered, mut opened) = (0, 0, 0);
    let mut round = 0;
    while round < rounds {
        // A file lives through some cuts; the first ones may come while it is made.
        let place = Folder::new();
        let disk = Handle::insert(&folder(&place));
        let acknowledged = Acknowledged::default();
        for life in 0..10 {
            round += 1;
            let steps = if life == 0 { 40 } else { 400 };
            disk.cut_after(u32::try_from(1 + random.below(steps)).unwrap());
            if let Ok(store) = open(&place.database()) {
                opened += 1;
                work(&store, &acknowledged).await;
                store.close().await.unwrap();
            }
            disk.restart(&mut random);
            let store = open(&place.database()).unwrap_or_else(|code| panic!("round {round}: {code:?}"));
            check(&store, &acknowledged, round).await;
            store.close().await.unwrap();
        }
        enqueued += acknowledged.enqueued.into_inner().unwrap().len();
        delivered += acknowledged.delivered.into_inner().unwrap().len();
    }
    println!(
        "\npower: {round} cuts, {opened} at work; {enqueued} acknowledged, {delivered} of them delivered, none lost"
    );
    assert!(enqueued > 0 && delivered > 0 && opened > 0);
}

/// What the store leaves free for those who settle: less than its default, which allows for a longer log.
const RESERVE: usize = 1 << 20;

#[tokio::test]
async fn a_full_disk_refuses_an_event_and_delivers_the_others() {
    vfs::install();
    let place = Folder::new();
    let disk = Handle::insert(&folder(&place));
    let store = open(&place.database()).unwrap();
    let batch = || (0..50).map(|number: u32| message(entry("a", &format!("{number:0>800}")))).collect();
    disk.set_room(Some(2 << 20));
    let mut accepted = HashSet::new();
    let error = loop {
        match store.enqueue(batch()).await {
            Ok(enqueued) => accepted.extend(enqueued.into_iter().flat_map(|enqueued| enqueued.jtis)),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), ErrorCode::OutboxUnavailable);
    assert!(error.to_string().contains("the disk of the outbox is full"), "{error}");
    assert!(accepted.len() > 500);

    disk.set_room(Some((2 << 20) + RESERVE));
    let mut delivered = HashSet::new();
    while let Some(claimed) = claim(&store, 1).await.pop() {
        settle(&store, &claimed, Outcome::Delivered).await;
        delivered.insert(claimed.lease.jti);
    }
    assert_eq!(accepted, delivered);
    let mut retention = Retention::default();
    retention.delivered = std::time::Duration::ZERO;
    while store.prune(retention).await.unwrap().more {}
    assert_eq!(store.list(Filter::new(), None, 10).await.unwrap(), []);
    // What is removed makes room.
    store.enqueue(batch()).await.unwrap();
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    store.close().await.unwrap();
}

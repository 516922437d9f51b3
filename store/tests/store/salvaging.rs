//! A damaged file is not the end.

use std::{collections::HashSet, path::Path};

use crate::common::{Folder, claim, enqueue, entry, event, message, poll, publisher, settle, stream};
use ssf_transmitter::{
    ErrorCode, Subject,
    outbox::{Filter, Outcome, Store, StreamStore, SubjectKeys},
};
use ssf_transmitter_store::SqliteStore;

const PAGE: usize = 4096;

/// Overwrites some pages.
fn damage(path: &Path, pages: impl Fn(usize) -> bool) {
    let mut bytes = std::fs::read(path).unwrap();
    for (number, page) in bytes.chunks_mut(PAGE).enumerate() {
        if pages(number) {
            page.fill(0xff);
        }
    }
    std::fs::write(path, bytes).unwrap();
}

async fn filled(folder: &Folder) -> usize {
    let store = SqliteStore::open(folder.database()).unwrap();
    let messages =
        (0..2000).map(|number| message(entry(&format!("r{}", number % 3), &format!("{number:0>200}"))));
    store.enqueue(messages.collect()).await.unwrap();
    enqueue(&store, entry("r0", "ada").ordered()).await;
    enqueue(&store, entry("r0", "ada").ordered()).await;
    let claimed = claim(&store, 10).await;
    settle(&store, &claimed[0], Outcome::Delivered).await;
    store.hold("r2").await.unwrap();
    store.close().await.unwrap();
    2001
}

#[tokio::test]
async fn what_is_around_damaged_pages_is_kept() {
    let folder = Folder::new();
    let all = filled(&folder).await;
    damage(&folder.database(), |page| page > 20 && page % 40 == 0);
    let salvaged = SqliteStore::salvage(folder.database()).unwrap();
    let (kept, lost) = (usize::try_from(salvaged.kept).unwrap(), usize::try_from(salvaged.lost).unwrap());
    assert_eq!(kept + lost, all);
    assert!(lost > 0 && kept > all / 2, "{salvaged:?}");
    assert!(salvaged.moved_to.exists());

    let store = SqliteStore::open(folder.database()).unwrap();
    let counts = store.counts().await.unwrap();
    assert!(counts.is_balanced());
    assert_eq!((counts.waiting + counts.in_flight, counts.delivered), (salvaged.kept, 1));
    assert_eq!(store.receivers(None, 10).await.unwrap().len(), 3);
    store.release("r2").await.unwrap();
    let mut delivered = HashSet::new();
    loop {
        let claimed = claim(&store, 500).await;
        if claimed.is_empty() {
            break;
        }
        for claimed in claimed {
            settle(&store, &claimed, Outcome::Delivered).await;
            delivered.insert(claimed.lease.jti);
        }
    }
    // The leases of the damaged file still hold.
    assert_eq!(delivered.len() as u64 + store.counts().await.unwrap().in_flight, salvaged.kept);
}

#[tokio::test]
async fn nothing_is_lost_of_a_file_that_is_whole() {
    let folder = Folder::new();
    let all = filled(&folder).await;
    let before = SqliteStore::open(folder.database()).unwrap();
    let (counts, list) =
        (before.counts().await.unwrap(), before.list(Filter::new(), None, 10_000).await.unwrap());
    let open = SqliteStore::salvage(folder.database()).unwrap_err();
    assert_eq!(open.code(), ErrorCode::OutboxUnavailable, "it is open");
    before.close().await.unwrap();
    let salvaged = SqliteStore::salvage(folder.database()).unwrap();
    assert_eq!((salvaged.kept, salvaged.lost), (all as u64, 0));
    let after = SqliteStore::open(folder.database()).unwrap();
    assert_eq!(after.counts().await.unwrap(), counts);
    assert_eq!(after.list(Filter::new(), None, 10_000).await.unwrap(), list);
}

#[tokio::test]
async fn a_file_without_a_first_page_is_put_aside() {
    let folder = Folder::new();
    filled(&folder).await;
    damage(&folder.database(), |page| page == 0);
    let error = SqliteStore::open(folder.database()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutboxCorrupt);
    let salvaged = SqliteStore::salvage(folder.database()).unwrap();
    assert_eq!(salvaged.kept, 0);
    assert!(std::fs::metadata(salvaged.moved_to).unwrap().len() > 100_000);
    let store = SqliteStore::open(folder.database()).unwrap();
    enqueue(&store, entry("a", "1")).await;
    assert_eq!(claim(&store, 1).await.len(), 1);
}

#[tokio::test]
async fn the_order_goes_on_without_what_is_lost() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    let first = enqueue(&store, entry("a", "ada").ordered()).await;
    let second = enqueue(&store, entry("a", "ada").ordered()).await;
    store.close().await.unwrap();
    // As if the page of the first one was damaged.
    let file = rusqlite::Connection::open(folder.database()).unwrap();
    file.execute("DELETE FROM deliveries WHERE jti = ?1", [first]).unwrap();
    file.close().unwrap();
    let salvaged = SqliteStore::salvage(folder.database()).unwrap();
    assert_eq!((salvaged.kept, salvaged.lost), (1, 1));
    let store = SqliteStore::open(folder.database()).unwrap();
    assert_eq!(claim(&store, 1).await[0].lease.jti, second);
}

#[tokio::test]
async fn streams_go_on() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    store.create_stream(stream("one"), 10).await.unwrap();
    let mut wanting = stream("two");
    wanting.all_subjects = false;
    store.create_stream(wanting, 10).await.unwrap();
    let ada = SubjectKeys::of(None, &Subject::opaque("ada")).unwrap();
    store.set_subject("two", ada, true, 1).await.unwrap();
    let first = publisher(&store).publish(event("ada")).await.unwrap().jtis;
    let streams = store.streams_of("owner").await.unwrap();
    store.close().await.unwrap();
    // As if the pages of a receiver and of what is derived were damaged.
    let file = rusqlite::Connection::open(folder.database()).unwrap();
    file.execute_batch("DELETE FROM stream_events; DELETE FROM receivers WHERE name = 'stream:two'").unwrap();
    file.close().unwrap();
    SqliteStore::salvage(folder.database()).unwrap();
    let store = SqliteStore::open(folder.database()).unwrap();
    assert_eq!(store.streams_of("owner").await.unwrap(), streams);
    for id in ["one", "two"] {
        let polled = poll(&store, id, 10).await;
        assert!(polled.len() == 1 && first.contains(&polled[0]), "{id}");
    }
    assert_eq!(publisher(&store).publish(event("ada")).await.unwrap().streams, 2);
    assert_eq!(publisher(&store).publish(event("bob")).await.unwrap().streams, 1);
    let bob = SubjectKeys::of(None, &Subject::opaque("bob")).unwrap();
    assert!(!store.set_subject("two", bob, true, 1).await.unwrap(), "its subject counts");
    assert!(store.counts().await.unwrap().is_balanced());
}

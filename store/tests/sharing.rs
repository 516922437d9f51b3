//! Many callers, and several processes, with one file.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may fail")]

#[path = "common/child.rs"]
mod child;
mod common;

use std::{collections::HashSet, time::Duration};

use child::{Helper, say};
use common::{Folder, claim, enqueue, entry, event, message, poll, publisher, settle, stream, try_enqueue};
use ssf_transmitter::{
    ErrorCode,
    outbox::{Filter, Outcome, State, Store, StreamRecord, StreamStore},
};
use ssf_transmitter_store::SqliteStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_callers_enqueue_at_once_is_there() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    let callers = (0..64).map(|caller| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut jtis = Vec::new();
            for number in 0..10 {
                jtis.push(
                    enqueue(&store, entry(&format!("r{}", caller % 5), &format!("{caller}-{number}"))).await,
                );
            }
            jtis
        })
    });
    let mut acknowledged = HashSet::new();
    for caller in callers.collect::<Vec<_>>() {
        acknowledged.extend(caller.await.unwrap());
    }
    store.close().await.unwrap();
    let store = SqliteStore::open(folder.database()).unwrap();
    let list = store.list(Filter::new(), None, 10_000).await.unwrap();
    assert_eq!(list.into_iter().map(|record| record.jti).collect::<HashSet<_>>(), acknowledged);
    assert_eq!(acknowledged.len(), 640);
}

#[tokio::test]
async fn an_operation_that_fails_leaves_the_others_of_its_commit() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    enqueue(&store, entry("a", "1").jti("taken")).await;
    // All are sent before the first one is awaited, so most share a commit.
    let calls: Vec<_> = (0..100)
        .map(|number: u32| {
            let user = number.to_string();
            let first = message(entry("a", &user).jti(format!("first-{number}")));
            let jti = if number.is_multiple_of(3) { "taken".to_owned() } else { format!("second-{number}") };
            store.enqueue(vec![first, message(entry("a", &user).jti(jti))])
        })
        .collect();
    for (number, call) in calls.into_iter().enumerate() {
        match call.await {
            Ok(enqueued) => assert!(enqueued.len() == 2 && number % 3 != 0),
            Err(error) => assert!(error.code() == ErrorCode::OutboxConflict && number % 3 == 0, "{error}"),
        }
    }
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.enqueued, counts.waiting), (133, 133));
    assert_eq!(store.list(Filter::new(), None, 1000).await.unwrap().len(), 133);
}

#[tokio::test]
async fn processes_share_the_work_and_nothing_is_claimed_twice() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    let messages = (0..300).map(|number| message(entry(&format!("r{}", number % 3), &number.to_string())));
    store.enqueue(messages.collect()).await.unwrap();
    let mut helpers: Vec<_> =
        (0..2).map(|_| Helper::start("claims_until_nothing_waits", &folder.database())).collect();
    let mut claimed: Vec<String> = Vec::new();
    for helper in &mut helpers {
        // Both are ready before either begins.
        assert_eq!(helper.next().as_deref(), Some("ready"));
    }
    store.release("go").await.unwrap();
    loop {
        let mine = claim(&store, 3).await;
        if mine.is_empty() {
            break;
        }
        for one in mine {
            settle(&store, &one, Outcome::Delivered).await;
            claimed.push(one.lease.jti);
        }
    }
    for helper in &mut helpers {
        claimed.extend(std::iter::from_fn(|| helper.next()));
    }
    assert_eq!(claimed.len(), 300);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), 300);
    assert_eq!(store.counts().await.unwrap().delivered, 300);
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn claims_until_nothing_waits() {
    let Some(file) = child::file() else { return };
    let store = SqliteStore::open(file).unwrap();
    say("ready");
    while store.receivers(None, 10).await.unwrap().iter().all(|receiver| receiver.name != "go") {
        tokio::task::yield_now().await;
    }
    loop {
        let claimed = claim(&store, 3).await;
        if claimed.is_empty() {
            break;
        }
        for one in claimed {
            settle(&store, &one, Outcome::Delivered).await;
            say(&one.lease.jti);
        }
    }
}

#[tokio::test]
async fn a_change_wakes_those_who_wait() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    let changed = store.changed();
    enqueue(&store, entry("a", "1")).await;
    tokio::time::timeout(Duration::from_secs(20), changed).await.unwrap();
}

#[tokio::test]
async fn a_change_by_another_process_wakes_those_who_wait() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    let changed = store.changed();
    let mut helper = Helper::start("enqueues_one", &folder.database());
    tokio::time::timeout(Duration::from_secs(20), changed).await.unwrap();
    let jti = helper.next().unwrap();
    let claimed = claim(&store, 10).await;
    assert_eq!(claimed.iter().map(|claimed| claimed.lease.jti.as_str()).collect::<Vec<_>>(), [jti]);
    assert_eq!(store.list(Filter::new().state(State::InFlight), None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn enqueues_one() {
    let Some(file) = child::file() else { return };
    let store = SqliteStore::open(file).unwrap();
    say(&try_enqueue(&store, entry("a", "1")).await.unwrap());
}

/// A store with a stream that gets an event, and one that gets none.
async fn two_streams(folder: &Folder) -> SqliteStore {
    let store = SqliteStore::open(folder.database()).unwrap();
    store.create_stream(stream("one"), 10).await.unwrap();
    store.create_stream(StreamRecord::new("two", "owner"), 10).await.unwrap();
    store
}

#[tokio::test]
async fn a_change_wakes_the_polls_of_its_stream_alone() {
    let folder = Folder::new();
    let store = two_streams(&folder).await;
    let (one, two) = (store.stream_changed("one"), store.stream_changed("two"));
    publisher(&store).publish(event("ada")).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), one).await.unwrap();
    assert!(tokio::time::timeout(Duration::ZERO, two).await.is_err(), "the other one waits");
}

#[tokio::test]
async fn a_change_by_another_process_wakes_the_polls_of_its_stream_alone() {
    let folder = Folder::new();
    let store = two_streams(&folder).await;
    let (one, two) = (store.stream_changed("one"), store.stream_changed("two"));
    let mut helper = Helper::start("publishes_one", &folder.database());
    tokio::time::timeout(Duration::from_secs(20), one).await.unwrap();
    assert!(tokio::time::timeout(Duration::ZERO, two).await.is_err(), "the other one waits");
    assert_eq!(poll(&store, "one", 10).await, [helper.next().unwrap()]);
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn publishes_one() {
    let Some(file) = child::file() else { return };
    let store = SqliteStore::open(file).unwrap();
    say(&publisher(&store).publish(event("ada")).await.unwrap().jtis[0]);
}

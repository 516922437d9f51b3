//! A backup is a whole outbox.

use std::fs;

use crate::common::{Folder, claim, enqueue, entry, settle};
use ssf_transmitter::{
    ErrorCode,
    outbox::{Filter, Outcome, Store},
};
use ssf_transmitter_store::SqliteStore;

#[tokio::test]
async fn a_backup_has_everything_and_is_no_part_of_the_outbox() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    let first = enqueue(&store, entry("acme", "1")).await;
    enqueue(&store, entry("globex", "2")).await;
    let claimed = claim(&store, 10).await.into_iter().find(|claimed| claimed.lease.jti == first).unwrap();
    settle(&store, &claimed, Outcome::Delivered).await;
    let (list, counts) = (store.list(Filter::new(), None, 10).await.unwrap(), store.counts().await.unwrap());

    let target = folder.file("backup.db");
    store.backup(&target).await.unwrap();
    enqueue(&store, entry("acme", "3")).await;

    let copy = SqliteStore::open(&target).unwrap();
    assert_eq!(
        (copy.list(Filter::new(), None, 10).await.unwrap(), copy.counts().await.unwrap()),
        (list, counts)
    );
    assert!(copy.check().await.unwrap().is_empty());
    enqueue(&copy, entry("acme", "4")).await;
    assert_eq!(store.counts().await.unwrap().enqueued, 3);
}

#[tokio::test]
async fn a_backup_is_made_while_others_enqueue() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    let filling = {
        let store = store.clone();
        tokio::spawn(async move {
            for user in 0..500 {
                enqueue(&store, entry("acme", &user.to_string())).await;
            }
        })
    };
    let mut copies = 0;
    while !filling.is_finished() {
        let target = folder.file(&format!("{copies}.db"));
        store.backup(&target).await.unwrap();
        let copy = SqliteStore::open(&target).unwrap();
        let counts = copy.counts().await.unwrap();
        assert_eq!(copy.list(Filter::new(), None, 1000).await.unwrap().len() as u64, counts.enqueued);
        copies += 1;
    }
    filling.await.unwrap();
    assert!(copies > 0);
}

#[tokio::test]
async fn a_backup_replaces_no_file_and_leaves_none_behind() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    let target = folder.file("backup.db");
    fs::write(&target, "precious").unwrap();
    let code = |result: ssf_transmitter::Result<()>| result.unwrap_err().code();
    assert_eq!(code(store.backup(&target).await), ErrorCode::OutboxPlaceInvalid);
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert_eq!(code(store.backup(folder.database()).await), ErrorCode::OutboxPlaceInvalid);
    assert_eq!(code(store.backup(folder.file("none/backup.db")).await), ErrorCode::OutboxPlaceInvalid);

    store.close().await.unwrap();
    assert_eq!(code(store.backup(folder.file("late.db")).await), ErrorCode::OutboxUnavailable);
    let left = |entry: fs::DirEntry| entry.file_name().to_string_lossy().contains("late");
    assert!(!fs::read_dir(folder.file("")).unwrap().any(|entry| left(entry.unwrap())));
}

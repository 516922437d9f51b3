//! Another copy of SQLite in this process: it opens the files, reads, closes them, and takes itself for the last one.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may fail")]

#[path = "common/child.rs"]
mod child;
mod common;

use std::{fs::File, path::Path};

use child::{Helper, say};
use common::{Folder, enqueue, entry, try_enqueue};
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, fcntl},
    libc::{F_WRLCK, SEEK_SET, flock},
};
use ssf_transmitter::{ErrorCode, outbox::Store};
use ssf_transmitter_store::SqliteStore;

/// What the copy locks to remove the log.
const ALL_OF_THE_FILE: (i64, i64) = (0x4000_0002, 510);
/// What it locks in `-shm` to empty it.
const FIRST: (i64, i64) = (128, 1);

/// Opens a file and closes it, which drops our locks, and then asks for one like the copy.
fn lock(path: &Path, (start, length): (i64, i64)) -> Result<i32, Errno> {
    drop(File::open(path).unwrap());
    let file = File::options().read(true).write(true).open(path).unwrap();
    #[allow(clippy::cast_possible_truncation, reason = "the constants are small")]
    let lock =
        flock { l_type: F_WRLCK as i16, l_whence: SEEK_SET as i16, l_start: start, l_len: length, l_pid: 0 };
    fcntl(&file, FcntlArg::F_SETLK(&lock))
}

fn is_guarded(folder: &Folder) -> bool {
    let locks = [("outbox.db", ALL_OF_THE_FILE), ("outbox.db-shm", FIRST)];
    let refused = locks.map(|(name, range)| lock(&folder.file(name), range) == Err(Errno::EAGAIN));
    assert_eq!(refused[0], refused[1]);
    refused[0]
}

#[tokio::test]
async fn another_copy_cannot_take_the_file() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    for round in 0..10 {
        enqueue(&store, entry("a", &round.to_string())).await;
        assert!(is_guarded(&folder));
    }
    store.close().await.unwrap();
    assert!(!folder.file("outbox.db-wal").exists(), "our own last one still removes the log");
    assert_eq!(lock(&folder.database(), ALL_OF_THE_FILE), Ok(0));
    let store = SqliteStore::open(folder.database()).unwrap();
    assert_eq!(store.counts().await.unwrap().enqueued, 10);
    assert!(is_guarded(&folder));
}

#[tokio::test]
async fn the_last_store_gives_the_file_back() {
    let folder = Folder::new();
    let first = SqliteStore::open(folder.database()).unwrap();
    let second = SqliteStore::open(folder.database()).unwrap();
    enqueue(&first, entry("a", "1")).await;
    first.close().await.unwrap();
    assert!(is_guarded(&folder));
    enqueue(&second, entry("a", "2")).await;
    // A child that was started meanwhile has none of it.
    let mut helper = Helper::start("counts", &folder.database());
    assert_eq!(helper.next().as_deref(), Some("2"));
    second.close().await.unwrap();
    assert!(folder.file("outbox.db-wal").exists(), "the other process has the file open");
    drop(helper);
    assert_eq!(lock(&folder.database(), ALL_OF_THE_FILE), Ok(0));
}

#[tokio::test]
#[ignore = "a helper of the tests"]
async fn counts() {
    let Some(file) = child::file() else { return };
    let store = SqliteStore::open(file).unwrap();
    assert_eq!(store.check().await.unwrap(), [""; 0]);
    say(&store.counts().await.unwrap().enqueued.to_string());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn stores_that_open_and_close_do_not_take_the_guard_of_others() {
    let folder = Folder::new();
    let tasks = (0..4).map(|user: u32| {
        let path = folder.database();
        tokio::spawn(async move {
            for round in 0..20 {
                let store = SqliteStore::open(&path).unwrap();
                enqueue(&store, entry("a", &format!("{user}-{round}"))).await;
                store.close().await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let store = SqliteStore::open(folder.database()).unwrap();
    assert_eq!(store.counts().await.unwrap().enqueued, 80);
    assert_eq!(store.check().await.unwrap(), [""; 0]);
    assert!(is_guarded(&folder));
}

#[tokio::test]
async fn a_file_that_lost_its_log_is_for_a_new_process() {
    for is_closed in [false, true] {
        let folder = Folder::new();
        let store = SqliteStore::open(folder.database()).unwrap();
        enqueue(&store, entry("a", "1")).await;
        // As another copy does where nothing keeps it from it.
        std::fs::remove_file(folder.file("outbox.db-wal")).unwrap();
        std::fs::remove_file(folder.file("outbox.db-shm")).unwrap();
        assert_eq!(try_enqueue(&store, entry("a", "2")).await, Err(ErrorCode::OutboxReplaced));
        if is_closed {
            store.close().await.unwrap();
            assert_eq!(
                SqliteStore::salvage(folder.database()).unwrap_err().code(),
                ErrorCode::OutboxReplaced
            );
        }
        assert_eq!(SqliteStore::open(folder.database()).unwrap_err().code(), ErrorCode::OutboxReplaced);
        let mut helper = Helper::start("counts", &folder.database());
        assert_eq!(helper.next().as_deref(), Some("0"));
    }
}

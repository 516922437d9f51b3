//! Files that are cut, removed, read by others for long, or may not be written.

#![cfg(unix)]

use std::{
    collections::HashSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::child::{Helper, say};
use crate::common::{Folder, LEASE, claim, enqueue, entry, message, settle, try_enqueue};
use rusqlite::Connection;
use ssf_transmitter::{
    ErrorCode,
    outbox::{Claim, Filter, Outcome, Store},
};
use ssf_transmitter_store::SqliteStore;

/// What a process leaves that was killed: its log is in place. Returns what was acknowledged.
fn killed(folder: &Folder) -> Vec<String> {
    let mut helper = Helper::start("damage::enqueues_for_ever", &folder.database());
    let mut acknowledged: Vec<_> = (0..40).filter_map(|_| helper.next()).collect();
    acknowledged.extend(helper.kill());
    assert!(fs::metadata(log(folder)).unwrap().len() > 0);
    acknowledged
}

#[tokio::test]
#[ignore = "a helper of other tests"]
async fn enqueues_for_ever() {
    let Some(file) = crate::child::file() else { return };
    let store = SqliteStore::open(file).unwrap();
    for number in 0_u64.. {
        say(&enqueue(&store, entry("a", &number.to_string())).await);
    }
}

fn log(folder: &Folder) -> PathBuf {
    folder.file("outbox.db-wal")
}

async fn jtis(store: &SqliteStore) -> HashSet<String> {
    let listed = store.list(Filter::new(), None, 1_000_000).await.unwrap();
    let counts = store.counts().await.unwrap();
    assert!(counts.is_balanced() && counts.enqueued == listed.len() as u64);
    listed.into_iter().map(|record| record.jti).collect()
}

#[tokio::test]
async fn a_log_that_is_cut_has_what_came_before_the_cut() {
    let folder = Folder::new();
    let acknowledged = killed(&folder);
    let (whole, file) = (fs::read(log(&folder)).unwrap(), fs::read(folder.database()).unwrap());
    let mut before = 0;
    for tenth in 0..=10 {
        fs::write(folder.database(), &file).unwrap();
        fs::write(log(&folder), &whole[..whole.len() * tenth / 10]).unwrap();
        let store = SqliteStore::open(folder.database()).unwrap();
        assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
        let there = jtis(&store).await;
        // One more than was acknowledged may be there.
        let first: HashSet<_> = acknowledged.iter().take(there.len()).cloned().collect();
        assert!(first.is_subset(&there), "a gap after the cut at {tenth} tenths");
        assert!(there.len() >= before);
        before = there.len();
        enqueue(&store, entry("a", "new")).await;
        store.close().await.unwrap();
    }
    assert!(before >= acknowledged.len());
}

#[tokio::test]
async fn without_its_log_a_file_is_older_and_whole() {
    let folder = Folder::new();
    killed(&folder);
    fs::remove_file(log(&folder)).unwrap();
    let store = SqliteStore::open(folder.database()).unwrap();
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    jtis(&store).await;
    let jti = enqueue(&store, entry("a", "new")).await;
    assert!(jtis(&store).await.contains(&jti));
}

#[tokio::test]
async fn without_its_index_a_log_is_read_again() {
    let folder = Folder::new();
    let acknowledged = killed(&folder);
    fs::remove_file(folder.file("outbox.db-shm")).unwrap();
    let store = SqliteStore::open(folder.database()).unwrap();
    let there = jtis(&store).await;
    assert!(acknowledged.iter().all(|jti| there.contains(jti)));
}

#[tokio::test]
async fn an_index_that_is_removed_while_the_file_is_open_is_noticed() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    let jti = enqueue(&store, entry("a", "1")).await;
    fs::remove_file(folder.file("outbox.db-shm")).unwrap();
    // Another process would make an index of its own, with locks of its own.
    assert_eq!(try_enqueue(&store, entry("a", "2")).await, Err(ErrorCode::OutboxReplaced));
    store.close().await.unwrap();
    drop(store);
    assert!(jtis_of_another_process(&folder).contains(&jti));
}

/// This process never closes a file that was replaced, so another one looks.
fn jtis_of_another_process(folder: &Folder) -> Vec<String> {
    let mut helper = Helper::start("damage::lists_all", &folder.database());
    std::iter::from_fn(|| helper.next()).collect()
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn lists_all() {
    let Some(file) = crate::child::file() else { return };
    let store = SqliteStore::open(file).unwrap();
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    jtis(&store).await.iter().for_each(|jti| say(jti));
}

#[tokio::test]
async fn a_page_that_is_damaged_is_named_and_ends_no_process() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    let messages = (0..2000).map(|number| message(entry("a", &format!("{number:0>200}"))));
    store.enqueue(messages.collect()).await.unwrap();
    store.close().await.unwrap();
    let mut bytes = fs::read(folder.database()).unwrap();
    bytes.chunks_mut(4096).skip(40).for_each(|page| page[..100].fill(0xff));
    fs::write(folder.database(), bytes).unwrap();
    // After an orderly end, nobody looks for damage at the opening.
    let store = SqliteStore::open(folder.database()).unwrap();
    for _ in 0..3 {
        let error = store.list(Filter::new(), None, 10_000).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutboxCorrupt);
        let claimed = store.claim(Claim::new(2000, 2000, LEASE, 5)).await.unwrap_err();
        assert_eq!(claimed.code(), ErrorCode::OutboxCorrupt);
    }
    assert!(!store.check().await.unwrap_or_else(|error| vec![error.to_string()]).is_empty());
    store.close().await.unwrap();
    assert!(SqliteStore::salvage(folder.database()).unwrap().moved_to.exists());
    enqueue(&SqliteStore::open(folder.database()).unwrap(), entry("a", "1")).await;
}

#[tokio::test]
async fn a_reader_that_does_not_end_stops_what_is_new_and_nothing_else() {
    const LIMIT: u64 = 64 << 10;
    let folder = Folder::new();
    let store = SqliteStore::builder(folder.database()).wal_limit(LIMIT).open().unwrap();
    let mut reader = Helper::start("damage::reads_for_ever", &folder.database());
    assert_eq!(reader.next().as_deref(), Some("reading"));
    let batch = || (0..20).map(|number: u32| message(entry("a", &number.to_string()))).collect();
    let mut accepted = 0;
    let error = loop {
        match store.enqueue(batch()).await {
            Ok(enqueued) => accepted += enqueued.len() as u64,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), ErrorCode::OutboxFull);
    assert!(error.to_string().contains("a program reads the file"), "{error}");
    let length = fs::metadata(log(&folder)).unwrap().len();
    assert!(length > 16 * LIMIT && length < 20 * LIMIT, "the log has {length} bytes");
    let claimed = claim(&store, 10).await;
    settle(&store, &claimed[0], Outcome::Delivered).await;

    drop(reader);
    // The log is moved after one of the next operations.
    while store.enqueue(batch()).await.is_err() {}
    let rows = 50_000;
    for _ in 0..rows / 1000 {
        let batch = (0..1000).map(|number: u32| message(entry("a", &number.to_string())));
        store.enqueue(batch.collect()).await.unwrap();
    }
    store.hold("a").await.unwrap();
    store.hold("b").await.unwrap();
    assert!(fs::metadata(log(&folder)).unwrap().len() <= 2 * LIMIT);
    assert_eq!(store.counts().await.unwrap().enqueued, accepted + 20 + rows);
}

#[test]
#[ignore = "a helper of the test above"]
fn reads_for_ever() {
    let Some(file) = crate::child::file() else { return };
    let connection = Connection::open(file).unwrap();
    connection.execute_batch("BEGIN; SELECT count(*) FROM deliveries").unwrap();
    say("reading");
    loop {
        std::thread::park();
    }
}

fn protect(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_and_a_file_that_may_not_be_written_are_named() {
    // Permissions do not stop root, so the child is another user, who has to reach the file and this program.
    let place = std::env::temp_dir().join(format!("ssf-outbox-{}", std::process::id()));
    drop(fs::remove_dir_all(&place));
    let [folder, of_file] = ["folder", "file"].map(|name| place.join(name));
    for folder in [&folder, &of_file] {
        fs::create_dir_all(folder).unwrap();
    }
    let program = place.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let file = of_file.join("outbox.db");
    drop(SqliteStore::open(&file).unwrap());
    protect(&folder, 0o555);
    protect(&file, 0o444);
    protect(&of_file.join("outbox.db-lock"), 0o666);
    protect(&of_file, 0o777);
    for (path, words) in [
        (folder.join("outbox.db"), "the lock file of the outbox cannot be used"),
        (file, "SQLite cannot use the file of the outbox: attempt to write a readonly database"),
    ] {
        let mut helper = Helper::start_as_nobody(&program, "damage::opens_what_it_may_not_write", &path);
        let said = helper.next().unwrap();
        assert!(said.starts_with("outbox_unavailable") && said.contains(words), "{said}");
    }
    fs::remove_dir_all(place).unwrap();
}

#[test]
#[ignore = "a helper of the test above"]
fn opens_what_it_may_not_write() {
    let Some(file) = crate::child::file() else { return };
    let error = SqliteStore::open(file).unwrap_err();
    say(&format!("{} {error}", error.code().as_str()));
}

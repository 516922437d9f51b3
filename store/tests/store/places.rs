//! Files that the store refuses, and files that change below it.

use crate::common::{Folder, claim, enqueue, entry, try_enqueue};
use rusqlite::Connection;
use ssf_transmitter::{ErrorCode, outbox::Store};
use ssf_transmitter_store::SqliteStore;

fn refusal(path: impl AsRef<std::path::Path>) -> ErrorCode {
    SqliteStore::open(path).unwrap_err().code()
}

#[test]
fn a_missing_folder_and_a_folder_are_refused() {
    let folder = Folder::new();
    assert_eq!(refusal(folder.file("missing/outbox.db")), ErrorCode::OutboxPlaceInvalid);
    assert_eq!(refusal(folder.file("")), ErrorCode::OutboxPlaceInvalid);
    assert_eq!(refusal(""), ErrorCode::OutboxPlaceInvalid);
}

#[test]
fn a_file_that_is_not_a_database_is_refused_and_stays() {
    let folder = Folder::new();
    let text = "not a database ".repeat(100);
    std::fs::write(folder.database(), &text).unwrap();
    assert_eq!(refusal(folder.database()), ErrorCode::OutboxCorrupt);
    assert_eq!(std::fs::read_to_string(folder.database()).unwrap(), text);
}

#[test]
fn the_database_of_another_program_is_refused_and_stays() {
    let folder = Folder::new();
    Connection::open(folder.database()).unwrap().execute_batch("CREATE TABLE users (name TEXT)").unwrap();
    assert_eq!(refusal(folder.database()), ErrorCode::OutboxPlaceInvalid);
    let mode: String = Connection::open(folder.database())
        .unwrap()
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "delete");
}

#[tokio::test]
async fn the_settings_of_the_file_hold() {
    let folder = Folder::new();
    SqliteStore::open(folder.database()).unwrap().close().await.unwrap();
    let connection = Connection::open(folder.database()).unwrap();
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, String>(0));
    assert_eq!(pragma("journal_mode").unwrap(), "wal");
    let vacuum: i64 = connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).unwrap();
    assert_eq!(vacuum, 2);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    enqueue(&store, entry("a", "1")).await;
    for name in ["outbox.db", "outbox.db-wal", "outbox.db-shm", "outbox.db-lock"] {
        let mode = std::fs::metadata(folder.file(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_acknowledged_into_a_file_that_was_replaced() {
    for replaced in ["outbox.db", "outbox.db-wal"] {
        let folder = Folder::new();
        let store = SqliteStore::open(folder.database()).unwrap();
        enqueue(&store, entry("a", "1")).await;
        std::fs::write(folder.file("other"), "").unwrap();
        std::fs::rename(folder.file("other"), folder.file(replaced)).unwrap();
        assert_eq!(try_enqueue(&store, entry("a", "2")).await, Err(ErrorCode::OutboxReplaced), "{replaced}");
        assert_eq!(store.counts().await.unwrap_err().code(), ErrorCode::OutboxReplaced);
        assert_eq!(store.hold("a").await.unwrap_err().code(), ErrorCode::OutboxReplaced, "it stays so");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_acknowledged_into_a_file_that_was_removed() {
    for removed in ["outbox.db", "outbox.db-wal"] {
        let folder = Folder::new();
        let store = SqliteStore::open(folder.database()).unwrap();
        enqueue(&store, entry("a", "1")).await;
        std::fs::remove_file(folder.file(removed)).unwrap();
        assert_eq!(try_enqueue(&store, entry("a", "2")).await, Err(ErrorCode::OutboxReplaced), "{removed}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_leads_to_the_file() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    let jti = enqueue(&store, entry("a", "1")).await;
    std::os::unix::fs::symlink(folder.database(), folder.file("link")).unwrap();
    let other = SqliteStore::open(folder.file("link")).unwrap();
    assert_eq!(claim(&other, 1).await[0].lease.jti, jti);
    assert!(!folder.file("link-wal").exists());
    std::os::unix::fs::symlink(folder.file("nowhere"), folder.file("dangling")).unwrap();
    assert_eq!(refusal(folder.file("dangling")), ErrorCode::OutboxPlaceInvalid);
}

#[tokio::test]
async fn a_disk_without_room_accepts_nothing_and_settles() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.database()).unwrap();
    enqueue(&store, entry("a", "1")).await;
    store.close().await.unwrap();
    let store = SqliteStore::builder(folder.database()).disk_reserve(u64::MAX).open().unwrap();
    assert_eq!(try_enqueue(&store, entry("a", "2")).await, Err(ErrorCode::OutboxFull));
    let claimed = claim(&store, 1).await;
    crate::common::settle(&store, &claimed[0], ssf_transmitter::outbox::Outcome::Delivered).await;
    assert_eq!(store.counts().await.unwrap().delivered, 1);
}

//! A disk that is really full. `cargo xtask stress outbox` runs it, with the right to mount a file system; `cargo test` uses the simulated
//! disk of `tests/end_to_end/power/`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may fail")]

mod common;

use std::{path::PathBuf, process::Command};

use common::{Folder, claim, entry, message, settle, try_enqueue};
use ssf_transmitter::{
    ErrorCode,
    outbox::{Filter, Outcome, Retention, Store},
};
use ssf_transmitter_store::SqliteStore;

/// A file system in memory, with so many MiB.
struct Disk(PathBuf, #[allow(dead_code, reason = "it is removed in the end")] Folder);

impl Disk {
    fn new(size: u32) -> Self {
        let folder = Folder::new();
        let path = folder.file("disk");
        std::fs::create_dir(&path).unwrap();
        let options = format!("size={size}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&path).status().unwrap();
        assert!(
            mounted.success(),
            "this test mounts a file system of its own: run it as root, or below `unshare -Urm`"
        );
        Self(path, folder)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// Enqueues until nothing is accepted, and returns how much was, and why no more.
async fn fill(store: &SqliteStore) -> (u64, ErrorCode) {
    let mut accepted = 0;
    loop {
        let big = |number: u64| message(entry("a", &format!("{number:0>800}")));
        match store.enqueue((0..20).map(big).collect()).await {
            Ok(enqueued) => accepted += enqueued.len() as u64,
            Err(error) => return (accepted, error.code()),
        }
    }
}

#[tokio::test]
#[ignore = "it mounts a file system"]
async fn what_was_accepted_is_delivered_although_the_disk_is_full() {
    let disk = Disk::new(24);
    let store = SqliteStore::builder(disk.0.join("outbox.db")).disk_reserve(12 << 20).open().unwrap();
    let (accepted, code) = fill(&store).await;
    assert_eq!(code, ErrorCode::OutboxFull);
    assert!(accepted > 500);
    let mut delivered = 0;
    while delivered < accepted {
        for claimed in claim(&store, 100).await {
            settle(&store, &claimed, Outcome::Delivered).await;
            delivered += 1;
        }
    }
    let mut retention = Retention::default();
    retention.delivered = std::time::Duration::ZERO;
    while store.prune(retention).await.unwrap().more {}
    assert_eq!(store.counts().await.unwrap().delivered, accepted);
    assert_eq!(store.list(Filter::new(), None, 10).await.unwrap(), []);
}

#[tokio::test]
#[ignore = "it mounts a file system"]
async fn a_store_works_again_when_the_disk_has_room_again() {
    let disk = Disk::new(12);
    let ballast = disk.0.join("ballast");
    std::fs::write(&ballast, vec![0; 6 << 20]).unwrap();
    let store = SqliteStore::builder(disk.0.join("outbox.db")).disk_reserve(0).open().unwrap();
    let (accepted, code) = fill(&store).await;
    assert_eq!(code, ErrorCode::OutboxUnavailable);
    assert_eq!(store.counts().await.unwrap().waiting, accepted);
    std::fs::remove_file(ballast).unwrap();
    try_enqueue(&store, entry("b", "1")).await.unwrap();
    assert_eq!(store.counts().await.unwrap().waiting, accepted + 1);
    let listed = store.list(Filter::new(), None, 100_000).await.unwrap();
    assert_eq!(listed.len() as u64, accepted + 1);
}

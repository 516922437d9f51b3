//! The store keeps the promises of every store.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may fail")]

mod common;

use std::sync::atomic::{AtomicU32, Ordering};

use common::Folder;
use ssf_transmitter::outbox::{Store, StreamStore, suite};
use ssf_transmitter_store::SqliteStore;

#[tokio::test]
async fn the_suite_finds_no_violation() {
    let folder = Folder::new();
    let count = AtomicU32::new(0);
    let violations = suite::run(async |clock| {
        let name = format!("{}.db", count.fetch_add(1, Ordering::SeqCst));
        let store = SqliteStore::builder(folder.file(&name)).clock(clock).open()?;
        Ok(Box::new(store) as Box<dyn Store>)
    });
    assert_eq!(violations.await, []);
}

#[tokio::test]
async fn the_suite_finds_no_violation_in_streams() {
    let folder = Folder::new();
    let count = AtomicU32::new(0);
    let violations = suite::streams::run(async |clock| {
        let name = format!("{}.db", count.fetch_add(1, Ordering::SeqCst));
        let store = SqliteStore::builder(folder.file(&name)).clock(clock).open()?;
        Ok(Box::new(store) as Box<dyn StreamStore>)
    });
    assert_eq!(violations.await, []);
}

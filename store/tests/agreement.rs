//! The store does exactly what the store in memory does, over long sequences of operations.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may fail")]

mod common;

use std::sync::atomic::{AtomicU32, Ordering};

use common::Folder;
use ssf_transmitter::outbox::{Store, StreamStore, suite};
use ssf_transmitter_store::SqliteStore;

#[tokio::test]
async fn it_agrees_with_the_store_in_memory() {
    let folder = Folder::new();
    let count = AtomicU32::new(0);
    let violations = suite::compare(async |clock| {
        let name = format!("{}.db", count.fetch_add(1, Ordering::SeqCst));
        let store = SqliteStore::builder(folder.file(&name)).clock(clock).open()?;
        Ok(Box::new(store) as Box<dyn Store>)
    });
    assert_eq!(violations.await, []);
}

#[tokio::test]
async fn it_agrees_about_streams() {
    let folder = Folder::new();
    let count = AtomicU32::new(0);
    let violations = suite::streams::compare(async |clock| {
        let name = format!("{}.db", count.fetch_add(1, Ordering::SeqCst));
        let store = SqliteStore::builder(folder.file(&name)).clock(clock).open()?;
        Ok(Box::new(store) as Box<dyn StreamStore>)
    });
    assert_eq!(violations.await, []);
}

//! The store in memory keeps the promises of a store.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use ssf_transmitter::outbox::{MemoryStore, Store, suite};

#[tokio::test]
async fn the_store_in_memory_passes_the_suite() {
    let violations =
        suite::run(async |clock| Ok(Box::new(MemoryStore::new().clock(clock)) as Box<dyn Store>)).await;
    assert_eq!(
        violations,
        [],
        "{}",
        violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
}

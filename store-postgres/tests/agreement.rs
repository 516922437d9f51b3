//! The store does exactly what the store in memory does, over long sequences of operations.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

mod common;

use common::{outbox, server::shared};
use ssf_transmitter::outbox::{Store, StreamStore, suite};

#[tokio::test]
async fn it_agrees_with_the_store_in_memory() {
    let url = shared().url();
    let violations = suite::compare(async |clock| {
        let store = outbox(&url).await.clock(clock).connect().await?;
        Ok(Box::new(store) as Box<dyn Store>)
    });
    assert_eq!(violations.await, []);
}

#[tokio::test]
async fn it_agrees_with_the_store_in_memory_on_streams() {
    let url = shared().url();
    let violations = suite::streams::compare(async |clock| {
        let store = outbox(&url).await.clock(clock).connect().await?;
        Ok(Box::new(store) as Box<dyn StreamStore>)
    });
    assert_eq!(violations.await, []);
}

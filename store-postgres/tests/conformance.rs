//! The store keeps the promises of every store.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

mod common;

use common::{outbox, server::shared};
use ssf_transmitter::outbox::{Store, StreamStore, suite};

#[tokio::test]
async fn the_suite_finds_no_violation() {
    let url = shared().url();
    let violations = suite::run(async |clock| {
        let store = outbox(&url).await.clock(clock).connect().await?;
        Ok(Box::new(store) as Box<dyn Store>)
    });
    assert_eq!(violations.await, []);
}

#[tokio::test]
async fn the_suite_of_streams_finds_no_violation() {
    let url = shared().url();
    let violations = suite::streams::run(async |clock| {
        let store = outbox(&url).await.clock(clock).connect().await?;
        Ok(Box::new(store) as Box<dyn StreamStore>)
    });
    assert_eq!(violations.await, []);
}

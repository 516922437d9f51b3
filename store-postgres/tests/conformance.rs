//! The store keeps the promises of every store.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

mod common;

use common::{outbox, server::shared};
use ssf_transmitter::outbox::{Store, suite};

#[tokio::test]
async fn the_suite_finds_no_violation() {
    let url = shared().url();
    let violations = suite::run(async |clock| {
        let store = outbox(&url).await.clock(clock).connect().await?;
        Ok(Box::new(store) as Box<dyn Store>)
    });
    assert_eq!(violations.await, []);
}

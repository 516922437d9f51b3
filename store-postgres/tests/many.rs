//! Operations on more deliveries than are in memory at once.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it tells what it measured")]

mod common;
#[path = "../../tests/end_to_end/support/rounds.rs"]
mod rounds;

use std::time::Instant;

use common::{claim, entry, outbox, server::shared};
use rounds::rounds;

use ssf_transmitter::outbox::{Filter, Outbox, Replay, Store};

#[tokio::test]
async fn replay_and_discard_take_pages_and_miss_none() {
    let store = outbox(&shared().url()).await.connect().await.unwrap();
    let outbox = Outbox::new(store.clone());
    // A million in the stress run.
    let all = u64::from(rounds(25)) * 1000;
    for start in (0..all).step_by(5000) {
        let entries = (start..(start + 5000).min(all)).map(|number| {
            let entry = entry(&format!("r{}", number % 100), &(number % 10_000).to_string());
            if number % 100 == 99 { entry.ordered() } else { entry }
        });
        outbox.enqueue_many(entries).await.unwrap();
    }
    let mut told = Vec::new();
    let began = Instant::now();
    assert_eq!(outbox.discard(Filter::new()).await.unwrap(), all);
    told.push(format!("discard {} s", began.elapsed().as_secs()));
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.removed, counts.waiting), (all, 0));
    for fresh in [false, true] {
        let mut replay = Replay::new(Filter::new().state(ssf_transmitter::outbox::State::Discarded));
        replay.fresh_jti = fresh;
        let began = Instant::now();
        assert_eq!(outbox.replay(replay).await.unwrap(), all);
        told.push(format!("replay, fresh jti {fresh}, {} s", began.elapsed().as_secs()));
        let counts = store.counts().await.unwrap();
        assert_eq!((counts.waiting, counts.is_balanced()), (all, true));
        outbox.discard(Filter::new()).await.unwrap();
    }
    assert_eq!(claim(&store, 10).await.len(), 0);
    println!("\nmany: {all} deliveries: {}", told.join("; "));
}

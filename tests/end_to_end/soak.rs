//! Many SETs to a receiver that fails one in ten: nothing is lost, and nothing is taken twice.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may fail")]

mod support;

use std::collections::HashSet;

use ssf_emulator::Like;
use ssf_transmitter::{Network, Subject, event::caep};
use support::{World, quick};

const SETS: usize = 50_000;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_sets_at_ten_percent_faults() {
    let script = r#"{ "seed": 42, "rules": [
        { "percent": 10, "fault": { "one_of": [
            { "status": { "status": 429, "retry_after": 0 } },
            { "status": { "status": 503 } },
            { "status": { "status": 503, "after": true } },
            "close",
            "lost_answer",
            { "slow_headers": { "ms": 10 } }
        ] } }
    ] }"#;
    let world = World::start_by(Like::Rfc8935, script, quick(), Network::http1_only).await;
    let event = caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost");
    let emits = (0..SETS).map(|number| {
        let subject = Subject::opaque(format!("device-{number}"));
        world.transmitter.emit(event.clone(), subject, &world.receiver)
    });
    let mut all = world.transmitter.emit_all(emits).concurrency(48);
    let (mut delivered, mut repeated) = (HashSet::new(), 0);
    while let Some(emitted) = all.next().await {
        let receipt = emitted.result.unwrap();
        repeated += usize::from(receipt.attempts() > 1);
        assert!(delivered.insert(receipt.jti().to_owned()), "each is told once");
        let counters = world.transmitter.counters();
        assert_eq!(counters.enqueued, counters.delivered + counters.failed + counters.in_flight);
    }

    assert_eq!(delivered.len(), SETS, "nothing is lost");
    let accepted: HashSet<_> = world.emulator.accepted().into_keys().collect();
    assert_eq!(accepted, delivered, "the receiver took these and no others");
    let (counters, seen) = (world.transmitter.counters(), world.emulator.counters());
    assert_eq!((counters.delivered, counters.failed, counters.in_flight), (SETS as u64, 0, 0));
    assert!(repeated > SETS / 20, "the faults were there: {repeated}");
    println!(
        "{SETS} delivered, {repeated} after repeats; {} requests, {} faults",
        seen.requests, seen.faulted
    );
}

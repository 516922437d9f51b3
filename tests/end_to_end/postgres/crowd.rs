//! Ten workers in ten processes, and a server that is restarted while they work.

use std::time::{Duration, Instant};

use ssf_transmitter::outbox::Outbox;

use crate::{
    child::{self, Helper, say},
    common::entry,
    database::{Database, connect, counts},
    rounds::rounds,
    world::{Everyone, emulated, until, worker},
};

const PROCESSES: usize = 10;
/// Receivers with few deliveries, beside one with many.
const SMALL: usize = 20;
const EACH: usize = 20;
/// Longer than a restart takes: what a worker holds meanwhile stays its own.
const LEASE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::disallowed_methods, reason = "it tells how long it took")]
async fn ten_processes_deliver_each_once_although_the_server_restarts() {
    let (database, began) = (Database::start().await, Instant::now());
    let emulator = &database.world.emulator;
    let outbox = Outbox::new(database.open().await);
    let flood = 50 * rounds(60) as usize;
    for chunk in (0..flood).collect::<Vec<_>>().chunks(1000) {
        outbox
            .enqueue_many(chunk.iter().map(|number| entry("flood", &format!("flood-{number}"))))
            .await
            .unwrap();
    }
    let small =
        (0..SMALL * EACH).map(|number| entry(&format!("r{}", number % SMALL), &format!("small-{number}")));
    outbox.enqueue_many(small).await.unwrap();

    let all = (flood + SMALL * EACH) as u64;
    let mut processes: Vec<_> =
        (0..PROCESSES).map(|_| Helper::start("crowd::works", &database.world.file())).collect();
    until(async || (emulator.counters().accepted >= all / 2).then_some(())).await;
    tokio::task::block_in_place(|| database.server.restart());
    let store = database.open().await;
    let counts = until(async || {
        let counts = counts(&store).await;
        (counts.waiting + counts.in_flight == 0).then_some(counts)
    })
    .await;
    assert!(processes.iter_mut().all(|process| !process.has_ended()), "a worker has ended");
    let delivered: Vec<_> = processes.iter_mut().map(Helper::next).collect();
    drop(processes);

    assert_eq!((counts.delivered, counts.enqueued), (all, all));
    let seen = database.world.seen();
    assert_eq!((seen.sets.len() as u64, seen.repeats), (all, 0));
    // Each cycle gives each receiver a turn.
    let mut before = 0;
    let mut floods = 0;
    for entry in emulator.ledger() {
        let claims = entry.claims.unwrap();
        if claims["sub_id"]["id"].as_str().unwrap().starts_with("small") {
            before = floods;
        } else {
            floods += 1;
        }
    }
    println!(
        "\ncrowd: {PROCESSES} processes, {all} deliveries, none twice, {before} of {flood} to the receiver with many before the last of \
         {SMALL} others, by worker {delivered:?}, {} s",
        began.elapsed().as_secs()
    );
    assert!(before < flood / 2, "{before} of {flood}");
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn works() {
    let Some(file) = child::file() else { return };
    let store = connect(&file).await;
    let worker = worker(&store, &file, Everyone(emulated(&file))).lease(LEASE);
    let handle = worker.handle();
    let working = tokio::spawn(worker.run());
    // Ten that ask all the time would be a load of their own.
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    loop {
        ticks.tick().await;
        let counts = counts(&store).await;
        if counts.waiting + counts.in_flight == 0 {
            break;
        }
    }
    say(&handle.health().delivered.to_string());
    working.await.unwrap().unwrap();
}

//! Processes that are killed: one that enqueues, and one that works.

use std::{collections::HashSet, time::Instant};

use ssf_transmitter::outbox::Store;
use ssf_transmitter_store::SqliteStore;

use crate::{
    child::{self, Helper, say},
    common::{enqueue, entry},
    random::Random,
    rounds::rounds,
    world::{Everyone, World, emulated, until, until_all_ended, worker},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::disallowed_methods, reason = "it tells how long it took")]
async fn every_acknowledged_event_arrives_although_its_processes_are_killed() {
    let world = World::start().await;
    let (rounds, mut random, began) = (rounds(30), Random(4711), Instant::now());
    let mut acknowledged: Vec<String> = Vec::new();
    let (mut first, mut second) = (None, None);
    for round in 0..rounds {
        let before = world.emulator.counters().accepted;
        let enqueuer =
            first.get_or_insert_with(|| Helper::start("kills::enqueues_until_it_is_killed", &world.file()));
        second.get_or_insert_with(|| Helper::start("kills::works_until_it_is_killed", &world.file()));
        // After so many words, at an arbitrary step of what it does then.
        for _ in 0..=random.below(30) {
            acknowledged.extend(enqueuer.next());
        }
        // A worker that has begun to send, every other time.
        until(async || (round % 2 == 1 || world.emulator.counters().accepted > before).then_some(())).await;
        let which = random.below(3);
        if which != 0 {
            second.take().map(Helper::kill);
        }
        if which != 1 {
            acknowledged.extend(first.take().into_iter().flat_map(Helper::kill));
        }
    }
    acknowledged.extend(first.into_iter().flat_map(Helper::kill));
    second.map(Helper::kill);

    let store = world.open();
    let delivered_by_then = store.counts().await.unwrap().delivered;
    let finisher = worker(&store, &world.file(), Everyone(emulated(&world.file())));
    let handle = finisher.handle();
    let running = tokio::spawn(finisher.run());
    let counts = until_all_ended(&store).await;
    handle.stop();
    running.await.unwrap().unwrap();
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());

    let seen = world.seen();
    let lost: Vec<_> = acknowledged.iter().filter(|jti| !seen.sets.contains(*jti)).collect();
    assert_eq!(lost, Vec::<&String>::new());
    // Also those arrive whose enqueuer was killed before it could tell.
    assert_eq!((counts.delivered, counts.enqueued), (seen.sets.len() as u64, seen.sets.len() as u64));
    assert_eq!(acknowledged.iter().collect::<HashSet<_>>().len(), acknowledged.len());
    assert!(delivered_by_then > 0, "no worker lived long enough");
    println!(
        "\nkills: {rounds} rounds, {} acknowledged, {} delivered, {} repeats, {} s",
        acknowledged.len(),
        counts.delivered,
        seen.repeats,
        began.elapsed().as_secs()
    );
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn enqueues_until_it_is_killed() {
    let Some(file) = child::file() else { return };
    let store = SqliteStore::open(file).unwrap();
    for number in 0_u64.. {
        say(&enqueue(&store, entry(&format!("r{}", number % 7), &number.to_string())).await);
    }
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn works_until_it_is_killed() {
    let Some(file) = child::file() else { return };
    let store = SqliteStore::open(&file).unwrap();
    worker(&store, &file, Everyone(emulated(&file))).run().await.unwrap();
}

//! Processes, connections and servers that are killed.

use std::{collections::HashSet, time::Instant};

use ssf_transmitter::{
    ErrorCode,
    outbox::{Entry, Store, fresh_jti},
};

use crate::{
    child::{self, Helper, say},
    common::{entry, message},
    database::{Database, connect, counts},
    random::Random,
    rounds::rounds,
    world::{Everyone, emulated, until, until_all_ended, worker},
};

/// Ends one connection of an outbox, whatever it is doing.
const END_ONE: &str = "
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ssf-outbox' ORDER BY random() LIMIT 1";

/// What is killed in a round.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Harm {
    Worker,
    Enqueuer,
    Both,
    Connection,
    Server,
}

const HARMS: &[Harm] =
    &[Harm::Worker, Harm::Enqueuer, Harm::Both, Harm::Connection, Harm::Connection, Harm::Server];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::disallowed_methods, reason = "it tells how long it took")]
async fn every_acknowledged_event_arrives_whatever_is_killed() {
    let database = Database::start().await;
    let file = database.world.file();
    let (rounds, mut random, began) = (rounds(20), Random(4711), Instant::now());
    let mut acknowledged: Vec<String> = Vec::new();
    let (mut first, mut second, mut done) = (None, None, [0; HARMS.len()]);
    for round in 0..rounds {
        let before = database.world.emulator.counters().accepted;
        let enqueuer =
            first.get_or_insert_with(|| Helper::start("kills::enqueues_until_it_is_killed", &file));
        second.get_or_insert_with(|| Helper::start("kills::works_until_it_is_killed", &file));
        // After so many words, at an arbitrary step of what it does then.
        for _ in 0..=random.below(30) {
            acknowledged.push(enqueuer.next().expect("the process that enqueues has ended"));
        }
        // A worker that has begun to send, every other time.
        let accepted = || database.world.emulator.counters().accepted;
        until(async || (round % 2 == 1 || accepted() > before).then_some(())).await;
        let which = random.below(HARMS.len());
        done[which] += 1;
        let harm = HARMS[which];
        if matches!(harm, Harm::Worker | Harm::Both) {
            second.take().map(Helper::kill);
        }
        if matches!(harm, Harm::Enqueuer | Harm::Both) {
            acknowledged.extend(first.take().into_iter().flat_map(Helper::kill));
        }
        match harm {
            Harm::Connection => database.sql().await.batch_execute(END_ONE).await.unwrap(),
            Harm::Server => tokio::task::block_in_place(|| database.server.crash()),
            _ => {}
        }
    }
    acknowledged.extend(first.into_iter().flat_map(Helper::kill));
    second.map(Helper::kill);

    let store = database.open().await;
    let delivered_by_then = counts(&store).await.delivered;
    let finisher = worker(&store, &file, Everyone(emulated(&file)));
    let handle = finisher.handle();
    let running = tokio::spawn(finisher.run());
    let counts = until_all_ended(&store).await;
    handle.stop();
    running.await.unwrap().unwrap();

    let seen = database.world.seen();
    let lost: Vec<_> = acknowledged.iter().filter(|jti| !seen.sets.contains(*jti)).collect();
    assert_eq!(lost, Vec::<&String>::new());
    // Also those arrive whose enqueuer was killed before it could tell; and nothing has two ids.
    assert_eq!((counts.delivered, counts.enqueued), (seen.sets.len() as u64, seen.sets.len() as u64));
    assert_eq!(acknowledged.iter().collect::<HashSet<_>>().len(), acknowledged.len());
    assert!(delivered_by_then > 0, "no worker lived long enough");
    println!(
        "\nkills: {rounds} rounds ({HARMS:?}: {done:?}), {} acknowledged, {} delivered, {} repeats, {} s",
        acknowledged.len(),
        counts.delivered,
        seen.repeats,
        began.elapsed().as_secs()
    );
}

/// Repeats an enqueue until it succeeds: what happened to one that failed is unknown.
async fn enqueue(store: &impl Store, entry: Entry) -> String {
    let message = message(entry);
    until(async || match store.enqueue(vec![message.clone()]).await {
        Ok(mut enqueued) => Some(enqueued.remove(0).jtis.remove(0)),
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::OutboxUnavailable, "{error}");
            None
        }
    })
    .await
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn enqueues_until_it_is_killed() {
    let Some(file) = child::file() else { return };
    let store = connect(&file).await;
    // The system gives the number of a process again.
    let process = fresh_jti().unwrap();
    for number in 0_u64.. {
        let key = format!("{process}-{number}");
        let entry = entry(&format!("r{}", number % 7), &number.to_string()).idempotency_key(&key);
        say(&enqueue(&store, entry).await);
    }
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn works_until_it_is_killed() {
    let Some(file) = child::file() else { return };
    let store = connect(&file).await;
    worker(&store, &file, Everyone(emulated(&file))).run().await.unwrap();
}

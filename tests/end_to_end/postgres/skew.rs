//! Processes whose clocks differ by ten minutes: the clock of the database counts.

use std::time::Duration;

use ssf_transmitter::{
    Timestamp,
    outbox::{Claim, Outbox, State, Store},
    time::{Clock, SystemClock},
};

use crate::{
    common::entry,
    database::Database,
    world::{Everyone, emulated, transmitter, until, worker_by},
};

const SKEW: Duration = Duration::from_mins(10);
/// Shorter than the skew.
const SHORT: Duration = Duration::from_mins(5);

/// The clock of a process that is early or late.
#[derive(Clone, Copy, Debug)]
enum Skewed {
    Early,
    Right,
    Late,
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        match self {
            Self::Early => now.plus(SKEW),
            Self::Right => now,
            Self::Late => now.minus(SKEW),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_waits_and_ages_go_by_the_clock_of_the_database() {
    let database = Database::start().await;
    let (file, store) = (database.world.file(), database.open().await);
    // By the clock that is early, this lease has ended.
    let outbox = Outbox::new(store.clone());
    let held = outbox.enqueue(entry("held", "ada")).await.unwrap().jtis.remove(0);
    let claimed = store.claim(Claim::new(1, 1, SHORT, 5)).await.unwrap().deliveries;
    assert_eq!(claimed[0].lease.jti, held);
    // It is due in five minutes, so the clock that is early would send it.
    let later = entry("later", "ada").not_before(SystemClock.now().plus(SHORT));
    let later = outbox.enqueue(later).await.unwrap().jtis.remove(0);
    let soon = SystemClock.now().plus(Duration::from_millis(500));
    let (mut expected, mut timed) = (0, Vec::new());
    for clock in [Skewed::Right, Skewed::Late] {
        // Enqueued ten minutes ago, by the clock that is late; it may wait for five.
        let outbox = Outbox::new(database.open().await).clock(clock);
        for number in 0..50 {
            let entry = entry(&format!("r{}", number % 5), &number.to_string()).max_age(SHORT);
            let waits = number % 2 == 1;
            let entry = if waits { entry.not_before(soon) } else { entry };
            let jtis = outbox.enqueue(entry).await.unwrap().jtis;
            timed.extend(jtis.into_iter().filter(|_| waits));
            expected += 1;
        }
    }

    let mut running = Vec::new();
    for clock in [Skewed::Early, Skewed::Right, Skewed::Late] {
        let transmitter = transmitter(&file).clock(clock).build().unwrap();
        let worker = worker_by(&database.open().await, transmitter, Everyone(emulated(&file))).lease(SHORT);
        running.push((worker.handle(), tokio::spawn(worker.run())));
    }
    let ended = async || {
        let counts = store.counts().await.unwrap();
        (counts.waiting + counts.in_flight == 2).then_some(counts)
    };
    let counts = until(ended).await;
    for (handle, running) in running {
        handle.stop();
        running.await.unwrap().unwrap();
    }
    assert_eq!((counts.delivered, counts.expired, counts.dead), (expected, 0, 0));
    let seen = database.world.seen();
    assert_eq!((seen.sets.len() as u64, seen.repeats), (expected, 0));
    for (jti, state, attempts) in [(held, State::InFlight, 1), (later, State::Waiting, 0)] {
        let record = store.history(&jti).await.unwrap().unwrap().record;
        assert_eq!((record.state, record.attempts), (state, attempts));
    }
    for jti in timed {
        let record = store.history(&jti).await.unwrap().unwrap().record;
        assert!(record.ended_at.unwrap() >= soon, "delivered before its time");
    }
}

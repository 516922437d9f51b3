//! A delivery that crashes each process that sends it.

use ssf_transmitter::{
    ErrorCode, Receiver,
    client::Receivers,
    key::BoxFuture,
    outbox::{Filter, Schedule, State, Store},
};
use ssf_transmitter_store::SqliteStore;

use crate::{
    child::{self, Helper},
    common::{enqueue, entry},
    world::{Everyone, World, emulated, until, worker},
};

/// The deliveries beside it are lost with it at first, and claimed apart from it after some attempts.
const ATTEMPTS: u32 = 5;
const OTHERS: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_crashes_its_workers_is_dead_and_the_others_arrive() {
    let world = World::start().await;
    let store = world.open();
    for number in 0..OTHERS {
        enqueue(&store, entry(&format!("r{}", number % 10), &number.to_string())).await;
    }
    let poison = enqueue(&store, entry("poison", "ada")).await;
    let mut crashes = 0;
    let counts = until(async || {
        let mut helper = Helper::start("crashes::works_until_it_crashes", &world.file());
        // Nothing restarts a process that goes on.
        let counts = until(async || {
            let counts = store.counts().await.unwrap();
            let ended = counts.waiting + counts.in_flight == 0;
            (ended || helper.has_ended()).then_some((ended, counts))
        })
        .await;
        crashes += u32::from(!counts.0);
        counts.0.then_some(counts.1)
    })
    .await;
    assert_eq!((counts.delivered, counts.dead), (OTHERS, 1), "after {crashes} crashes");
    assert_eq!(crashes, ATTEMPTS);
    let dead = store.list(Filter::new().state(State::Dead), None, 10).await.unwrap();
    assert_eq!(dead[0].jti, poison);
    assert_eq!(dead[0].failure.as_ref().unwrap().code, ErrorCode::OutboxAttemptsExhausted);
    assert_eq!(world.seen().sets.len() as u64, OTHERS);
}

struct Poisoned(Everyone);

impl Receivers for Poisoned {
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ssf_transmitter::Result<Option<Receiver>>> {
        if name == "poison" {
            std::process::abort();
        }
        self.0.find(name)
    }
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn works_until_it_crashes() {
    let Some(file) = child::file() else { return };
    let store = SqliteStore::open(&file).unwrap();
    let worker = worker(&store, &file, Poisoned(Everyone(emulated(&file))));
    worker.schedule(Schedule::new().max_attempts(ATTEMPTS)).run().await.unwrap();
}

//! Outages of hours in a moment: the store in memory by a clock that the test moves, and receivers that follow a timetable.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::Duration,
};

use ssf_transmitter::{
    Error, ErrorCode, Subject, Timestamp,
    event::caep,
    outbox::{
        Claim, Claimed, Entry, Lease, MemoryStore, Outcome, Schedule, Settlement, Store, suite::ManualClock,
    },
    time::Clock as _,
};

const LATENCY: Duration = Duration::from_millis(50);
const LEASE: Duration = Duration::from_mins(1);
const CONCURRENCY: usize = 64;

/// What happened to one request.
struct Request {
    at: Timestamp,
    receiver: String,
    /// From enqueueing to the answer.
    age: Duration,
    succeeded: bool,
}

/// A worker, its store and the receivers, by one clock.
struct World {
    clock: ManualClock,
    store: MemoryStore,
    schedule: Schedule,
    /// Pending requests, the first to end first.
    flying: BinaryHeap<Reverse<(Timestamp, u64)>>,
    claimed: HashMap<u64, Claimed>,
    random: u64,
    requests: Vec<Request>,
    largest_claim: usize,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000));
        Self {
            store: MemoryStore::new().capacity(1_000_000).clock(clock.clone()),
            clock,
            schedule: Schedule::new(),
            flying: BinaryHeap::new(),
            claimed: HashMap::new(),
            random: 0,
            requests: Vec::new(),
            largest_claim: 0,
        }
    }

    async fn enqueue(&self, receiver: &str, count: usize) {
        let now = self.clock.now();
        let entry = |user: usize| {
            let subject = Subject::opaque(user.to_string());
            Entry::new(caep::SessionRevoked::new(), subject).to(receiver).max_age(Duration::from_hours(72))
        };
        let messages = (0..count).map(|user| entry(user).to_message(None, now).unwrap()).collect();
        self.store.enqueue(messages).await.unwrap();
    }

    /// Lets the worker work until `end`, or until all has ended. `answers` says whether a receiver is up.
    async fn run(&mut self, end: Timestamp, answers: impl Fn(&str, Timestamp) -> bool) {
        loop {
            let room = CONCURRENCY - self.flying.len();
            let claim = Claim::new(u32::try_from(room).unwrap(), 8, LEASE, self.schedule.attempts());
            let claims = self.store.claim(claim).await.unwrap();
            self.largest_claim = self.largest_claim.max(claims.deliveries.len());
            let now = self.clock.now();
            for claimed in claims.deliveries {
                self.random += 1;
                self.flying.push(Reverse((now.plus(LATENCY), self.random)));
                self.claimed.insert(self.random, claimed);
            }
            let ended = self.flying.peek().map(|Reverse((time, _))| *time);
            let wakes = claims.next.filter(|_| self.flying.len() < CONCURRENCY).map(|wait| now.plus(wait));
            let Some(next) = ended.into_iter().chain(wakes).min() else { return };
            if next > end {
                self.clock.advance(end.since(now));
                return;
            }
            self.clock.advance(next.since(now));
            self.settle(&answers).await;
        }
    }

    async fn settle(&mut self, answers: &impl Fn(&str, Timestamp) -> bool) {
        let now = self.clock.now();
        let mut settlements = Vec::new();
        while let Some(Reverse((_, number))) = self.flying.peek().filter(|Reverse((time, _))| *time <= now) {
            let claimed = self.claimed.remove(number).unwrap();
            let succeeded = answers(&claimed.receiver, now);
            self.requests.push(Request {
                at: now,
                receiver: claimed.receiver.clone(),
                age: now.since(claimed.issued_at),
                succeeded,
            });
            settlements.push(self.settlement(claimed.lease, claimed.attempts, succeeded, *number));
            self.flying.pop();
        }
        self.store.settle(settlements).await.unwrap();
    }

    fn settlement(&self, lease: Lease, attempts: u32, succeeded: bool, random: u64) -> Settlement {
        // Receipts come from deliveries only; a success needs no more than its outcome.
        let error = Error::new(ErrorCode::ReceiverUnavailable, "down");
        let mut settlement =
            Settlement::of(lease, attempts, Err(&error), &self.schedule, random.wrapping_mul(0x9e37_79b9));
        if succeeded {
            settlement.outcome = Outcome::Delivered;
        }
        settlement
    }

    fn to<'a>(&'a self, receiver: &'a str) -> impl Iterator<Item = &'a Request> {
        self.requests.iter().filter(move |request| request.receiver == receiver)
    }
}

/// The 99th percentile of the ages of deliveries to receivers other than `except`.
fn p99(world: &World, except: &str) -> Duration {
    let mut ages: Vec<_> = world
        .requests
        .iter()
        .filter(|request| request.receiver != except)
        .map(|request| request.age)
        .collect();
    ages.sort();
    ages[ages.len() * 99 / 100]
}

/// Fifty healthy receivers for ten minutes, with or without a backlog of one that is down.
async fn beside(backlog: usize) -> World {
    let mut world = World::new();
    if backlog > 0 {
        world.enqueue("down", backlog).await;
    }
    let begin = world.clock.now();
    for second in 0..600 {
        for receiver in 0..50 {
            world.enqueue(&format!("r{receiver}"), 1).await;
        }
        let end = begin.plus(Duration::from_secs(second + 1));
        world.run(end, |name, _| name != "down").await;
        world.clock.advance(end.since(world.clock.now()));
    }
    world
}

#[tokio::test]
async fn a_backlog_of_a_receiver_that_is_down_does_not_slow_the_others() {
    let (alone, beside) = (beside(0).await, beside(100_000).await);
    let counts = beside.store.counts().await.unwrap();
    assert!(counts.is_balanced());
    assert_eq!((counts.delivered, counts.dead), (30_000, 0));
    assert!(
        p99(&beside, "down") <= p99(&alone, "down") + LATENCY,
        "{:?} {:?}",
        p99(&beside, "down"),
        p99(&alone, "down")
    );
    // Five failures to find out, what was pending meanwhile, and then only probes.
    let tried = beside.to("down").count();
    assert!(tried <= 30, "{tried} requests to a receiver that is down");
}

#[tokio::test]
async fn after_a_day_without_any_receiver_everything_arrives_without_a_herd() {
    let mut world = World::new();
    let names: Vec<_> = (0..20).map(|number| format!("r{number}")).collect();
    for name in &names {
        world.enqueue(name, 500).await;
    }
    let back = world.clock.now().plus(Duration::from_hours(24));
    let up = |_: &str, time: Timestamp| time >= back;
    world.run(back, up).await;
    // A day of probes, not of attempts for every delivery.
    for name in &names {
        let probes = world.to(name).count();
        assert!((90..300).contains(&probes), "{probes} requests to {name} in a day");
    }
    let counts = world.store.counts().await.unwrap();
    assert_eq!((counts.delivered, counts.dead), (0, 0));

    world.run(back.plus(Duration::from_hours(24)), up).await;
    let counts = world.store.counts().await.unwrap();
    assert!(counts.is_balanced());
    assert_eq!((counts.delivered, counts.waiting, counts.in_flight), (10_000, 0, 0));
    let mut first = Vec::new();
    for name in &names {
        let answered: Vec<_> =
            world.to(name).filter(|request| request.succeeded).map(|request| request.at).collect();
        // A single probe finds out, and the ramp lets twice as many through in each round.
        let rounds: Vec<_> = answered.chunk_by(|one, next| one == next).map(<[_]>::len).collect();
        assert_eq!(rounds[0], 1, "{name}: {rounds:?}");
        assert!(rounds.windows(2).all(|pair| pair[1] <= pair[0] * 2), "{name}: {rounds:?}");
        first.push(answered[0]);
    }
    // The receivers are probed at different times.
    first.sort();
    first.dedup();
    assert!(first.len() > 15, "{} of 20 probes at different times", first.len());
}

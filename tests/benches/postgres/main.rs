//! The outbox in PostgreSQL beside queues that users take instead: jobs of 1 KiB are enqueued one by one, by 64 callers and as one
//! batch, and worked off by something that does nothing. One server, with PostgreSQL's own settings: a commit waits for the disk.
//!
//! `cargo xtask bench postgres` installs the others and runs this. The machine is noisy: only ratios within a run count.

#![allow(
    missing_docs,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark"
)]
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark")]

#[path = "../../../store-postgres/tests/common/server.rs"]
mod server;
mod snapshot;

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use server::Server;
use ssf_transmitter::{
    Subject, Timestamp,
    event::caep,
    outbox::{Claim, Claims, Entry, Message, Outcome, Settlement, Store},
};
use ssf_transmitter_postgres::PostgresStore;
use tokio_postgres::NoTls;

const ONE: u32 = 500;
const CALLERS: u32 = 64;
const EACH: u32 = 50;
const BATCH: u32 = 10_000;
const ALL: u32 = ONE + CALLERS * EACH + BATCH;
const RECEIVERS: u32 = 100;
/// Runs of each contender; the best one counts.
const ROUNDS: usize = 2;

/// The others: a name, and the variable that has the command.
const OTHERS: &[(&str, &str)] = &[
    ("pgqueuer", "SSF_BENCH_PGQUEUER"),
    ("Procrastinate", "SSF_BENCH_PROCRASTINATE"),
    ("pg-boss", "SSF_BENCH_PG_BOSS"),
    ("graphile-worker", "SSF_BENCH_GRAPHILE_WORKER"),
    ("River", "SSF_BENCH_RIVER"),
];

/// Jobs per second.
#[derive(Clone, Copy, Default)]
struct Rates([f64; 4]);

impl Rates {
    const NAMES: [&str; 4] = ["one", "callers", "batch", "work"];

    fn best(self, other: Self) -> Self {
        Self(std::array::from_fn(|column| self.0[column].max(other.0[column])))
    }

    fn tell(self, name: &str, ours: Self) {
        let columns =
            self.0.iter().zip(ours.0).map(|(rate, ours)| format!("{rate:>9.0}/s {:>5.2}", ours / rate));
        println!("{name:<24}{}", columns.collect::<String>());
    }
}

fn message(number: u32) -> Message {
    let event = caep::SessionRevoked::new().with_reason_admin("en", "x".repeat(850));
    let entry = Entry::new(event, Subject::opaque(format!("user-{number}")));
    entry.to(format!("receiver-{}", number % RECEIVERS)).to_message(None, Timestamp::now()).unwrap()
}

fn rate(count: u32, began: Instant) -> f64 {
    f64::from(count) / began.elapsed().as_secs_f64()
}

fn settled(claims: Claims) -> Vec<Settlement> {
    let settle = |claimed: ssf_transmitter::outbox::Claimed| {
        let mut settlement = Settlement::released(claimed.lease);
        settlement.outcome = Outcome::Delivered;
        settlement
    };
    claims.deliveries.into_iter().map(settle).collect()
}

/// Claims and settles as a worker with its default settings does, until nothing waits.
async fn work(store: PostgresStore) -> u32 {
    let (mut settlements, mut count) = (Vec::new(), 0);
    loop {
        let claim = Claim::new(64, 8, Duration::from_mins(1), 5);
        let (done, claims) = tokio::join!(store.settle(std::mem::take(&mut settlements)), store.claim(claim));
        done.unwrap();
        let claims = claims.unwrap();
        if claims.deliveries.is_empty() && !claims.more {
            return count;
        }
        count += u32::try_from(claims.deliveries.len()).unwrap();
        settlements = settled(claims);
    }
}

/// Our rates, with so many workers.
async fn ours(url: &str, workers: usize) -> Rates {
    let builder = PostgresStore::builder(url);
    builder.migrate().await.unwrap();
    let store = builder.connect().await.unwrap();
    let mut rates = Rates::default();
    let messages: Vec<_> = (0..ALL).map(message).collect();
    let (one, rest) = messages.split_at(ONE as usize);
    let (callers, batch) = rest.split_at((CALLERS * EACH) as usize);
    let began = Instant::now();
    for message in one {
        store.enqueue(vec![message.clone()]).await.unwrap();
    }
    rates.0[0] = rate(ONE, began);
    let began = Instant::now();
    let callers: Vec<_> = callers
        .chunks(EACH as usize)
        .map(|messages| {
            let (store, messages) = (store.clone(), messages.to_vec());
            tokio::spawn(async move {
                for message in messages {
                    store.enqueue(vec![message]).await.unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    rates.0[1] = rate(CALLERS * EACH, began);
    let began = Instant::now();
    store.enqueue(batch.to_vec()).await.unwrap();
    rates.0[2] = rate(BATCH, began);
    let began = Instant::now();
    let mut working = Vec::new();
    for _ in 0..workers {
        working.push(tokio::spawn(work(builder.connect().await.unwrap())));
    }
    let mut count = 0;
    for work in working {
        count += work.await.unwrap();
    }
    rates.0[3] = rate(ALL, began);
    assert_eq!(count, ALL);
    assert_eq!(store.counts().await.unwrap().delivered, u64::from(ALL));
    store.close().await.unwrap();
    rates
}

/// The rates of another program. It gets the URL, and tells its rates as JSON.
fn other(command: &str, url: &str) -> Rates {
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words)
        .arg(url)
        .env("SSF_BENCH_SIZES", format!("{ONE} {CALLERS} {EACH} {BATCH}"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{command} has failed");
    let told = String::from_utf8(output.stdout).unwrap();
    let json = told.lines().rfind(|line| line.starts_with('{')).expect("the rates");
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    Rates(Rates::NAMES.map(|name| json[name].as_f64().unwrap()))
}

/// The URL of a new database.
async fn database(server: &Server) -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let name = format!("bench_{}", COUNT.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
    let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    client.batch_execute("CHECKPOINT").await.unwrap();
    format!("{}/{name}", server.url().rsplit_once('/').unwrap().0)
}

#[tokio::main]
async fn main() {
    let server = Server::start(true);
    let (mut one, mut two) = (Rates::default(), Rates::default());
    let mut others = vec![Rates::default(); OTHERS.len()];
    for _ in 0..ROUNDS {
        one = one.best(ours(&database(&server).await, 1).await);
        two = two.best(ours(&database(&server).await, 2).await);
        for ((_, variable), rates) in OTHERS.iter().zip(&mut others) {
            let Ok(command) = std::env::var(variable) else { continue };
            let url = database(&server).await;
            *rates = rates.best(tokio::task::block_in_place(|| other(&command, &url)));
        }
    }
    println!("jobs of 1 KiB; after each rate, how often ours with one worker is as fast");
    println!("{:<24}{:>17}{:>17}{:>17}{:>17}", "", "one by one", "64 callers", "batch", "worked off");
    one.tell("ours, one worker", one);
    two.tell("ours, two workers", one);
    for ((name, _), rates) in OTHERS.iter().zip(others) {
        rates.tell(name, one);
    }
    snapshot::measure(&server).await;
}

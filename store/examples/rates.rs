//! Measures how fast the store accepts and gives out: `cargo run --release -p ssf-transmitter-store --example rates -- <folder>`.
//! With a second argument, it measures the latter with so many deliveries waiting, a tenth of them for a receiver that is paused.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures")]

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::mpsc::{Sender, channel},
    time::{Duration, Instant},
};

use futures_channel::oneshot;
use rusqlite::Connection;
use ssf_transmitter::{
    Error, Subject, Timestamp,
    event::caep,
    outbox::{Claim, Entry, Message, Outcome, Settlement, Store},
};
use ssf_transmitter_store::SqliteStore;

const ALONE: u32 = 500;
/// The contenders take turns so many times: how fast the disk answers changes from second to second.
const ROUNDS: u32 = 7;
const CALLERS: u32 = 64;
const EACH: u32 = 250;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn message(number: u32) -> Result<Message, Error> {
    let entry = Entry::new(caep::SessionRevoked::new(), Subject::opaque(format!("user-{number}")));
    entry.to(format!("receiver-{}", number % 100)).to_message(None, Timestamp::now())
}

fn tell(what: &str, count: u32, took: Duration) -> f64 {
    let rate = f64::from(count) / took.as_secs_f64();
    println!("{what:<50} {rate:>9.0} / s");
    rate
}

/// The median of the rates of several rounds.
fn tell_median(what: &str, mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    let rate = rates[rates.len() / 2];
    println!("{what:<50} {rate:>9.0} / s");
    rate
}

fn rate(count: u32, began: Instant) -> f64 {
    f64::from(count) / began.elapsed().as_secs_f64()
}

const INSERT: &str = "INSERT INTO bare (payload) VALUES (?1)";

/// The least that a durable queue on SQLite can do: a row with a commit of its own.
fn bare(folder: &Path) -> Result<Connection, Failure> {
    let connection = Connection::open(folder)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE bare (id INTEGER PRIMARY KEY, payload BLOB)")?;
    Ok(connection)
}

type Row = (Vec<u8>, oneshot::Sender<rusqlite::Result<usize>>);

/// The same on a thread that owns the connection, as asynchronous callers need it: their executor does not wait for the disk.
fn on_thread(connection: Connection) -> Sender<Row> {
    let (sender, rows) = channel::<Row>();
    std::thread::spawn(move || {
        for (payload, reply) in rows {
            let insert = connection.prepare_cached(INSERT);
            drop(reply.send(insert.and_then(|mut insert| insert.execute([payload]))));
        }
    });
    sender
}

/// One caller, beside a bare row in its thread, and beside one on a thread of its own. Returns the three rates.
async fn alone(folder: &Path, store: &SqliteStore) -> Result<[f64; 3], Failure> {
    let connection = bare(&folder.join("bare.db"))?;
    let thread = on_thread(bare(&folder.join("thread.db"))?);
    let payload = message(0)?.payload.as_bytes().to_vec();
    let mut rates = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..ALONE {
            connection.prepare_cached(INSERT)?.execute([payload.clone()])?;
        }
        rates[0].push(rate(ALONE, began));

        let began = Instant::now();
        for _ in 0..ALONE {
            let (reply, result) = oneshot::channel();
            thread.send((payload.clone(), reply))?;
            result.await??;
        }
        rates[1].push(rate(ALONE, began));

        let messages = (0..ALONE).map(message).collect::<Result<Vec<_>, _>>()?;
        let began = Instant::now();
        for message in messages {
            store.enqueue(vec![message]).await?;
        }
        rates[2].push(rate(ALONE, began));
    }
    let [bare, on_thread, ours] = rates;
    Ok([
        tell_median("bare INSERT, one by one", bare),
        tell_median("bare INSERT on a thread of its own, one by one", on_thread),
        tell_median("enqueue, one caller", ours),
    ])
}

/// How often the disk can be waited for.
fn syncs(folder: &Path) -> Result<(), Failure> {
    let mut file = File::create(folder.join("syncs"))?;
    let began = Instant::now();
    for _ in 0..ALONE {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
    }
    tell("fdatasync after 4 KiB", ALONE, began.elapsed());
    Ok(())
}

/// The most memory that this process has used, if the system tells.
fn memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}

async fn together(store: &SqliteStore) -> Result<f64, Failure> {
    let messages = |caller| (0..EACH).map(move |number| message(caller * EACH + number)).collect();
    let messages = (0..CALLERS).map(messages).collect::<Result<Vec<Vec<_>>, _>>()?;
    let mut callers = Vec::new();
    let began = Instant::now();
    for messages in messages {
        let store = store.clone();
        callers.push(tokio::spawn(async move {
            for message in messages {
                store.enqueue(vec![message]).await?;
            }
            Ok::<_, Error>(())
        }));
    }
    for caller in callers {
        caller.await??;
    }
    Ok(tell("enqueue, 64 callers", CALLERS * EACH, began.elapsed()))
}

async fn batched(store: &SqliteStore) -> Result<(), Failure> {
    let messages = (0..10_000).map(message).collect::<Result<Vec<_>, _>>()?;
    let began = Instant::now();
    store.enqueue(messages).await?;
    tell("enqueue, one batch of 10,000", 10_000, began.elapsed());
    Ok(())
}

/// Fills the store: a tenth for one receiver, which refuses, the rest for 20,000 others.
async fn crowd(store: &SqliteStore, count: u32) -> Result<(), Failure> {
    let began = Instant::now();
    for start in (0..count).step_by(1000) {
        let entry = |number: u32| {
            let name = if number.is_multiple_of(10) { 0 } else { 1 + number % 20_000 };
            let entry = Entry::new(caep::SessionRevoked::new(), Subject::opaque(format!("user-{number}")));
            entry.to(format!("crowd-{name}")).to_message(None, Timestamp::now())
        };
        let messages = (start..start + 1000).map(entry).collect::<Result<Vec<_>, _>>()?;
        store.enqueue(messages).await?;
    }
    tell("enqueue, batches of 1,000", count, began.elapsed());
    store.hold("crowd-0").await?;
    Ok(())
}

/// Claims batches and settles them, as a worker does.
async fn work(store: &SqliteStore, most: u32) -> Result<(), Failure> {
    let (mut count, began) = (0, Instant::now());
    while count < most {
        let claims = store.claim(Claim::new(500, 10, Duration::from_mins(1), 5)).await?;
        if claims.deliveries.is_empty() {
            break;
        }
        count += u32::try_from(claims.deliveries.len())?;
        let settlements = claims.deliveries.into_iter().map(|claimed| {
            let mut settlement = Settlement::released(claimed.lease);
            settlement.outcome = Outcome::Delivered;
            settlement
        });
        store.settle(settlements.collect()).await?;
    }
    tell("claim and settle, batches of 500", count, began.elapsed());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    let folder = folder.join(format!("rates-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let store = SqliteStore::open(folder.join("outbox.db"))?;
    syncs(&folder)?;
    let [bare, on_thread, alone] = alone(&folder, &store).await?;
    let together = together(&store).await?;
    println!(
        "one caller: {:.2} of bare, {:.2} of bare on a thread of its own; 64 callers: {:.1} times one caller",
        alone / bare,
        alone / on_thread,
        together / alone
    );
    batched(&store).await?;
    work(&store, 20_000).await?;
    if let Some(waiting) = std::env::args().nth(2) {
        crowd(&store, waiting.parse()?).await?;
        work(&store, 20_000).await?;
        let length = std::fs::metadata(folder.join("outbox.db"))?.len() >> 20;
        let memory = memory().unwrap_or_else(|| "unknown".to_owned());
        println!(
            "{waiting} waiting for 20,000 receivers: file {length} MiB, most memory of the process {memory}"
        );
    }
    store.close().await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

//! What the outbox costs on the way to a receiver: SETs that a worker claims, signs, pushes and settles, against the same SETs of
//! `emit_all`, which keeps nothing. Over loopback TLS, on one thread, with default settings.
//!
//! `cargo xtask bench outbox` runs this. Contenders take turns, and the figures are medians: the machine is noisy.

#![allow(
    missing_docs,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark"
)]
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark")]

#[path = "../../store-postgres/tests/common/server.rs"]
mod postgres;
#[path = "../../core/benches/server/mod.rs"]
mod server;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Instant,
};

use server::server;
use ssf_transmitter::{
    KeyType, Network, Receiver, SigningKey, Subject, Transmitter,
    client::Worker,
    event::caep,
    outbox::{Entry, MemoryStore, Outbox},
};
use ssf_transmitter_postgres::PostgresStore;
use ssf_transmitter_store::SqliteStore;

const ROUNDS: usize = 5;
const SETS: usize = 4000;
const RECEIVERS: usize = 20;
/// The default concurrency of a worker.
const CONCURRENCY: usize = 64;

fn name(number: usize) -> String {
    format!("receiver-{}", number % RECEIVERS)
}

fn event() -> caep::SessionRevoked {
    caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost")
}

fn subject(number: usize) -> Subject {
    Subject::opaque(format!("user-{number}"))
}

struct Contenders {
    transmitter: Transmitter,
    receivers: HashMap<String, Receiver>,
    folder: PathBuf,
}

impl Contenders {
    fn new(url: &str, ca: &str, kind: KeyType, folder: &Path) -> Self {
        let key = SigningKey::generate(kind).unwrap();
        let builder = Transmitter::builder("https://edr.example.com", key);
        let transmitter = builder.network(Network::new().ca_bundle(ca)).build().unwrap();
        let receiver = || Receiver::builder(url, "aud").allow_loopback().build().unwrap();
        let receivers = (0..RECEIVERS).map(|number| (name(number), receiver())).collect();
        Self { transmitter, receivers, folder: folder.to_owned() }
    }

    /// SETs per second of `emit_all`.
    async fn emit(&self) -> f64 {
        let emits = (0..SETS)
            .map(|number| self.transmitter.emit(event(), subject(number), &self.receivers[&name(number)]));
        let began = Instant::now();
        let mut all = self.transmitter.emit_all(emits).concurrency(CONCURRENCY);
        while let Some(emitted) = all.next().await {
            emitted.result.unwrap();
        }
        SETS as f64 / began.elapsed().as_secs_f64()
    }

    /// SETs per second of a worker that drains this outbox.
    async fn drain(&self, outbox: Outbox) -> f64 {
        let entries = (0..SETS).map(|number| Entry::new(event(), subject(number)).to(name(number)));
        outbox.enqueue_many(entries).await.unwrap();
        let worker = Worker::new(outbox.clone(), self.transmitter.clone(), self.receivers.clone());
        let began = Instant::now();
        let drained = worker.drain().await.unwrap();
        let rate = SETS as f64 / began.elapsed().as_secs_f64();
        assert_eq!((drained.delivered, drained.failed), (SETS as u64, 0));
        outbox.close().await.unwrap();
        rate
    }

    async fn drain_database(&self, url: &str) -> f64 {
        let builder = PostgresStore::builder(url);
        builder.migrate().await.unwrap();
        self.drain(Outbox::new(builder.connect().await.unwrap())).await
    }

    async fn drain_file(&self) -> f64 {
        let file = self.folder.join("outbox.db");
        let rate = self.drain(Outbox::new(SqliteStore::open(&file).unwrap())).await;
        std::fs::remove_file(file).unwrap();
        rate
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let folder = PathBuf::from(std::env::var_os("SSF_BENCH_FOLDER").unwrap_or_else(|| ".".into()));
    let folder = folder.join(format!("drain-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (url, ca) = server();
    let database = postgres::Server::start(true);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        println!("key      emit_all  drain, in memory  drain, on the disk  drain, PostgreSQL  ratios to emit_all");
        for (kind, named) in [(KeyType::Rsa2048, "RS256"), (KeyType::Ed25519, "EdDSA")] {
            let contenders = Contenders::new(&url, &ca, kind, &folder);
            contenders.emit().await;
            let (mut emit, mut memory, mut disk, mut shared) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                emit.push(contenders.emit().await);
                memory.push(contenders.drain(Outbox::new(MemoryStore::new())).await);
                disk.push(contenders.drain_file().await);
                shared.push(contenders.drain_database(&database.url()).await);
            }
            let (emit, memory, disk, shared) = (median(emit), median(memory), median(disk), median(shared));
            let (first, second, third) = (memory / emit, disk / emit, shared / emit);
            println!(
                "{named:<6} {emit:>8.0}/s {memory:>15.0}/s {disk:>17.0}/s {shared:>16.0}/s  {first:.2} in memory, {second:.2} on the disk, \
                 {third:.2} in PostgreSQL"
            );
        }
    });
    std::fs::remove_dir_all(folder).unwrap();
}

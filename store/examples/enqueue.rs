//! Enqueues entries of 1 KiB as a program does, and prints the rates in JSON: what the benchmarks of the other languages compare with.
//! `cargo run --release -p ssf-transmitter-store --example enqueue -- <folder> <one by one> <in a batch>`.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures")]

use std::{path::PathBuf, time::Instant};

use ssf_transmitter::{
    Subject,
    event::caep,
    outbox::{Entry, Outbox},
};
use ssf_transmitter_store::SqliteStore;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Makes the content of an entry 1 KiB long.
const REASON: usize = 800;

fn entry(number: u32) -> Entry {
    let event = caep::SessionRevoked::new().with_reason_admin("en", "x".repeat(REASON));
    Entry::new(event, Subject::email(format!("user-{number}@example.com")))
        .to(format!("receiver-{}", number % 100))
}

fn rate(count: usize, began: Instant) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    let count = count as f64;
    count / began.elapsed().as_secs_f64()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder")?);
    let mut count = || arguments.next().unwrap_or_else(|| "1000".to_owned()).parse::<u32>();
    let (alone, batch) = (count()?, count()?);
    let folder = folder.join(format!("enqueue-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outbox = Outbox::new(SqliteStore::open(folder.join("outbox.db"))?);
    // Receivers are known from here on.
    outbox.enqueue_many((0..100).map(entry)).await?;

    let entries: Vec<_> = (0..alone).map(entry).collect();
    let began = Instant::now();
    for entry in &entries {
        outbox.enqueue_many([entry]).await?;
    }
    let alone = rate(entries.len(), began);
    let entries: Vec<_> = (0..batch).map(entry).collect();
    let began = Instant::now();
    outbox.enqueue_many(&entries).await?;
    let batch = rate(entries.len(), began);
    println!("{{\"one_by_one\": {alone:.0}, \"batch\": {batch:.0}}}");
    outbox.close().await?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

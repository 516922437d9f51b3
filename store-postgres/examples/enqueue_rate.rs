//! What an enqueue costs: one caller, 64 callers at once, and batches. `initdb`'s settings, a server of your own, and then
//!
//! `cargo run -p ssf-transmitter-postgres --example enqueue_rate -- postgresql://postgres@127.0.0.1/postgres`

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "it measures"
)]

use std::time::Instant;

use ssf_transmitter::{
    Error, Subject,
    event::caep,
    outbox::{Entry, Outbox},
};
use ssf_transmitter_postgres::PostgresStore;

const CALLERS: usize = 64;

fn entry(caller: usize, number: usize) -> Entry {
    let subject = Subject::opaque(format!("{caller}-{number}"));
    Entry::new(caep::SessionRevoked::new(), subject).to(format!("r{}", caller % 20))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let url = std::env::args().nth(1).unwrap_or_default();
    let builder = PostgresStore::builder(url).schema("enqueue_rate");
    builder.migrate().await?;
    let outbox = Outbox::new(builder.connect().await?);
    for round in 1..=3 {
        let alone = rate(&outbox, 1, 500).await?;
        let together = rate(&outbox, CALLERS, 5000).await?;
        let began = Instant::now();
        for batch in 0..100 {
            outbox.enqueue_many((0..100).map(|number| entry(number, batch))).await?;
        }
        let batches = 10_000.0 / began.elapsed().as_secs_f64();
        println!(
            "round {round}: 1 caller {alone:.0}/s, {CALLERS} callers {together:.0}/s ({:.1} times), batches of 100 {batches:.0}/s",
            together / alone
        );
    }
    Ok(())
}

/// Entries a second, with so many callers.
async fn rate(outbox: &Outbox, callers: usize, entries: usize) -> Result<f64, Error> {
    let began = Instant::now();
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let outbox = outbox.clone();
        tasks.push(tokio::spawn(async move {
            for number in 0..entries / callers {
                outbox.enqueue(entry(caller, number)).await?;
            }
            Ok::<_, Error>(())
        }));
    }
    for task in tasks {
        task.await.map_err(|error| Error::new(ssf_transmitter::ErrorCode::Internal, error.to_string()))??;
    }
    Ok((entries / callers * callers) as f64 / began.elapsed().as_secs_f64())
}

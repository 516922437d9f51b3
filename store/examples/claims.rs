//! A file in which deliveries wait, and claims from it, in two processes: so that a tool that counts instructions sees the claims alone.
//!
//! `claims <file> fill <deliveries>` makes the file, with 50 deliveries for each receiver; `claims <file> claim <times>` claims 50 so
//! often. `cargo xtask bench outbox` compares files of different sizes.

#![allow(clippy::print_stdout, reason = "it measures")]

use std::time::Duration;

use ssf_transmitter::{
    Error, Subject, Timestamp,
    event::caep,
    outbox::{Claim, Entry, Store},
};
use ssf_transmitter_store::SqliteStore;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const BATCH: u32 = 10_000;
const EACH: u32 = 50;

async fn fill(store: &SqliteStore, count: u32) -> Result<(), Failure> {
    let receivers = (count / EACH).max(1);
    for start in (0..count).step_by(BATCH as usize) {
        let message = |number: u32| {
            let entry = Entry::new(caep::SessionRevoked::new(), Subject::opaque(format!("user-{number}")));
            entry.to(format!("receiver-{}", number % receivers)).to_message(None, Timestamp::now())
        };
        let messages = (start..count.min(start + BATCH)).map(message).collect::<Result<Vec<_>, Error>>()?;
        store.enqueue(messages).await?;
    }
    Ok(())
}

async fn claim(store: &SqliteStore, times: u32) -> Result<(), Failure> {
    for _ in 0..times {
        let claims = store.claim(Claim::new(EACH, 5, Duration::from_hours(1), 5)).await?;
        if claims.deliveries.len() < EACH as usize {
            return Err("not enough deliveries wait".into());
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [file, task, count] = &arguments[..] else {
        return Err("usage: claims <file> fill|claim <count>".into());
    };
    let store = SqliteStore::open(file)?;
    match task.as_str() {
        "fill" => fill(&store, count.parse()?).await?,
        "claim" => claim(&store, count.parse()?).await?,
        _ => return Err(format!("unknown task {task:?}").into()),
    }
    store.close().await?;
    Ok(())
}

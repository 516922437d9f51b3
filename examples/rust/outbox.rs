//! The outbox: events that survive a restart and an outage of the receiver.
//!
//! The receiver is an emulator that is down at first: `cargo run -p ssf-examples --example outbox`

use std::{collections::HashMap, time::Duration};

use ssf_emulator::{Config, Emulator, KeySource, Like, Script};
use ssf_transmitter::{
    KeyType, Receiver, SigningKey, Subject, Transmitter,
    client::Worker,
    event::caep,
    outbox::{Entry, Outbox, Schedule},
};
use ssf_transmitter_store::SqliteStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = SigningKey::generate(KeyType::P256)?;
    let transmitter = Transmitter::builder("https://edr.example.com", key).build()?;
    let keys = KeySource::Jwks(transmitter.jwks()?.to_json());
    let mut config =
        Config::new(Like::Rfc8935, "https://edr.example.com", keys, "https://receiver.example.net");
    config.script =
        Script::from_json(r#"{ "rules": [{ "first": 2, "fault": { "status": { "status": 503 } } }] }"#)?;
    let emulator = Emulator::start(config).await?;

    // The product notices something. Once `enqueue` has returned, the event is on the disk.
    let file = std::env::temp_dir().join(format!("ssf-outbox-{}.db", std::process::id()));
    let outbox = Outbox::new(SqliteStore::open(&file)?);
    let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme");
    let enqueued = outbox.enqueue(entry).await?;
    // A crash or a deployment comes here.
    outbox.close().await?;

    // The same process after its restart, or another one.
    let outbox = Outbox::new(SqliteStore::open(&file)?);
    let acme =
        Receiver::builder(emulator.push_url(), "https://receiver.example.net").allow_loopback().build()?;
    let receivers = HashMap::from([("acme".to_owned(), acme)]);
    let worker = Worker::new(outbox.clone(), transmitter, receivers)
        // In production, leave the waits as they are.
        .schedule(Schedule::new().base(Duration::from_millis(10)));
    let handle = worker.handle();
    let running = tokio::spawn(worker.run());
    while outbox.counts().await?.delivered == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    handle.stop();
    running.await??;

    let history = outbox.history(&enqueued.jtis[0]).await?.ok_or("the delivery is there")?;
    for attempt in &history.attempts {
        println!("{}: status {:?}", attempt.at.to_rfc3339(), attempt.status);
    }
    assert_eq!(history.attempts.len(), 3);
    outbox.close().await?;
    std::fs::remove_file(&file)?;
    Ok(())
}

//! Resident memory: of an idle transmitter that has sent to 10,000 receivers, and over a million ES256 emits, where it is
//! flat, once connections and caches are there.
//!
//! `cargo xtask stress memory` runs this. The server is in the same process and keeps nothing, so what grows is a leak
//! of either.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

mod server;

use std::{env, fs};

use server::server;
use ssf_transmitter::{KeyType, Network, Receiver, SigningKey, Subject, Transmitter, event::caep};

/// How many emits are in progress at once.
const AT_ONCE: usize = 32;
/// Measured as often, after so many parts of all emits.
const PARTS: usize = 10;
/// More than the first part left, in kilobytes, is growth: a leak of four bytes for each emit.
const GROWTH: u64 = 3600;
const RECEIVERS: usize = 10_000;
/// What a process may take, in kilobytes, that has sent a SET to each of so many receivers.
const IDLE: u64 = 40_000;

/// What of this process is in memory, in kilobytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let emits = env::var("SSF_STRESS_ROUNDS").map_or(1_000_000, |rounds| rounds.parse().unwrap());
    let (url, ca) = server();
    let transmitter =
        Transmitter::builder("https://edr.example.com", SigningKey::generate(KeyType::P256).unwrap())
            .network(Network::new().ca_bundle(ca))
            .build()
            .unwrap();
    let receiver = |audience: &str| {
        Receiver::builder(&*url, audience).allow_loopback().concurrency(AT_ONCE).build().unwrap()
    };

    let receivers: Vec<_> = (0..RECEIVERS).map(|number| receiver(&format!("receiver-{number}"))).collect();
    send(&transmitter, &receivers.iter().collect::<Vec<_>>()).await;
    let idle = resident();
    println!("idle, after a SET to each of {RECEIVERS} receivers: {idle} kB resident");
    assert!(idle <= IDLE, "more than {IDLE} kB");
    drop(receivers);

    let receiver = receiver("aud");
    let mut measured = Vec::new();
    for part in 1..=PARTS {
        send(&transmitter, &vec![&receiver; emits / PARTS]).await;
        measured.push(resident());
        println!("{:>9} emits: {:>7} kB resident", part * (emits / PARTS), measured[part - 1]);
    }
    let growth = measured[PARTS - 1].saturating_sub(measured[0]);
    assert!(growth < GROWTH, "resident memory has grown by {growth} kB");
    println!("grown by {growth} kB since the first {} emits", emits / PARTS);
}

/// Sends a SET to each.
async fn send(transmitter: &Transmitter, receivers: &[&Receiver]) {
    let each = receivers.iter().enumerate().map(|(number, receiver)| {
        let event = caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost");
        transmitter.emit(event, Subject::opaque(format!("device-{number}")), receiver)
    });
    let mut all = transmitter.emit_all(each).concurrency(AT_ONCE);
    while let Some(emitted) = all.next().await {
        emitted.result.unwrap();
    }
}

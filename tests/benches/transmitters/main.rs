//! The stream API beside Keycloak, a server whose feature `ssf` is a transmitter of OpenID SSF 1.0: events are published by 16 callers and polled
//! 100 at a time, over HTTP. Both sign with RS256 and keep all in PostgreSQL, in a server of its own with PostgreSQL's own settings: a commit
//! waits for the disk. Ours is in axum. Keycloak signs when an event is published, and ours when it is polled first: what an event costs from
//! its publication to its acknowledgement is in the last column.
//!
//! `cargo xtask bench streams` unpacks Keycloak and runs this. Client, transmitter and database share the machine, which is noisy: only ratios
//! within a run count.

#![allow(
    missing_docs,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark"
)]
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark")]

mod keycloak;
mod ours;
#[path = "../../../store-postgres/tests/common/server.rs"]
mod server;

use std::time::Instant;

use reqwest::Client;
use serde_json::{Value, json};

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const SETS: usize = 2_000;
const PER_POLL: usize = 100;
const CALLERS: usize = 16;
/// Runs of each; the best one counts, and the first ones warm a JVM up.
const ROUNDS: usize = 4;

/// The user that the event of this number is about.
fn email(number: usize) -> String {
    format!("user-{number}@example.com")
}

/// Where events are published and polled.
#[derive(Clone)]
struct Transmitter {
    client: Client,
    /// A URL, and a token for it.
    publish: (String, String),
    poll: (String, String),
    /// The body that publishes the event of this number.
    body: fn(usize) -> Value,
}

impl Transmitter {
    async fn post(&self, (url, token): &(String, String), body: &Value) -> Value {
        let answer = self.client.post(url).bearer_auth(token).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{url}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    async fn publish_all(&self) {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let transmitter = self.clone();
                tokio::spawn(async move {
                    for number in (caller..SETS).step_by(CALLERS) {
                        transmitter.post(&transmitter.publish, &(transmitter.body)(number)).await;
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
    }

    /// Polls until nothing is left, acknowledges all, and returns how many they were.
    async fn drain(&self) -> usize {
        let (mut acknowledged, mut got) = (Vec::<String>::new(), 0);
        loop {
            let body = json!({ "ack": acknowledged, "maxEvents": PER_POLL, "returnImmediately": true });
            let answer = self.post(&self.poll, &body).await;
            acknowledged = answer["sets"].as_object().unwrap().keys().cloned().collect();
            got += acknowledged.len();
            if acknowledged.is_empty() {
                return got;
            }
        }
    }

    /// Events per second: published, polled, and both one after the other.
    async fn run(&self) -> [f64; 3] {
        self.drain().await;
        let began = Instant::now();
        self.publish_all().await;
        let published = began.elapsed();
        let began = Instant::now();
        // One more may be a verification event.
        assert!(self.drain().await >= SETS);
        let polled = began.elapsed();
        [published, polled, published + polled].map(|time| SETS as f64 / time.as_secs_f64())
    }

    async fn best(&self) -> [f64; 3] {
        let mut best = [0.0; 3];
        for _ in 0..ROUNDS {
            let rates = self.run().await;
            best = std::array::from_fn(|column| f64::max(best[column], rates[column]));
        }
        best
    }
}

fn tell(name: &str, rates: [f64; 3], ours: [f64; 3]) {
    let columns = rates.iter().zip(ours).map(|(rate, ours)| format!("{rate:>10.0}/s {:>6.2}", ours / rate));
    println!("{name:<18}{}", columns.collect::<String>());
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let ours = ours::start(client.clone()).await.best().await;
    let server = keycloak::Keycloak::start();
    let theirs = server.transmitter(client).await.best().await;
    println!("\n{:<18}{:>19}{:>19}{:>19}", "", "published, ours =", "polled, ours =", "both, ours =");
    tell("ssf-transmitter", ours, ours);
    tell(&server.name, theirs, ours);
}

//! A folder, the processes that know it, and the receiver that they send to.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use ssf_emulator::{Config, Emulator, KeySource, Like};
use ssf_transmitter::{
    KeySet, KeyType, Receiver, SigningKey, Transmitter,
    client::{Receivers, TransmitterBuilder, Worker},
    key::BoxFuture,
    outbox::{Counts, Outbox, Schedule, Store},
};

use crate::common::Folder;

const ISSUER: &str = "https://edr.example.com";
const AUDIENCE: &str = "https://receiver.example.net";
/// Only a hang takes so long.
const GUARD: Duration = Duration::from_mins(10);

pub(crate) struct World {
    folder: Folder,
    pub(crate) emulator: Emulator,
}

/// What a receiver saw.
pub(crate) struct Seen {
    /// The SETs, by `jti`.
    pub(crate) sets: HashSet<String>,
    pub(crate) repeats: usize,
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = Folder::new();
        let key = SigningKey::generate(KeyType::Ed25519).unwrap();
        let private_key = key.export_private_pem().unwrap();
        let jwks = KeySet::new(key).jwks().unwrap().to_json();
        let mut config = Config::new(Like::Rfc8935, ISSUER, KeySource::Jwks(jwks), AUDIENCE);
        config.ledger_size = usize::MAX;
        let emulator = Emulator::start(config).await.unwrap();
        let settings = json!({ "key": private_key.expose(), "url": emulator.push_url() });
        std::fs::write(settings_file(&folder.database()), settings.to_string()).unwrap();
        Self { folder, emulator }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.database()
    }

    /// What arrived. Fails if a repeat of a `jti` says something else: only then it would have an effect of its own.
    pub(crate) fn seen(&self) -> Seen {
        let (mut sets, mut repeats) = (HashMap::new(), 0);
        for entry in self.emulator.ledger() {
            assert!(entry.accepted, "a SET was rejected: {:?}", entry.description);
            let claims = entry.claims.unwrap();
            let jti = claims["jti"].as_str().unwrap().to_owned();
            if let Some(first) = sets.get(&jti) {
                assert_eq!(*first, claims, "a repeat that says something else");
                repeats += 1;
            } else {
                sets.insert(jti, claims);
            }
        }
        Seen { sets: sets.into_keys().collect(), repeats }
    }
}

fn settings_file(file: &Path) -> PathBuf {
    file.with_extension("json")
}

fn settings(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(settings_file(file)).unwrap()).unwrap()
}

/// Finds the same receiver by each name.
pub(crate) struct Everyone(pub(crate) Receiver);

impl Receivers for Everyone {
    fn find<'a>(&'a self, _: &'a str) -> BoxFuture<'a, ssf_transmitter::Result<Option<Receiver>>> {
        Box::pin(std::future::ready(Ok(Some(self.0.clone()))))
    }
}

/// The receiver at this URL.
pub(crate) fn receiver(url: &str, concurrency: u32) -> Receiver {
    Receiver::builder(url, AUDIENCE).allow_loopback().concurrency(concurrency as usize).build().unwrap()
}

/// The receiver of the file's world.
pub(crate) fn emulated(file: &Path) -> Receiver {
    receiver(settings(file)["url"].as_str().unwrap(), 64)
}

/// A worker of any process with this file. Its leases are short, because other processes wait for their end.
pub(crate) fn worker(
    store: &(impl Store + Clone + 'static),
    file: &Path,
    receivers: impl Receivers + 'static,
) -> Worker {
    worker_by(store, transmitter(file).build().unwrap(), receivers)
}

/// The same, with this transmitter.
pub(crate) fn worker_by(
    store: &(impl Store + Clone + 'static),
    transmitter: Transmitter,
    receivers: impl Receivers + 'static,
) -> Worker {
    Worker::new(Outbox::new(store.clone()), transmitter, receivers)
        .lease(Duration::from_millis(500))
        .poll(Duration::from_millis(50))
        .schedule(Schedule::new().max_attempts(1000))
}

/// The transmitter whose keys the receiver knows.
pub(crate) fn transmitter(file: &Path) -> TransmitterBuilder {
    let key = SigningKey::from_pem(settings(file)["key"].as_str().unwrap()).unwrap();
    Transmitter::builder(ISSUER, key)
}

/// Waits until a question has an answer.
pub(crate) async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(GUARD, wait).await.expect("it hangs")
}

/// Waits until all deliveries have ended.
pub(crate) async fn until_all_ended(store: &impl Store) -> Counts {
    until(async || {
        let counts = store.counts().await.unwrap();
        assert!(counts.is_balanced(), "{counts:?}");
        (counts.waiting + counts.in_flight == 0).then_some(counts)
    })
    .await
}

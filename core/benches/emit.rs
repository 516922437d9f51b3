//! Emitting over loopback TLS, beside the signing rate and a bare reqwest loop with a pre-signed SET, in one run.
//!
//! `cargo xtask bench` runs this. Figures are ratios of medians over rounds in which the contenders take turns: the machine
//! is noisy. The server has a thread of its own, each contender has one too.

#![allow(missing_docs, clippy::cast_precision_loss, clippy::unwrap_used, reason = "a benchmark")]
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark")]

mod server;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::pem::PemObject as _};
use server::server;
use ssf_transmitter::{
    KeyType, Network, Receiver, SetBuilder, SignedSet, SigningKey, Subject, Transmitter,
    delivery::RetryPolicy, event::caep,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};

const ROUNDS: usize = 5;

fn bare_client(ca: &str, http1_only: bool) -> reqwest::Client {
    let mut roots = RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols =
        if http1_only { vec![b"http/1.1".to_vec()] } else { vec![b"h2".to_vec(), b"http/1.1".to_vec()] };
    reqwest::Client::builder().tls_backend_preconfigured(config).build().unwrap()
}

/// So many per second of `count` pieces of work, at most `concurrency` at once.
async fn rate<F>(count: usize, concurrency: usize, work: impl Fn() -> F) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(concurrency));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let slot = slots.clone().acquire_owned().await.unwrap();
        let work = work();
        tasks.spawn(async move {
            work.await;
            drop(slot);
        });
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
    count as f64 / began.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Contenders {
    bare: reqwest::Client,
    transmitter: Transmitter,
    receiver: Receiver,
    set: SignedSet,
    key: SigningKey,
    url: String,
}

impl Contenders {
    fn new(url: &str, ca: &str, http1_only: bool) -> Self {
        let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
        let network = Network::new().ca_bundle(ca);
        let network = if http1_only { network.http1_only() } else { network };
        let builder = Transmitter::builder("https://edr.example.com", key.clone());
        let transmitter = builder.network(network).build().unwrap();
        let receiver = Receiver::builder(url, "aud").allow_loopback().concurrency(64).build().unwrap();
        let set = transmitter.prepare(event(), Subject::email("ada@example.com"), &receiver).unwrap();
        let set = set.sign(&key).unwrap();
        Self { bare: bare_client(ca, http1_only), transmitter, receiver, set, key, url: url.to_owned() }
    }

    async fn bare(&self, count: usize, concurrency: usize) -> f64 {
        rate(count, concurrency, || {
            let request = self
                .bare
                .post(&self.url)
                .header("content-type", "application/secevent+jwt")
                .header("accept", "application/json")
                .body(self.set.as_str().to_owned());
            async move {
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 202);
                answer.bytes().await.unwrap();
            }
        })
        .await
    }

    async fn deliver(&self, count: usize, concurrency: usize) -> f64 {
        rate(count, concurrency, || {
            let (transmitter, set, receiver) =
                (self.transmitter.clone(), self.set.clone(), self.receiver.clone());
            async move {
                transmitter.deliver(&set, &receiver).await.unwrap();
            }
        })
        .await
    }

    async fn emit(&self, count: usize, concurrency: usize) -> f64 {
        rate(count, concurrency, || {
            let emit = self.transmitter.emit(event(), Subject::email("ada@example.com"), &self.receiver);
            async move {
                emit.await.unwrap();
            }
        })
        .await
    }

    fn sign(&self, count: usize) -> f64 {
        let began = Instant::now();
        for _ in 0..count {
            let set = SetBuilder::new("https://edr.example.com", "aud")
                .event(event())
                .subject(Subject::email("ada@example.com"))
                .sign(&self.key)
                .unwrap();
            std::hint::black_box(set);
        }
        count as f64 / began.elapsed().as_secs_f64()
    }
}

fn event() -> caep::SessionRevoked {
    caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost")
}

/// What a dead receiver among ten does to the 99th percentile of the others' latency.
async fn isolation(url: &str, ca: &str) -> f64 {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let transmitter = Transmitter::builder("https://edr.example.com", key)
        .network(Network::new().ca_bundle(ca))
        .build()
        .unwrap();
    let live: Vec<_> =
        (0..9).map(|_| Receiver::builder(url, "aud").allow_loopback().build().unwrap()).collect();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead_url = format!("http://{}/", silent.local_addr().unwrap());
    let dead = Receiver::builder(dead_url, "aud").allow_loopback().build().unwrap();
    let policy = RetryPolicy::new().attempt_timeout(Duration::from_millis(200));

    let p99 = async |tenth: &Receiver| {
        let mut tasks = JoinSet::new();
        let mut latencies = Vec::new();
        for number in 0..4000 {
            let last = number % 10 == 9;
            let receiver = if last { tenth } else { &live[number % 10] };
            let emit = transmitter.emit(event(), Subject::opaque("1"), receiver).retry(policy.clone());
            let emit = emit.deadline(Duration::from_millis(500));
            tasks.spawn(async move {
                let began = Instant::now();
                let result = emit.await;
                (last, result.is_ok(), began.elapsed().as_secs_f64())
            });
            while tasks.len() >= 160 {
                let (last, delivered, seconds) = tasks.join_next().await.unwrap().unwrap();
                assert!(delivered || last);
                latencies.extend((!last).then_some(seconds));
            }
        }
        while tasks.join_next().await.is_some() {}
        latencies.sort_by(f64::total_cmp);
        latencies[latencies.len() * 99 / 100]
    };
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let well = p99(&live[0]).await;
        ratios.push(p99(&dead).await / well);
    }
    median(ratios)
}

fn main() {
    let (url, ca) = server();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        println!(
            "protocol  at once  pre-signed, bare = 1  emit RS256, signing = 1  emit RS256 at its limit = 1"
        );
        for (name, http1_only) in [("HTTP/1.1", true), ("HTTP/2", false)] {
            let contenders = Contenders::new(&url, &ca, http1_only);
            for concurrency in [1, 16, 64] {
                let count = if concurrency == 1 { 1500 } else { 4000 };
                let (mut delivered, mut emitted, mut limits) = (Vec::new(), Vec::new(), Vec::new());
                contenders.bare(500, concurrency).await;
                contenders.deliver(500, concurrency).await;
                for _ in 0..ROUNDS {
                    let bare = contenders.bare(count, concurrency).await;
                    delivered.push(contenders.deliver(count, concurrency).await / bare);
                    let signing = contenders.sign(1000);
                    let emit = contenders.emit(count / 2, concurrency).await;
                    emitted.push(emit / signing);
                    // One thread signs and sends in turn.
                    limits.push(emit * (1.0 / signing + 1.0 / bare));
                }
                let (delivered, emitted, limits) = (median(delivered), median(emitted), median(limits));
                println!("{name:<8}  {concurrency:>7}  {delivered:>20.2}  {emitted:>23.2}  {limits:>27.2}");
            }
        }
        println!(
            "p99 of nine receivers beside a dead one, beside a living one = 1: {:.2}",
            isolation(&url, &ca).await
        );
    });
}

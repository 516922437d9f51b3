//! What streams cost: polls, requests that manage streams, an event for 20,000 streams, and 10,000 polls that wait.
//!
//! `cargo xtask bench streams` runs this, in memory, with `SSF_BENCH_STORE=sqlite` and `SSF_BENCH_FOLDER` in SQLite, and with
//! `SSF_BENCH_STORE=postgres` in PostgreSQL, with its own settings: a commit waits for the disk. Requests go to the handler, without sockets; rates
//! are per second of processor time, of all threads together, beside that of raw signatures in the same run. What a database server uses is not
//! counted.

#![allow(
    missing_docs,
    clippy::cast_precision_loss,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark"
)]
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark")]

mod kept;
mod rate;
#[path = "../../../store-postgres/tests/common/server.rs"]
mod server;

use std::time::{Duration, Instant};

use kept::Kept;
use rate::{Rate, measured, memory, processor};

use openssl::{ec, hash::MessageDigest, nid::Nid, pkey::PKey, sign::Signer};
use serde_json::{Value, json};
use ssf_transmitter::{
    KeySet, KeyType, SigningKey, Subject,
    event::caep,
    outbox::{Entry, StreamStore},
    stream::{Begun, Caller, Head, Scope, StreamApi},
};
use ssf_transmitter_tower::TokioTimer;

const EVENT: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const SETS: usize = 20_000;
const PER_POLL: usize = 100;
const STREAMS: usize = 20_000;
const WAITING: usize = 10_000;
const EVENTS: usize = 3;
const CALLERS: usize = 64;
const ROUNDS: usize = 30;

/// ES256 without anything else.
async fn raw_signatures() -> Rate {
    let group = ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(ec::EcKey::generate(&group).unwrap()).unwrap();
    let message = [b'x'; 500];
    measured(SETS, async {
        for _ in 0..SETS {
            let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
            std::hint::black_box(signer.sign_oneshot_to_vec(&message).unwrap());
        }
    })
    .await
}

fn caller(number: usize) -> Caller {
    Caller::new(format!("receiver-{number}")).audience("https://receiver.example.com").scope(Scope::Manage)
}

fn api(store: impl StreamStore + 'static) -> StreamApi {
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    StreamApi::builder("https://tr.example.com", keys, store)
        .event("caep.session-revoked")
        .long_poll(TokioTimer, Duration::from_mins(10))
        .max_waiting(u64::MAX)
        .rate_limit(None)
        .build()
        .unwrap()
}

/// Runs as many tasks as there are callers.
async fn together<F: Future<Output = ()> + Send + 'static>(task: impl Fn(usize) -> F) {
    let callers: Vec<_> = (0..CALLERS).map(|caller| tokio::spawn(task(caller))).collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

/// A request and its answer.
async fn ask(api: &StreamApi, caller: Caller, method: &str, target: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let head = Head::new(method, target).header("content-type", "application/json");
    let answer = match api.begin(&head, caller) {
        Begun::Body(call) => call.respond(body.as_bytes()).await,
        Begun::Answered(answer) => answer,
    };
    assert!(answer.status() < 300, "{method} {target}: {}", answer.status());
    serde_json::from_slice(answer.body()).unwrap_or_default()
}

/// Creates a stream, and returns its id.
async fn create(api: &StreamApi, number: usize) -> String {
    let body = json!({ "events_requested": [EVENT] });
    let created = ask(api, caller(number), "POST", "/ssf/streams", &body).await;
    created["stream_id"].as_str().unwrap().to_owned()
}

fn event(number: usize) -> Entry {
    let event = caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost");
    Entry::new(event, Subject::opaque(format!("user-{number}")))
}

/// Polls until nothing is left, and acknowledges all.
async fn drain(api: &StreamApi, id: &str) {
    let (mut ack, mut got) = (Vec::new(), 0);
    while got < SETS || !ack.is_empty() {
        let body = json!({ "ack": ack, "maxEvents": PER_POLL, "returnImmediately": true });
        let answer = ask(api, caller(0), "POST", &format!("/ssf/poll/{id}"), &body).await;
        ack = answer["sets"].as_object().unwrap().keys().cloned().collect();
        got += ack.len();
    }
    assert_eq!(got, SETS);
}

async fn polls(api: &StreamApi) -> Rate {
    let id = create(api, 0).await;
    let publisher = api.clone();
    together(move |caller| {
        let api = publisher.clone();
        async move {
            for number in (caller..SETS).step_by(CALLERS) {
                api.publish(event(number)).await.unwrap();
            }
        }
    })
    .await;
    measured(SETS, drain(api, &id)).await
}

/// Creates a stream, changes and reads it, adds and removes a subject, and deletes the stream.
async fn manage(api: StreamApi, number: usize) {
    for _ in 0..ROUNDS {
        let id = create(&api, number).await;
        let subject = json!({ "format": "opaque", "id": number.to_string() });
        let of_subject = json!({ "stream_id": id, "subject": subject });
        let of_stream = json!({ "stream_id": id, "description": "changed" });
        let read = format!("/ssf/streams?stream_id={id}");
        ask(&api, caller(number), "PATCH", "/ssf/streams", &of_stream).await;
        ask(&api, caller(number), "GET", &read, &Value::Null).await;
        ask(&api, caller(number), "POST", "/ssf/subjects:remove", &of_subject).await;
        ask(&api, caller(number), "POST", "/ssf/subjects:add", &of_subject).await;
        ask(&api, caller(number), "DELETE", &read, &Value::Null).await;
    }
}

async fn management(api: &StreamApi) -> Rate {
    measured(ROUNDS * CALLERS * 6, together(|caller| manage(api.clone(), caller))).await
}

/// Creates streams, and returns the id of the first one.
async fn create_many(api: &StreamApi, count: usize) -> String {
    let first = create(api, 0).await;
    together(|caller| {
        let api = api.clone();
        async move {
            for number in (caller..count).step_by(CALLERS).filter(|number| *number > 0) {
                create(&api, number).await;
            }
        }
    })
    .await;
    first
}

async fn fan_out(api: &StreamApi) -> Rate {
    create_many(api, STREAMS).await;
    measured(EVENTS * STREAMS, async {
        for number in 0..EVENTS {
            assert_eq!(api.publish(event(number)).await.unwrap().streams, STREAMS as u64);
        }
    })
    .await
}

/// Waits until each poll has asked the store once: then, nothing is left to do.
async fn settled() {
    for _ in 0..30 {
        let before = processor();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let used = before.zip(processor()).map(|(before, after)| after.saturating_sub(before));
        if used.is_some_and(|used| used < Duration::from_millis(50)) {
            return;
        }
    }
}

/// Polls that wait: the memory of each, how long it takes to answer one of them, and how long to answer all.
async fn idle(api: &StreamApi) -> (Option<usize>, Duration, Duration) {
    let first = create_many(api, WAITING).await;
    let mut ids = Vec::new();
    for number in 0..WAITING {
        let read = ask(api, caller(number), "GET", "/ssf/streams", &Value::Null).await;
        ids.push(read[0]["stream_id"].as_str().unwrap().to_owned());
    }
    let before = memory();
    let mut polls: Vec<_> = ids
        .iter()
        .enumerate()
        .map(|(number, id)| {
            let (api, target) = (api.clone(), format!("/ssf/poll/{id}"));
            tokio::spawn(async move { ask(&api, caller(number), "POST", &target, &json!({})).await })
        })
        .collect();
    settled().await;
    assert!(polls.iter().all(|poll| !poll.is_finished()), "nothing is there to poll");
    let each = before.zip(memory()).map(|(before, after)| after.saturating_sub(before) / WAITING);
    let began = Instant::now();
    ask(api, caller(0), "POST", "/ssf/verify", &json!({ "stream_id": first })).await;
    polls.remove(0).await.unwrap();
    let one = began.elapsed();
    assert!(polls.iter().all(|poll| !poll.is_finished()), "an event of one stream answers one poll");
    let began = Instant::now();
    api.publish(event(1)).await.unwrap();
    for poll in polls {
        assert_eq!(poll.await.unwrap()["sets"].as_object().unwrap().len(), 1);
    }
    (each, one, began.elapsed())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // Each store has a process of its own, so that one does not use the memory that the other has left.
    let kept = Kept::chosen();
    println!("\nstreams in {}", kept.name());

    let (each, one, all) = idle(&kept.open("idle").await).await;
    let each = each.map_or_else(|| "unknown".to_owned(), |each| format!("{each} bytes"));
    println!(
        "{WAITING} polls that wait: memory of each {each}; one is answered in {one:.1?}, all in {all:.1?}"
    );
    let raw = raw_signatures().await;
    println!("{:<50} {raw}", "raw ES256 signatures");
    let polled = polls(&kept.open("polls").await).await;
    println!("{:<50} {polled}", format!("SETs, {PER_POLL} per poll, acknowledged"));
    println!(
        "{:<50} {:>9.3}",
        "  rate by processor time, raw = 1",
        polled.per_processor() / raw.per_processor()
    );
    let managed = management(&kept.open("management").await).await;
    println!("{:<50} {managed}", format!("management, {CALLERS} callers"));
    let spread = fan_out(&kept.open("fan_out").await).await;
    println!("{:<50} {spread}", format!("deliveries of one event to {STREAMS} streams"));
    println!("{:<50} {:>9.0} ms", "  one such event", 1000.0 * STREAMS as f64 / spread.wall);
    kept.remove();
}

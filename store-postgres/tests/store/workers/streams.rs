//! Streams of several servers in one database.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ssf_transmitter::{
    KeySet, KeyType, SigningKey, Subject,
    event::caep,
    key::BoxFuture,
    outbox::{Claim, Entry, Filter, Poll, Published, Store, StreamRecord, StreamStore},
    stream::{Begun, Caller, Head, Scope, StreamApi, Timer},
};
use ssf_transmitter_postgres::PostgresStore;

use crate::common::{LEASE, new_outbox, outbox, server::shared, sql, until, within_guard};

const EVENT: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

/// Waits as tokio does.
struct Tokio;

impl Timer for Tokio {
    fn wait(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// A server with this store, whose long polls end with an event only.
fn server(store: PostgresStore) -> StreamApi {
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let api = StreamApi::builder("https://tr.example.com", keys, store).event("caep.session-revoked");
    api.long_poll(Tokio, LEASE * 60).build().unwrap()
}

async fn post(api: &StreamApi, target: &str, body: Value) -> Value {
    let head = Head::new("POST", target).header("Content-Type", "application/json");
    let caller = Caller::new("acme").audience("https://acme.example.com").scope(Scope::Manage);
    let answer = match api.begin(&head, caller) {
        Begun::Answered(answer) => answer,
        Begun::Body(call) => call.respond(body.to_string().as_bytes()).await,
    };
    assert!(answer.status() < 300, "{} {}", answer.status(), String::from_utf8_lossy(answer.body()));
    serde_json::from_slice(answer.body()).unwrap()
}

async fn publish(api: &StreamApi, user: &str) -> Published {
    api.publish(Entry::new(caep::SessionRevoked::new(), Subject::opaque(user))).await.unwrap()
}

fn jtis(polled: &Value) -> Vec<String> {
    polled["sets"].as_object().unwrap().keys().cloned().collect()
}

async fn create(api: &StreamApi) -> String {
    let stream = post(api, "/ssf/streams", json!({ "events_requested": [EVENT] })).await;
    format!("/ssf/poll/{}", stream["stream_id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_their_streams() {
    let builder = outbox(&shared().url()).await;
    let one = server(builder.connect().await.unwrap());
    let other = server(builder.connect().await.unwrap());
    let poll = create(&one).await;
    let waiting = tokio::spawn({
        let (one, poll) = (one.clone(), poll.clone());
        async move { post(&one, &poll, json!({})).await }
    });
    let published = publish(&other, "ada").await;
    assert_eq!(published.streams, 1);
    // The other server wakes the long poll.
    let first = within_guard(waiting).await.unwrap();
    assert_eq!(jtis(&first), published.jtis);
    // It is lent, whichever server is asked; either one takes the acknowledgement, and the next one about the subject is ready then.
    let second = publish(&one, "ada").await;
    let at_once = post(&other, &poll, json!({ "returnImmediately": true })).await;
    assert_eq!(jtis(&at_once), Vec::<String>::new());
    let next = post(&other, &poll, json!({ "ack": published.jtis })).await;
    assert_eq!(jtis(&next), second.jtis);
    // What waits on one server is woken by an acknowledgement on the other.
    let third = publish(&one, "ada").await;
    let waiting = tokio::spawn({
        let (one, poll) = (one.clone(), poll.clone());
        async move { post(&one, &poll, json!({})).await }
    });
    let acknowledging = json!({ "ack": second.jtis, "maxEvents": 0 });
    post(&other, &poll, acknowledging).await;
    assert_eq!(jtis(&within_guard(waiting).await.unwrap()), third.jtis);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_poll_and_acknowledge_at_once_lose_nothing() {
    const EVENTS: usize = 120;
    let builder = outbox(&shared().url()).await;
    let apis = [server(builder.connect().await.unwrap()), server(builder.connect().await.unwrap())];
    let poll = create(&apis[0]).await;
    let publishing = tokio::spawn({
        let api = apis[1].clone();
        async move {
            let mut jtis = Vec::new();
            for number in 0..EVENTS {
                jtis.extend(publish(&api, &(number % 7).to_string()).await.jtis);
            }
            jtis
        }
    });
    let (mut got, mut acknowledged) = (Vec::new(), Vec::<String>::new());
    while got.len() < EVENTS {
        let api = &apis[got.len() % 2];
        let body = json!({ "ack": acknowledged, "maxEvents": 5 });
        acknowledged = jtis(&within_guard(post(api, &poll, body)).await);
        got.extend(acknowledged.clone());
    }
    post(&apis[0], &poll, json!({ "ack": acknowledged, "maxEvents": 0 })).await;
    let mut published = publishing.await.unwrap();
    got.sort();
    published.sort();
    assert_eq!(got, published, "each once: all were acknowledged in time");
    let counts = builder.connect().await.unwrap().counts().await.unwrap();
    assert_eq!((counts.delivered, counts.is_balanced()), (EVENTS as u64, true));
}

/// Copies of the stream `s0`, so many.
fn copies(count: u32) -> String {
    format!(
        "INSERT INTO receivers (name, mode, state)
            SELECT 'stream:s' || n, mode, state FROM receivers CROSS JOIN generate_series(1, {count}) AS n WHERE name = 'stream:s0';
        INSERT INTO streams (receiver, id, owner, version, status, polled, events, all_subjects, configuration)
            SELECT r.id, 's' || n, 'owner ' || n, version, status, polled, events, all_subjects, configuration
            FROM streams CROSS JOIN generate_series(1, {count}) AS n JOIN receivers r ON r.name = 'stream:s' || n;
        INSERT INTO stream_events (event, all_subjects, receiver)
            SELECT event, e.all_subjects, s.receiver FROM stream_events e CROSS JOIN streams s WHERE s.id <> 's0'"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_for_many_streams_is_one_row() {
    const STREAMS: u32 = 20_000;
    let url = shared().url();
    let (builder, schema) = new_outbox(&url).await;
    let (store, client) = (builder.connect().await.unwrap(), sql(&url, &schema).await);
    let mut record = StreamRecord::new("s0", "acme");
    record.events = vec![EVENT.to_owned()];
    store.create_stream(record, 1).await.unwrap();
    client.batch_execute(&copies(STREAMS - 1)).await.unwrap();
    let api = server(store.clone());
    let mut millis = Vec::new();
    let began = Instant::now();
    let published = publish(&api, "ada").await;
    millis.push(began.elapsed().as_millis());
    assert_eq!((published.streams, published.jtis.len()), (u64::from(STREAMS), STREAMS as usize));
    let row = client.query_one("SELECT count(*), sum(kept)::bigint FROM events", &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (1, i64::from(STREAMS)));
    // In order behind the first one, as in each stream alone.
    for user in ["ada", "bob"] {
        let began = Instant::now();
        publish(&api, user).await;
        millis.push(began.elapsed().as_millis());
    }
    println!("\nstreams: an event for {STREAMS} takes {millis:?} ms");
    let polled = store.poll(Poll::new("s7", 10, LEASE)).await.unwrap();
    assert_eq!(polled.deliveries.len(), 2, "one about each of them");
    assert!(store.claim(Claim::new(10, 10, LEASE, 3)).await.unwrap().deliveries.is_empty());
    assert_eq!(store.delete_stream("s7").await.unwrap(), Some(3));
    assert_eq!(store.list(Filter::new().receiver("stream:s8"), None, 10).await.unwrap().len(), 3);
    assert!(store.counts().await.unwrap().is_balanced());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_has_chosen_a_stream_leaves_nothing_if_that_is_deleted() {
    let url = shared().url();
    let (builder, schema) = new_outbox(&format!("{url}?application_name=chooses")).await;
    let (store, other, watcher) =
        (builder.connect().await.unwrap(), sql(&url, &schema).await, sql(&url, &schema).await);
    let mut record = StreamRecord::new("one", "acme");
    record.events = vec![EVENT.to_owned()];
    store.create_stream(record, 1).await.unwrap();
    let api = server(store.clone());
    // As another server deletes it, which has never had a delivery.
    other.batch_execute("BEGIN; DELETE FROM streams; SELECT FROM receivers FOR UPDATE").await.unwrap();
    let publishing = tokio::spawn(async move { publish(&api, "ada").await.streams });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'chooses' AND wait_event_type = 'Lock'";
    until(async || {
        let waiting: i64 = watcher.query_one(waits, &[]).await.unwrap().get(0);
        (waiting > 0).then_some(())
    })
    .await;
    other.batch_execute("DELETE FROM stream_events; DELETE FROM receivers; COMMIT").await.unwrap();
    assert_eq!(publishing.await.unwrap(), 0);
    assert!(store.receivers(None, 10).await.unwrap().is_empty());
    assert_eq!(store.counts().await.unwrap().enqueued, 0);
}

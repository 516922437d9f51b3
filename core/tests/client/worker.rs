//! A worker sends what waits in an outbox, over real connections, and nothing is lost on the way.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::server::Server;
use serde_json::Value;
use ssf_transmitter::{
    Error, ErrorCode, KeySet, KeyType, Receiver, Result, SignedSet, SigningKey, Subject, Timestamp,
    Transmitter,
    client::{Receivers, Worker, receivers_fn},
    event::caep,
    key::ExternalKey,
    outbox::{
        Alert, Claim, Claims, Counts, Cursor, Enqueued, Entry, Filter, Frozen, History, Lease, MemoryStore,
        Message, Outbox, Pruned, ReceiverRecord, Record, Replay, Retention, Schedule, Seal, Settled,
        Settlement, State, Status, Store, StoreHealth,
    },
};

type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Long enough for any step on a busy machine; only a hang takes so long.
const GUARD: Duration = Duration::from_mins(10);

fn entry(receiver: &str) -> Entry {
    Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to(receiver)
}

fn transmitter() -> Transmitter {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    Transmitter::builder("https://edr.example.com", key).build().unwrap()
}

fn one(name: &str, server: &Server) -> HashMap<String, Receiver> {
    HashMap::from([(name.to_owned(), server.receiver())])
}

fn claims(body: &str) -> Value {
    SignedSet::parse(body).unwrap().decode().unwrap().claims().clone().into()
}

async fn history(outbox: &Outbox, jti: &str) -> History {
    outbox.history(jti).await.unwrap().unwrap()
}

/// Waits until a question has the expected answer.
async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(GUARD, wait).await.unwrap()
}

#[tokio::test]
async fn what_waits_is_delivered_as_it_was_accepted() {
    let (acme, globex) = (Server::always(202, &[], "").await, Server::always(202, &[], "").await);
    let receivers =
        HashMap::from([("acme".to_owned(), acme.receiver()), ("globex".to_owned(), globex.receiver())]);
    let outbox = Outbox::new(MemoryStore::new());
    let enqueued = outbox.enqueue(entry("acme").to("globex").txn("incident-4711")).await.unwrap();
    let drained = Worker::new(outbox.clone(), transmitter(), receivers).drain().await.unwrap();
    assert_eq!((drained.delivered, drained.failed), (2, 0));

    for (server, jti) in [acme, globex].iter().zip(&enqueued.jtis) {
        let seen = server.seen();
        assert_eq!(seen.len(), 1);
        let claims = claims(&seen[0].body);
        let history = history(&outbox, jti).await;
        assert_eq!(claims["jti"], jti.as_str());
        assert_eq!(claims["txn"], "incident-4711");
        assert_eq!(claims["iat"], history.record.enqueued_at.as_unix_seconds());
        assert_eq!(history.record.state, State::Delivered);
        let [attempt] = &history.attempts[..] else { panic!("{:?}", history.attempts) };
        assert_eq!((attempt.status, &attempt.failure), (Some(202), &None));
        assert!(attempt.kid.is_some());
    }
}

#[tokio::test]
async fn an_event_that_is_rejected_is_dead_with_the_words_of_the_receiver_and_can_be_replayed() {
    let body = r#"{"err":"invalid_request","description":"reason_admin is missing"}"#;
    let server = Server::start(move |_, before| match before {
        0 => (400, Vec::new(), body.into()),
        _ => (202, Vec::new(), Vec::new()),
    })
    .await;
    let outbox = Outbox::new(MemoryStore::new());
    let jti = outbox.enqueue(entry("acme")).await.unwrap().jtis.remove(0);
    let worker = || Worker::new(outbox.clone(), transmitter(), one("acme", &server));
    assert_eq!(worker().drain().await.unwrap().failed, 1);
    let record = history(&outbox, &jti).await.record;
    let failure = record.failure.unwrap();
    assert_eq!((record.state, failure.code), (State::Dead, ErrorCode::ReceiverRejected));
    assert_eq!(failure.status, Some(400));
    assert_eq!(failure.receiver_error.as_deref(), Some("invalid_request"));
    assert_eq!(failure.description.as_deref(), Some("reason_admin is missing"));

    // The receiver wrote its words: no log that prints a value shows them.
    let printed = format!("{:?}", history(&outbox, &jti).await);
    assert!(printed.contains("invalid_request") && !printed.contains("reason_admin"), "{printed}");

    let filter = Filter::new().code("receiver_rejected");
    assert_eq!(outbox.replay(Replay::new(filter)).await.unwrap(), 1);
    assert_eq!(worker().drain().await.unwrap().delivered, 1);
    assert_eq!(claims(&server.seen()[1].body)["jti"], jti.as_str());
    assert_eq!(history(&outbox, &jti).await.attempts.len(), 2);
}

#[tokio::test]
async fn a_receiver_that_rejects_the_sender_is_paused_with_one_alert_and_nothing_is_dead() {
    let repaired = Arc::new(AtomicBool::new(false));
    let is_repaired = repaired.clone();
    let broken = Server::start(move |_, _| {
        (if is_repaired.load(Ordering::SeqCst) { 202 } else { 403 }, Vec::new(), Vec::new())
    })
    .await;
    let healthy = Server::always(202, &[], "").await;
    let receivers =
        HashMap::from([("broken".to_owned(), broken.receiver()), ("healthy".to_owned(), healthy.receiver())]);
    let outbox = Outbox::new(MemoryStore::new());
    for _ in 0..20 {
        outbox.enqueue(entry("broken")).await.unwrap();
        outbox.enqueue(entry("healthy")).await.unwrap();
    }
    let alerts = Arc::new(Mutex::new(Vec::new()));
    let worker = || {
        let alerts = alerts.clone();
        Worker::new(outbox.clone(), transmitter(), receivers.clone())
            .on_alert(move |name, alert| alerts.lock().unwrap().push((name.to_owned(), alert.clone())))
    };
    worker().drain().await.unwrap();
    let counts = outbox.counts().await.unwrap();
    assert_eq!((counts.delivered, counts.dead, counts.waiting), (20, 0, 20));
    let heard = alerts.lock().unwrap().clone();
    assert!(
        matches!(&heard[..], [(name, Alert::Paused(failure))]
            if name == "broken" && failure.code == ErrorCode::ReceiverUnauthorized),
        "{heard:?}"
    );
    let paused = &outbox.receivers(None, 1).await.unwrap()[0];
    assert_eq!((paused.name.as_str(), paused.state.status), ("broken", Status::Paused));

    repaired.store(true, Ordering::SeqCst);
    outbox.release("broken").await.unwrap();
    worker().drain().await.unwrap();
    let counts = outbox.counts().await.unwrap();
    assert_eq!((counts.delivered, counts.dead, counts.waiting), (40, 0, 0));
}

#[tokio::test]
async fn a_name_that_becomes_known_is_delivered_to() {
    let server = Server::always(202, &[], "").await;
    let known = Arc::new(Mutex::new(None));
    let outbox = Outbox::new(MemoryStore::new());
    let jti = outbox.enqueue(entry("acme")).await.unwrap().jtis.remove(0);
    let worker = || {
        let known = known.clone();
        let receivers = receivers_fn(move |_| std::future::ready(Ok(known.lock().unwrap().clone())));
        Worker::new(outbox.clone(), transmitter(), receivers)
    };
    worker().drain().await.unwrap();
    let record = history(&outbox, &jti).await.record;
    assert_eq!((record.state, record.attempts), (State::Waiting, 0));
    assert_eq!(record.failure.unwrap().code, ErrorCode::ReceiverUnknown);

    *known.lock().unwrap() = Some(server.receiver());
    outbox.release("acme").await.unwrap();
    assert_eq!(worker().drain().await.unwrap().delivered, 1);
}

#[tokio::test]
async fn a_function_that_never_returns_does_not_keep_a_delivery() {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let transmitter =
        Transmitter::builder("https://edr.example.com", key).deadline(Duration::from_millis(20));
    let outbox = Outbox::new(MemoryStore::new());
    let jti = outbox.enqueue(entry("acme")).await.unwrap().jtis.remove(0);
    let never = receivers_fn(|_| std::future::pending());
    let worker = Worker::new(outbox.clone(), transmitter.build().unwrap(), never);
    assert_eq!(worker.drain().await.unwrap().failed, 1);
    let record = history(&outbox, &jti).await.record;
    assert_eq!((record.state, record.failure.unwrap().code), (State::Waiting, ErrorCode::DeadlineExceeded));
}

#[tokio::test]
async fn a_function_is_asked_once_for_a_receiver_until_it_is_forgotten() {
    let asked = Arc::new(AtomicUsize::new(0));
    let (server, calls) = (Server::always(202, &[], "").await, asked.clone());
    let receiver = server.receiver();
    let receivers = receivers_fn(move |_| {
        calls.fetch_add(1, Ordering::SeqCst);
        let receiver = receiver.clone();
        async {
            tokio::task::yield_now().await;
            Ok(Some(receiver))
        }
    });
    // Also at the same time: all deliveries share the receiver.
    let (one, other) = tokio::join!(receivers.find("acme"), receivers.find("acme"));
    assert!(one.unwrap().is_some() && other.unwrap().is_some());
    assert!(receivers.find("acme").await.unwrap().is_some());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    receivers.forget("acme");
    receivers.find("acme").await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_retry_has_the_same_claims_and_the_current_key() {
    let first = SigningKey::generate(KeyType::P256).unwrap();
    let second = SigningKey::generate(KeyType::P256).unwrap();
    let keys = KeySet::new(first.clone());
    keys.stage(second.clone(), Timestamp::now()).unwrap();
    // The key rotates during the first attempt.
    let rotating = keys.clone();
    let server = Server::start(move |_, before| match before {
        0 => {
            rotating.rotate(Timestamp::now(), Duration::ZERO).unwrap();
            (503, Vec::new(), Vec::new())
        }
        _ => (202, Vec::new(), Vec::new()),
    })
    .await;
    let transmitter = Transmitter::builder("https://edr.example.com", keys).build().unwrap();
    let outbox = Outbox::new(MemoryStore::new());
    let jti = outbox.enqueue(entry("acme")).await.unwrap().jtis.remove(0);
    let schedule = Schedule::new().base(Duration::from_millis(1));
    let worker =
        || Worker::new(outbox.clone(), transmitter.clone(), one("acme", &server)).schedule(schedule.clone());
    until(async || (worker().drain().await.unwrap().delivered == 1).then_some(())).await;
    let seen = server.seen();
    assert_eq!(claims(&seen[0].body), claims(&seen[1].body));
    let kids: Vec<_> =
        seen.iter().map(|seen| SignedSet::parse(&seen.body).unwrap().decode().unwrap()).collect();
    assert_eq!(kids[0].header()["kid"], first.kid());
    assert_eq!(kids[1].header()["kid"], second.kid());
    let attempts = history(&outbox, &jti).await.attempts;
    assert_eq!(
        attempts.iter().map(|attempt| attempt.kid.as_deref()).collect::<Vec<_>>(),
        [Some(first.kid()), Some(second.kid())]
    );
}

#[tokio::test]
async fn a_receiver_that_has_the_set_from_a_lost_answer_counts_as_delivered() {
    let server =
        Server::start(|_, before| (if before == 0 { 503 } else { 409 }, Vec::new(), Vec::new())).await;
    let outbox = Outbox::new(MemoryStore::new());
    outbox.enqueue(entry("acme")).await.unwrap();
    let schedule = Schedule::new().base(Duration::from_millis(1));
    until(async || {
        let worker =
            Worker::new(outbox.clone(), transmitter(), one("acme", &server)).schedule(schedule.clone());
        (worker.drain().await.unwrap().delivered == 1).then_some(())
    })
    .await;
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_sealed_entry_is_readable_only_with_its_key() {
    let server = Server::always(202, &[], "").await;
    let store = MemoryStore::new();
    let sealed = |seal| Outbox::new(store.clone()).seal(seal);
    let october = Seal::new([1; 32], "2026-10", [2; 32]).unwrap();
    let november = Seal::new([1; 32], "2026-11", [3; 32]).unwrap();
    let both = november.clone().also_opens("2026-10", [2; 32]).unwrap();
    let outbox = sealed(october);
    let jti = outbox.enqueue(entry("acme").idempotency_key("1")).await.unwrap().jtis.remove(0);

    // What the store has does not show the subject.
    let claimed = store.claim(Claim::new(1, 1, GUARD, 5)).await.unwrap().deliveries.remove(0);
    assert!(!String::from_utf8_lossy(claimed.payload.as_bytes()).contains("ada"));
    store.settle(vec![Settlement::released(claimed.lease)]).await.unwrap();

    Worker::new(sealed(november), transmitter(), one("acme", &server)).drain().await.unwrap();
    let record = history(&outbox, &jti).await.record;
    assert_eq!((record.state, record.failure.unwrap().code), (State::Waiting, ErrorCode::OutboxKeyMissing));
    outbox.release("acme").await.unwrap();
    let outbox = sealed(both);
    Worker::new(outbox.clone(), transmitter(), one("acme", &server)).drain().await.unwrap();
    assert_eq!(claims(&server.seen()[0].body)["sub_id"]["email"], "ada@example.com");

    // The index key is the same, so the new key finds what the old one stored.
    let subject = outbox.subject_tag(&Subject::email("ada@example.com")).unwrap();
    assert_eq!(outbox.list(Filter::new().subject(subject), None, 10).await.unwrap().len(), 1);
    assert!(outbox.enqueue(entry("acme").idempotency_key("1")).await.unwrap().repeated);
    let plain = Seal::subject_tag(None, &Subject::email("ada@example.com")).unwrap();
    assert_eq!(outbox.list(Filter::new().subject(plain), None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_running_worker_sends_what_is_enqueued_and_stops_gracefully() {
    let server = Server::always(202, &[], "").await;
    let outbox = Outbox::new(MemoryStore::new());
    // Only the notice of the store can be what wakes it.
    let worker = Worker::new(outbox.clone(), transmitter(), one("acme", &server)).poll(GUARD);
    let handle = worker.handle();
    let running = tokio::spawn(worker.run());
    for sent in 1..=3 {
        outbox.enqueue(entry("acme")).await.unwrap();
        until(async || (handle.health().delivered == sent).then_some(())).await;
    }
    handle.stop();
    tokio::time::timeout(GUARD, running).await.unwrap().unwrap().unwrap();
    outbox.enqueue(entry("acme")).await.unwrap();
    assert_eq!(server.seen().len(), 3);
    assert_eq!(handle.health().in_flight, 0);
}

/// Accepts connections, and never answers.
async fn silent() -> Receiver {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/events", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok(connection) = listener.accept().await {
            kept.push(connection);
        }
    });
    Receiver::builder(url, "https://receiver.example.net").allow_loopback().build().unwrap()
}

#[tokio::test]
async fn a_worker_that_stops_releases_what_has_not_ended_and_spends_no_attempt() {
    let receivers = HashMap::from([("silent".to_owned(), silent().await)]);
    let outbox = Outbox::new(MemoryStore::new());
    let jti = outbox.enqueue(entry("silent")).await.unwrap().jtis.remove(0);
    let worker =
        Worker::new(outbox.clone(), transmitter(), receivers).grace(Duration::from_millis(1)).lease(GUARD);
    let handle = worker.handle();
    let running = tokio::spawn(worker.run());
    until(async || (handle.health().in_flight == 1).then_some(())).await;
    handle.stop();
    tokio::time::timeout(GUARD, running).await.unwrap().unwrap().unwrap();
    let record = history(&outbox, &jti).await.record;
    assert_eq!((record.state, record.attempts), (State::Waiting, 0));
}

#[tokio::test]
async fn what_a_closed_transmitter_does_not_send_waits() {
    let transmitter = transmitter();
    transmitter.close().await;
    let server = Server::always(202, &[], "").await;
    let outbox = Outbox::new(MemoryStore::new());
    let jti = outbox.enqueue(entry("acme")).await.unwrap().jtis.remove(0);
    let worker = || Worker::new(outbox.clone(), transmitter.clone(), one("acme", &server));
    for ended in [worker().run().await, worker().drain().await.map(drop)] {
        assert_eq!(ended.unwrap_err().code(), ErrorCode::TransmitterClosed);
    }
    let record = history(&outbox, &jti).await.record;
    assert_eq!((record.state, record.attempts), (State::Waiting, 0));
    assert_eq!(server.seen().len(), 0);
}

/// A store whose database is away for a while.
#[derive(Default)]
struct Unsteady {
    inner: MemoryStore,
    away: Arc<AtomicUsize>,
    /// How many claims each call has kept.
    frozen: Arc<Mutex<Vec<usize>>>,
    /// Fails to keep the claims of several at once.
    freezes_alone: bool,
}

impl Unsteady {
    fn ask<'a, T: Send + 'a>(&self, answer: BoxFuture<'a, Result<T>>) -> BoxFuture<'a, Result<T>> {
        let away = self.away.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match away {
            Ok(_) => Box::pin(std::future::ready(Err(Error::new(ErrorCode::OutboxUnavailable, "away")))),
            Err(_) => answer,
        }
    }
}

impl Store for Unsteady {
    fn enqueue(&self, messages: Vec<Message>) -> BoxFuture<'_, Result<Vec<Enqueued>>> {
        self.inner.enqueue(messages)
    }
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claims>> {
        if self.away.load(Ordering::SeqCst) > 0 {
            return self.ask(Box::pin(std::future::pending()));
        }
        self.inner.claim(claim)
    }
    fn freeze(&self, frozen: Vec<Frozen>) -> BoxFuture<'_, Result<Vec<bool>>> {
        self.frozen.lock().unwrap().push(frozen.len());
        if self.freezes_alone && frozen.len() > 1 {
            let error = Error::new(ErrorCode::OutboxFull, "no room for all");
            return Box::pin(std::future::ready(Err(error)));
        }
        self.ask(self.inner.freeze(frozen))
    }
    fn renew(&self, leases: Vec<Lease>, by: Duration) -> BoxFuture<'_, Result<Vec<bool>>> {
        self.ask(self.inner.renew(leases, by))
    }
    fn settle(&self, settlements: Vec<Settlement>) -> BoxFuture<'_, Result<Vec<Settled>>> {
        if self.away.load(Ordering::SeqCst) > 0 {
            return self.ask(Box::pin(std::future::pending()));
        }
        self.inner.settle(settlements)
    }
    fn replay(&self, replay: Replay) -> BoxFuture<'_, Result<u64>> {
        self.inner.replay(replay)
    }
    fn discard(&self, filter: Filter, dry_run: bool) -> BoxFuture<'_, Result<u64>> {
        self.inner.discard(filter, dry_run)
    }
    fn hold(&self, receiver: &str) -> BoxFuture<'_, Result<()>> {
        self.inner.hold(receiver)
    }
    fn release(&self, receiver: &str) -> BoxFuture<'_, Result<()>> {
        self.inner.release(receiver)
    }
    fn prune(&self, retention: Retention) -> BoxFuture<'_, Result<Pruned>> {
        self.inner.prune(retention)
    }
    fn counts(&self) -> BoxFuture<'_, Result<Counts>> {
        self.inner.counts()
    }
    fn health(&self) -> BoxFuture<'_, Result<StoreHealth>> {
        self.inner.health()
    }
    fn receivers(&self, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Vec<ReceiverRecord>>> {
        self.inner.receivers(after, limit)
    }
    fn list(&self, filter: Filter, after: Option<Cursor>, limit: u32) -> BoxFuture<'_, Result<Vec<Record>>> {
        self.inner.list(filter, after, limit)
    }
    fn history(&self, jti: &str) -> BoxFuture<'_, Result<Option<History>>> {
        self.inner.history(jti)
    }
    fn changed(&self) -> BoxFuture<'_, ()> {
        self.inner.changed()
    }
}

#[tokio::test]
async fn a_worker_outlives_errors_of_its_store() {
    // The first answer comes when the store is away, so that the settlement fails, too.
    let away = Arc::new(AtomicUsize::new(0));
    let leaves = away.clone();
    let server = Server::start(move |_, before| {
        if before == 0 {
            leaves.store(1, Ordering::SeqCst);
        }
        (202, Vec::new(), Vec::new())
    })
    .await;
    let store = Unsteady { away, ..Unsteady::default() };
    let outbox = Outbox::new(store);
    outbox.enqueue(entry("acme")).await.unwrap();
    let worker = Worker::new(outbox.clone(), transmitter(), one("acme", &server));
    let handle = worker.handle();
    let running = tokio::spawn(worker.run());
    until(async || (outbox.counts().await.unwrap().delivered == 1).then_some(())).await;
    let health = until(async || Some(handle.health()).filter(|health| health.delivered == 1)).await;
    assert_eq!(health.store_errors, 1);
    assert!(health.store_error.is_none());
    assert_eq!(server.seen().len(), 1);
    handle.stop();
    tokio::time::timeout(GUARD, running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn the_claims_of_many_are_kept_with_one_call_or_alone_where_that_fails() {
    const DELIVERIES: u32 = 20;
    for freezes_alone in [false, true] {
        let server = Server::always(202, &[], "").await;
        let store = Unsteady { freezes_alone, ..Unsteady::default() };
        let frozen = store.frozen.clone();
        let outbox = Outbox::new(store);
        outbox.enqueue_many((0..DELIVERIES).map(|_| entry("acme"))).await.unwrap();
        let worker = Worker::new(outbox.clone(), transmitter(), one("acme", &server));
        let drained = worker.per_receiver(DELIVERIES).drain().await.unwrap();
        assert_eq!((drained.delivered, drained.failed), (DELIVERIES.into(), 0));
        let frozen = frozen.lock().unwrap();
        assert_eq!(frozen[0], DELIVERIES as usize);
        assert_eq!(frozen.len(), if freezes_alone { 1 + DELIVERIES as usize } else { 1 }, "{frozen:?}");
    }
}

#[tokio::test]
async fn the_caller_signs_for_a_key_without_a_signer() {
    let server = Server::always(202, &[], "").await;
    let local = SigningKey::generate(KeyType::P256).unwrap();
    let external = ExternalKey::new((&local).into(), Some(local.public_key().clone())).unwrap();
    let transmitter = Transmitter::builder("https://edr.example.com", external).build().unwrap();
    let outbox = Outbox::new(MemoryStore::new());
    outbox.enqueue(entry("acme")).await.unwrap();
    let signing = local.clone();
    let worker = Worker::new(outbox, transmitter, one("acme", &server))
        .sign_by(move |_, set| std::future::ready(set.sign(&signing)));
    assert_eq!(worker.drain().await.unwrap().delivered, 1);
    let set = SignedSet::parse(&server.seen()[0].body).unwrap().decode().unwrap();
    assert_eq!(set.header()["kid"], local.kid());
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let outbox = Outbox::new(MemoryStore::new());
    let worker = || Worker::new(outbox.clone(), transmitter(), HashMap::new());
    let wrong = [
        worker().concurrency(0),
        worker().per_receiver(0),
        worker().lease(Duration::ZERO),
        worker().poll(Duration::ZERO),
        worker().schedule(Schedule::new().max_attempts(0)),
    ];
    for worker in wrong {
        assert_eq!(worker.run().await.unwrap_err().code(), ErrorCode::ConfigurationInvalid);
    }
}

//! A transmitter that is killed between an acknowledgement and its answer.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use ssf_transmitter::{
    KeySet, KeyType, SigningKey, Subject,
    event::caep,
    outbox::{Entry, Store},
    stream::{Authentication, Caller, Scope, StreamApi},
};
use ssf_transmitter_store::SqliteStore;
use ssf_transmitter_tower::{StreamService, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    child::{self, Helper, say},
    common::Folder,
    random::Random,
    rounds::rounds,
    world::until,
};

const ISSUER: &str = "https://tr.example.com";
/// What was given out and never arrived comes again soon.
const LEASE: Duration = Duration::from_millis(500);

fn key_file(file: &Path) -> PathBuf {
    file.with_extension("pem")
}

fn api(file: &Path) -> StreamApi {
    let key = std::fs::read_to_string(key_file(file)).unwrap();
    let keys = KeySet::new(SigningKey::from_pem(key).unwrap());
    StreamApi::builder(ISSUER, keys, SqliteStore::open(file).unwrap())
        .event("caep.session-revoked")
        .long_poll(TokioTimer, Duration::from_secs(2))
        .lease(LEASE)
        .rate_limit(None)
        .build()
        .unwrap()
}

/// A receiver that remembers everything.
#[derive(Default)]
struct Receiver {
    /// The path of the poll endpoint.
    endpoint: String,
    /// SETs by their ids.
    sets: HashMap<String, String>,
    repeats: usize,
    /// Those whose acknowledgement was not answered yet.
    open: Vec<String>,
    /// Those whose acknowledgement was answered.
    settled: HashSet<String>,
}

impl Receiver {
    fn request(path: &str, body: &Value) -> String {
        let body = body.to_string();
        let headers =
            "Host: tr\r\nConnection: close\r\nAuthorization: Bearer acme\r\nContent-Type: application/json";
        format!("POST {path} HTTP/1.1\r\n{headers}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    async fn send(port: u16, request: &str) -> std::io::Result<TcpStream> {
        let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
        connection.write_all(request.as_bytes()).await?;
        Ok(connection)
    }

    async fn ask(port: u16, path: &str, body: &Value) -> Value {
        let mut answer = String::new();
        let mut connection = Self::send(port, &Self::request(path, body)).await.unwrap();
        connection.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 20"), "{head}");
        serde_json::from_str(body).unwrap()
    }

    async fn create(&mut self, port: u16) {
        let events = ["https://schemas.openid.net/secevent/caep/event-type/session-revoked"];
        let created = Self::ask(port, "/ssf/streams", &json!({ "events_requested": events })).await;
        let endpoint = created["delivery"]["endpoint_url"].as_str().unwrap();
        endpoint.strip_prefix(ISSUER).unwrap().clone_into(&mut self.endpoint);
    }

    fn body(&self) -> Value {
        json!({ "ack": self.open, "maxEvents": 20 })
    }

    /// Polls, and acknowledges what came before.
    async fn poll(&mut self, port: u16) {
        let answer = Self::ask(port, &self.endpoint, &self.body()).await;
        self.settled.extend(self.open.drain(..));
        for (jti, set) in answer["sets"].as_object().unwrap() {
            assert!(!self.settled.contains(jti), "it came again after its acknowledgement was answered");
            let set = set.as_str().unwrap().to_owned();
            if let Some(first) = self.sets.insert(jti.clone(), set.clone()) {
                assert_eq!(first, set, "a repeat is the same SET");
                self.repeats += 1;
            }
            self.open.push(jti.clone());
        }
    }

    /// Acknowledges, and does not wait for the answer.
    async fn poll_without_answer(&self, port: u16) -> TcpStream {
        Self::send(port, &Self::request(&self.endpoint, &self.body())).await.unwrap()
    }
}

/// What a process says: the ids of what was published.
fn published(said: impl IntoIterator<Item = String>) -> impl Iterator<Item = String> {
    said.into_iter().filter_map(|words| Some(words.strip_prefix("published ")?.to_owned()))
}

fn start(test: &str, file: &Path) -> (Helper, u16) {
    let mut helper = Helper::start(test, file);
    let port = helper.next().unwrap();
    (helper, port.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_a_transmitter_is_killed_before_it_answers() {
    let folder = Folder::new();
    let file = folder.database();
    let key = SigningKey::generate(KeyType::P256).unwrap().export_private_pem().unwrap();
    std::fs::write(key_file(&file), key.expose()).unwrap();
    let store = SqliteStore::open(&file).unwrap();
    let (mut receiver, mut acknowledged) = (Receiver::default(), Vec::new());
    let (mut random, mut unanswered) = (Random(18), 0);
    for round in 0..rounds(15) {
        let (mut transmitter, port) = start("polls::publishes_until_it_is_killed", &file);
        if round == 0 {
            receiver.create(port).await;
        }
        for _ in 0..=random.below(3) {
            let said: Vec<_> = (0..=random.below(20)).filter_map(|_| transmitter.next()).collect();
            acknowledged.extend(published(said));
            receiver.poll(port).await;
        }
        if round % 3 == 2 {
            // At an arbitrary step of what it does.
            let _connection = receiver.poll_without_answer(port).await;
            acknowledged.extend(published(transmitter.kill()));
            continue;
        }
        // Once the acknowledgement is on the disk, whatever becomes of the answer.
        let _connection = receiver.poll_without_answer(port).await;
        for jti in &receiver.open {
            let ended = async || store.history(jti).await.unwrap().unwrap().record.state.has_ended();
            until(async || ended().await.then_some(())).await;
        }
        acknowledged.extend(published(transmitter.kill()));
        unanswered += receiver.open.len();
    }
    assert!(unanswered > 0, "no acknowledgement was left without an answer");

    let (transmitter, port) = start("polls::answers", &file);
    loop {
        receiver.poll(port).await;
        let counts = store.counts().await.unwrap();
        if receiver.open.is_empty() && counts.waiting + counts.in_flight == 0 {
            break;
        }
    }
    drop(transmitter);
    let counts = store.counts().await.unwrap();
    let lost: Vec<_> = acknowledged.iter().filter(|jti| !receiver.sets.contains_key(*jti)).collect();
    assert_eq!(lost, Vec::<&String>::new());
    let all = receiver.sets.len() as u64;
    // Also those arrive whose publisher was killed before it could tell.
    assert_eq!((counts.enqueued, counts.delivered), (all, all));
    assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
    println!(
        "\npolls: {} published, {all} delivered, {} repeats, {unanswered} acknowledged without an answer",
        acknowledged.len(),
        receiver.repeats
    );
}

/// A port for the API, of which the parent hears before anything else.
async fn listen() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    say(&listener.local_addr().unwrap().port().to_string());
    listener
}

async fn serve(listener: TcpListener, api: StreamApi) {
    let caller = async |headers: axum::http::HeaderMap| {
        let known = headers.get("authorization").is_some_and(|token| token == "Bearer acme");
        let caller = Caller::new("acme").scope(Scope::Manage);
        if known { Authentication::from(caller) } else { Authentication::Missing }
    };
    let app = axum::Router::new().fallback_service(StreamService::new(api, caller));
    axum::serve(listener, app).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a helper of the test above"]
async fn publishes_until_it_is_killed() {
    let Some(file) = child::file() else { return };
    let (api, listener) = (api(&file), listen().await);
    let publisher = api.clone();
    // It says what it has published, and waits when nobody listens: on a thread of its own.
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        for number in 0_u64.. {
            let entry = Entry::new(caep::SessionRevoked::new(), Subject::opaque((number % 50).to_string()));
            for jti in runtime.block_on(publisher.publish(entry)).unwrap().jtis {
                say(&format!("published {jti}"));
            }
        }
    });
    serve(listener, api).await;
}

#[tokio::test]
#[ignore = "a helper of the test above"]
async fn answers() {
    let Some(file) = child::file() else { return };
    let api = api(&file);
    serve(listen().await, api).await;
}

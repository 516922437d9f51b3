//! A worker that is stopped past its leases.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use ssf_transmitter::outbox::{State, Store};
use ssf_transmitter_store::SqliteStore;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    child::{self, Helper, say},
    common::{entry, message},
    world::{Everyone, World, emulated, receiver, until, until_all_ended, worker},
};

const DELIVERIES: usize = 8;
const URL_FILE: &str = "url";

/// A world in which a process has claimed all deliveries and sends the first one, and was stopped then. Others have delivered all.
struct Overtaken {
    world: World,
    store: SqliteStore,
    jtis: Vec<String>,
    listener: TcpListener,
    push: TcpStream,
    late: Helper,
}

impl Overtaken {
    async fn new() -> Self {
        let world = World::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        std::fs::write(world.file().with_extension(URL_FILE), url).unwrap();
        let store = world.open();
        let messages = (0..DELIVERIES).map(|number| message(entry("acme", &number.to_string())));
        let enqueued = store.enqueue(messages.collect()).await.unwrap();
        let jtis: Vec<_> = enqueued.into_iter().flat_map(|enqueued| enqueued.jtis).collect();

        let late = Helper::start("leases::sends_one_after_the_other", &world.file());
        let (mut push, _) = listener.accept().await.unwrap();
        assert!(push.read(&mut [0; 16]).await.unwrap() > 0);
        assert_eq!(store.counts().await.unwrap().in_flight, DELIVERIES as u64);
        late.signal(Signal::SIGSTOP);

        let other = worker(&store, &world.file(), Everyone(emulated(&world.file())));
        let handle = other.handle();
        let running = tokio::spawn(other.run());
        assert_eq!(until_all_ended(&store).await.delivered, DELIVERIES as u64);
        handle.stop();
        running.await.unwrap().unwrap();
        Self { world, store, jtis, listener, push, late }
    }

    /// Nothing has changed: all are delivered, at the second attempt.
    async fn check(&self) {
        for jti in &self.jtis {
            let history = self.store.history(jti).await.unwrap().unwrap();
            assert_eq!((history.record.state, history.record.attempts), (State::Delivered, 2));
            assert_eq!(history.attempts.len(), 1, "the ledger has the attempts that counted");
        }
        assert_eq!(self.world.seen().sets.len(), DELIVERIES);
        assert_eq!(self.world.seen().repeats, 0);
    }
}

impl Helper {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id().try_into().unwrap()), signal).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_settlement_changes_nothing() {
    let mut all = Overtaken::new().await;
    // The answer is there when the process goes on. It would make the delivery dead.
    let body = r#"{"err":"invalid_request","description":"no"}"#;
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    all.push.write_all(answer.as_bytes()).await.unwrap();
    all.late.signal(Signal::SIGCONT);
    assert_eq!(all.late.next().as_deref(), Some("lost 8"));
    all.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_have_claimed_meanwhile_is_not_sent() {
    let mut all = Overtaken::new().await;
    all.late.signal(Signal::SIGCONT);
    assert_eq!(all.late.next().as_deref(), Some("lost 8"));
    all.check().await;
    drop(all.late);
    // It has sent one before it was stopped, and no other one.
    let more = std::future::poll_fn(|context| match all.listener.poll_accept(context) {
        std::task::Poll::Ready(more) => std::task::Poll::Ready(Some(more)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    });
    assert!(more.await.is_none(), "another connection");
    let mut rest = Vec::new();
    let _ = all.push.read_to_end(&mut rest).await;
    let requests = String::from_utf8_lossy(&rest).matches("HTTP/1.1\r\n").count();
    assert!(requests <= 1, "another push");
}

#[tokio::test]
#[ignore = "a helper of the tests above"]
async fn sends_one_after_the_other() {
    let Some(file) = child::file() else { return };
    let store = SqliteStore::open(&file).unwrap();
    let url = std::fs::read_to_string(file.with_extension(URL_FILE)).unwrap();
    let worker = worker(&store, &file, Everyone(receiver(&url, 1)));
    let handle = worker.handle();
    tokio::spawn(worker.run());
    let lost = until(async || Some(handle.health().lost).filter(|lost| *lost >= DELIVERIES as u64)).await;
    say(&format!("lost {lost}"));
    std::future::pending::<()>().await;
}

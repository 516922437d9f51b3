//! Behind `PgBouncer` in transaction mode: each transaction may get another connection.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::Stdio,
    sync::mpsc::channel,
    thread,
};

use crate::common::{
    LEASE, claim, entry, outbox,
    server::{Server, account, new_folder, private, shared},
    within_guard,
};
use ssf_transmitter::{
    KeySet, KeyType, SigningKey, Subject,
    event::caep,
    outbox::{Entry, Outbox, Poll, Settlement, Store, StreamRecord, StreamStore, suite},
    stream::StreamApi,
};
use ssf_transmitter_postgres::ParamStyle;
use tokio_postgres::{
    NoTls,
    types::{ToSql, Type},
};

/// A URL that leads through a pooler to the shared server.
fn pooled() -> String {
    pool(shared())
}

/// Starts a pooler with two connections to a server, and returns a URL that leads through it. It ends with this program.
pub(crate) fn pool(server: &Server) -> String {
    let folder = new_folder();
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let (settings, users) = (folder.join("pgbouncer.ini"), folder.join("users.txt"));
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 2\n",
        server.port(),
        users.display()
    );
    for (path, text) in [(&settings, &*text), (&users, "\"postgres\" \"\"\n")] {
        fs::write(path, text).unwrap();
        private(path);
    }
    let mut command = account("pgbouncer");
    command.arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let (started, ready) = channel();
    // The kernel ends the pooler when the thread ends that started it: with this program.
    thread::spawn(move || {
        let mut process = command.spawn().unwrap();
        for line in BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok) {
            if line.contains("process up") {
                started.send(()).ok();
            }
        }
        process.wait().ok();
    });
    ready.recv().expect("PgBouncer did not start");
    format!("postgresql://postgres@127.0.0.1:{port}/postgres")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_outlives_a_transaction() {
    let url = pooled();
    let violations = suite::run(async |clock| {
        let store = outbox(&url).await.clock(clock).connect().await?;
        Ok(Box::new(store) as Box<dyn Store>)
    });
    assert_eq!(violations.await, []);
    let violations = suite::streams::run(async |clock| {
        let store = outbox(&url).await.clock(clock).connect().await?;
        Ok(Box::new(store) as Box<dyn StreamStore>)
    });
    assert_eq!(violations.await, []);

    // More stores than connections, with different schemas.
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let store = outbox(&url).await.connect().await.unwrap();
        tasks.push(tokio::spawn(async move {
            let outbox = Outbox::new(store.clone());
            for user in 0..20 {
                outbox.enqueue(entry("acme", &user.to_string())).await.unwrap();
            }
            while let Some(claimed) = claim(&store, 1).await.pop() {
                let mut settlement = Settlement::released(claimed.lease);
                settlement.outcome = ssf_transmitter::outbox::Outcome::Delivered;
                store.settle(vec![settlement]).await.unwrap();
            }
            outbox.counts().await.unwrap().delivered
        }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap(), 20);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_of_the_host_enqueue_through_the_pooler() {
    let url = pooled();
    let store = outbox(&url).await.connect().await.unwrap();
    let outbox = Outbox::new(store.clone());
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let mut kept = BTreeSet::new();
    for (user, end) in [("ada", "COMMIT"), ("bob", "ROLLBACK"), ("eve", "COMMIT")] {
        let (message, _) = outbox.to_message(&entry("acme", user)).unwrap();
        let statement = store.inbox().statement(&message, ParamStyle::Numeric).unwrap();
        client.batch_execute("BEGIN").await.unwrap();
        let values: [(&(dyn ToSql + Sync), Type); 1] = [(&statement.parameters[0], Type::TEXT)];
        assert_eq!(client.execute_typed(&statement.sql, &values).await.unwrap(), 1);
        client.batch_execute(end).await.unwrap();
        if end == "COMMIT" {
            kept.extend(statement.jtis);
        }
    }
    let mut claimed = BTreeSet::new();
    // A claim sees what is in the inbox, and the next one takes it over.
    while claimed.len() < kept.len() {
        claimed.extend(claim(&store, 10).await.into_iter().map(|claimed| claimed.lease.jti));
    }
    assert_eq!(claimed, kept);
    assert_eq!(store.counts().await.unwrap().enqueued, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_poll_ends_without_a_hint() {
    let url = pooled();
    let builder = outbox(&url).await;
    let (here, there) = (builder.connect().await.unwrap(), builder.connect().await.unwrap());
    let mut record = StreamRecord::new("one", "acme");
    record.events = vec!["https://schemas.openid.net/secevent/caep/event-type/session-revoked".to_owned()];
    here.create_stream(record, 1).await.unwrap();
    let waiting = tokio::spawn({
        let here = here.clone();
        async move { here.stream_changed("one").await }
    });
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let api = StreamApi::builder("https://tr.example.com", keys, there).build().unwrap();
    let event = Entry::new(caep::SessionRevoked::new(), Subject::opaque("ada"));
    assert_eq!(api.publish(event).await.unwrap().streams, 1);
    within_guard(waiting).await.unwrap();
    assert_eq!(here.poll(Poll::new("one", 10, LEASE)).await.unwrap().deliveries.len(), 1);
}

//! `ssf outbox`: what operators see and repair of an outbox that a program has filled.

use std::{collections::HashMap, fs, time::Duration};

use crate::program::ssf;
use serde_json::{Value, json};
use ssf_emulator::{Config, Emulator, KeySource, Like};
use ssf_transmitter::{
    Jwks, KeyType, Receiver, SigningKey, Subject, Transmitter,
    client::Worker,
    event::caep,
    outbox::{Claim, Entry, Failure, Outbox, Outcome, Schedule, Settlement, Store as _},
};
use ssf_transmitter_store::SqliteStore;

/// A file in a folder of its own.
fn place(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("outbox-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder.join("outbox.db").to_str().unwrap().to_owned()
}

fn entry(receiver: &str, user: &str) -> Entry {
    Entry::new(caep::SessionRevoked::new(), Subject::email(user)).to(receiver)
}

/// A dead delivery to acme, one that waits for it, and one that waits for globex.
pub(crate) async fn filled(name: &str) -> (String, Vec<String>) {
    let path = place(name);
    let store = SqliteStore::open(&path).unwrap();
    let outbox = Outbox::new(store.clone());
    let mut jtis = outbox.enqueue(entry("acme", "ada@example.com")).await.unwrap().jtis;
    let claim = Claim::new(1, 1, Duration::from_mins(1), 5);
    let claimed = store.claim(claim).await.unwrap().deliveries.remove(0);
    let error =
        ssf_transmitter::Error::new(ssf_transmitter::ErrorCode::ReceiverRejected, "acme answered 400")
            .with_status(400)
            .with_receiver_error(
                Some("invalid_request".to_owned()),
                Some("reason_admin is missing".to_owned()),
            );
    let settlement = Settlement::of(claimed.lease, 1, Err(&error), &Schedule::new(), 0);
    assert!(matches!(&settlement.outcome, Outcome::Dead(failure) if *failure == Failure::from(&error)));
    store.settle(vec![settlement]).await.unwrap();
    for (receiver, user) in [("acme", "ada@example.com"), ("globex", "bob@example.com")] {
        jtis.extend(outbox.enqueue(entry(receiver, user)).await.unwrap().jtis);
    }
    outbox.close().await.unwrap();
    (path, jtis)
}

async fn run(path: &str, arguments: &[&str]) -> crate::program::Run {
    ssf(&[&["outbox", "--file", path], arguments].concat(), &[]).await
}

#[tokio::test]
async fn deliveries_are_counted_listed_and_shown() {
    let (path, jtis) = filled("listed").await;
    let stats = run(&path, &["stats"]).await;
    assert!(stats.text().starts_with("enqueued    3\nwaiting     2\n"), "{stats:?}");
    assert!(stats.text().contains("acme: active, 1 waiting, 0 in flight, 1 dead"), "{stats:?}");
    assert!(stats.text().contains("the oldest one waits since "), "{stats:?}");
    assert!(
        stats.text().contains("0 delivered in the last minute; 0 receivers paused; file 1 MiB, log "),
        "{stats:?}"
    );
    let stats = run(&path, &["--json", "stats"]).await.json();
    assert!(stats["health"]["file_bytes"].as_u64().is_some_and(|bytes| bytes > 4096), "{stats}");
    assert_eq!((&stats["counts"]["dead"], &stats["receivers"][1]["name"]), (&json!(1), &json!("globex")));

    let list = run(&path, &["list", "--state", "dead"]).await;
    assert!(list.text().starts_with(&format!("{}  dead  acme  caep.session-revoked", jtis[0])), "{list:?}");
    assert!(list.text().contains("receiver: reason_admin is missing"), "{list:?}");
    let count = |run: &crate::program::Run| run.text().lines().count();
    assert_eq!(count(&run(&path, &["--json", "list"]).await), 3);
    assert_eq!(count(&run(&path, &["--json", "list", "--limit", "2"]).await), 2);
    assert_eq!(count(&run(&path, &["--json", "list", "--receiver", "globex"]).await), 1);
    assert_eq!(
        count(&run(&path, &["--json", "list", "--since", "1h", "--code", "receiver_rejected"]).await),
        1
    );
    let subject = r#"{ "format": "email", "email": "bob@example.com" }"#;
    let found = run(&path, &["--json", "list", "--subject", subject]).await.json();
    assert_eq!(found["jti"], jtis[2].as_str());

    let show = run(&path, &["show", &jtis[0]]).await;
    assert!(show.text().starts_with(&jtis[0]), "{show:?}");
    let shown: Value = run(&path, &["--json", "show", &jtis[0]]).await.json();
    assert_eq!(shown["failure"]["receiver_error"], "invalid_request");
    let unknown = run(&path, &["--json", "show", "unknown"]).await;
    assert_eq!(unknown.error()["class"], "outbox");
}

#[tokio::test]
async fn a_dead_delivery_is_replayed_and_sent() {
    let (path, jtis) = filled("replayed").await;
    assert_eq!(run(&path, &["replay", "--dry-run"]).await.text().trim(), "1 would be replayed");
    assert_eq!(
        run(&path, &["--json", "replay", "--jti", &jtis[0]]).await.json(),
        json!({ "replayed": 1, "dry_run": false })
    );
    assert_eq!(run(&path, &["replay"]).await.text().trim(), "0 replayed");

    let key = SigningKey::generate(KeyType::P256).unwrap();
    let jwks = Jwks::new([key.public_key().clone()]).unwrap();
    let keys = KeySource::Jwks(jwks.to_json());
    let config = Config::new(
        Like::Rfc8935,
        "https://edr.example.com".to_owned(),
        keys,
        "https://acme.example.net".to_owned(),
    );
    let emulator = Emulator::start(config).await.unwrap();
    let acme =
        Receiver::builder(emulator.push_url(), "https://acme.example.net").allow_loopback().build().unwrap();
    let transmitter = Transmitter::builder("https://edr.example.com", key).build().unwrap();
    let outbox = Outbox::new(SqliteStore::open(&path).unwrap());
    let receivers = HashMap::from([("acme".to_owned(), acme)]);
    assert_eq!(Worker::new(outbox.clone(), transmitter, receivers).drain().await.unwrap().delivered, 2);
    outbox.close().await.unwrap();
    let show = run(&path, &["show", &jtis[0]]).await;
    assert!(show.text().contains("delivered with status 202"), "{show:?}");
    // The worker did not know globex.
    let stats = run(&path, &["stats"]).await;
    assert!(stats.text().contains("globex: paused"), "{stats:?}");
    assert!(stats.text().contains("next probe at "), "{stats:?}");
}

#[tokio::test]
async fn deliveries_are_discarded_and_receivers_held() {
    let (path, _) = filled("discarded").await;
    run(&path, &["discard"]).await.fails_saying(&["--all"]);
    assert_eq!(
        run(&path, &["discard", "--receiver", "globex", "--dry-run"]).await.text().trim(),
        "1 would be discarded"
    );
    assert_eq!(run(&path, &["discard", "--receiver", "globex"]).await.text().trim(), "1 discarded");
    assert_eq!(run(&path, &["hold", "acme"]).await.text(), "");
    let stats = run(&path, &["--json", "stats"]).await.json();
    assert_eq!((&stats["receivers"][0]["status"], &stats["counts"]["removed"]), (&json!("held"), &json!(1)));
    run(&path, &["release", "acme"]).await.text();
    assert_eq!(run(&path, &["--json", "stats"]).await.json()["receivers"][0]["status"], "active");
    assert_eq!(run(&path, &["discard", "--all"]).await.text().trim(), "1 discarded");
}

#[tokio::test]
async fn a_file_is_checked() {
    let (path, _) = filled("checked").await;
    assert_eq!(run(&path, &["check"]).await.text().trim(), "the file is whole");
    // The last page is damaged: its header and what follows it.
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 4096;
    bytes[last..].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let damaged = run(&path, &["--json", "check"]).await;
    assert_eq!(damaged.code, Some(13), "{damaged:?}");

    let missing = place("missing");
    let none = run(&missing, &["--json", "stats"]).await;
    assert_eq!(none.error()["class"], "outbox");
    assert!(!std::path::Path::new(&missing).exists(), "nothing is created");
    run(&path, &["list", "--state", "lost"]).await.fails_saying(&["in_flight"]);
}

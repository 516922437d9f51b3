//! `ssf outbox work` and `ssf outbox backup`: an outbox that is served without a program.

use std::{fs, time::Duration};

use crate::program::{Run, command, folder, ssf};
use serde_json::json;
use ssf_emulator::{Config, Emulator, KeySource, Like};
use ssf_transmitter::{
    Jwks, KeyType, SigningKey, Subject,
    event::caep,
    outbox::{Entry, Filter, Outbox, State},
};
use ssf_transmitter_store::SqliteStore;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const ISSUER: &str = "https://edr.example.com";
const AUDIENCE: &str = "https://acme.example.net";

/// A folder with an outbox, a key, and a receiver that knows it.
struct Place {
    folder: String,
    emulator: Emulator,
}

impl Place {
    async fn new(name: &str) -> Self {
        let folder = folder(&format!("outbox-work-{name}"));
        let key = SigningKey::generate(KeyType::P256).unwrap();
        let jwks = Jwks::new([key.public_key().clone()]).unwrap();
        fs::write(format!("{folder}/key.pem"), key.export_private_pem().unwrap().expose()).unwrap();
        let keys = KeySource::Jwks(jwks.to_json());
        let config = Config::new(Like::Rfc8935, ISSUER.to_owned(), keys, AUDIENCE.to_owned());
        Self { folder, emulator: Emulator::start(config).await.unwrap() }
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// Names the emulator as these receivers.
    fn write_receivers(&self, names: &[&str]) {
        let url = self.emulator.push_url();
        let tables = names
            .iter()
            .map(|name| format!("[receivers.{name}]\nendpoint = \"{url}\"\naudience = \"{AUDIENCE}\"\n"));
        fs::write(self.file("receivers.toml"), tables.collect::<String>()).unwrap();
    }

    fn outbox(&self) -> Outbox {
        Outbox::new(SqliteStore::open(self.file("outbox.db")).unwrap())
    }

    async fn enqueue(&self, receivers: &[&str]) {
        let outbox = self.outbox();
        let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com"));
        outbox.enqueue(entry.to_all(receivers.iter().copied())).await.unwrap();
        outbox.close().await.unwrap();
    }

    fn files(&self) -> [String; 3] {
        ["outbox.db", "key.pem", "receivers.toml"].map(|name| self.file(name))
    }

    async fn drain(&self) -> Run {
        let files = self.files();
        ssf(&work(&files, &["--drain"]), &[]).await
    }
}

/// The command that works on these files.
fn work<'a>(files: &'a [String; 3], more: &[&'a str]) -> Vec<&'a str> {
    let [database, key, receivers] = files;
    let fixed = ["outbox", "--file", database, "work", "--issuer", ISSUER, "--key", key];
    [&fixed[..], &["--receivers", receivers, "--allow-loopback"], more].concat()
}

#[tokio::test]
async fn what_waits_is_sent_and_an_unknown_receiver_is_told() {
    let place = Place::new("drain").await;
    place.write_receivers(&["acme"]);
    place.enqueue(&["acme", "globex"]).await;
    let run = place.drain().await;
    assert_eq!(run.text().trim(), "1 delivered, 1 attempts failed");
    assert!(run.stderr.starts_with("globex is paused: "), "{run:?}");
    assert!(run.stderr.contains("[receiver_unknown]"), "{run:?}");
    assert_eq!(place.emulator.counters().accepted, 1);
}

#[tokio::test]
async fn a_receiver_that_is_added_is_served_without_a_restart() {
    let place = Place::new("added").await;
    place.write_receivers(&["acme"]);
    let files = place.files();
    let mut worker = command(&work(&files, &["--json"])).spawn().unwrap();
    let mut alerts = BufReader::new(worker.stderr.take().unwrap()).lines();
    place.enqueue(&["globex"]).await;
    let alert = alerts.next_line().await.unwrap().unwrap();
    let alert: serde_json::Value = serde_json::from_str(&alert).unwrap();
    assert_eq!((&alert["alert"], &alert["receiver"]), (&json!("paused"), &json!("globex")));
    assert_eq!(alert["failure"]["code"], "receiver_unknown");

    place.write_receivers(&["acme", "globex"]);
    ssf(&["outbox", "--file", &files[0], "release", "globex"], &[]).await.text();
    let outbox = place.outbox();
    let delivered = Filter::new().state(State::Delivered);
    while outbox.list(delivered.clone(), None, 1).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let id = worker.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let output = worker.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["delivered"], 1);
}

#[tokio::test]
async fn mistakes_in_the_file_are_named_and_secrets_are_not_shown() {
    let place = Place::new("mistakes").await;
    let secret = "c2VjcmV0";
    let cases = [
        ("[receivers.acme]\nendpont = \"x\"", "line 2: unknown field `endpont`"),
        ("[receivers.acme]\naudience = \"x\"", "--okta or --endpoint"),
        ("[receivers.acme]\nokta = \"https://acme.okta.com\"\nendpoint = \"https://x.example\"", "not both"),
        (
            "[receivers.acme]\nendpoint = \"https://x.example\"\naudience = \"x\"\nauthorization = \"c2VjcmV0\"",
            "env:NAME",
        ),
        ("[receivers.acme]\nclient_secret = [\"c2VjcmV0\"]", "line 2: "),
        ("receivers = 1", "line 1: "),
    ];
    for (text, words) in cases {
        fs::write(place.file("receivers.toml"), text).unwrap();
        let run = place.drain().await;
        assert_eq!(run.stdout, "", "{text}: {run:?}");
        run.fails_saying(&[words, "receivers.toml"]);
        assert!(!run.stderr.contains(secret), "{text}: {run:?}");
    }
}

#[tokio::test]
async fn a_secret_is_read_where_the_file_says() {
    let place = Place::new("secret").await;
    place.write_receivers(&["acme"]);
    let table = fs::read_to_string(place.file("receivers.toml")).unwrap();
    fs::write(place.file("receivers.toml"), format!("{table}authorization = \"env:ACME_TOKEN\"\n")).unwrap();
    place.enqueue(&["acme"]).await;
    let files = place.files();
    ssf(&work(&files, &["--drain"]), &[]).await.fails_saying(&["ACME_TOKEN is not set", "acme"]);
    let run = ssf(&work(&files, &["--drain"]), &[("ACME_TOKEN", "Bearer t0k3n")]).await;
    assert_eq!(run.text().trim(), "1 delivered, 0 attempts failed");
    assert_eq!(place.emulator.ledger()[0].request.authorization.as_deref(), Some("Bearer"));
}

#[tokio::test]
async fn a_backup_is_an_outbox() {
    let place = Place::new("backup").await;
    place.enqueue(&["acme", "globex"]).await;
    let (database, target) = (place.file("outbox.db"), place.file("copy.db"));
    ssf(&["outbox", "--file", &database, "backup", &target], &[]).await.text();
    assert_eq!(ssf(&["outbox", "--file", &target, "--json", "list"], &[]).await.text().lines().count(), 2);
    ssf(&["outbox", "--file", &database, "backup", &target], &[])
        .await
        .fails_saying(&["a backup needs a new file", "outbox_place_invalid"]);
}

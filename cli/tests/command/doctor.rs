//! `ssf doctor` with a file of settings: every receiver, the outbox, and a watch.

use std::{fs, path::PathBuf};

use crate::{
    outbox,
    program::{Run, command, folder, run},
};
use serde_json::{Value, json};
use ssf_emulator::{Config, Emulator, KeySource, Like, Published};
use ssf_transmitter::{KeySet, KeyType, SigningKey};

const ORG: &str = "https://acme.okta.com";

/// A folder with a key and a file of settings, the documents of the transmitter, and an Okta org.
struct World {
    folder: PathBuf,
    okta: Emulator,
    _published: Published,
}

impl World {
    /// The org is the receiver `acme`; the file may say more.
    async fn new(name: &str, more: &str) -> Self {
        let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
        let folder = PathBuf::from(folder(&format!("doctor-{name}")));
        fs::write(folder.join("key.pem"), key.export_private_pem().unwrap().expose()).unwrap();
        let published = Published::start(KeySet::new(key).jwks().unwrap().to_json()).await.unwrap();
        let keys = KeySource::WellKnown(published.configuration().to_owned());
        let mut config = Config::new(Like::Okta, published.issuer(), keys, ORG);
        config.tls = true;
        let okta = Emulator::start(config).await.unwrap();
        fs::write(folder.join("ca.pem"), okta.ca_pem().unwrap()).unwrap();
        let settings = format!(
            r#"
                issuer = "{}"
                key = "file:key.pem"
                [network]
                ca_bundle = "ca.pem"
                [receivers.acme]
                okta = "{}"
                audience = "{ORG}"
                allow_loopback = true
                {more}
            "#,
            published.issuer(),
            okta.base_url()
        );
        fs::write(folder.join("ssf.toml"), settings).unwrap();
        Self { folder, okta, _published: published }
    }

    fn command(&self, arguments: &[&str]) -> tokio::process::Command {
        let mut command = command(&[&["doctor"], arguments].concat());
        command.current_dir(&self.folder);
        command
    }

    async fn doctor(&self, arguments: &[&str]) -> Run {
        run(&mut self.command(arguments)).await
    }
}

/// A receiver where nothing listens.
const BROKEN: &str = r#"
    [receivers.broken]
    endpoint = "https://127.0.0.1:1/events"
    audience = "https://receiver.example.net"
    allow_loopback = true
"#;

fn checks(run: &Run) -> Vec<Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The outcome of the check of a receiver, or of what all share.
fn outcome<'a>(checks: &'a [Value], receiver: Option<&str>, id: &str) -> &'a str {
    let found = checks.iter().find(|check| check["receiver"] == json!(receiver) && check["id"] == id);
    found.unwrap_or_else(|| panic!("{receiver:?} {id}: {checks:#?}"))["outcome"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_receiver_of_the_file_is_checked() {
    let world = World::new("all", BROKEN).await;
    let run = world.doctor(&["--json"]).await;
    assert_eq!(run.code, Some(12), "{run:?}");
    let found = checks(&run);
    for id in ["settings", "key", "configuration-issuer", "signing-key", "trust-store", "clock"] {
        assert_eq!(outcome(&found, None, id), "passed", "{run:?}");
    }
    assert_eq!(outcome(&found, Some("acme"), "tls-version"), "passed", "{run:?}");
    assert_eq!(outcome(&found, Some("broken"), "tls-version"), "failed", "{run:?}");
    for receiver in ["acme", "broken"] {
        assert_ne!(outcome(&found, Some(receiver), "lint"), "failed", "the example is accepted: {run:?}");
        assert_eq!(outcome(&found, Some(receiver), "send"), "skipped", "{run:?}");
    }
    let mut receivers: Vec<_> = found.iter().map(|check| &check["receiver"]).collect();
    receivers.dedup();
    assert_eq!(receivers, [&Value::Null, &json!("acme"), &json!("broken")]);
    let documents = found.iter().filter(|check| check["id"] == "configuration-reachable").count();
    assert_eq!(documents, 1, "what all share is checked once");
    for check in &found {
        let members: Vec<_> = check.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["receiver", "id", "outcome", "message", "remedy", "duration_ms"]);
        assert!(check["duration_ms"].as_u64().unwrap() < 10_000, "{check}");
    }

    let text = world.doctor(&[]).await;
    assert_eq!(text.code, Some(12), "{text:?}");
    let (shared, receivers) = text.stdout.split_once("\n\nacme\n").unwrap();
    let (acme, broken) = receivers.split_once("\n\nbroken\n").unwrap();
    assert!(shared.contains("passed   settings: the text of ssf.toml is valid"), "{text:?}");
    assert!(acme.contains("passed   tls-version: "), "{text:?}");
    assert!(broken.contains("failed   tls-version: "), "{text:?}");
    assert!(text.stderr.contains("1 check failed"), "{text:?}");

    let healthy = world.doctor(&["--to", "acme", "--json"]).await;
    assert_eq!(healthy.code, Some(0), "{healthy:?}");
    assert!(checks(&healthy).iter().all(|check| check["receiver"] != "broken"));
    world.doctor(&["--to", "acmee"]).await.fails_saying(&["there is no receiver acmee"]);
    assert!(world.okta.accepted().is_empty(), "nothing is sent");
}

#[tokio::test]
async fn mistakes_of_the_file_are_checks_that_fail() {
    let secret = "[receivers.locked]\nokta = \"https://locked.okta.com\"\nbearer = \"file:token\"";
    let world = World::new("mistakes", secret).await;
    let run = world.doctor(&["--json"]).await;
    assert_eq!(run.code, Some(3), "{run:?}");
    let found = checks(&run);
    assert_eq!(outcome(&found, Some("locked"), "settings"), "failed", "{run:?}");
    assert_eq!(outcome(&found, Some("acme"), "tls-version"), "passed", "the others are checked: {run:?}");

    fs::remove_file(world.folder.join("key.pem")).unwrap();
    let keyless = world.doctor(&["--json"]).await;
    assert_eq!((keyless.code, checks(&keyless).len()), (Some(3), 1), "{keyless:?}");
    assert_eq!(outcome(&checks(&keyless), None, "settings"), "failed");

    fs::write(world.folder.join("ssf.toml"), "isuer = 'x'\nkeey = 'y'\n").unwrap();
    let wrong = world.doctor(&["--json"]).await;
    assert_eq!((wrong.code, checks(&wrong).len()), (Some(3), 2), "{wrong:?}");
    assert!(checks(&wrong)[0]["message"].as_str().unwrap().contains("did you mean issuer?"), "{wrong:?}");
}

#[tokio::test]
async fn a_set_is_sent_only_if_its_event_and_its_receiver_are_named() {
    let world = World::new("send", "").await;
    let event = ["--event", "caep.session-revoked", "--email", "ada@example.com", "--now"];
    let event = [&event[..], &["--claims", r#"{"reason_admin":{"en":"A test"}}"#]].concat();
    for arguments in [&["--send"][..], &["--send", "--to", "acme"], &[&["--send"], &event[..]].concat()] {
        let run = world.doctor(arguments).await;
        assert_eq!(run.code, Some(2), "{run:?}");
        run.fails_saying(&["--event", "--to, --okta or --endpoint"]);
    }
    let run = world.doctor(&["--email", "ada@example.com"]).await;
    assert_eq!(run.code, Some(2), "{run:?}");
    run.fails_saying(&["--event is needed with other options"]);
    assert!(world.okta.accepted().is_empty());

    let sent = world.doctor(&[&["--send", "--to", "acme", "--json"], &event[..]].concat()).await;
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert_eq!(outcome(&checks(&sent), Some("acme"), "send"), "passed");
    assert_eq!(world.okta.accepted().len(), 1);
}

#[tokio::test]
async fn the_outbox_of_the_file_is_checked() {
    let (path, _) = outbox::filled("doctor").await;
    let world = World::new("outbox", &format!("[outbox]\nfile = {path:?}")).await;
    let run = world.doctor(&["--json"]).await;
    assert_eq!(run.code, Some(0), "a warning is no failure: {run:?}");
    let found = checks(&run);
    assert_eq!(outcome(&found, None, "outbox"), "warning");
    let check = found.iter().find(|check| check["id"] == "outbox").unwrap();
    let message = check["message"].as_str().unwrap();
    assert!(message.contains("waiting: 2 (") && message.contains("dead: 1"), "{message}");

    fs::write(&path, "no database").unwrap();
    let broken = world.doctor(&["--json"]).await;
    assert_eq!(broken.code, Some(12), "{broken:?}");
    assert_eq!(outcome(&checks(&broken), None, "outbox"), "failed");

    let _ = fs::remove_file(&path);
    let absent = world.doctor(&["--json"]).await;
    assert_eq!(outcome(&checks(&absent), None, "outbox"), "skipped", "{absent:?}");
    assert!(!fs::exists(&path).unwrap(), "a doctor creates no outbox");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_prints_what_changes_until_it_is_interrupted() {
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    let world = World::new("watch", "").await;
    let mut child = world.command(&["--watch", "1", "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = async || -> Value {
        let line = lines.next_line().await.unwrap().expect("it goes on");
        serde_json::from_str(&line).unwrap()
    };
    let is_last = |check: &Value| check["receiver"] == "acme" && check["id"] == "send";
    let mut first = next().await;
    while !is_last(&first) {
        assert_ne!(first["outcome"], "failed", "{first}");
        ssf_transmitter::Timestamp::from_rfc3339(first["time"].as_str().unwrap()).unwrap();
        first = next().await;
    }
    let World { okta, folder: _, _published } = world;
    okta.stop().await;
    let changed = next().await;
    let names = (&changed["receiver"], &changed["id"], &changed["outcome"]);
    assert_eq!(names, (&json!("acme"), &json!("tls-version"), &json!("failed")), "{changed}");
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(12), "the last round failed: {output:?}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_on_a_terminal_shows_all_checks_again() {
    let world = World::new("watch-terminal", "").await;
    let file = world.folder.join("ssf.toml").to_str().unwrap().to_owned();
    let watched = tokio::task::spawn_blocking(move || {
        let arguments = ["doctor", "--watch", "1", "--config", &file, "--color", "always"];
        let mut terminal = crate::terminal::Terminal::run_whole(&arguments, 100);
        for _ in 0..2 {
            // The screen is cleared before each round.
            terminal
                .expect("\u{1b}[2J")
                .expect(", every 1 s until Ctrl-C")
                .expect("acme")
                .expect("tls-version");
        }
        terminal.interrupt();
        terminal.end().0
    });
    assert_eq!(watched.await.unwrap(), Some(0));
}

#[tokio::test]
async fn a_watch_sends_nothing_and_reads_no_key_twice() {
    let world = World::new("watch-usage", "").await;
    world.doctor(&["--watch", "--send"]).await.fails_saying(&["cannot be used with"]);
    world.doctor(&["--watch", "0"]).await.fails_saying(&["0 is not in"]);
    let run = world.doctor(&["--watch", "--key", "-"]).await;
    assert_eq!(run.code, Some(2), "{run:?}");
    run.fails_saying(&["standard input"]);
}

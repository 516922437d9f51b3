//! `ssf send`: many events, one per line.

use std::{fs, path::Path, process::Stdio, time::Duration};

use crate::program::{Run, command, file, folder, run, ssf};
use serde_json::{Value, json};
use ssf_emulator::{Config, Emulator, KeySource, Like, Script};
use ssf_transmitter::{Jwks, KeyType, SigningKey};
use tokio::io::AsyncWriteExt as _;

const ISSUER: &str = "https://edr.example.com";
const AUDIENCE: &str = "https://receiver.example.net";
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

struct World {
    receiver: Emulator,
    key: String,
    /// The file with the events.
    events: String,
}

impl World {
    async fn new(name: &str, lines: &[String], script: Value) -> Self {
        let key = SigningKey::generate(KeyType::P256).unwrap();
        let folder = folder(&format!("send-{name}"));
        let path = format!("{folder}/key.pem");
        fs::write(&path, key.export_private_pem().unwrap().expose()).unwrap();
        let keys = KeySource::Jwks(Jwks::new([key.public_key().clone()]).unwrap().to_json());
        let mut config = Config::new(Like::Rfc8935, ISSUER, keys, AUDIENCE);
        config.script = Script::from_json(&script.to_string()).unwrap();
        let events = format!("{folder}/events.ndjson");
        fs::write(&events, lines.join("\n") + "\n").unwrap();
        Self { receiver: Emulator::start(config).await.unwrap(), key: path, events }
    }

    fn command(&self, file: &str, more: &[&str]) -> tokio::process::Command {
        let url = self.receiver.push_url();
        let to = ["--endpoint", url.as_str(), "--allow-loopback", "--issuer", ISSUER, "--key", &self.key];
        let audience = if more.contains(&"--audience") { &[][..] } else { &["--audience", AUDIENCE] };
        command(&[&["send", file, "--json"][..], &to, audience, more].concat())
    }

    async fn send(&self, more: &[&str]) -> Run {
        run(&mut self.command(&self.events, more)).await
    }

    /// The file beside the events with this ending.
    fn beside(&self, end: &str) -> String {
        format!("{}.{end}", self.events)
    }

    /// Waits until the receiver has got this many requests.
    async fn requests(&self, number: u64) {
        let seen = async {
            while self.receiver.counters().requests < number {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), seen).await.expect("the requests arrive");
    }
}

fn line(user: usize) -> String {
    let subject = json!({ "format": "email", "email": format!("user-{user}@example.com") });
    json!({ "event": { "caep.session-revoked": { "event_timestamp": 1_767_225_600 } }, "subject": subject })
        .to_string()
}

fn lines(number: usize) -> Vec<String> {
    (0..number).map(line).collect()
}

/// What a run says at its end.
fn summary(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"))
}

fn failures(path: &str) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn every_line_is_sent_and_failures_are_taken_again() {
    let mut all = lines(60);
    all[7] = "no event".to_owned();
    all[8] =
        json!({ "event": { "caep.credential-change": {} }, "subject": { "format": "opaque", "id": "1" } })
            .to_string();
    all[9] = String::new();
    all[10] = json!({ "event": { "caep.session-revokd": {} } }).to_string();
    let subject = json!({ "format": "opaque", "id": "1" });
    let event = json!({ REVOKED: { "event_timestamp": 1 } });
    all[11] =
        json!({ "event": event, "txn": "incident-4711", "jti": "mine", "subject": subject }).to_string();
    let script = json!([{ "nth": 1, "fault": { "status": { "status": 400 } } }]);
    let world = World::new("failures", &all, script).await;
    // One at a time: the first line is the one that is refused.
    let run = world.send(&["--concurrency", "1"]).await;
    let said = summary(&run);
    assert_eq!(
        (&said["accepted"], &said["failed"], &said["complete"]),
        (&json!(55), &json!(4), &json!(true)),
        "{run:?}"
    );
    assert_eq!(run.code, Some(1), "the classes differ: {run:?}");
    assert!(!Path::new(&world.beside("journal")).exists(), "nothing is left to do");
    let accepted = world.receiver.accepted();
    assert_eq!(accepted.len(), 55);
    assert!(accepted.contains_key("mine") && accepted.values().all(|times| *times == 1), "{accepted:?}");

    let path = world.beside("failed");
    assert_eq!(said["failures"], path.as_str());
    let failed = failures(&path);
    let of = |line: u64| failed.iter().find(|failed| failed["failure"]["line"] == line).unwrap();
    assert_eq!(
        (&of(8)["unreadable"], &of(8)["failure"]["code"]),
        (&json!("no event"), &json!("json_invalid"))
    );
    assert_eq!(of(9)["failure"]["code"], "event_member_missing");
    assert!(of(11)["failure"]["message"].as_str().unwrap().contains("did you mean caep.session-revoked?"));
    let refused = failed.iter().find(|failed| failed["failure"]["code"] == "receiver_rejected").unwrap();
    assert_eq!(refused["failure"]["status"], 400);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "subjects are in it");
    }

    // A file that is there is not overwritten.
    let again = world.send(&[]).await;
    assert_eq!(again.code, Some(2), "{again:?}");
    let again = run_json(world.command(&path, &[])).await;
    assert_eq!((&again["accepted"], &again["failed"]), (&json!(1), &json!(3)));
    assert_eq!(world.receiver.accepted()[refused["jti"].as_str().unwrap()], 1, "with the id that it had");
    let codes =
        |path: &str| failures(path).iter().map(|one| one["failure"]["code"].clone()).collect::<Vec<_>>();
    assert_eq!(codes(&format!("{path}.failed")).len(), 3);
    assert!(codes(&format!("{path}.failed")).contains(&json!("json_invalid")));
}

async fn run_json(mut command: tokio::process::Command) -> Value {
    summary(&run(&mut command).await)
}

/// The answer to one SET comes so late that the others have ended long before.
fn one_is_late() -> Value {
    json!([{ "nth": 100, "fault": { "slow_headers": { "ms": 600_000 } } }])
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_run_goes_on_with_the_same_ids() {
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    let world = World::new("interrupted", &lines(300), one_is_late()).await;
    let mut child = world.command(&world.events, &[]).spawn().unwrap();
    world.requests(300).await;
    let process = Pid::from_raw(child.id().unwrap().try_into().unwrap());
    kill(process, Signal::SIGINT).unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.next_line().await.unwrap().unwrap().contains("on their way"));
    kill(process, Signal::SIGINT).unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let first: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Those whose answers it had not read are on their way, too.
    let ended = first["accepted"].as_u64().unwrap();
    assert!(ended < 300 && first["complete"] == false, "{first}");

    let run = world.send(&[]).await;
    let said: Value = serde_json::from_str(run.text()).unwrap();
    assert_eq!(
        (&said["accepted"], &said["resumed"], &said["complete"]),
        (&json!(300), &json!(true), &json!(true))
    );
    assert!(run.stderr.contains(&format!("going on with an earlier run: {ended} accepted")), "{run:?}");
    let accepted = world.receiver.accepted();
    // Those whose outcome was unknown were sent twice, each with one id.
    assert_eq!((accepted.len(), accepted.values().sum::<u64>()), (300, 600 - ended));
    assert!(!Path::new(&world.beside("journal")).exists());
}

#[tokio::test]
async fn a_killed_run_goes_on_unless_the_input_has_changed() {
    let world = World::new("killed", &lines(300), one_is_late()).await;
    // With few at once, the late one is about the hundredth line.
    let mut child = world.command(&world.events, &["--concurrency", "2"]).spawn().unwrap();
    world.requests(300).await;
    let second = world.send(&[]).await;
    second.fails_saying(&["another process sends"]);
    // What the journal says is a second old at most, and may be nothing yet.
    let journal = world.beside("journal");
    let journaled = || fs::read_to_string(&journal).is_ok_and(|text| text.contains(r#""accepted":299"#));
    while !journaled() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().await.unwrap();

    let original = fs::read_to_string(&world.events).unwrap();
    fs::write(&world.events, original.replace("user-3@", "user-3000@")).unwrap();
    let changed = world.send(&[]).await;
    changed.fails_saying(&["the input has changed", "--restart"]);
    assert_eq!(world.receiver.accepted().len(), 300, "nothing was sent");
    fs::write(&world.events, original.lines().take(10).collect::<Vec<_>>().join("\n")).unwrap();
    world.send(&[]).await.fails_saying(&["the input has changed"]);
    // Lines may be added.
    fs::write(&world.events, original + &line(300)).unwrap();
    let said = summary(&world.send(&[]).await);
    assert_eq!((&said["accepted"], &said["failed"]), (&json!(301), &json!(0)), "{said}");
    let accepted = world.receiver.accepted();
    assert_eq!((accepted.len(), accepted.values().sum::<u64>()), (301, 302));
}

#[tokio::test]
async fn a_sender_that_is_rejected_stops() {
    let world = World::new("rejected", &lines(200), json!([])).await;
    let wrong = ["--audience", "https://other.example.net", "--concurrency", "1"];
    let run = world.send(&wrong).await;
    assert_eq!(run.code, Some(8), "{run:?}");
    run.fails_saying(&["stopped at line", "receiver_rejected"]);
    assert_eq!(summary(&run)["accepted"], 0);
    assert!(!Path::new(&world.beside("failed")).exists(), "no line is at fault");
    assert!(world.receiver.counters().requests < 200, "the rest is not sent");
    let said = summary(&world.send(&[]).await);
    assert_eq!((&said["accepted"], &said["failed"]), (&json!(200), &json!(0)));

    // A pipe has no journal: what failed is kept.
    let mut piped = world.command("-", &[&wrong[..], &["--failures", &world.beside("piped")]].concat());
    let mut child = piped.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(line(1).as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    assert_eq!(failures(&world.beside("piped"))[0]["failure"]["receiver_error"], "invalid_audience");
}

#[tokio::test]
async fn a_pipe_is_sent() {
    let world = World::new("piped", &[], json!([])).await;
    let mut piped = world.command("-", &["--failures", &world.beside("failed")]);
    let mut child = piped.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines(50).join("\r\n").as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["accepted"], &said["failures"]), (&json!(50), &Value::Null), "{output:?}");
    assert_eq!(output.stderr, b"", "no progress where there is no terminal");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_shows_progress() {
    let world = World::new("progress", &lines(300), one_is_late()).await;
    let url = world.receiver.push_url();
    let to = [
        "--endpoint",
        &url,
        "--audience",
        AUDIENCE,
        "--allow-loopback",
        "--issuer",
        ISSUER,
        "--key",
        &world.key,
    ];
    let arguments = [&["send", world.events.as_str()], &to[..]].concat();
    let (code, printed) = tokio::task::block_in_place(|| {
        let mut terminal = crate::terminal::Terminal::run(&arguments, 100);
        // The file was read to its end; one answer is missing.
        terminal.expect("100%").expect("299 accepted").expect("0 failed").expect("/s");
        terminal.interrupt().expect("1 SETs are on their way").interrupt();
        terminal.end()
    });
    assert_eq!(code, Some(130));
    assert!(printed.starts_with("299 accepted, 0 failed; "), "{printed}");
}

#[tokio::test]
async fn a_dry_run_checks_and_sends_nothing() {
    let mut all = lines(20);
    all[3] =
        json!({ "event": { "caep.session-revoked": {} }, "subject": { "format": "email", "email": "ada" } })
            .to_string();
    let world = World::new("dry", &all, json!([])).await;
    let run = world.send(&["--dry-run"]).await;
    let said = summary(&run);
    assert_eq!((&said["accepted"], &said["failed"]), (&json!(19), &json!(1)), "{run:?}");
    assert_eq!(run.code, Some(5), "{run:?}");
    assert_eq!(world.receiver.counters().requests, 0);
    assert!(!Path::new(&world.beside("journal")).exists());
    assert_eq!(failures(&world.beside("failed"))[0]["failure"]["line"], 4);
}

#[tokio::test]
async fn a_line_that_cannot_be_read_exactly_is_kept_as_it_is() {
    let mut all = lines(3);
    let event = r#"{ "https://edr.example.com/alert": { "serial": 18446744073709551617 } }"#;
    all[1] = format!(r#"{{ "event": {event}, "subject": {{ "format": "opaque", "id": "1" }} }}"#);
    let world = World::new("exact", &all, json!([])).await;
    assert_eq!(summary(&world.send(&["--dry-run"]).await)["failed"], 1);
    let path = world.beside("failed");
    // Sent again, it is the same line, and fails for the same reason.
    assert_eq!(run_json(world.command(&path, &["--dry-run"])).await["failed"], 1);
    for path in [path.clone(), format!("{path}.failed")] {
        let failed = failures(&path);
        assert_eq!((failed.len(), &failed[0]["unreadable"]), (1, &json!(all[1])), "{path}");
        assert_eq!(failed[0]["failure"]["code"], "number_not_exact");
    }
}

#[tokio::test]
async fn an_outbox_accepts_lines() {
    let folder = folder("send-outbox");
    let mut all = lines(1200);
    all[5] = "{}".to_owned();
    let mine = |user: usize| line(user).replacen('{', r#"{"jti":"mine","#, 1);
    all[6] = mine(6);
    all[7] = mine(7);
    let events = file("send-outbox.ndjson", all.join("\n"));
    let outbox = format!("{folder}/outbox.db");
    let failed = format!("{folder}/failed.ndjson");
    let into = format!("--outbox={outbox}");
    let arguments = ["send", &events, "--to", "acme", &into, "--json", "--failures", &failed];
    let run = ssf(&arguments, &[]).await;
    let said = summary(&run);
    assert_eq!((&said["accepted"], &said["failed"]), (&json!(1198), &json!(2)), "{run:?}");
    let codes: Vec<_> = failures(&failed).iter().map(|one| one["failure"]["code"].clone()).collect();
    assert_eq!(codes, ["event_missing", "outbox_conflict"]);
    let stats = ssf(&["outbox", "--file", &outbox, "--json", "stats"], &[]).await.json();
    assert_eq!((&stats["counts"]["waiting"], &stats["receivers"][0]["name"]), (&json!(1198), &json!("acme")));

    let nowhere = ssf(&["send", &events, "--to", "acme", "--outbox"], &[]).await;
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
    nowhere.fails_saying(&["--outbox=FILE"]);
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let events = file("send-missing.ndjson", line(1));
    for (more, code, word) in [
        (&["send", events.as_str()][..], 2, "--to, --okta or --endpoint"),
        (&["send", "absent.ndjson", "--okta", "https://acme.okta.com", "--issuer", ISSUER], 2, "--key"),
        (&["send", &events, "--outbox=x.db"], 2, "--to"),
        (&["send", &events, "--concurrency", "0"], 2, "--concurrency"),
    ] {
        let run = ssf(more, &[]).await;
        assert_eq!(run.code, Some(code), "{run:?}");
        run.fails_saying(&[word]);
    }
}

//! `ssf emulate` as a program: what the testing helpers of other languages rely on.

use std::process::Stdio;

use crate::common::{AUDIENCE, CLIENT_ID, ISSUER, Reply, good, http, http_trusting, key};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The process, as the helper of a language has it.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn spawn() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ssf"));
        command.arg("emulate").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { input: child.stdin.take(), output, child }
    }

    /// Starts it with these settings; the second value is what it says then.
    async fn start(settings: &Value) -> (Self, Value) {
        let mut process = Self::spawn();
        let said = process.ask(&settings.to_string()).await;
        (process, said)
    }

    async fn write(&mut self, line: &[u8]) {
        self.input.as_mut().unwrap().write_all(line).await.unwrap();
    }

    /// Writes a line, and reads the one that comes back.
    async fn ask(&mut self, line: &str) -> Value {
        self.write(format!("{line}\n").as_bytes()).await;
        self.read().await
    }

    async fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
    }

    /// Waits for its end, and returns what it still says.
    async fn end(mut self) -> String {
        let mut rest = String::new();
        while self.output.read_line(&mut rest).await.unwrap() > 0 {}
        assert!(self.child.wait().await.unwrap().success());
        rest
    }
}

fn settings(more: Value) -> Value {
    let known = json!({
        "like": "rfc8935", "issuer": ISSUER, "audience": AUDIENCE, "jwks": { "keys": [key().jwk()] },
    });
    crate::common::merged(known, more)
}

/// Pushes a SET that it takes.
async fn push(ready: &Value, set: &Value) -> Reply {
    let push =
        http().post(ready["push"].as_str().unwrap()).header("Content-Type", "application/secevent+jwt");
    Reply::to(push.header("Accept", "application/json").body(key().sign(set))).await
}

#[tokio::test]
async fn says_when_it_is_ready_and_what_it_saw() {
    let (mut process, ready) = Process::start(&settings(json!({}))).await;
    let base = ready["base"].as_str().unwrap();
    let expected = json!({
        "like": "rfc8935",
        "base": base,
        "push": format!("{base}/events"),
        "ledger": format!("{base}/ledger"),
        "version": env!("CARGO_PKG_VERSION"),
    });
    assert_eq!(ready, expected);

    let set = good();
    push(&ready, &set).await.assert_accepted();
    let seen = process.ask(r#"{ "do": "requests" }"#).await;
    assert_eq!((&seen["done"][0]["status"], &seen["done"][0]["claims"]), (&json!(202), &set));
    let jti = set["jti"].as_str().unwrap();
    assert_eq!(process.ask(r#"{ "do": "accepted" }"#).await, json!({ "done": { jti: 1 } }));
    assert_eq!(process.ask(r#"{ "do": "counters" }"#).await["done"]["accepted"], 1);
    assert_eq!(process.ask(r#"{ "do": "clear" }"#).await, json!({ "done": null }));
    assert_eq!(process.ask(r#"{ "do": "requests" }"#).await, json!({ "done": [] }));
}

#[tokio::test]
async fn answers_what_is_not_a_command_and_goes_on() {
    let (mut process, _) = Process::start(&settings(json!({}))).await;
    for line in ["", "{", "[]", "7", r#""requests""#, "{}", r#"{ "do": "dance" }"#, r#"{ "do": 7 }"#, "\0"] {
        let answer = process.ask(line).await;
        assert!(answer["error"].as_str().is_some_and(|error| !error.is_empty()), "{line}: {answer}");
    }
    process.write(b"\xff\xfe\n").await;
    assert!(process.read().await["error"].is_string());
    assert!(process.ask(&r#"{ "do": ["#.repeat(100_000)).await["error"].is_string());
    assert_eq!(process.ask(r#"{ "do": "requests" }"#).await, json!({ "done": [] }));
}

#[tokio::test]
async fn says_what_is_wrong_with_its_settings_and_ends() {
    for (more, part) in [
        (json!({ "like": "octa" }), "like: no such receiver; known are okta, govuk-one-login, rfc8935"),
        (json!({ "likes": "okta" }), "unknown field `likes`"),
        (json!({ "jwks": [] }), "The JWKS has no array keys"),
        (json!({ "jwks_uri": "http://127.0.0.1:9/" }), "one of jwks, jwks_uri and well_known"),
        (json!({ "jwks": null }), "an issuer with its keys, or an API token, is needed"),
        (json!({ "script": [{ "fault": "sleep" }] }), "the script is wrong at /0/fault"),
        (json!({ "users": ["ada@example.com"] }), "rfc8935 has no list of users"),
        (json!({ "token_lifetime": -1 }), "token_lifetime: "),
        (json!({ "log": { "delay": 1e300 } }), "log.delay: "),
        (json!({ "log": { "page": -1 } }), "settings: "),
    ] {
        let (process, said) = Process::start(&settings(more)).await;
        let error = said["error"].as_str().unwrap_or_else(|| panic!("{said}"));
        assert!(error.contains(part), "{error}");
        assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(process.end().await, "");
    }
    let mut process = Process::spawn();
    assert!(process.ask("like: okta").await["error"].as_str().unwrap().starts_with("settings: "));
    assert_eq!(process.end().await, "");
}

#[tokio::test]
async fn takes_every_setting() {
    let lifetimes = json!({
        "like": "govuk-one-login", "client": { "id": CLIENT_ID, "secret": "s" }, "token_lifetime": 60.5, "tls": true,
    });
    let (_process, ready) = Process::start(&settings(lifetimes)).await;
    let http = http_trusting(ready["ca_pem"].as_str(), &["h2"]);
    let form = [("grant_type", "client_credentials"), ("client_id", CLIENT_ID), ("client_secret", "s")];
    let reply = Reply::to(http.post(ready["token"].as_str().unwrap()).form(&form)).await;
    assert!(reply.body["expires_in"].as_u64().is_some_and(|left| left <= 60), "{reply:?}");

    let org = json!({
        "like": "okta", "audience": AUDIENCE, "api_token": "00manage", "api_read_token": "00read",
        "log": { "delay": 0.5, "page": 2, "jti": true }, "users": ["ada@example.com"], "ledger_size": 1,
        "script": { "seed": 7, "rules": [{ "on": "api", "nth": 1, "fault": { "status": { "status": 503 } } }] },
    });
    let (mut process, ready) = Process::start(&org).await;
    let api = ready["api"].as_str().unwrap();
    assert!(ready["log"].is_string());
    for status in [503, 200] {
        let reply = Reply::to(crate::common::http().get(api).header("Authorization", "SSWS 00read")).await;
        assert_eq!(reply.status, status);
    }
    assert_eq!(process.ask(r#"{ "do": "requests" }"#).await["done"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ends_with_its_input() {
    let mut without = Process::spawn();
    drop(without.input.take());
    assert_eq!(without.end().await, "");

    let (mut process, ready) = Process::start(&settings(json!({}))).await;
    drop(process.input.take());
    assert_eq!(process.end().await, "");
    assert!(http().get(ready["push"].as_str().unwrap()).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn answers_requests_under_way_before_it_stops() {
    let slow = json!({ "script": [{ "fault": { "slow_headers": { "ms": 300 } } }] });
    let (mut process, ready) = Process::start(&settings(slow)).await;
    let pushed = tokio::spawn(async move { push(&ready, &good()).await });
    // It is in the ledger before the answer is sent.
    while process.ask(r#"{ "do": "requests" }"#).await["done"] == json!([]) {}
    process.write(b"{ \"do\": \"stop\" }\n").await;
    pushed.await.unwrap().assert_accepted();
    assert_eq!(process.end().await, "");
}

#[cfg(unix)]
#[tokio::test]
async fn leaves_an_interrupt_to_its_parent_and_ends_when_it_is_terminated() {
    let (mut process, _) = Process::start(&settings(json!({}))).await;
    let pid = process.child.id().unwrap().to_string();
    let signal = |name: &'static str| Command::new("kill").args([name, &pid]).status();
    assert!(signal("-INT").await.unwrap().success());
    assert_eq!(process.ask(r#"{ "do": "requests" }"#).await, json!({ "done": [] }));
    assert!(signal("-TERM").await.unwrap().success());
    assert_eq!(process.end().await, "");
}

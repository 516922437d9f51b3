//! `ssf receiver` as a program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::common::{AUDIENCE, CLIENT_ID, ISSUER, Reply, Transmitter, http, http_trusting, key, set};
use serde_json::{Value, json};
use ssf_emulator::KeySource;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

fn ssf(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssf"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// A file of the tests, of a name that no other test uses.
fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Starts a receiver and reads the line that says it is ready.
pub(crate) async fn receiver(transmitter: &Transmitter, arguments: &[&str]) -> (Child, Value) {
    let KeySource::WellKnown(well_known) = transmitter.well_known() else { unreachable!() };
    let common = ["receiver", "--issuer", ISSUER, "--audience", AUDIENCE, "--well-known", &well_known];
    let mut child = ssf(&[&common, arguments].concat()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

#[tokio::test]
async fn says_when_it_is_ready_and_takes_sets() {
    let transmitter = Transmitter::start(&[&key()]).await;
    let (_child, ready) = receiver(&transmitter, &["--like", "okta", "--user", "ada@example.org"]).await;
    let base = ready["base"].as_str().unwrap();
    assert_eq!(
        ready,
        json!({
            "like": "okta",
            "base": base,
            "push": format!("{base}/security/api/v1/security-events"),
            "ledger": format!("{base}/ledger"),
        })
    );

    let uri = "https://schemas.openid.net/secevent/risc/event-type/identifier-changed";
    let event = json!({
        "subject": { "user": { "format": "email", "email": "bob@example.org" } },
        "event_timestamp": 1_767_225_590,
    });
    let push =
        http().post(ready["push"].as_str().unwrap()).header("Content-Type", "application/secevent+jwt");
    Reply::to(push.body(key().sign(&set(uri, event)))).await.assert_accepted();
    let ledger = Reply::to(http().get(ready["ledger"].as_str().unwrap())).await;
    assert_eq!(ledger.body[0]["status"], 202);
    assert_eq!(ledger.body[0]["dropped"], "unknown user");
}

#[tokio::test]
async fn shows_the_token_endpoint_where_there_is_one() {
    let transmitter = Transmitter::start(&[&key()]).await;
    let arguments = [
        "--like",
        "govuk-one-login",
        "--client-id",
        CLIENT_ID,
        "--client-secret",
        "s",
        "--token-lifetime",
        "60",
    ];
    let (_child, ready) = receiver(&transmitter, &arguments).await;
    let form = [("grant_type", "client_credentials"), ("client_id", CLIENT_ID), ("client_secret", "s")];
    let reply = Reply::to(http().post(ready["token"].as_str().unwrap()).form(&form)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.body["expires_in"].as_u64().is_some_and(|left| left <= 60), "{reply:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn ends_well_when_it_is_terminated() {
    let transmitter = Transmitter::start(&[]).await;
    let (mut child, _) = receiver(&transmitter, &["--like", "rfc8935"]).await;
    let pid = child.id().unwrap().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
    assert!(killed.success());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn says_what_is_wrong_with_its_arguments() {
    let arguments = ["receiver", "--like", "okta", "--issuer", ISSUER, "--audience", AUDIENCE];
    let output = ssf(&arguments).output().await.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--jwks-uri"));

    let reachable = ["--listen", "0.0.0.0:0", "--jwks-uri", "http://127.0.0.1:9/"];
    let output = ssf(&[&arguments[..], &reachable[..]].concat()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("loopback"));
}

#[tokio::test]
async fn makes_go_wrong_what_a_script_and_flags_say() {
    let transmitter = Transmitter::start(&[&key()]).await;
    let script = temporary("faults-script.json");
    fs::write(&script, r#"[{ "nth": 1, "fault": { "status": { "status": 410 } } }]"#).unwrap();
    let arguments = [
        "--like",
        "govuk-one-login",
        "--client-id",
        CLIENT_ID,
        "--client-secret",
        "s",
        "--script",
        script.to_str().unwrap(),
        "--fault-percent",
        "100",
        "--seed",
        "7",
        "--token-fault",
        "503",
        "--ledger-size",
        "3",
    ];
    let (_child, ready) = receiver(&transmitter, &arguments).await;
    let push = ready["push"].as_str().unwrap();
    assert_eq!(Reply::to(http().post(push)).await.status, 410);
    assert_eq!(Reply::to(http().post(ready["token"].as_str().unwrap())).await.status, 503);
    for _ in 0..3 {
        let _ = http().post(push).send().await;
    }
    let ledger = Reply::to(http().get(ready["ledger"].as_str().unwrap())).await.body;
    let faults: Vec<_> = ledger.as_array().unwrap().iter().map(|entry| &entry["fault"]).collect();
    assert_eq!(faults.len(), 3);
    assert!(faults.iter().all(|fault| fault.is_string()), "{faults:?}");
    let counters = Reply::to(http().get(format!("{}/counters", ready["base"].as_str().unwrap())));
    assert_eq!(counters.await.body["faulted"], 5);
}

#[tokio::test]
async fn speaks_tls_well_and_badly() {
    let transmitter = Transmitter::start(&[&key()]).await;
    let ca = temporary("faults-ca.pem");
    let arguments = ["--like", "okta", "--tls", "--ca-out", ca.to_str().unwrap()];
    for (more, is_good) in [(&[][..], true), (&["--tls-fault", "wrong-host"][..], false)] {
        let (_child, ready) = receiver(&transmitter, &[&arguments, more].concat()).await;
        let push = ready["push"].as_str().unwrap();
        assert!(push.starts_with("https://"));
        let http = http_trusting(Some(&fs::read_to_string(&ca).unwrap()), &["h2"]);
        assert_eq!(http.get(push).send().await.is_ok(), is_good);
    }
}

#[tokio::test]
async fn says_what_is_wrong_with_a_script() {
    let script = temporary("faults-wrong.json");
    fs::write(&script, r#"[{ "fault": "close" }, { "nth": 0, "fault": "close" }]"#).unwrap();
    let arguments = ["receiver", "--like", "okta", "--issuer", ISSUER, "--audience", AUDIENCE];
    let keys = ["--jwks-uri", "http://127.0.0.1:9/"];
    for (more, part) in [
        (&["--script", script.to_str().unwrap()][..], "faults-wrong.json: the script is wrong at /1/nth"),
        (&["--script", "/nowhere/script.json"][..], "/nowhere/script.json: "),
        (&["--token-fault", "503"][..], "no token endpoint"),
        (&["--token-fault", "99"][..], "--token-fault"),
        (&["--fault-percent", "101"][..], "0 to 100"),
        (&["--tls-fault", "expired"][..], "--tls"),
        (&["--ca-out", "ca.pem"][..], "--tls"),
    ] {
        let output = ssf(&[&arguments[..], &keys[..], more].concat()).output().await.unwrap();
        assert!(!output.status.success());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(part), "{text}");
    }
}

//! `ssf okta` as a program, against `ssf receiver` as a program.

use std::fs;
use std::path::Path;

use crate::program::{Run, command as ssf, run};

use serde_json::{Value, json};
use ssf_emulator::Published;
use ssf_transmitter::event::{OktaRiskLevel, okta as okta_event};
use ssf_transmitter::{Jwks, KeyType, Receiver, SigningKey, Subject, Timestamp, Transmitter};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

const TOKEN: &str = "00manage";

/// A receiver that emulates the API, and its address.
async fn receiver() -> (Child, String) {
    let arguments =
        ["receiver", "--like", "okta", "--audience", "https://acme.okta.com", "--api-token", TOKEN];
    let mut child = ssf(&arguments).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let base = ready["base"].as_str().unwrap().to_owned();
    assert_eq!(ready["api"], format!("{base}/api/v1/security-events-providers"));
    (child, base)
}

async fn published() -> (SigningKey, Published) {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let jwks = Jwks::new([key.public_key().clone()]).unwrap();
    (key, Published::start(jwks.to_json()).await.unwrap())
}

async fn okta(org: &str, arguments: &[&str]) -> Run {
    let common = ["okta", "--org", org, "--allow-loopback"];
    run(ssf(&[&common, arguments].concat()).env("OKTA_API_TOKEN", TOKEN)).await
}

#[tokio::test]
async fn a_provider_is_created_changed_and_deleted() {
    let (_receiver, org) = receiver().await;
    let (key, published) = published().await;
    let new = ["create", "--name", "EDR", "--type", "edr", "--well-known", published.configuration()];
    let created = okta(&org, &new).await.json();
    let id = created["id"].as_str().unwrap();
    assert_eq!(created["settings"]["issuer"], published.issuer());
    assert!(created["_links"]["self"].is_object());
    assert_eq!(okta(&org, &["list"]).await.json(), json!([created]));
    assert_eq!(okta(&org, &["show", id]).await.json(), created);
    assert_eq!(okta(&org, &[&new[..], &["--ensure"]].concat()).await.json(), created);

    // What it is good for.
    let key_file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("okta-key.pem");
    fs::write(&key_file, key.export_private_pem().unwrap().expose()).unwrap();
    let emit = [
        "emit",
        "--issuer",
        published.issuer(),
        "--key",
        key_file.to_str().unwrap(),
        "--okta",
        &org,
        "--audience",
        "https://acme.okta.com",
        "--allow-loopback",
        "--event",
        "risc.identifier-changed",
        "--now",
        "--email",
        "ada@example.com",
    ];
    assert_eq!(run(&mut ssf(&emit)).await.json()["status"], 202);

    assert_eq!(okta(&org, &["deactivate", id]).await.json()["status"], "INACTIVE");
    let refused = run(&mut ssf(&emit)).await;
    assert!(refused.code != Some(0) && refused.stderr.contains("invalid_issuer"), "{refused:?}");
    assert_eq!(okta(&org, &["activate", id]).await.json()["status"], "ACTIVE");

    let renamed = okta(&org, &["replace", id, "--name", "EDR, production"]).await.json();
    assert_eq!(renamed["name"], "EDR, production");
    assert_eq!((&renamed["type"], &renamed["settings"]), (&created["type"], &created["settings"]));
    let by_issuer = ["--issuer", published.issuer(), "--jwks-url", published.jwks_uri()];
    let moved = okta(&org, &[&["replace", id, "--type", "edr2"][..], &by_issuer].concat()).await.json();
    assert_eq!(moved["type"], "edr2");
    let settings = json!({ "issuer": published.issuer(), "jwks_url": published.jwks_uri() });
    assert_eq!(moved["settings"], settings);

    assert_eq!(okta(&org, &["delete", id]).await.json(), json!({ "deleted": id }));
    let gone = okta(&org, &["show", id]).await;
    assert!(gone.code != Some(0) && gone.stdout.is_empty());
    for part in ["provider_not_found", "E0000007", "fix: "] {
        assert!(gone.stderr.contains(part), "{gone:?}");
    }
}

#[tokio::test]
async fn the_token_comes_from_the_environment_or_a_file() {
    let (_receiver, org) = receiver().await;
    let arguments = ["okta", "--org", &org, "--allow-loopback", "list"];
    let without = run(&mut ssf(&arguments)).await;
    assert!(without.code != Some(0) && without.stderr.contains("OKTA_API_TOKEN is not set"), "{without:?}");

    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("okta-token");
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let by_file =
        ["okta", "--org", &org, "--allow-loopback", "--token-file", file.to_str().unwrap(), "--oauth"];
    assert_eq!(run(&mut ssf(&[&by_file[..], &["list"]].concat())).await.json(), json!([]));

    let wrong = run(ssf(&arguments).env("OKTA_API_TOKEN", "00wrong")).await;
    assert!(wrong.code != Some(0) && wrong.stderr.contains("api_unauthorized"), "{wrong:?}");
    assert!(!wrong.stderr.contains("00wrong"), "{wrong:?}");
}

#[tokio::test]
async fn what_is_wrong_with_the_arguments_is_said() {
    let org = "https://acme.okta.com";
    let create = ["create", "--name", "EDR", "--type", "edr"];
    for (more, part) in [
        (&[][..], "--well-known"),
        (&["--issuer", "https://edr.example.com"][..], "--jwks-url"),
        (&["--well-known", "https://a.example", "--issuer", "b", "--jwks-url", "c"][..], "cannot be used"),
        (&["--well-known", "http://a.example"][..], "/settings/well_known_url"),
    ] {
        let run = okta(org, &[&create[..], more].concat()).await;
        assert!(run.code != Some(0) && run.stderr.contains(part), "{run:?}");
    }
    let run = okta("https://acme.okta.com/api", &["list"]).await;
    assert!(run.code != Some(0) && run.stderr.contains("endpoint_invalid"), "{run:?}");
}

#[tokio::test]
async fn a_receiver_needs_a_transmitter_or_an_api() {
    let audience = ["receiver", "--like", "okta", "--audience", "https://acme.okta.com"];
    for (more, part) in [
        (&[][..], "--issuer"),
        (&["--issuer", "https://edr.example.com"][..], "--jwks-uri"),
        (&["--api-token", "a", "--jwks-uri", "http://127.0.0.1:9/"][..], "--issuer"),
        (&["--api-read-token", "a"][..], "--api-token"),
        (&["--api-token", "a", "--api-read-token", "a"][..], "must differ"),
    ] {
        let run = run(&mut ssf(&[&audience[..], more].concat())).await;
        assert!(run.code != Some(0) && run.stderr.contains(part), "{run:?}");
    }
}

#[tokio::test]
async fn the_log_is_printed_line_by_line_and_followed() {
    let (_receiver, org) = receiver().await;
    let (key, published) = published().await;
    let new = ["create", "--name", "EDR", "--type", "edr", "--well-known", published.configuration()];
    okta(&org, &new).await.json();
    let transmitter = Transmitter::builder(published.issuer(), key).build().unwrap();
    let receiver = Receiver::okta(&org).audience("https://acme.okta.com").allow_loopback().build().unwrap();
    let emit = async |email: &str| {
        let event =
            okta_event::UserRiskChange::new(OktaRiskLevel::High, OktaRiskLevel::Low, Timestamp::now())
                .with_reason_admin("en", "Impossible travel");
        transmitter.emit(event, Subject::email(email), &receiver).await.unwrap();
    };
    emit("ada@example.com").await;

    let lines = |run: &Run| -> Vec<Value> {
        assert!(run.code == Some(0), "{run:?}");
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let log = lines(&okta(&org, &["log"]).await);
    assert_eq!(log.len(), 2, "{log:?}");
    assert_eq!(log[0]["eventType"], "security.events.provider.receive_event");
    assert_eq!(log[0]["target"][0]["alternateId"], "ada@example.com");
    let some = ["log", "--since", "2026-01-01T00:00:00Z", "--event-type", "user.risk.detect"];
    assert_eq!(lines(&okta(&org, &some).await), [log[1].clone()]);
    assert_eq!(
        lines(&okta(&org, &["log", "--since", "2d", "--until", "1d", "--all"]).await),
        [] as [Value; 0]
    );
    for wrong in ["yesterday", "1w", "h", "", "é"] {
        let run = okta(&org, &["log", "--since", wrong]).await;
        assert!(run.code != Some(0) && run.stderr.contains("must be like 90s"), "{run:?}");
    }

    let arguments = ["okta", "--org", &org, "--allow-loopback", "log", "--follow"];
    let mut following = ssf(&arguments).env("OKTA_API_TOKEN", TOKEN).spawn().unwrap();
    let mut output = BufReader::new(following.stdout.take().unwrap()).lines();
    for entry in &log {
        let line = output.next_line().await.unwrap().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), *entry);
    }
    emit("bob@example.com").await;
    let line = output.next_line().await.unwrap().unwrap();
    assert!(line.contains("bob@example.com"), "{line}");
}

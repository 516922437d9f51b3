//! `ssf lint`, `ssf explain` and `ssf doctor` as programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use ssf_emulator::Published;
use ssf_emulator::{Config, Emulator, KeySource, Like};
use ssf_transmitter::{KeySet, KeyType, SigningKey};

fn ssf(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ssf")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A file of the tests, of a name that no other test uses.
fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A token as one makes it by hand: no `typ`, `kid`, `jti`, a level in capitals.
fn by_hand() -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let members = json!({
        "event_timestamp": 1_767_225_590,
        "current_level": "HIGH",
        "previous_level": "low",
        "reason_admin": { "en": "Impossible travel" },
        "subject": { "user": { "format": "email", "email": "ada@example.com" } },
    });
    let claims = json!({
        "iss": "https://edr.example.com",
        "iat": 1_767_225_590,
        "aud": "https://acme.okta.com",
        "events": { "https://schemas.okta.com/secevent/okta/event-type/user-risk-change": members },
    });
    format!("{}.{}.{}", part(json!({ "alg": "RS256" })), part(claims), "A".repeat(342))
}

#[test]
fn lint_tells_what_is_wrong_with_a_token_made_by_hand() {
    let output = ssf(&["lint", "--dialect", "okta", "--json", &by_hand()]);
    let findings: Value = serde_json::from_str(text(&output.stdout)).unwrap();
    let rules: Vec<_> =
        findings.as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["typ-missing", "kid-missing", "jti-missing", "event-value-case"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("4 errors"), "{output:?}");
}

#[test]
fn lint_prints_for_people_and_reads_files() {
    let file = temporary("lint.jwt");
    fs::write(&file, format!("{}\n", by_hand())).unwrap();
    let output = ssf(&["lint", "--dialect", "okta", &format!("@{}", file.display())]);
    let shown = text(&output.stdout);
    assert!(shown.contains("error: the header has no typ"), "{shown}");
    assert!(!shown.contains("body-whitespace"), "the newline of a file is not part of the SET: {shown}");
    assert!(!shown.contains("ada@example.com"));
}

#[test]
fn lint_looks_at_a_jwks_too() {
    let file = temporary("lint.jwks");
    fs::write(&file, json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }).to_string()).unwrap();
    let output = ssf(&["lint", "--jwks-document", file.to_str().unwrap()]);
    assert!(text(&output.stdout).contains("jwks-symmetric"), "{output:?}");
    let key = SigningKey::generate(KeyType::P256).unwrap();
    fs::write(&file, KeySet::new(key).jwks().unwrap().to_json()).unwrap();
    let output = ssf(&["lint", "--jwks-document", file.to_str().unwrap()]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "nothing found\n");
}

#[test]
fn explain_says_what_an_answer_means() {
    let body = json!({ "err": "invalid_request", "description": "'previousStatus': The field cannot be left blank" });
    let output = ssf(&["explain", "--dialect", "okta", "--status", "400", "--body", &body.to_string()]);
    let shown = text(&output.stdout);
    assert!(shown.contains("`previous_status`") && shown.contains("is missing or empty"), "{shown}");
    let output = ssf(&["explain", "--dialect", "okta", "--status", "202", "--json"]);
    let shown: Value = serde_json::from_str(text(&output.stdout)).unwrap();
    assert_eq!(shown["reason"], "delivered");
    assert!(shown["possible"].as_array().unwrap().len() > 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_a_setup_healthy_and_then_not() {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let file = temporary("doctor.pem");
    fs::write(&file, key.export_private_pem().unwrap().expose()).unwrap();
    let published = Published::start(KeySet::new(key).jwks().unwrap().to_json()).await.unwrap();
    let keys = KeySource::WellKnown(published.configuration().to_owned());
    let mut config = Config::new(Like::Okta, published.issuer(), keys, "https://acme.okta.com");
    config.tls = true;
    let emulator = Emulator::start(config).await.unwrap();
    let ca = temporary("doctor-ca.pem");
    fs::write(&ca, emulator.ca_pem().unwrap()).unwrap();

    let claims =
        json!({ "current_level": "high", "previous_level": "low", "reason_admin": { "en": "A test" } });
    let claims = claims.to_string();
    let issuer = published.issuer().to_owned();
    let arguments = |issuer: &str| -> Vec<String> {
        let all = [
            "doctor",
            "--json",
            "--now",
            "--allow-loopback",
            "--send",
            "--event",
            "okta.user-risk-change",
            "--email",
            "ada@example.com",
            "--audience",
            "https://acme.okta.com",
            "--claims",
            &claims,
            "--issuer",
            issuer,
            "--okta",
            emulator.base_url(),
            "--key",
            file.to_str().unwrap(),
            "--ca-bundle",
            ca.to_str().unwrap(),
        ];
        all.iter().map(|argument| (*argument).to_owned()).collect()
    };
    let run = |arguments: Vec<String>| {
        tokio::task::spawn_blocking(move || ssf(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    let output = run(arguments(&issuer)).await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let outcome = |output: &Output, id: &str| -> String {
        let lines = text(&output.stdout).lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let check = lines.into_iter().find(|check| check["id"] == id);
        check.map_or_else(String::new, |check| check["outcome"].as_str().unwrap().to_owned())
    };
    for id in ["configuration-issuer", "signing-key", "tls-version", "lint", "send"] {
        assert_eq!(outcome(&output, id), "passed", "{id}: {output:?}");
    }
    assert_eq!(emulator.accepted().len(), 1);

    let output = run(arguments(&format!("{issuer}/"))).await.unwrap();
    assert!(!output.status.success());
    assert_eq!(outcome(&output, "configuration-issuer"), "failed");
    assert_eq!(outcome(&output, "send"), "failed");
}

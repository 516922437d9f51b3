//! `ssf emit --claims` reads the texts of `tests/vectors/values.json` exactly, or refuses them with their place.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use ssf_transmitter::{KeyType, SigningKey};

/// Shows the SET with these members.
fn emit(key: &Path, claims: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ssf"))
        .args(["emit", "--dry-run", "--issuer", "https://edr.example.com", "--key"])
        .arg(key)
        .args([
            "--endpoint",
            "https://receiver.example.net/events",
            "--audience",
            "https://receiver.example.net",
        ])
        .args(["--event", "urn:example:event", "--email", "ada@example.com", "--claims", claims])
        .output()
        .unwrap()
}

#[test]
fn a_text_is_read_exactly_or_refused_with_its_place() {
    let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join("values.pem");
    let made = SigningKey::generate(KeyType::P256).unwrap();
    fs::write(&key, made.export_private_pem().unwrap().expose()).unwrap();
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/values.json");
    let table: Value = serde_json::from_str(&fs::read_to_string(table).unwrap()).unwrap();
    for case in table["texts"].as_array().unwrap() {
        let (name, outcome) = (&case["name"], &case["outcome"]);
        let output = emit(&key, case["text"].as_str().unwrap());
        let told = String::from_utf8_lossy(&output.stderr);
        if let Some(code) = outcome["code"].as_str() {
            assert!(!output.status.success(), "{name}");
            assert!(told.contains(&format!("[{code}]")), "{name}: {told}");
            let pointer = outcome["pointer"].as_str().unwrap_or_default();
            assert!(pointer.is_empty() || told.contains(pointer), "{name}: {told}");
            continue;
        }
        assert!(output.status.success(), "{name}: {told}");
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
        let payload = shown["set"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        let wanted = format!(r#""value":{}}}"#, outcome["json"].as_str().unwrap());
        assert!(payload.contains(&wanted), "{name}: {payload}");
    }
}

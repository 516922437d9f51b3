//! `tests/vectors/settings.json`: texts of the command name its options.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::program::{Run, file, ssf};
use serde_json::{Value, json};
use ssf_transmitter::{KeyType, SigningKey};

const VECTORS: &str = include_str!("../../../tests/vectors/settings.json");
const MANIFEST: &str = include_str!("../../../tests/vectors/manifest.json");

fn cases(kind: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let manifest: Value = serde_json::from_str(MANIFEST).unwrap();
    let cases = vectors[kind].as_array().unwrap().clone();
    assert_eq!(manifest["settings.json"][kind], cases.len());
    cases
}

/// A text names these settings by their options, and no setting by a name of another language.
fn assert_names(said: &str, settings: &Value) {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let all = vectors["names"].as_object().unwrap();
    for setting in settings.as_array().unwrap() {
        let own = all[setting.as_str().unwrap()]["command"].as_str().unwrap();
        assert!(said.contains(&format!("`{own}`")), "{said} does not name {own}");
    }
    let names = all.values().flat_map(|names| names.as_object().unwrap().values());
    for name in names.filter(|name| all.values().all(|names| names["command"] != **name)) {
        assert!(!said.contains(&format!("`{}`", name.as_str().unwrap())), "{said} says {name}");
    }
}

/// Runs `ssf doctor` with the settings of a case.
async fn doctor(case: &Value) -> Run {
    // The tests of this file run at once, each with files of its own.
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let key = file(&format!("names-key-{run}.pem"), key.export_private_pem().unwrap().expose());
    let bundle = case["ca_bundle"].as_str().map(|pem| file(&format!("names-ca-{run}.pem"), pem));
    let text = |name: &str, default: &'static str| case[name].as_str().unwrap_or(default).to_owned();
    let issuer = text("issuer", "https://edr.example.com");
    let endpoint = text("endpoint", "https://receiver.example.net/events");
    let mut arguments = vec!["doctor", "--json", "--issuer", &issuer, "--endpoint", &endpoint, "--key", &key];
    arguments.extend(["--audience", "https://receiver.example.net", "--email", "ada@example.com"]);
    arguments.extend(["--event", "caep.session-revoked", "--now"]);
    let options = [
        ("--ca-bundle", bundle.as_deref()),
        ("--source-address", case["source_address"].as_str()),
        ("--proxy", case["proxy"].as_str()),
    ];
    for (option, value) in options {
        arguments.extend(value.into_iter().flat_map(|value| [option, value]));
    }
    ssf(&arguments, &[]).await
}

#[tokio::test]
async fn explanations_and_errors_name_options() {
    for case in cases("explain") {
        let said = match case["status"].as_u64() {
            Some(status) => ssf(&["explain", "--json", "--status", &status.to_string()], &[]).await.json(),
            None => doctor(&case).await.error(),
        };
        let words = ["cause", "message", "remedy"].map(|member| said[member].as_str().unwrap_or_default());
        assert_names(&words.join(" "), &case["settings"]);
    }
}

#[tokio::test]
async fn a_doctor_names_options() {
    for case in cases("doctor") {
        let run = doctor(&case).await;
        let checks: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for check in &checks {
            let wanted = case["checks"].get(check["id"].as_str().unwrap()).cloned().unwrap_or(json!([]));
            let words = ["message", "remedy"].map(|member| check[member].as_str().unwrap());
            assert_names(&words.join(" "), &wanted);
        }
        let ids = case["checks"].as_object().unwrap().keys();
        for id in ids {
            assert!(checks.iter().any(|check| check["id"] == id.as_str()), "{id}: {run:?}");
        }
    }
}

//! `ssf emit` with what the guides of receivers print.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

const CHANGED: &str = "https://schemas.openid.net/secevent/risc/event-type/identifier-changed";
const DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";

fn dry_run(name: &str, event: &str, claims: &Value, arguments: &[&str]) -> Output {
    let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("emit-{name}.pem"));
    let _ = fs::remove_file(&key);
    let ssf = env!("CARGO_BIN_EXE_ssf");
    assert!(Command::new(ssf).args(["key", "new", "--out"]).arg(&key).output().unwrap().status.success());
    let mut command = Command::new(ssf);
    command.args(["emit", "--dry-run", "--issuer", "https://issuer.com", "--event", event, "--key"]).arg(key);
    command
        .arg("--claims")
        .arg(claims.to_string())
        .args(arguments)
        .env("SSF_CLIENT_SECRET", "secret")
        .output()
        .unwrap()
}

fn shown(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

/// The example of a guide: its event, its members, the receiver, and the rule of the warning.
fn example(name: &str) -> (&'static str, Value, Vec<&'static str>, &'static str) {
    let okta = vec!["--okta", "https://customer.okta.com"];
    if name == "okta" {
        let user = json!({ "user": { "format": "email", "email": "john@doe.net" } });
        let claims = json!({ "subject": user, "new-value": "john.roe@example.com", "event_timestamp": 1_615_304_991_643_i64 });
        return (CHANGED, claims, okta, "timestamp-unit-disputed");
    }
    let subject =
        json!({ "subject_type": "iss-sub", "iss": "https://idp.example.com/", "sub": "7375626A656374" });
    let endpoint =
        ["--endpoint", "https://inbound.example.gov.uk/", "--audience", "https://ssf.account.gov.uk/"];
    let token = ["--token-url", "https://auth.example.gov.uk/token", "--client-id", "id"];
    let govuk = [&["--dialect", "govuk-one-login"][..], &endpoint, &token].concat();
    (DISABLED, json!({ "subject": subject, "reason": "hijacking" }), govuk, "subject-form-disputed")
}

#[test]
fn the_examples_of_the_guides_are_sent_as_printed_with_a_warning() {
    for (name, setting) in [("okta", ["--time-unit", "ms"]), ("govuk", ["--subject-shape", "legacy"])] {
        let (event, claims, receiver, rule) = example(name);
        for arguments in [receiver.clone(), [&receiver[..], &setting].concat()] {
            let shown = shown(&dry_run(name, event, &claims, &arguments));
            assert_eq!(shown["claims"]["events"], json!({ event: claims }));
            let findings = shown["findings"].as_array().unwrap();
            assert!(findings.iter().any(|finding| finding["rule"] == rule), "{findings:?}");
        }
    }
}

#[test]
fn a_subject_option_that_disagrees_with_the_event_is_refused() {
    let (event, claims, receiver, _) = example("okta");
    let output =
        dry_run("disagrees", event, &claims, &[&receiver[..], &["--email", "ada@example.com"]].concat());
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("differs from the subject passed with it"));
}

#[test]
fn an_event_without_a_subject_needs_one() {
    let claims = json!({ "new-value": "john.roe@example.com", "event_timestamp": 1_767_225_590 });
    let output = dry_run("without", CHANGED, &claims, &["--okta", "https://customer.okta.com"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("subject_missing"), "{output:?}");
}

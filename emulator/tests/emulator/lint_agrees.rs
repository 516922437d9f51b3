//! Lint and the emulator, which share no code, judge the same SETs: what lint finds nothing in is accepted,
//! and what it finds an error in is refused.

use std::fs;
use std::path::Path;

use crate::common::{Reply, Transmitter, http, key};
use serde_json::{Value, json};
use ssf_emulator::{Config, Emulator, Like};
use ssf_transmitter::lint::{Effect, Linter, Severity};
use ssf_transmitter::{Dialect, Timestamp};

/// Errors to lint that these emulators pass over: they judge the form of a SET, not the values in subjects nor the
/// definitions of events that they do not know, and each takes the audience and issuer that it was told.
const PASSED_OVER: &[&str] = &[
    "aud-admin-host",
    "aud-type",
    "event-member-forbidden",
    "event-uri-invalid",
    "events-too-many",
    "iss-missing",
    "subject-format-unknown",
    "subject-in-event",
    "subject-member-unknown",
    "subject-member-value",
    "txn-required",
];

/// The header and claims of every case of the shared vectors that this emulator can judge.
fn cases(dialect: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/lint");
    let mut cases = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let file: Value = serde_json::from_str(&fs::read_to_string(file.unwrap().path()).unwrap()).unwrap();
        for case in ["fails", "passes"].iter().flat_map(|kind| file[*kind].as_array().unwrap().clone()) {
            let input = &case["input"];
            let own =
                input.get("dialect").map_or("ssf-1.0", |own| own.as_str().unwrap_or("a dialect of its own"));
            let known = ["issuer", "audience", "now", "jwks"].iter().any(|name| input.get(name).is_some());
            // The emulator goes by the clock of the machine, which is later than the one of the cases.
            let future = ["iat-future", "timestamp-future"].contains(&file["id"].as_str().unwrap());
            if own == dialect && !known && !future && input.get("claims").is_some() {
                cases.push((case["name"].as_str().unwrap().to_owned(), input.clone()));
            }
        }
    }
    cases
}

async fn compare(dialect: &str, like: Like) {
    let transmitter = Transmitter::start(&[&key()]).await;
    let linter =
        Linter::new(&Dialect::built_in(dialect).unwrap()).now(Timestamp::from_unix_seconds(1_767_225_600));
    let mut disagreements = Vec::new();
    let cases = cases(dialect);
    assert!(cases.len() > 10, "{dialect}: {}", cases.len());
    for (name, input) in cases {
        let mut header = input["header"].clone();
        if header["kid"] == "key-1" {
            header["kid"] = json!(key().kid);
        }
        let set = key().sign_raw(&header, &input["claims"]);
        let claim = |name: &str| {
            let value = &input["claims"][name];
            value.as_str().or(value[0].as_str()).unwrap_or("https://other.example.com").to_owned()
        };
        let mut config = Config::new(like, claim("iss"), transmitter.jwks_uri(), claim("aud"));
        config.client = None;
        let Ok(emulator) = Emulator::start(config).await else { continue };
        let push = http().post(emulator.push_url()).header("Content-Type", "application/secevent+jwt");
        let reply = Reply::to(push.header("Accept", "application/json").body(set.clone())).await;
        let accepted = reply.status == 202;
        let findings = linter.jwt(&set);
        // A warning says that some receivers refuse: this one may, and may not.
        let may_refuse = findings
            .iter()
            .any(|finding| finding.severity() > Severity::Note && finding.rule().effect != Effect::Drops);
        let must_refuse = findings.iter().any(|finding| {
            finding.severity() == Severity::Error && !PASSED_OVER.contains(&finding.rule().id)
        });
        if (accepted && must_refuse) || (!accepted && !may_refuse) {
            disagreements.push(format!("{name}: accepted {accepted}, {findings:?}, {:?}", reply.body));
        }
    }
    assert!(disagreements.is_empty(), "{dialect}:\n{}", disagreements.join("\n"));
}

#[tokio::test]
async fn okta() {
    compare("okta", Like::Okta).await;
}

#[tokio::test]
async fn any_receiver() {
    compare("ssf-1.0", Like::Rfc8935).await;
}

//! `ssf set sign` and `ssf set push`: a SET is built in one place and sent from another.

use std::{fs, process::Stdio};

use crate::program::{Run, command, file, folder, ssf};
use serde_json::{Value, json};
use ssf_emulator::Published;
use ssf_emulator::{Config, Emulator, KeySource, Like};
use ssf_transmitter::{Jwks, KeyType, SignedSet, SigningKey};
use tokio::io::AsyncWriteExt as _;

const ISSUER: &str = "https://edr.example.com";
const ORG: &str = "https://acme.okta.com";
const CHANGED: &str = "https://schemas.openid.net/secevent/risc/event-type/identifier-changed";

struct World {
    key: SigningKey,
    path: String,
    published: Published,
    okta: Emulator,
}

async fn world(name: &str) -> World {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let path = file(&format!("set-{name}.pem"), key.export_private_pem().unwrap().expose());
    let published = Published::start(Jwks::new([key.public_key().clone()]).unwrap().to_json()).await.unwrap();
    let keys = KeySource::JwksUri(published.jwks_uri().to_owned());
    let okta =
        Emulator::start(Config::new(Like::Okta, ISSUER.to_owned(), keys, ORG.to_owned())).await.unwrap();
    World { key, path, published, okta }
}

impl World {
    async fn push(&self, set: &str, more: &[&str]) -> Run {
        let to = ["--okta", self.okta.base_url(), "--audience", ORG, "--allow-loopback"];
        ssf(&[&["set", "push", set][..], &to, more].concat(), &[]).await
    }
}

#[tokio::test]
async fn a_set_is_signed_here_and_sent_there() {
    let world = world("both").await;
    let out = format!("{}/set.jwt", folder("set-both"));
    let sign = ["set", "sign", "--issuer", ISSUER, "--key", &world.path, "--okta", ORG, "--jti", "evt-1"];
    let event = ["--event", "okta.ip-change", "--event-timestamp", "now", "--email", "ada@example.com"];
    let members = ["--current-ip-address", "198.51.100.7", "--previous-ip-address", "192.0.2.10"];
    let reason = ["--reason-admin", "en=New network"];
    let arguments = [&sign[..], &event, &members, &reason].concat();
    let printed = ssf(&arguments, &[]).await;
    ssf(&[&arguments[..], &["-o", &out]].concat(), &[]).await.text();
    assert_eq!(printed.stderr, "", "nothing is wrong with it");
    let jwks = Jwks::new([world.key.public_key().clone()]).unwrap();
    for text in [printed.text(), &fs::read_to_string(&out).unwrap()] {
        let set = SignedSet::parse(text.trim()).unwrap().decode().unwrap();
        set.verify(&jwks).unwrap();
        assert_eq!((&set.claims()["jti"], &set.claims()["aud"]), (&json!("evt-1"), &json!(ORG)));
    }

    assert_eq!(world.push(&out, &[]).await.json()["status"], 202);
    // The audience of the SET is enough where none is given.
    let endpoint = ["set", "push", &out, "--endpoint", &world.okta.push_url(), "--allow-loopback"];
    assert_eq!(ssf(&endpoint, &[]).await.json()["jti"], "evt-1");
    // Standard input.
    let mut piped = command(&["set", "push", "-", "--endpoint", &world.okta.push_url(), "--allow-loopback"]);
    let mut child = piped.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(printed.text().as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn a_payload_goes_out_as_it_is_pasted() {
    let world = world("payload").await;
    let members = json!({
        "subject": { "user": { "format": "email", "email": "john@example.com" } },
        "new-value": "john.roe@example.com",
        "event_timestamp": 1_615_304_991_643_i64,
    });
    let payload = json!({
        "iss": ISSUER,
        "jti": "24c63fb56e5a2d77a6b512616ca9fa24",
        "iat": 1_615_305_159,
        "aud": ORG,
        "events": { CHANGED: members },
    });
    let pasted = file("set-payload.json", payload.to_string());
    let sign = ["set", "sign", "--key", &world.path, "--okta", ORG, "--json"];
    let run = ssf(&[&sign[..], &["--payload", &format!("@{pasted}")]].concat(), &[]).await;
    assert_eq!(run.json()["claims"], payload);
    assert_eq!(run.json()["findings"][0]["rule"], "timestamp-unit-disputed");
    assert!(run.stderr.contains("timestamp-unit-disputed") || run.stderr.contains("milliseconds"), "{run:?}");
    let set = file("set-payload.jwt", run.json()["set"].as_str().unwrap());
    assert_eq!(world.push(&set, &[]).await.json()["status"], 202);

    // What is missing is filled in; nothing else is added.
    let mut short = payload.clone();
    short.as_object_mut().unwrap().retain(|name, _| !["jti", "iat"].contains(&name.as_str()));
    let filled = ssf(&[&sign[..], &["--payload", &short.to_string()]].concat(), &[]).await.json();
    let names: Vec<_> = filled["claims"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["iss", "jti", "iat", "aud", "events"]);

    for (change, code, pointer) in [
        (json!({ "iss": null }), "issuer_invalid", "/iss"),
        (json!({ "aud": null }), "audience_missing", "/aud"),
        (json!({ "events": null }), "event_missing", "/events"),
        (json!({ "iss": 7 }), "claim_invalid", "/iss"),
        (json!({ "iat": "now" }), "claim_invalid", "/iat"),
        (json!({ "iat": 1_615_305_159_000_i64 }), "claim_invalid", "/iat"),
        (
            json!({ "events": { CHANGED: [] } }),
            "claim_invalid",
            "/events/https:~1~1schemas.openid.net~1secevent~1risc~1event-type~1identifier-changed",
        ),
        (json!({ "exp": 1 }), "claim_forbidden", "/exp"),
    ] {
        let mut wrong = payload.clone();
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                wrong.as_object_mut().unwrap().remove(name);
            } else {
                wrong[name] = value.clone();
            }
        }
        let run = ssf(&[&sign[..], &["--payload", &wrong.to_string()]].concat(), &[]).await;
        let error = run.error();
        assert_eq!(
            (&error["code"], &error["pointer"]),
            (&Value::from(code), &Value::from(pointer)),
            "{run:?}"
        );
        assert!(!run.stderr.contains("john"), "no payload in a message");
    }
    let both = [&sign[..], &["--payload", "{}", "--event", "okta.ip-change"]].concat();
    assert_eq!(ssf(&both, &[]).await.code, Some(2));
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let world = world("missing").await;
    let event = ["--event", "caep.session-revoked", "--email", "ada@example.com"];
    let sign = ["set", "sign", "--key", &world.path];
    for (more, words) in
        [(&["--issuer", ISSUER][..], "--okta or --audience"), (&["--audience", ORG], "--issuer")]
    {
        let run = ssf(&[&sign[..], &event, more].concat(), &[]).await;
        assert_eq!(run.code, Some(2), "{run:?}");
        run.fails_saying(&[words]);
    }
    let run = ssf(&[&sign[..], &["--issuer", ISSUER, "--audience", ORG]].concat(), &[]).await;
    run.fails_saying(&["--event"]);
    let jwks = world.published.jwks_uri();
    let run = ssf(&["set", "push", "set.jwt", "--endpoint", jwks, "--okta", ORG], &[]).await;
    assert_eq!(run.code, Some(2), "{run:?}");
}

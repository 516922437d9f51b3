//! The secrets of `ssf transmitter`: the key of its certificate, which is renewed in place, and the keys that seal what it keeps.

use std::{fs, process::Stdio};

use axum::{Router, http::HeaderMap};
use reqwest::{StatusCode, tls::Version};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    net::TcpListener,
    process::ChildStderr,
    sync::mpsc,
};

use crate::{
    program::{file, folder, ssf},
    transmitter::{REVOKED, Transmitter, trusting},
};

/// 32 bytes each, in base64.
const KEYS: [(&str, &str); 3] = [
    ("INDEX", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="),
    ("NOVEMBER", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="),
    ("DECEMBER", "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="),
];
const SECRET: &str = "Bearer of-the-receiver";

#[tokio::test]
#[cfg(unix)]
async fn a_renewed_certificate_is_used_and_one_with_another_key_is_not() {
    let settings = r#"events = ["caep.session-revoked"]"#;
    let mut transmitter =
        Transmitter::start_as("transmitter-renewed", settings, Version::TLS_1_3, |program| {
            program.stderr(Stdio::piped())
        })
        .await;
    let mut said = BufReader::new(transmitter.child.stderr.take().unwrap()).lines();
    let metadata = format!("{}/.well-known/ssf-configuration", transmitter.url);
    let connect = async |certificate: &str| {
        let client = trusting(certificate, Version::TLS_1_3);
        client.get(&metadata).send().await
    };
    let at = |name: &str| format!("{}/{name}", transmitter.folder);
    let old = transmitter.certificate.clone();
    let renewed =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let new = renewed.cert.pem();

    // Its key is not there yet.
    fs::write(at("certificate.pem"), &new).unwrap();
    transmitter.signal("-HUP").await;
    let line = said.next_line().await.unwrap().unwrap();
    for part in ["the certificate in use stays", &at("certificate.pem"), "[configuration_invalid]"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(connect(&old).await.unwrap().status().is_success());
    assert!(connect(&new).await.unwrap_err().is_connect());

    fs::write(at("tls.pem"), renewed.signing_key.serialize_pem()).unwrap();
    transmitter.signal("-HUP").await;
    assert_eq!(said.next_line().await.unwrap().unwrap(), "the certificate is renewed");
    assert!(connect(&new).await.unwrap().status().is_success());
    assert!(connect(&old).await.unwrap_err().is_connect());
}

/// A transmitter whose streams are in this folder, sealed with the first of these keys. What it says goes there.
async fn sealed(name: &str, kept: &str, keys: &[&str], said: Stdio) -> Transmitter {
    let keys: Vec<_> = keys.iter().map(|key| format!("{{ id = \"{key}\", key = \"env:{key}\" }}")).collect();
    let settings = format!(
        r#"
            events = ["caep.session-revoked"]
            push = true
            allow_loopback = true
            outbox.file = "{kept}/outbox.db"
            seal = {{ index_key = "env:INDEX", keys = [{}] }}
        "#,
        keys.join(", ")
    );
    Transmitter::start_as(name, &settings, Version::TLS_1_3, |program| program.envs(KEYS).stderr(said)).await
}

/// The endpoint of a receiver, and the header that it is sent.
async fn receiver() -> (String, mpsc::Receiver<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/events", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel(4);
    let app = Router::new().fallback(move |headers: HeaderMap| async move {
        let shown = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        sender.send(shown).await.unwrap();
        StatusCode::ACCEPTED
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    (endpoint, received)
}

#[tokio::test]
async fn what_is_kept_is_sealed_and_older_keys_open_it() {
    let kept = folder("transmitter-sealed-outbox");
    let mut transmitter = sealed("transmitter-sealed", &kept, &["NOVEMBER"], Stdio::inherit()).await;
    let poll = transmitter.create(&[REVOKED]).await;
    let published = transmitter.publish().await;
    let (endpoint, mut received) = receiver().await;
    let delivery = json!({
        "method": "urn:ietf:rfc:8935", "endpoint_url": endpoint, "authorization_header": SECRET,
    });
    let pushed = json!({ "events_requested": [REVOKED], "delivery": delivery });
    let (status, stream) = transmitter.post("/ssf/streams", &pushed).await;
    assert_eq!(status, StatusCode::CREATED, "{stream}");
    transmitter.child.kill().await.unwrap();
    let files = fs::read_dir(&kept).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let bytes = files.collect::<Vec<_>>().concat();
    let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("NOVEMBER"), "the id of the key is in clear");
    assert!(!holds(SECRET) && !holds("ada@example.com"));

    let mut transmitter =
        sealed("transmitter-rotated", &kept, &["DECEMBER", "NOVEMBER"], Stdio::inherit()).await;
    let (_, polled) = transmitter.post(&poll, &json!({})).await;
    let jtis: Vec<_> = polled["sets"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(json!(jtis), published["jtis"]);
    assert_eq!(transmitter.publish().await["streams"], 2);
    assert_eq!(received.recv().await.unwrap().as_deref(), Some(SECRET));
    transmitter.child.kill().await.unwrap();

    // The receiver reads nothing of the reason, and the operator does.
    let mut transmitter = sealed("transmitter-key-lost", &kept, &["DECEMBER"], Stdio::piped()).await;
    let mut said = BufReader::new(transmitter.child.stderr.take().unwrap()).lines();
    let (status, answer) = transmitter.post(&poll, &json!({})).await;
    assert_eq!(
        (status, &answer["err"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("temporarily_unavailable"))
    );
    let line = saying(&mut said, "the stream API cannot answer").await;
    for part in ["ERROR", r#"operation="stream.poll""#, r#"code="outbox_key_missing""#] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!answer.to_string().contains("key"), "{answer}");
}

/// The first line that says so.
async fn saying(lines: &mut Lines<BufReader<ChildStderr>>, words: &str) -> String {
    loop {
        let line = lines.next_line().await.unwrap().expect(words);
        assert!(!line.contains(SECRET) && !line.contains("ada@example.com"), "{line}");
        if line.contains(words) {
            return line;
        }
    }
}

#[tokio::test]
async fn keys_that_cannot_seal_are_refused_and_not_shown() {
    let seal = |index: &str, keys: &str| format!("seal = {{ index_key = \"{index}\", keys = [{keys}] }}");
    let one = |id: &str, key: &str| format!("{{ id = \"{id}\", key = \"{key}\" }}");
    let good = one("1", "env:NOVEMBER");
    let short = file("transmitter-short-key", "c2hvcnQ=");
    let key = format!("{}/key.pem", folder("transmitter-seal"));
    ssf(&["key", "new", "--type", "p256", "--out", &key], &[]).await.text();
    for (name, text, says) in [
        ("none", seal("env:INDEX", ""), "seal.keys: it has no key"),
        ("in-place", seal(KEYS[0].1, &good), "seal.index_key: write env:NAME or file:PATH"),
        ("unset", seal("env:INDEX", &one("1", "env:UNSET")), "the variable UNSET is not set"),
        ("short", seal("env:INDEX", &one("1", &format!("file:{short}"))), "seal.keys: 1: a key is 32 bytes"),
        ("twice", seal("env:INDEX", &format!("{good}, {good}")), "must be unique"),
    ] {
        let first = "issuer = \"https://tr.example.com\"\nlisten = \"127.0.0.1:0\"\nevents = []\n";
        let settings = format!("{first}key = \"{key}\"\n{text}\n");
        let path = file(&format!("transmitter-seal-{name}.toml"), settings);
        let run = ssf(&["--json", "transmitter", "--settings", &path], &KEYS).await;
        let error: Value = run.error();
        assert_eq!(error["class"], "configuration", "{name}: {error}");
        assert!(error["message"].as_str().unwrap().contains(says), "{name}: {error}");
        assert!(!run.stderr.contains("AQEB") && !run.stderr.contains("c2hv"), "{run:?}");
    }
}

#[tokio::test]
async fn a_password_in_the_url_of_the_database_is_refused_where_it_is_written() {
    let good =
        "issuer = \"https://tr.example.com\"\nlisten = \"127.0.0.1:0\"\nkey = \"env:KEY\"\nevents = []\n";
    for (name, url) in
        [("url", "postgresql://ada:hunter2@db/app"), ("parameter", "postgresql://db/app?password=hunter2")]
    {
        let settings = format!("{good}outbox.database = \"{url}\"");
        let path = file(&format!("transmitter-password-{name}.toml"), settings);
        let refused = ssf(&["transmitter", "--settings", &path], &[]).await;
        assert_eq!(refused.code, Some(3), "{refused:?}");
        refused.fails_saying(&[
            "outbox.database takes a URL with a password only from env:NAME or file:PATH",
            "a file of settings is no place for it",
        ]);
        assert!(!refused.stderr.contains("hunter2") && !refused.stderr.contains("--database"), "{refused:?}");
    }
}

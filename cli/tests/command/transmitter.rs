//! `ssf transmitter` as a program: streams over TLS, publishing, the end of it, and settings that are wrong.

use std::{collections::BTreeSet, fs, time::Duration};

use crate::program::{command, file, folder, ssf};
use reqwest::{Certificate, Client, StatusCode, tls::Version};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

pub(crate) const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
/// The hash of a token, and the token.
const ACME: (&str, &str) = ("sha256:BBLNBVLkGHyuBHI7K8Ae7X7bpq-lGQc1m7twGbUJykw", "of-acme");

/// A client that speaks this version of TLS, and trusts no other certificate.
pub(crate) fn trusting(certificate: &str, version: Version) -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::builder()
        .tls_certs_only([Certificate::from_pem(certificate.as_bytes()).unwrap()])
        .min_tls_version(version)
        .max_tls_version(version)
        .build()
        .unwrap()
}

/// A transmitter that runs, and a client that trusts it.
pub(crate) struct Transmitter {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) client: Client,
    /// Where `certificate.pem` and `tls.pem` are.
    pub(crate) folder: String,
    /// In PEM.
    pub(crate) certificate: String,
}

impl Transmitter {
    /// Starts one with these settings beside what all have, and with TLS of this version.
    async fn start(name: &str, settings: &str, arguments: &[&str], version: Version) -> Self {
        Self::start_as(name, settings, version, |command| command.args(arguments)).await
    }

    /// The same, with something about the program that is special.
    pub(crate) async fn start_as(
        name: &str,
        settings: &str,
        version: Version,
        special: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let folder = folder(name);
        let at = |name: &str| format!("{folder}/{name}");
        let issued =
            rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        fs::write(at("certificate.pem"), issued.cert.pem()).unwrap();
        fs::write(at("tls.pem"), issued.signing_key.serialize_pem()).unwrap();
        let generated = ssf(&["key", "new", "--type", "p256", "--out", &at("key.pem")], &[]).await;
        generated.text();
        let hash = ACME.0;
        let settings = format!(
            r#"
                issuer = "https://tr.example.com"
                listen = "127.0.0.1:0"
                certificate = "{folder}/certificate.pem"
                certificate_key = "{folder}/tls.pem"
                key = "{folder}/key.pem"
                publishers = ["{hash}"]
                {settings}
                [[receivers]]
                id = "acme"
                audience = "https://acme.example.com"
                scopes = ["ssf.manage"]
                tokens = ["{hash}"]
            "#
        );
        fs::write(at("settings.toml"), settings).unwrap();
        let settings = at("settings.toml");
        let mut program = command(&["transmitter", "--settings", &settings]);
        let mut child = special(program.stderr(std::process::Stdio::inherit())).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"));
        let certificate = issued.cert.pem();
        let client = trusting(&certificate, version);
        let url = ready["url"].as_str().unwrap().to_owned();
        Self { child, url, client, folder, certificate }
    }

    /// Sends a signal to the process.
    pub(crate) async fn signal(&self, signal: &str) {
        let process = self.child.id().unwrap().to_string();
        let killed = Command::new("kill").args([signal, &process]).status().await.unwrap();
        assert!(killed.success());
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let answer =
            self.client.post(format!("{}{path}", self.url)).bearer_auth(ACME.1).json(body).send().await;
        let answer = answer.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    pub(crate) async fn create(&self, events: &[&str]) -> String {
        let (status, stream) = self.post("/ssf/streams", &json!({ "events_requested": events })).await;
        assert_eq!(status, StatusCode::CREATED, "{stream}");
        format!("/ssf/poll/{}", stream["stream_id"].as_str().unwrap())
    }

    pub(crate) async fn publish(&self) -> Value {
        let event = json!({ REVOKED: {} });
        let subject = json!({ "format": "email", "email": "ada@example.com" });
        let (status, published) = self.post("/publish", &json!({ "event": event, "subject": subject })).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{published}");
        published
    }
}

async fn a_receiver_polls(name: &str, version: Version) {
    let transmitter = Transmitter::start(name, r#"events = ["caep.session-revoked"]"#, &[], version).await;
    let metadata =
        transmitter.client.get(format!("{}/.well-known/ssf-configuration", transmitter.url)).send().await;
    let metadata: Value = metadata.unwrap().json().await.unwrap();
    assert_eq!(metadata["configuration_endpoint"], "https://tr.example.com/ssf/streams");
    let poll = transmitter.create(&[REVOKED]).await;
    let nothing = json!({});
    let ((_, polled), published) = tokio::join!(transmitter.post(&poll, &nothing), transmitter.publish());
    let jtis: Vec<_> = polled["sets"].as_object().unwrap().keys().cloned().collect();
    assert_eq!((&json!(jtis), &published["streams"]), (&published["jtis"], &json!(1)));
    let (_, polled) = transmitter.post(&poll, &json!({ "ack": jtis, "maxEvents": 0 })).await;
    assert_eq!(polled, json!({ "sets": {} }));
}

#[tokio::test]
async fn a_receiver_polls_over_tls_1_3() {
    a_receiver_polls("transmitter-1-3", Version::TLS_1_3).await;
}

#[tokio::test]
async fn a_receiver_polls_over_tls_1_2() {
    a_receiver_polls("transmitter-1-2", Version::TLS_1_2).await;
}

/// Streams and events are there after the process was killed.
async fn streams_stay(name: &str, outbox: &str) {
    let settings = format!("events = [\"caep.session-revoked\"]\n{outbox}");
    let mut transmitter = Transmitter::start(name, &settings, &[], Version::TLS_1_3).await;
    let poll = transmitter.create(&[REVOKED]).await;
    let published = transmitter.publish().await;
    transmitter.child.kill().await.unwrap();
    let transmitter = Transmitter::start(name, &settings, &[], Version::TLS_1_3).await;
    let (_, polled) = transmitter.post(&poll, &json!({})).await;
    let jtis: Vec<_> = polled["sets"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(json!(jtis), published["jtis"]);
}

#[tokio::test]
async fn streams_stay_in_a_file() {
    let outbox = format!("outbox.file = \"{}/outbox.db\"", folder("transmitter-file"));
    streams_stay("transmitter-kept-in-a-file", &outbox).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_stay_in_a_database() {
    let url = crate::server::shared().url();
    ssf(&["outbox", "--database", &url, "--schema", "transmitter", "migrate"], &[]).await.text();
    let outbox = format!("outbox = {{ database = \"{url}\", schema = \"transmitter\" }}");
    streams_stay("transmitter-kept-in-a-database", &outbox).await;
}

#[tokio::test]
#[cfg(unix)]
async fn a_poll_that_waits_is_answered_when_the_transmitter_ends() {
    let settings = "events = [\"caep.session-revoked\"]\nlong_poll = 3600\npush = true";
    let mut transmitter = Transmitter::start("transmitter-end", settings, &[], Version::TLS_1_3).await;
    let poll = transmitter.create(&[REVOKED]).await;
    let nothing = json!({});
    let polling = transmitter.post(&poll, &nothing);
    let ending = async {
        // The request after it tells that the poll has come: one connection after the other is accepted.
        transmitter.create(&[]).await;
        transmitter.signal("-TERM").await;
    };
    let (polled, ()) = tokio::join!(polling, ending);
    assert_eq!(polled, (StatusCode::OK, json!({ "sets": {} })));
    assert!(transmitter.child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_certification_run_sees_every_event_that_is_advertised() {
    let events = ssf(&["--json", "event", "list"], &[]).await.json();
    let caep: Vec<_> = events.as_array().unwrap().iter().filter(|event| event["family"] == "caep").collect();
    let ids: Vec<_> = caep.iter().map(|event| event["id"].as_str().unwrap()).collect();
    let uris: BTreeSet<_> = caep.iter().map(|event| event["uri"].as_str().unwrap().to_owned()).collect();
    assert!(ids.len() >= 8, "{ids:?}");
    let settings = format!("events = {ids:?}");
    let transmitter =
        Transmitter::start("transmitter-demo", &settings, &["--demo-events"], Version::TLS_1_3).await;
    let requested: Vec<_> = uris.iter().map(String::as_str).collect();
    let poll = transmitter.create(&requested).await;
    let mut seen = BTreeSet::new();
    let mut acknowledged: Vec<String> = Vec::new();
    let all = async {
        while seen != uris {
            let (_, polled) = transmitter.post(&poll, &json!({ "ack": acknowledged })).await;
            let sets = polled["sets"].as_object().unwrap();
            acknowledged = sets.keys().cloned().collect();
            for set in sets.values() {
                seen.extend(events_of(set.as_str().unwrap()));
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), all).await.unwrap();
    let (status, published) = transmitter.post("/publish/examples", &json!({})).await;
    assert_eq!((status, &published["events"]), (StatusCode::ACCEPTED, &json!(ids.len())));
}

/// The URIs of the events in a SET.
fn events_of(set: &str) -> Vec<String> {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

    let claims = BASE64_URL_SAFE_NO_PAD.decode(set.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["events"].as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn only_publishers_publish_and_only_valid_events() {
    let settings = r#"events = ["caep.session-revoked"]"#;
    let transmitter = Transmitter::start("transmitter-publish", settings, &[], Version::TLS_1_3).await;
    let url = format!("{}/publish", transmitter.url);
    for token in ["wrong", ""] {
        let answer = transmitter.client.post(&url).bearer_auth(token).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(transmitter.client.get(&url).send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    let subject = json!({ "format": "email", "email": "ada@example.com" });
    let member = format!("/events/{}/initiating_entity", REVOKED.replace('/', "~1"));
    let wrong_member = json!({ "event": { REVOKED: { "initiating_entity": 7 } }, "subject": subject });
    let wrong_subject = json!({ "event": { REVOKED: {} }, "subject": { "format": "email" } });
    for (body, err, pointer) in [
        (json!({}), "invalid_request", Value::Null),
        (wrong_member, "event_member_type", json!(member)),
        (wrong_subject, "subject_member_missing", json!("/sub_id/email")),
    ] {
        let (status, answer) = transmitter.post("/publish", &body).await;
        assert_eq!((status, &answer["err"]), (StatusCode::BAD_REQUEST, &json!(err)), "{answer}");
        assert_eq!(answer["pointer"], pointer, "{answer}");
    }
    let (status, _) = transmitter.post("/publish/examples", &json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn wrong_settings_are_refused() {
    let good =
        "issuer = \"https://tr.example.com\"\nlisten = \"0.0.0.0:0\"\nkey = \"env:KEY\"\nevents = []\n";
    for (name, text, says) in [
        ("clear", good.to_owned(), "without a certificate, listen is a loopback address"),
        ("half", format!("{good}certificate = \"x.pem\""), "set certificate and certificate_key together"),
        ("unknown", format!("{good}evnts = []"), "line 5: unknown field `evnts`"),
        (
            "type",
            format!("{good}long_poll = \"secret\""),
            "line 5: neither TOML nor a value of the right type",
        ),
        (
            "outbox",
            format!("{good}[outbox]\nfile = \"x.db\"\ndatabase = \"env:DATABASE\""),
            "an outbox has a file, or a database and perhaps a schema",
        ),
    ] {
        let path = file(&format!("transmitter-{name}.toml"), text);
        let run = ssf(&["transmitter", "--settings", &path], &[]).await;
        run.fails_saying(&[says]);
        assert!(!run.stderr.contains("secret"), "{run:?}");
    }
    // What the documentation shows is read, up to the files that are not there.
    let guide = include_str!("../../../docs/transmitter.md");
    let shown = guide.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let path = file("transmitter-guide.toml", shown);
    ssf(&["transmitter", "--settings", &path], &[]).await.fails_saying(&["/etc/tr/fullchain.pem"]);
}

#[tokio::test]
async fn a_new_token_is_printed_with_its_hash() {
    let token = ssf(&["--json", "transmitter", "--new-token"], &[]).await.json();
    assert!(token["token"].as_str().unwrap().starts_with("ssf_"), "{token}");
    assert!(token["hash"].as_str().unwrap().starts_with("sha256:"), "{token}");
}

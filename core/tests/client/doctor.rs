//! `doctor` against servers that are as they should be, and against servers that are not.

use std::{future::IntoFuture as _, time::Duration};

use crate::server::{Answer, Server};
use serde_json::{Value, json};
use ssf_transmitter::{
    KeyType, Receiver, Signer as _, SigningKey, Subject, Timestamp, Transmitter,
    client::{Diagnosis, Outcome, ReceiverBuilder},
    event::caep,
    time::Clock,
    token::ClientCredentials,
};

/// A clock that stands still.
struct Fixed(Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// What is wrong with the setup.
#[derive(Clone, Default)]
struct Setup {
    configuration: Option<Answer>,
    issuer: Option<String>,
    jwks: Option<Answer>,
    token: Option<Answer>,
    with_token: bool,
    scope: Option<&'static str>,
    push: Option<Answer>,
    /// How long the receiver takes to answer.
    delay: Duration,
    send: bool,
    event: Option<caep::SessionRevoked>,
    clock: Option<Timestamp>,
    own_kid: Option<&'static str>,
    /// The issuer of the configuration has a trailing slash.
    slash: bool,
    /// Keys that are published beside the one that signs.
    beside: Vec<Value>,
}

const DATE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

fn json_answer(body: &Value) -> Answer {
    let headers = vec![("content-type", "application/json".to_owned()), ("date", DATE.to_owned())];
    (200, headers, body.to_string().into_bytes())
}

fn of_type(content_type: &str, body: &str) -> Answer {
    (200, vec![("content-type", content_type.to_owned())], body.as_bytes().to_vec())
}

fn status(status: u16) -> Answer {
    (status, Vec::new(), Vec::new())
}

fn key() -> SigningKey {
    SigningKey::generate(KeyType::P256).unwrap()
}

impl Setup {
    async fn diagnose(self) -> Diagnosis {
        let key = key();
        let published = key.public_key().clone();
        let mut keys = self.beside.clone();
        keys.push(published.to_jwk());
        let jwks = json!({ "keys": keys });
        let setup = self.clone();
        let server = Server::start(move |seen, _| {
            let base = format!("http://{}", seen.header("host").unwrap());
            let slash = if setup.slash { "/" } else { "" };
            let issuer = setup.issuer.clone().unwrap_or_else(|| format!("{base}{slash}"));
            match seen.path.as_str() {
                "/.well-known/ssf-configuration" => setup.configuration.clone().unwrap_or_else(|| {
                    let jwks_uri = format!("{base}/jwks.json");
                    json_answer(&json!({ "spec_version": "1_0", "issuer": issuer, "jwks_uri": jwks_uri }))
                }),
                "/jwks.json" => setup.jwks.clone().unwrap_or_else(|| json_answer(&jwks)),
                "/token" => setup.token.clone().unwrap_or_else(|| {
                    json_answer(
                        &json!({ "access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600 }),
                    )
                }),
                "/events" => {
                    std::thread::sleep(setup.delay);
                    setup.push.clone().unwrap_or_else(|| status(202))
                }
                path => panic!("{path}"),
            }
        })
        .await;
        let key = match self.own_kid {
            Some(kid) => key.with_kid(kid).unwrap(),
            None => key,
        };
        let clock = self.clock.unwrap_or_else(|| Timestamp::from_unix_seconds(1_767_225_600));
        let transmitter = Transmitter::builder(&server.base, key).clock(Fixed(clock)).build().unwrap();
        let receiver: ReceiverBuilder =
            Receiver::builder(server.url("/events"), "https://receiver.example.net").allow_loopback();
        let receiver = if self.with_token {
            let mut credentials = ClientCredentials::new(server.url("/token"), "id", "s3cret");
            if let Some(scope) = self.scope {
                credentials = credentials.scope(scope);
            }
            receiver.client_credentials(credentials)
        } else {
            receiver
        };
        let event =
            self.event.unwrap_or_else(|| caep::SessionRevoked::new().with_reason_admin("en", "A test"));
        let subject = Subject::email("ada@example.com");
        let doctor = transmitter.doctor(event, subject, &receiver.build().unwrap());
        if self.send { doctor.send().await } else { doctor.await }
    }
}

fn outcome(diagnosis: &Diagnosis, id: &str) -> Option<Outcome> {
    diagnosis.check(id).map(|check| check.outcome)
}

#[track_caller]
fn fails(diagnosis: &Diagnosis, id: &str, says: &str) {
    let check = diagnosis.check(id).unwrap_or_else(|| panic!("{id} is not in {diagnosis:#?}"));
    assert_eq!(check.outcome, Outcome::Failed, "{check:?}");
    assert!(check.message.contains(says), "{}", check.message);
    assert!(!check.remedy.is_empty());
    assert!(!diagnosis.is_healthy());
}

#[tokio::test]
async fn a_setup_that_is_as_it_should_be() {
    let setup = Setup { with_token: true, scope: Some("ssf.write"), send: true, ..Setup::default() };
    let diagnosis = setup.diagnose().await;
    let found: Vec<_> = diagnosis.checks().iter().map(|check| (check.id, check.outcome.as_str())).collect();
    let expected = [
        ("configuration-reachable", "passed"),
        ("configuration-content-type", "passed"),
        ("configuration-issuer", "passed"),
        // Over plain http, as on this machine, the conformance suite would not run.
        ("configuration-conforms", "warning"),
        ("jwks-reachable", "passed"),
        ("jwks-content-type", "passed"),
        ("jwks-private", "passed"),
        ("jwks-valid", "passed"),
        ("signing-key", "passed"),
        ("proxy", "skipped"),
        ("source-address", "passed"),
        ("trust-store", "passed"),
        ("tls-version", "skipped"),
        ("token", "passed"),
        ("token-lifetime", "passed"),
        ("token-scope", "passed"),
        ("clock", "passed"),
        ("lint", "passed"),
        ("send", "passed"),
    ];
    assert_eq!(found, expected);
    assert!(diagnosis.is_healthy());
}

#[tokio::test]
async fn nothing_is_sent_unless_that_is_asked_for() {
    let diagnosis = Setup { push: Some(status(500)), ..Setup::default() }.diagnose().await;
    assert_eq!(outcome(&diagnosis, "send"), Some(Outcome::Skipped));
    assert!(diagnosis.is_healthy());
}

#[tokio::test]
async fn a_check_says_how_long_it_took() {
    let delay = Duration::from_millis(20);
    // The clock of the transmitter stands still.
    let diagnosis = Setup { send: true, delay, ..Setup::default() }.diagnose().await;
    let took = |id: &str| diagnosis.check(id).unwrap().duration;
    assert!(took("send") >= delay, "{diagnosis:#?}");
    assert_eq!(took("lint"), Duration::ZERO);
}

#[tokio::test]
async fn a_configuration_that_is_not_there() {
    let diagnosis = Setup { configuration: Some(status(404)), ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "configuration-reachable", "404");
    let redirect = (301, vec![("location", "https://elsewhere.example.com/".to_owned())], Vec::new());
    let diagnosis = Setup { configuration: Some(redirect), ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "configuration-reachable", "301");
}

#[tokio::test]
async fn a_configuration_that_is_a_web_page() {
    let page = of_type("text/html", "<html>Welcome</html>");
    let diagnosis = Setup { configuration: Some(page), ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "configuration-content-type", "application/json");
    fails(&diagnosis, "configuration-issuer", "not a JSON object");
}

#[tokio::test]
async fn an_issuer_with_a_slash_more() {
    let issuer = Some("http://127.0.0.1:1/".to_owned());
    let diagnosis = Setup { issuer, ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "configuration-issuer", "differs from that of the SETs");
    let diagnosis = Setup { slash: true, ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "configuration-issuer", "differs from that of the SETs only in a trailing slash");
}

#[tokio::test]
async fn a_jwks_with_keys_that_are_not_for_sets() {
    let vectors = std::fs::read_to_string("tests/vectors/jwks.json").unwrap();
    let vectors: Value = serde_json::from_str(&vectors).unwrap();
    let document = |name: &str| {
        let cases = vectors["cases"].as_array().unwrap();
        let case = cases.iter().find(|case| case["name"] == name).unwrap();
        case["document"]["keys"].as_array().unwrap()[0].clone()
    };
    let names = ["ML-DSA beside ours", "secp256k1 beside ours", "X25519 beside ours"];
    let beside = names.map(document).to_vec();
    let diagnosis = Setup { beside, ..Setup::default() }.diagnose().await;
    assert_eq!(outcome(&diagnosis, "jwks-valid"), Some(Outcome::Passed), "{diagnosis:?}");
    assert_eq!(outcome(&diagnosis, "signing-key"), Some(Outcome::Passed), "{diagnosis:?}");
    let beside = vec![document("a damaged key of ours beside a whole one")];
    let diagnosis = Setup { beside, ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "jwks-valid", "/keys/0/x");
}

#[tokio::test]
async fn a_configuration_without_jwks_uri() {
    let document = json_answer(&json!({ "spec_version": "1_0", "issuer": "https://edr.example.com" }));
    let diagnosis = Setup { configuration: Some(document), ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "jwks-reachable", "jwks_uri");
}

#[tokio::test]
async fn a_jwks_with_another_content_type() {
    let jwks = json!({ "keys": [key().public_key().to_jwk()] }).to_string();
    let plain = Setup { jwks: Some(of_type("text/plain", &jwks)), ..Setup::default() }.diagnose().await;
    fails(&plain, "jwks-content-type", "application/json");
    let own = of_type("application/jwk-set+json; charset=utf-8", &jwks);
    let own = Setup { jwks: Some(own), ..Setup::default() }.diagnose().await;
    assert_eq!(outcome(&own, "jwks-content-type"), Some(Outcome::Warning));
}

#[tokio::test]
async fn a_jwks_without_the_key_that_signs() {
    let other = json_answer(&json!({ "keys": [key().public_key().to_jwk()] }));
    let diagnosis = Setup { jwks: Some(other), ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "signing-key", "not published");
    let renamed = Setup { own_kid: Some("another-kid"), ..Setup::default() }.diagnose().await;
    fails(&renamed, "signing-key", "another kid");
    let same_kid = key().public_key().clone().with_kid("k").unwrap().to_jwk();
    let jwks = Some(json_answer(&json!({ "keys": [same_kid] })));
    let diagnosis = Setup { jwks, own_kid: Some("k"), ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "signing-key", "another key");
}

#[tokio::test]
async fn a_jwks_that_publishes_a_private_key() {
    let private: Value = serde_json::from_str(key().export_private_jwk().unwrap().expose()).unwrap();
    let d = private["d"].as_str().unwrap().to_owned();
    let jwks = json_answer(&json!({ "keys": [private] }));
    let diagnosis = Setup { jwks: Some(jwks), ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "jwks-private", "private key");
    assert!(!format!("{diagnosis:?}").contains(&d));
}

#[tokio::test]
async fn a_jwks_whose_keys_cannot_be_read() {
    let jwks =
        json_answer(&json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "1" }] }));
    let diagnosis = Setup { jwks: Some(jwks), ..Setup::default() }.diagnose().await;
    assert_eq!(outcome(&diagnosis, "jwks-valid"), Some(Outcome::Failed));
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    let at = |seconds: i64| Some(Timestamp::from_unix_seconds(1_767_225_600 + seconds));
    let ahead = Setup { clock: at(120), ..Setup::default() }.diagnose().await;
    fails(&ahead, "clock", "120 seconds ahead of");
    let behind = Setup { clock: at(-90), ..Setup::default() }.diagnose().await;
    fails(&behind, "clock", "90 seconds behind");
    let a_little = Setup { clock: at(10), ..Setup::default() }.diagnose().await;
    assert_eq!(outcome(&a_little, "clock"), Some(Outcome::Warning));
}

#[tokio::test]
async fn a_token_that_is_refused() {
    let body = json!({ "error": "invalid_client" }).to_string().into_bytes();
    let token = Some((401, vec![("content-type", "application/json".to_owned())], body));
    let diagnosis = Setup { token, with_token: true, ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "token", "401");
    assert!(!format!("{diagnosis:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_token_that_says_little_of_itself() {
    let token = Some(json_answer(&json!({ "access_token": "t0ken", "scope": "read" })));
    let setup = Setup { token, with_token: true, scope: Some("read write"), ..Setup::default() };
    let diagnosis = setup.diagnose().await;
    assert_eq!(outcome(&diagnosis, "token-lifetime"), Some(Outcome::Warning));
    assert_eq!(outcome(&diagnosis, "token-scope"), Some(Outcome::Warning));
    assert!(diagnosis.is_healthy());
    assert!(!format!("{diagnosis:?}").contains("t0ken"));
    let short = Some(json_answer(&json!({ "access_token": "t0ken", "expires_in": "5" })));
    let diagnosis = Setup { token: short, with_token: true, ..Setup::default() }.diagnose().await;
    assert_eq!(outcome(&diagnosis, "token-lifetime"), Some(Outcome::Warning));
}

#[tokio::test]
async fn an_event_that_lint_does_not_like_is_not_sent() {
    let event = caep::SessionRevoked::new().with_member("event_timestamp", 1_767_225_590_643_i64);
    let diagnosis = Setup { event: Some(event), send: true, ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "lint", "timestamp-unit");
    assert_eq!(outcome(&diagnosis, "send"), Some(Outcome::Skipped));
}

#[tokio::test]
async fn a_set_that_is_refused() {
    let body = json!({ "err": "invalid_audience" }).to_string().into_bytes();
    let push = Some((400, vec![("content-type", "application/json".to_owned())], body));
    let diagnosis = Setup { push, send: true, ..Setup::default() }.diagnose().await;
    fails(&diagnosis, "send", "not addressed to this receiver");
}

#[tokio::test]
async fn a_set_that_was_signed_elsewhere_is_the_one_that_is_sent() {
    let key = key();
    let server = Server::always(202, &[], "").await;
    let transmitter = Transmitter::builder(&server.base, key.clone()).build().unwrap();
    let receiver = Receiver::builder(server.url("/events"), "https://receiver.example.net").allow_loopback();
    let receiver = receiver.build().unwrap();
    let event = caep::SessionRevoked::new().with_reason_admin("en", "A test");
    let subject = Subject::email("ada@example.com");
    let examination = transmitter.doctor(event, subject, &receiver).send().examine().await;
    let input = examination.pending().unwrap().unsigned().signing_input().to_vec();
    let signature = key.sign(&input).await.map_err(|_| panic!("the key signs"));
    let diagnosis = examination.finish(signature).await;
    assert_eq!(outcome(&diagnosis, "send"), Some(Outcome::Passed));
    let pushed = server.seen().into_iter().find(|seen| seen.path == "/events").unwrap();
    assert!(pushed.body.as_bytes().starts_with(&input));
}

#[tokio::test]
async fn hosts_that_do_not_answer_do_not_hold_up_the_doctor() {
    // A listener that accepts nothing: connections wait in its queue.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", silent.local_addr().unwrap());
    let transmitter = Transmitter::builder(&base, key()).build().unwrap();
    let credentials = ClientCredentials::new(format!("{base}/token"), "id", "secret");
    let receiver =
        Receiver::builder(format!("{}/events", base.replace("http", "https")), "https://r.example.net")
            .allow_loopback()
            .client_credentials(credentials)
            .build()
            .unwrap();
    let doctor = transmitter.doctor(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver);
    let diagnosis = tokio::time::timeout(Duration::from_mins(10), doctor.into_future()).await.unwrap();
    for id in ["configuration-reachable", "tls-version", "token"] {
        assert_eq!(outcome(&diagnosis, id), Some(Outcome::Failed), "{id}");
    }
}

#[tokio::test]
async fn a_key_is_found_among_those_that_are_published() {
    let (current, next) = (key(), key());
    let jwks = json!({ "keys": [current.public_key().to_jwk()] });
    let server = Server::start(move |seen, _| {
        let base = format!("http://{}", seen.header("host").unwrap());
        match seen.path.as_str() {
            "/elsewhere" => {
                let jwks_uri = format!("{base}/jwks.json");
                json_answer(&json!({ "spec_version": "1_0", "issuer": base, "jwks_uri": jwks_uri }))
            }
            "/jwks.json" => json_answer(&jwks),
            _ => status(404),
        }
    })
    .await;
    let check = async |key: SigningKey| {
        let transmitter = Transmitter::builder(&server.base, key).build().unwrap();
        transmitter.doctor_shared([]).configuration_url(server.url("/elsewhere")).allow_loopback().await
    };
    let (found, missing) = (check(current.clone()).await, check(next).await);
    assert_eq!(found.check("signing-key").unwrap().outcome, Outcome::Passed);
    assert_eq!(missing.check("signing-key").unwrap().outcome, Outcome::Failed);
    assert_eq!(missing.check("jwks-reachable").unwrap().outcome, Outcome::Passed);

    let transmitter = Transmitter::builder(&server.base, current).build().unwrap();
    let strict = transmitter.doctor_shared([]).await;
    assert_eq!(strict.check("configuration-reachable").unwrap().outcome, Outcome::Failed, "{strict:?}");
    assert!(strict.check("signing-key").is_none());
}

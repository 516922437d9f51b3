//! TLS: the good certificate, the bad ones, and both versions of HTTP.

use std::error::Error as _;

use crate::common::{Scene, good, http_trusting, key};
use reqwest::Version;
use ssf_emulator::{Fault, Like, Rule, Script, TlsFault};

const BOTH: &[&str] = &["h2", "http/1.1"];

/// A receiver that speaks TLS, and a client that trusts it and speaks these protocols.
async fn over_tls(script: Script, protocols: &[&str]) -> Scene {
    let mut scene = Scene::with(Like::Rfc8935, |config| {
        config.tls = true;
        config.script = script;
    })
    .await;
    scene.http = http_trusting(scene.emulator.ca_pem(), protocols);
    scene
}

async fn version(scene: &Scene) -> Version {
    let response = scene.request(key().sign(&good())).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 202);
    response.version()
}

/// Everything an error says about its causes.
async fn failure(scene: &Scene) -> String {
    let error = scene.request(key().sign(&good())).send().await.unwrap_err();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[tokio::test]
async fn offers_both_versions_of_http() {
    let mut scene = over_tls(Script::new(), BOTH).await;
    assert!(scene.emulator.base_url().starts_with("https://127.0.0.1:"));
    assert_eq!(version(&scene).await, Version::HTTP_2);
    scene.http = http_trusting(scene.emulator.ca_pem(), &["http/1.1"]);
    assert_eq!(version(&scene).await, Version::HTTP_11);
}

#[tokio::test]
async fn certificate_is_for_localhost_too() {
    let scene = over_tls(Script::new(), BOTH).await;
    let url = scene.emulator.push_url().replace("127.0.0.1", "localhost");
    assert_eq!(scene.http.get(url).send().await.unwrap().status().as_u16(), 405);
}

#[tokio::test]
async fn certificate_is_by_an_authority_nobody_else_has() {
    let mut scene = over_tls(Script::new(), BOTH).await;
    let another = over_tls(Script::new(), BOTH).await;
    scene.http = another.http.clone();
    assert!(failure(&scene).await.contains("certificate"));
}

#[tokio::test]
async fn plain_http_has_no_authority() {
    assert_eq!(Scene::like(Like::Rfc8935).await.emulator.ca_pem(), None);
}

#[tokio::test]
async fn goes_wrong_in_every_way_and_only_when_told() {
    for (fault, part) in [
        (TlsFault::Handshake, "HandshakeFailure"),
        (TlsFault::WrongHost, "not valid for name"),
        (TlsFault::Expired, "expired"),
        (TlsFault::Untrusted, "UnknownIssuer"),
    ] {
        let scene = over_tls(Script::new().rule(Rule::connection(Fault::Tls(fault)).first(1)), BOTH).await;
        let failure = failure(&scene).await;
        assert!(failure.contains(part), "{fault:?}: {failure}");
        assert_eq!(version(&scene).await, Version::HTTP_2);
        assert_eq!(scene.emulator.counters().faulted_connections, 1);
        assert_eq!(scene.emulator.ledger().len(), 1);
    }
}

#[tokio::test]
async fn faults_of_requests_work_over_tls_and_both_versions_of_http() {
    for protocols in [&["h2"], &["http/1.1"]] {
        for fault in
            [Fault::Close, Fault::LostAnswer, Fault::Reset { after: true }, Fault::HalfClose { bytes: 20 }]
        {
            let name = fault.name();
            let scene = over_tls(Script::new().rule(Rule::push(fault).nth(1)), protocols).await;
            let error = scene.request(key().sign(&good())).send().await.unwrap_err();
            assert!(!error.is_connect() && !error.is_timeout(), "{name} {protocols:?}: {error:?}");
            let entry = scene.emulator.ledger().remove(0);
            assert_eq!((entry.fault.as_deref(), entry.accepted), (Some(name), name != "close"));
            version(&scene).await;
        }
    }
}

#[tokio::test]
async fn http2_is_spoken_without_tls_to_those_who_know_it() {
    let scene = Scene::like(Like::Rfc8935).await;
    let http = reqwest::Client::builder().no_proxy().http2_prior_knowledge();
    // Without TLS no provider is needed, but reqwest asks for one.
    let tls = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let http = http.tls_backend_preconfigured(tls).build().unwrap();
    let request = http.post(scene.emulator.push_url()).header("Content-Type", "application/secevent+jwt");
    let response =
        request.header("Accept", "application/json").body(key().sign(&good())).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (202, Version::HTTP_2));
}

//! What holds for every receiver: the HTTP rules, the ledger, starting and stopping.

use crate::common::{AUDIENCE, CLIENT_SECRET, ISSUER, Reply, Scene, client, set, with};
use serde_json::{Value, json};
use ssf_emulator::{Config, Emulator, Entry, KeySource, Like};

fn claims() -> Value {
    let event = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    with(set(event, json!({})), "/sub_id", json!({ "format": "opaque", "id": "session-0001" }))
}

fn config(like: Like) -> Config {
    Config::new(like, ISSUER, KeySource::JwksUri("http://127.0.0.1:9/jwks.json".to_owned()), AUDIENCE)
}

#[tokio::test]
async fn has_one_path_for_sets_and_one_method_for_them() {
    let scene = Scene::like(Like::Okta).await;
    for method in [reqwest::Method::GET, reqwest::Method::PUT] {
        let reply = Reply::to(scene.http.request(method, scene.emulator.push_url())).await;
        assert_eq!((reply.status, reply.header("allow")), (405, "POST"));
    }
    let elsewhere = format!("{}/elsewhere", scene.emulator.base_url());
    assert_eq!(Reply::to(scene.http.post(elsewhere)).await.status, 404);
    let statuses: Vec<_> = scene.emulator.ledger().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [405, 405, 404]);
}

#[tokio::test]
async fn takes_bodies_of_one_mebibyte_and_no_larger() {
    let scene = Scene::like(Like::Okta).await;
    let largest = "a".repeat(1024 * 1024);
    scene.push(largest.clone()).await.assert_refused("invalid_request");
    assert_eq!(scene.push(largest + "a").await.status, 413);
}

#[tokio::test]
async fn ledger_shows_what_was_sent_and_how_it_was_answered() {
    let scene = Scene::like(Like::Rfc8935).await;
    let good = claims();
    scene.send(&good).await.assert_accepted();
    scene.send(&with(claims(), "/aud", json!("elsewhere"))).await.assert_refused("invalid_audience");
    let reply = Reply::to(scene.request("").header("Authorization", "secret-without-scheme")).await;
    reply.assert_refused("invalid_request");

    let reply = Reply::to(scene.http.get(scene.emulator.ledger_url())).await;
    assert_eq!(reply.header("content-type"), "application/json");
    let entries: Vec<Entry> = serde_json::from_value(reply.body.clone()).unwrap();
    assert_eq!(entries, scene.emulator.ledger());
    assert_eq!(entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(
        reply.body[0],
        json!({
            "sequence": 1,
            "method": "POST",
            "path": "/events",
            "status": 202,
            "fault": null,
            "accepted": true,
            "err": null,
            "description": null,
            "dropped": null,
            "header": { "alg": "RS256", "typ": "secevent+jwt", "kid": "first" },
            "claims": good,
            "request": {
                "content_type": "application/secevent+jwt",
                "accept": "application/json",
                "user_agent": "test",
                "authorization": null,
            },
        })
    );
    assert_eq!(reply.body[1]["err"], "invalid_audience");
    assert_eq!(reply.body[1]["claims"]["aud"], "elsewhere");
    assert_eq!(reply.body[2]["request"]["authorization"], "");
    assert!(!reply.body.to_string().contains("secret-without-scheme"));
}

#[tokio::test]
async fn ledger_can_be_cleared() {
    let scene = Scene::like(Like::Okta).await;
    scene.push("").await;
    let reply = Reply::to(scene.http.delete(scene.emulator.ledger_url())).await;
    assert_eq!(reply.status, 204);
    assert_eq!(scene.emulator.ledger(), []);
    scene.push("").await;
    assert_eq!(scene.emulator.ledger()[0].sequence, 2, "numbers are not given twice");
    let reply = Reply::to(scene.http.post(scene.emulator.ledger_url())).await;
    assert_eq!((reply.status, reply.header("allow")), (405, "GET, DELETE"));
}

#[tokio::test]
async fn refuses_addresses_that_others_can_reach() {
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let mut config = config(Like::Okta);
        config.listen = address.parse().unwrap();
        let error = Emulator::start(config).await.unwrap_err();
        assert!(error.is_configuration(), "{error}");
    }
}

#[tokio::test]
async fn refuses_settings_the_receiver_has_no_use_for() {
    let error = Emulator::start(config(Like::GovUkOneLogin)).await.unwrap_err();
    assert!(error.to_string().contains("client secret"), "{error}");

    let mut with_client = config(Like::Okta);
    with_client.client = Some(client());
    assert!(Emulator::start(with_client).await.unwrap_err().is_configuration());

    let mut with_users = config(Like::Rfc8935);
    with_users.users = vec!["ada@example.org".to_owned()];
    assert!(Emulator::start(with_users).await.unwrap_err().is_configuration());
}

#[tokio::test]
async fn says_when_an_address_is_taken() {
    let first = Emulator::start(config(Like::Okta)).await.unwrap();
    let mut second = config(Like::Okta);
    second.listen = first.base_url().strip_prefix("http://").unwrap().parse().unwrap();
    let error = Emulator::start(second).await.unwrap_err();
    assert!(error.is_listen(), "{error}");
}

#[tokio::test]
async fn stops_when_told_to() {
    let scene = Scene::like(Like::Rfc8935).await;
    scene.send(&claims()).await.assert_accepted();
    let url = scene.emulator.push_url();
    scene.emulator.stop().await;
    let error = scene.http.post(url).send().await.unwrap_err();
    assert!(error.is_connect() || error.is_request(), "{error}");
}

#[tokio::test]
async fn stops_when_it_is_dropped() {
    let emulator = Emulator::start(config(Like::Rfc8935)).await.unwrap();
    let address = emulator.base_url().strip_prefix("http://").unwrap().to_owned();
    drop(emulator);
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn configuration_does_not_show_its_secrets() {
    let mut config = config(Like::GovUkOneLogin);
    config.client = Some(client());
    let shown = format!("{config:?}");
    assert!(shown.contains("service one") && !shown.contains(CLIENT_SECRET), "{shown}");
}

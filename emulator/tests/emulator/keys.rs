//! The transmitter's keys: where they come from, when they are fetched again, which are usable.

use crate::common::{Scene, TestKey, key, other_key, set, with};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use ssf_emulator::Like;
use ssf_transmitter::{CustomEvent, SetBuilder, SigningKey, Subject};

fn claims() -> Value {
    let event = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    with(set(event, json!({})), "/sub_id", json!({ "format": "opaque", "id": "session-0001" }))
}

#[tokio::test]
async fn are_fetched_again_once_when_the_kid_is_unknown() {
    let scene = Scene::like(Like::Rfc8935).await;
    scene.send(&claims()).await.assert_accepted();
    scene.push(other_key().sign(&claims())).await.assert_refused("invalid_key");
    assert_eq!(scene.transmitter.fetches(), 2);

    scene.transmitter.publish(vec![key().jwk(), other_key().jwk()]);
    scene.push(other_key().sign(&claims())).await.assert_accepted();
    scene.send(&claims()).await.assert_accepted();
    assert_eq!(scene.transmitter.fetches(), 3);
}

#[tokio::test]
async fn are_all_tried_when_there_need_not_be_a_kid() {
    let scene = Scene::publishing(Like::GovUkOneLogin, &[&other_key(), &key()], |_| {}).await;
    let uri = "https://schemas.openid.net/secevent/risc/event-type/account-purged";
    let event = json!({ "subject": { "format": "uri", "uri": "urn:fdc:gov.uk:2022:1" } });
    let header = json!({ "alg": "RS256", "typ": "secevent+jwt" });
    let jws = key().sign_raw(&header, &set(uri, event.clone()));
    assert_eq!(scene.push_authorized(jws).await.status, 202);

    // A rotation shows only in that no key fits any more.
    let new = TestKey::rsa_of("new", 2048);
    scene.transmitter.publish(vec![new.jwk()]);
    let jws = new.sign_raw(&header, &set(uri, event.clone()));
    assert_eq!(scene.push_authorized(jws).await.status, 202);
    let jws = key().sign_raw(&header, &set(uri, event));
    assert_eq!(scene.push_authorized(jws).await.status, 400);
    let last = scene.emulator.ledger().pop().unwrap();
    assert_eq!(last.err.as_deref(), Some("authentication_failed"));
}

#[tokio::test]
async fn are_found_through_the_configuration_document() {
    let transmitter = crate::common::Transmitter::start(&[&key()]).await;
    let scene = Scene::with(Like::Okta, |config| config.keys = Some(transmitter.well_known())).await;
    let jws = key().sign(&claims());
    // The key is good; Okta has something to say about the event.
    scene.push(jws).await.assert_refused_saying("invalid_request", "mediationSessionRevokedEvent");
}

#[tokio::test]
async fn are_not_taken_from_the_configuration_of_another_issuer() {
    let transmitter = crate::common::Transmitter::start(&[&key()]).await;
    transmitter.name_issuer("https://transmitter.example.org/");
    let scene = Scene::with(Like::Rfc8935, |config| config.keys = Some(transmitter.well_known())).await;
    scene.send(&claims()).await.assert_refused_saying("invalid_issuer", "configuration document");
    assert_eq!(transmitter.fetches(), 0);
}

#[tokio::test]
async fn that_cannot_be_read_are_the_transmitters_problem() {
    let scene = Scene::with(Like::Rfc8935, |config| {
        let nowhere = "http://127.0.0.1:9/jwks.json".to_owned();
        config.keys = Some(ssf_emulator::KeySource::JwksUri(nowhere));
    })
    .await;
    scene.send(&claims()).await.assert_refused_saying("invalid_key", "cannot be read");
}

#[tokio::test]
async fn have_to_be_of_the_algorithm_in_the_header() {
    let p256 = TestKey::ec("p256", Algorithm::ES256, "P-256");
    let p384 = TestKey::ec("p384", Algorithm::ES384, "P-384");
    let ed25519 = TestKey::ed25519("ed25519");
    let scene = Scene::publishing(Like::Rfc8935, &[&p256, &p384, &ed25519], |_| {}).await;
    for key in [&p256, &p384, &ed25519] {
        scene.push(key.sign(&claims())).await.assert_accepted();
    }
    let mut header = p384.header();
    header.kid = Some("p256".to_owned());
    scene.push(p384.sign_as(&header, &claims())).await.assert_refused("invalid_key");

    let mut jwk = ed25519.jwk();
    jwk["alg"] = "Ed25519".into();
    jwk["kid"] = "fully specified".into();
    scene.transmitter.publish(vec![jwk]);
    let header = json!({ "alg": "Ed25519", "typ": "secevent+jwt", "kid": "fully specified" });
    scene.push(ed25519.sign_raw(&header, &claims())).await.assert_accepted();
}

#[tokio::test]
async fn for_rsa_serve_every_rsa_algorithm_they_are_published_for() {
    let mut jwk = key().jwk();
    jwk.as_object_mut().unwrap().remove("alg");
    let scene = Scene::like(Like::Rfc8935).await;
    scene.transmitter.publish(vec![jwk]);
    for algorithm in [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ] {
        scene.push(key().with(algorithm).sign(&claims())).await.assert_accepted();
    }
    scene.transmitter.publish(vec![key().jwk()]);
    let mut header = key().with(Algorithm::PS256).header();
    header.kid = Some("second".to_owned());
    scene.transmitter.publish(vec![other_key().jwk()]);
    let jws = other_key().with(Algorithm::PS256).sign_as(&header, &claims());
    scene.push(jws).await.assert_refused_saying("invalid_key", "PS256");
}

#[tokio::test]
async fn that_must_not_be_used_are_not() {
    let short = TestKey::rsa_of("short", 1024);
    let mut private = other_key().jwk();
    private["d"] = "AQAB".into();
    let mut encryption = key().jwk();
    encryption["use"] = "enc".into();
    let scene = Scene::publishing(Like::Rfc8935, &[&short], |_| {}).await;
    scene.push(short.sign(&claims())).await.assert_refused_saying("invalid_key", "1024");
    // Entries nobody understands are passed over (RFC 7517 §5).
    scene.transmitter.publish(vec![json!({ "kty": "XYZ", "kid": "odd" }), json!(1), private, encryption]);
    scene.push(other_key().sign(&claims())).await.assert_refused_saying("invalid_key", "private");
    scene.send(&claims()).await.assert_refused_saying("invalid_key", "signatures");
}

/// `tests/vectors/jwks.json`, as every language reads it: the emulator, which shares no code with the library, agrees.
#[tokio::test]
async fn of_other_types_are_ignored_and_damaged_ones_verify_nothing() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/jwks.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let signing = SigningKey::from_jwk(&file["private_jwk"].to_string()).unwrap();
    for case in file["cases"].as_array().unwrap().iter().filter(|case| case.get("error").is_none()) {
        let scene = Scene::like(Like::Rfc8935).await;
        scene.transmitter.publish(case["document"]["keys"].as_array().unwrap().clone());
        let event = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
        let set = SetBuilder::new(crate::common::ISSUER, crate::common::AUDIENCE)
            .event(CustomEvent::new(event, serde_json::Map::new()))
            .subject(Subject::opaque("session-0001"))
            .sign(&signing)
            .unwrap();
        let reply = scene.push(set.as_str().to_owned()).await;
        assert_eq!(reply.status == 202, case["verifies"] == true, "{}: {:?}", case["name"], reply.body);
    }
}

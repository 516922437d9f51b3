//! `tests/vectors/jwks.json`: sets in which not every key is one for SETs. Whatever reads a set reads the same in it.

use crate::common::{file, list, refused, run, same, text};
use serde_json::Value;
use ssf_transmitter::{
    CustomEvent, Dialect, Error, ErrorCode, Jwks, SetBuilder, SigningKey, Subject,
    http::Response,
    lint::{self, Linter},
};

/// A SET that the key `ours` signed.
fn signed(file: &Value) -> String {
    let key = SigningKey::from_jwk(&file["private_jwk"].to_string()).unwrap();
    let event = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    let set = SetBuilder::new(crate::common::ISSUER, crate::common::AUDIENCE)
        .event(CustomEvent::new(event, serde_json::Map::new()))
        .subject(Subject::opaque("session-1"))
        .sign(&key)
        .unwrap();
    set.as_str().to_owned()
}

fn document(case: &Value) -> String {
    case["document"].as_str().map_or_else(|| case["document"].to_string(), str::to_owned)
}

fn read(case: &Value) -> Result<Jwks, Error> {
    Jwks::from_json(&document(case))
}

#[test]
fn the_keys_for_sets_are_read_and_verify_and_all_others_are_ignored() {
    let file = file("jwks.json");
    let set = signed(&file);
    run("jwks.json", "cases", list(&file["cases"]), |case| {
        if let Some(error) = case.get("error") {
            return refused(read(case), &error["code"], &error["pointer"]);
        }
        let jwks = read(case).map_err(|error| error.to_string())?;
        let found: Vec<_> = jwks.keys().iter().map(|key| key.kid().to_owned()).collect();
        let expected: Vec<_> = list(&case["keys"]).iter().map(|kid| text(kid).to_owned()).collect();
        same("the keys", &found, &expected)?;
        let verified = ssf_transmitter::set::DecodedSet::parse(&set).unwrap().verify(&jwks).is_ok();
        same("that it verifies", &verified, &case["verifies"].as_bool().unwrap())
    });
}

#[test]
fn lint_finds_what_is_damaged_and_does_not_mind_what_is_foreign() {
    let file = file("jwks.json");
    run("jwks.json", "cases", list(&file["cases"]), |case| {
        let found: Vec<_> = lint::jwks(&document(case))
            .iter()
            .map(|finding| {
                format!("{} {} {}", finding.rule().id, finding.severity().as_str(), finding.pointer())
            })
            .collect();
        let part = |finding: &Value, name: &str| text(&finding[name]).to_owned();
        let expected: Vec<_> = list(&case["findings"])
            .iter()
            .map(|finding| ["rule", "severity", "pointer"].map(|name| part(finding, name)).join(" "))
            .collect();
        same("what is found", &found, &expected)
    });
}

#[test]
fn lint_and_explain_of_a_set_look_for_its_key_among_those() {
    let file = file("jwks.json");
    let set = signed(&file);
    let answer = Response::new(400, [], br#"{ "err": "invalid_key" }"#.to_vec());
    run("jwks.json", "cases", list(&file["cases"]), |case| {
        let Ok(jwks) = read(case) else { return Ok(()) };
        let verifies = case["verifies"].as_bool().unwrap();
        let linter = Linter::new(&Dialect::default()).jwks(jwks);
        let about_key = |id: &str| ["kid-unknown", "signature-invalid", "alg-key-mismatch"].contains(&id);
        let found = linter.jwt(&set).iter().any(|finding| about_key(finding.rule().id));
        same("that lint finds the key missing", &found, &!verifies)?;
        let explained = linter.explain(&set, &answer);
        let found = explained.findings().iter().any(|finding| about_key(finding.rule().id));
        same("that the explanation finds the key missing", &found, &!verifies)
    });
}

#[test]
fn the_signing_key_is_found_among_foreign_ones_in_a_private_set() {
    let file = file("jwks.json");
    let foreign = list(&file["cases"]).iter().find(|case| case["name"] == "foreign keys after ours").unwrap();
    let mut keys = list(&foreign["document"]["keys"]).to_vec();
    keys[0] = file["private_jwk"].clone();
    let text = serde_json::json!({ "keys": keys }).to_string();
    assert_eq!(SigningKey::from_jwk(&text).unwrap().kid(), "ours");
    assert_eq!(SigningKey::from_jwks(&text, "pq").unwrap_err().code(), ErrorCode::KeyTypeUnsupported);
}

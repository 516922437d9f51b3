//! `tests/vectors/signed.json`: signed SETs of others, our own byte for byte, and what must not pass.

use crate::common::{builder, file, list, refused, run, same, text};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use ssf_transmitter::{ErrorCode, Jwks, Signature, SignedSet, Signer, SigningKey, set::DecodedSet};

/// The key of a case, for the algorithm that the case chooses.
fn key(case: &Value) -> SigningKey {
    let key = SigningKey::from_jwk(&case["private_jwk"].to_string()).unwrap();
    match case["algorithm"].as_str() {
        Some(name) => key.with_algorithm(name.parse().unwrap()).unwrap(),
        None => key,
    }
}

#[test]
fn a_set_signed_by_another_implementation_verifies() {
    let cases = file("signed.json");
    run("signed.json", "verified", list(&cases["verified"]), |case| {
        let jwks = Jwks::from_json(&case["jwks"].to_string()).map_err(|error| error.to_string())?;
        let set = SignedSet::parse(text(&case["compact"])).map_err(|error| error.to_string())?;
        same("the jti", &set.jti(), &text(&case["claims"]["jti"]))?;
        same("the text", &set.as_str(), &text(&case["compact"]))?;
        let decoded = set.decode().map_err(|error| error.to_string())?;
        same("the header", &Value::Object(decoded.header().clone()), &case["header"])?;
        same("the claims", &Value::Object(decoded.claims().clone()), &case["claims"])?;
        let key = decoded.verify(&jwks).map_err(|error| error.to_string())?;
        same("the key", &key.kid(), &text(&case["kid"]))
    });
}

#[test]
fn a_set_is_built_and_signed_byte_for_byte_where_the_algorithm_is_deterministic() {
    let cases = file("signed.json");
    run("signed.json", "built", list(&cases["built"]), |case| {
        let set = builder(&case["input"])
            .and_then(|set| set.sign(&key(case)))
            .map_err(|error| error.to_string())?;
        same("the SET", &set.as_str(), &text(&case["compact"]))
    });
}

#[test]
fn the_claims_of_a_set_with_other_members_in_its_event_come_out_equal_where_the_order_differs() {
    let cases = file("signed.json");
    let printed =
        list(&cases["verified"]).iter().find(|case| case["name"] == "CAEP 1.0 §3.2.2 by EdDSA").unwrap();
    let built = list(&cases["built"])
        .iter()
        .find(|case| text(&case["name"]).starts_with("CAEP 1.0 §3.2.2 by EdDSA"))
        .unwrap();
    let set = builder(&built["input"]).unwrap().sign(&key(built)).unwrap();
    let decoded = set.decode().unwrap();
    assert_eq!(&Value::Object(decoded.claims().clone()), &printed["claims"]);
    decoded.verify(&Jwks::from_json(&printed["jwks"].to_string()).unwrap()).unwrap();
}

#[tokio::test]
async fn the_deterministic_signatures_of_rfc_7515_7520_and_8037_are_reproduced() {
    let cases = file("signed.json");
    let list = list(&cases["reproduced"]);
    assert_eq!(list.len(), crate::common::count("signed.json", "reproduced"));
    for case in list {
        let input = text(&case["signing_input"]).as_bytes();
        let Signature::Raw(signature) = key(case).sign(input).await.unwrap() else {
            panic!("{}: no raw signature", case["name"]);
        };
        assert_eq!(URL_SAFE_NO_PAD.encode(signature), text(&case["signature"]), "{}", case["name"]);
    }
}

#[test]
fn what_is_no_set_or_not_signed_as_it_says_is_refused_with_its_code() {
    let cases = file("signed.json");
    run("signed.json", "refused", list(&cases["refused"]), |case| {
        let jwks = Jwks::from_json(&case["jwks"].to_string()).map_err(|error| error.to_string())?;
        let verified = DecodedSet::parse(text(&case["compact"]))
            .and_then(|set| set.verify(&jwks).map(|key| key.kid().to_owned()));
        refused(verified, &case["code"], &case["pointer"])
    });
}

#[test]
fn what_is_no_signed_set_cannot_be_taken_for_one_that_is_to_be_sent() {
    for case in list(&file("signed.json")["refused"]) {
        let unsigned = [ErrorCode::SetMalformed.as_str(), ErrorCode::KeyAlgorithmUnknown.as_str()];
        let outline = !["/typ", "/crit"].contains(&case["pointer"].as_str().unwrap_or_default());
        if unsigned.contains(&text(&case["code"])) && outline {
            refused(SignedSet::parse(text(&case["compact"])), &case["code"], &case["pointer"])
                .unwrap_or_else(|failure| panic!("{}: {failure}", case["name"]));
        }
    }
}

#[test]
fn the_codes_kinds_and_retry_classes_are_those_of_the_list() {
    let file = file("errors.json");
    let listed: Vec<_> = list(&file["errors"])
        .iter()
        .map(|error| (text(&error["code"]), text(&error["kind"]), error["retryable"].as_bool().unwrap()))
        .collect();
    let own: Vec<_> = ErrorCode::ALL
        .iter()
        .map(|code| (code.as_str(), format!("{:?}", code.kind()).to_lowercase(), code.is_retryable()))
        .collect();
    let own: Vec<_> = own.iter().map(|(code, kind, retryable)| (*code, kind.as_str(), *retryable)).collect();
    assert_eq!(own, listed);
    assert_eq!(listed.len(), crate::common::count("errors.json", "errors"));
    assert!(ErrorCode::ALL.iter().all(|code| !code.remedy().is_empty()));
}

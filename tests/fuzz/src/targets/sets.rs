//! SETs: as text, and as claims.

use std::{collections::BTreeSet, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use ssf_transmitter::{
    Algorithm, Dialect, Jwks, SetBuilder, SignedSet, Timestamp, conformance::Stream, key::SigningHeader,
    lint::Linter, set::DecodedSet,
};

use super::text;
use crate::{judge, seeds};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);

/// The key sets of the vectors, and what was signed with their keys.
struct Signed {
    jwks: Vec<Jwks>,
    inputs: BTreeSet<String>,
}

static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let file = seeds::file("signed.json");
    let cases = || ["verified", "refused", "built"].iter().flat_map(|part| seeds::list(&file[*part]));
    let inputs = cases().filter_map(|case| Some(case["compact"].as_str()?.rsplit_once('.')?.0.to_owned()));
    let jwks = seeds::list(&file["verified"]).map(|case| Jwks::from_json(&case["jwks"].to_string()).unwrap());
    Signed { inputs: inputs.collect(), jwks: jwks.collect() }
});

static LINTERS: LazyLock<Vec<Linter>> = LazyLock::new(|| {
    let linter = |id| {
        let dialect = Dialect::built_in(id).unwrap();
        Linter::new(&dialect)
            .now(NOW)
            .issuer("https://transmitter.example.com")
            .audience("https://receiver.example.net")
            .jwks(SIGNED.jwks[0].clone())
    };
    Dialect::ids().map(linter).collect()
});

/// The header of a SET of which the claims matter.
static HEADER: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    [("alg", "ES256"), ("kid", "key-1"), ("typ", "secevent+jwt")]
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into_iter()
        .collect()
});

/// A SET as text.
pub(crate) fn set(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match SignedSet::parse(text) {
        Ok(set) => {
            assert_eq!(set.as_str(), text);
            assert!(!set.jti().is_empty());
            assert_eq!(set.decode().unwrap().claims()["jti"], set.jti());
        }
        Err(error) => judge::error(&error),
    }
    let mut whole = None;
    match DecodedSet::parse(text) {
        Ok(set) => {
            verify(&set, text);
            // Places in the header and in the claims are written alike.
            whole = Some(merged(set.header(), set.claims()));
        }
        Err(error) => judge::error(&error),
    }
    for linter in &*LINTERS {
        let findings = linter.jwt(text);
        if let Some(whole) = &whole {
            judge::findings(whole, &findings);
        }
    }
    let stream = Stream::new("https://transmitter.example.com", "https://receiver.example.net");
    drop(stream.check_set(text, NOW));
}

/// What verifies was signed: no other text has the signing input of one of the vectors.
fn verify(set: &DecodedSet, text: &str) {
    for jwks in &SIGNED.jwks {
        match set.verify(jwks) {
            Ok(_) => {
                assert!(SIGNED.inputs.contains(text.rsplit_once('.').unwrap().0), "nobody has signed this")
            }
            Err(error) => judge::error(&error),
        }
    }
}

/// The members of both.
fn merged(header: &Map<String, Value>, claims: &Map<String, Value>) -> Value {
    header.iter().chain(claims).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The claims of a SET, which is built from them, and by lint.
pub(crate) fn claims(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let read: Option<Map<String, Value>> = serde_json::from_str(text).ok();
    let compact =
        format!("{}.{}.", URL_SAFE_NO_PAD.encode(json!(*HEADER).to_string()), URL_SAFE_NO_PAD.encode(text));
    for linter in &*LINTERS {
        let findings = linter.jwt(&compact);
        if let Some(read) = &read {
            judge::findings(&merged(&HEADER, read), &findings);
        }
    }
    let set = match SetBuilder::from_payload(text) {
        Ok(set) => set,
        Err(error) => return judge::error_in(text, "", &error),
    };
    for id in Dialect::ids() {
        let set = set.clone().dialect(&Dialect::built_in(id).unwrap());
        match set.prepare(SigningHeader::new(Algorithm::Es256, "key-1")) {
            Ok(set) => unchanged(read.as_ref().unwrap(), &set.decode().unwrap()),
            // Its place is in what the dialect makes of the claims.
            Err(error) => judge::error(&error),
        }
    }
}

/// What is sent is what was given, except a claim that is filled in, and the form of audience, subject and event.
fn unchanged(given: &Map<String, Value>, set: &DecodedSet) {
    for name in ["iss", "jti", "iat"] {
        assert!(given.get(name).is_none_or(|value| value == &set.claims()[name]), "{name} has changed");
    }
    let shaped = ["iss", "jti", "iat", "aud", "sub_id", "events", "txn", "toe"];
    for (name, value) in given.iter().filter(|(name, _)| !shaped.contains(&name.as_str())) {
        assert_eq!(set.claims().get(name), Some(value));
    }
}

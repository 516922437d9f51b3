//! The tokens that receivers show, and the header that they show them in.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::Value;
use ssf_transmitter::{
    Algorithm, Jwks, Timestamp,
    access_token::{TokenHash, TokenProfile, TrustedIssuer},
    client::Authenticator,
    stream::{Caller, Scope},
};

use super::{calls::ready, text};
use crate::seeds::{self, list};

/// A static token, as those that the library generates.
const TOKEN: &str = "ssft_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

static AUTHENTICATOR: LazyLock<Authenticator> = LazyLock::new(|| {
    Authenticator::builder("https://tr.example.com/ssf")
        .static_token(TokenHash::of(TOKEN), Caller::new("acme").scope(Scope::Manage))
        .build()
        .unwrap()
});

/// Issuers, their keys, and what was signed with them.
struct Issuers {
    all: Vec<TrustedIssuer>,
    jwks: Jwks,
    inputs: BTreeSet<String>,
}

static ISSUERS: LazyLock<Issuers> = LazyLock::new(|| {
    let file = seeds::file("access-tokens.json");
    let resource = file["resource"].as_str().unwrap();
    let tokens = ["accepted", "denied"].iter().flat_map(|part| list(&file[*part]));
    let inputs = tokens.filter_map(|case| Some(case["token"].as_str()?.rsplit_once('.')?.0.to_owned()));
    Issuers {
        all: file["issuers"]
            .as_object()
            .unwrap()
            .values()
            .map(|settings| issuer(settings, resource))
            .collect(),
        jwks: Jwks::from_json(&file["jwks"].to_string()).unwrap(),
        inputs: inputs.collect(),
    }
});

fn issuer(settings: &Value, resource: &str) -> TrustedIssuer {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let profile = TokenProfile::built_in(&text(&settings["profile"])).unwrap();
    let mut issuer = TrustedIssuer::with_profile(text(&settings["issuer"]), profile).audience(resource);
    for (client, receiver) in settings["clients"].as_object().unwrap() {
        issuer = issuer.client(client, text(&receiver["receiver"]), text(&receiver["audience"]));
    }
    if let Some(names) = settings["algorithms"].as_array() {
        issuer = issuer.algorithms(names.iter().map(|name| text(name).parse::<Algorithm>().unwrap()));
    }
    issuer
}

/// An access token. Whoever is let in shows one that was signed.
pub(crate) fn access_token(bytes: &[u8]) {
    let Some(token) = text(bytes) else { return };
    let now = Timestamp::from_unix_seconds(1_800_000_000);
    for issuer in &ISSUERS.all {
        match issuer.verify(token, &ISSUERS.jwks, now) {
            Ok(caller) => {
                assert!(!caller.receiver().is_empty());
                assert!(ISSUERS.inputs.contains(token.rsplit_once('.').unwrap().0), "nobody has signed this");
            }
            Err(reason) => assert!(!reason.as_str().is_empty()),
        }
    }
}

/// The values of `Authorization`, one in each line; `{token}` stands for a token that is known. Only that one lets in,
/// and it is never quoted.
pub(crate) fn authorization(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let values = text.replace("{token}", TOKEN);
    match ready(AUTHENTICATOR.authenticate(values.split('\n'), None)) {
        Ok(caller) => {
            assert_eq!(caller.receiver(), "acme");
            assert!(values.trim().ends_with(TOKEN), "{values:?}");
        }
        Err(denial) => {
            assert!((400..500).contains(&denial.status()));
            let shown = format!("{denial} {denial:?} {:?}", denial.headers());
            assert!(!shown.contains(TOKEN), "{shown}");
        }
    }
}

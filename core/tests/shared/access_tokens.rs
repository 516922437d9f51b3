//! `tests/vectors/access-tokens.json`: access tokens of many issuers, made by another library, and the attacks on them.

use std::collections::HashMap;

use crate::common::{file, list, object, run, same, text};
use serde_json::Value;
use ssf_transmitter::{
    Algorithm, Jwks, Timestamp,
    access_token::{TokenProfile, TrustedIssuer},
    denial::DenialReason,
    stream::{Caller, Scope},
};

const FILE: &str = "access-tokens.json";

struct Vectors {
    document: Value,
    issuers: HashMap<String, TrustedIssuer>,
    now: Timestamp,
}

impl Vectors {
    fn read() -> Self {
        let document = file(FILE);
        let resource = text(&document["resource"]);
        let named = |(name, settings): (&String, &Value)| (name.clone(), issuer(settings, resource));
        let issuers = object(&document["issuers"]).iter().map(named).collect();
        let now = Timestamp::from_unix_seconds(document["now"].as_i64().unwrap());
        Self { document, issuers, now }
    }

    fn verify(&self, case: &Value) -> Result<Caller, DenialReason> {
        let mut jwks = self.document["jwks"].clone();
        if let Some(kids) = case["keys"].as_array() {
            jwks["keys"].as_array_mut().unwrap().retain(|key| kids.contains(&key["kid"]));
        }
        let jwks = Jwks::from_json(&jwks.to_string()).unwrap();
        self.issuers[text(&case["issuer"])].verify(text(&case["token"]), &jwks, self.now)
    }
}

fn issuer(settings: &Value, resource: &str) -> TrustedIssuer {
    let profile = TokenProfile::built_in(text(&settings["profile"])).unwrap();
    let mut issuer = TrustedIssuer::with_profile(text(&settings["issuer"]), profile);
    match settings["audiences"].as_array() {
        Some(audiences) => issuer = audiences.iter().map(text).fold(issuer, TrustedIssuer::audience),
        None => issuer = issuer.audience(resource),
    }
    for (client, receiver) in object(&settings["clients"]) {
        issuer = issuer.client(client, text(&receiver["receiver"]), text(&receiver["audience"]));
    }
    if let Some([receiver, audience]) = settings["rule"].as_array().map(Vec::as_slice) {
        issuer = issuer.every_client(text(receiver), text(audience));
    }
    if let Some([read, manage]) = settings["scope_names"].as_array().map(Vec::as_slice) {
        issuer = issuer.scope_names(text(read), text(manage));
    }
    if let Some(names) = settings["algorithms"].as_array() {
        issuer = issuer.algorithms(names.iter().map(|name| text(name).parse::<Algorithm>().unwrap()));
    }
    issuer
}

#[test]
fn tokens_of_each_kind_of_issuer_are_accepted() {
    let vectors = Vectors::read();
    run(FILE, "accepted", list(&vectors.document["accepted"]), |case| {
        let expected = &case["caller"];
        let scopes = list(&expected["scopes"]).iter().map(text).map(|name| Scope::by_name(name).unwrap());
        let caller = Caller::new(text(&expected["receiver"])).audience(text(&expected["audience"]));
        same("the caller", &vectors.verify(case), &Ok(scopes.fold(caller, Caller::scope)))
    });
}

#[test]
fn each_attack_has_its_answer() {
    let vectors = Vectors::read();
    run(FILE, "denied", list(&vectors.document["denied"]), |case| {
        let reason = vectors.verify(case).err().map(DenialReason::as_str);
        same("the reason", &reason, &Some(text(&case["reason"])))
    });
}

/// Each reason that a token can have occurs, so that no check can be lost unnoticed.
#[test]
fn the_attacks_cover_all_checks() {
    let vectors = Vectors::read();
    let seen: Vec<_> = list(&vectors.document["denied"]).iter().map(|case| text(&case["reason"])).collect();
    let elsewhere = [
        "credentials_missing",
        "scheme_unsupported",
        "header_repeated",
        "header_malformed",
        "token_too_long",
        "token_unknown",
        "scope_insufficient",
        "rate_limited",
        "failures_limited",
        "keys_unavailable",
    ];
    for reason in DenialReason::ALL {
        let name = reason.as_str();
        assert!(seen.contains(&name) != elsewhere.contains(&name), "{name}");
    }
}

/// One bit of any part changes the answer.
#[test]
fn no_changed_token_is_accepted() {
    let vectors = Vectors::read();
    for case in list(&vectors.document["accepted"]).iter().filter(|case| case["issuer"] == "rfc9068") {
        let token = text(&case["token"]);
        for place in (0..token.len()).step_by(23) {
            let other = if &token[place..=place] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &token[..place], &token[place + 1..]);
            let case =
                serde_json::json!({ "issuer": case["issuer"], "keys": case["keys"], "token": changed });
            assert!(vectors.verify(&case).is_err(), "{}: {place}", case["name"]);
        }
    }
}

#[test]
fn every_profile_has_a_token() {
    let vectors = Vectors::read();
    let accepted = list(&vectors.document["accepted"]);
    for id in TokenProfile::ids() {
        let is_of = |case: &Value| vectors.document["issuers"][text(&case["issuer"])]["profile"] == id;
        assert!(accepted.iter().any(is_of), "{id}");
    }
    let error = TokenProfile::built_in("keycloack").unwrap_err();
    assert!(error.message().contains("keycloak"), "{error}");
}

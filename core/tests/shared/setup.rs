//! Settings of the network and of authorization that cannot be right, by the vectors that all languages share.

#![cfg(feature = "client")]

use crate::common::{count, file, list, run, text};
use crate::server::Server;
use serde_json::Value;
use ssf_transmitter::{
    Error, KeyType, Network, OktaProviders, Receiver, SigningKey, Subject, Timestamp, Transmitter,
    client::TransmitterBuilder,
    delivery::RetryPolicy,
    event::caep,
    token::{Authorization, ClientCredentials, TokenAction},
};

const FILE: &str = "setup-network.json";

/// Compares a refusal with what the case says, which may be that there is none.
fn judge<T>(case: &Value, outcome: Result<T, Error>) -> Result<Option<T>, String> {
    match (outcome, case.get("code")) {
        (Ok(value), None) => Ok(Some(value)),
        (Ok(_), Some(code)) => Err(format!("is taken, and should be {code}")),
        (Err(error), None) => Err(format!("is refused: {error}")),
        (Err(error), Some(code)) => {
            let missing = list(&case["says"]).iter().find(|part| !error.message().contains(text(part)));
            match missing {
                _ if error.code().as_str() != text(code) => Err(format!("{error} is not {code}")),
                Some(part) => Err(format!("{error} does not say {part}")),
                None => Ok(None),
            }
        }
    }
}

fn transmitter() -> TransmitterBuilder {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    Transmitter::builder("https://edr.example.com", key).retry(RetryPolicy::once())
}

#[test]
fn credentials_that_cannot_be_right_are_named_and_others_go_out_as_they_are_meant() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (receiving, api) = runtime.block_on(async {
        let list = [("content-type", "application/json")];
        (Server::always(202, &[], "").await, Server::always(200, &list, "[]").await)
    });
    let transmitter = transmitter().build().unwrap();
    let emit = |authorization: Authorization| -> Result<String, Error> {
        let receiver = Receiver::builder(receiving.url("/events"), "aud").allow_loopback();
        let receiver = receiver.authorization(authorization).build()?;
        let event = caep::SessionRevoked::new();
        runtime.block_on(async { transmitter.emit(event, Subject::opaque("1"), &receiver).await })?;
        Ok(receiving.seen().last().unwrap().header("authorization").unwrap().to_owned())
    };
    let cases = file(FILE)["authorization"].as_array().unwrap().clone();
    assert_eq!(cases.len(), count(FILE, "authorization"));
    run(FILE, "authorization", &cases, |case| {
        let given = &case["authorization"];
        let setting = |name: &str| given.get(name).map(|value| text(value).to_owned());
        let sent = if let Some(token) = setting("bearer") {
            emit(Authorization::Bearer(token.into()))
        } else if let Some(value) = setting("header") {
            emit(Authorization::Header(value.into()))
        } else if let Some(token) = setting("ssws") {
            let providers = OktaProviders::builder(&api.base).allow_loopback().ssws(token).build();
            providers.and_then(|providers| {
                runtime.block_on(providers.list())?;
                Ok(api.seen().last().unwrap().header("authorization").unwrap().to_owned())
            })
        } else {
            let given = &given["client_credentials"];
            let [url, id, secret] =
                ["token_url", "client_id", "client_secret"].map(|name| text(&given[name]));
            ClientCredentials::new(url, id, secret).machine(false).and_then(|mut machine| {
                let TokenAction::Fetch(request) = machine.wanted(Timestamp::from_unix_seconds(0), None)?
                else {
                    panic!("the request has no token yet")
                };
                let mut headers = request.headers();
                Ok(headers.find(|(name, _)| *name == "authorization").unwrap().1.to_owned())
            })
        };
        match judge(case, sent)? {
            Some(sent) if sent != text(&case["sent"]) => Err(format!("{sent} was sent")),
            _ => Ok(()),
        }
    });
}

#[test]
fn proxies_source_addresses_ca_bundles_and_client_certificates_that_cannot_be_used_are_named() {
    let file = file(FILE);
    let check = |what: &str, set: &dyn Fn(Network, &Value) -> Network| {
        let cases = file[what].as_array().unwrap();
        assert_eq!(cases.len(), count(FILE, what));
        run(FILE, what, cases, |case| {
            judge(case, transmitter().network(set(Network::new(), case)).build()).map(drop)
        });
    };
    check("proxies", &|network, case| network.proxy(text(&case["proxy"])));
    check("source_addresses", &|network, case| network.source_address(text(&case["source_address"])));
    check("ca_bundles", &|network, case| network.ca_bundle(text(&case["ca_bundle"])));
    check("client_certificates", &|network, case| {
        network.client_certificate(text(&case["certificate"]), text(&case["key"]))
    });
}

//! `tests/vectors/settings.json`: texts name settings in the language of their reader.

#![cfg(feature = "client")]

use crate::common::{count, file, list, run, text};
use serde_json::Value;
use ssf_transmitter::{
    Dialect, Error, ErrorCode, KeyType, Network, Receiver, SigningKey, Subject, Transmitter,
    catalogue::Language, delivery::RetryPolicy, event::caep, http::Response, lint::Linter,
};

const FILE: &str = "settings.json";
const LANGUAGES: [(&str, Language); 5] = [
    ("rust", Language::Rust),
    ("python", Language::Python),
    ("node", Language::Node),
    ("swift", Language::Swift),
    ("command", Language::Command),
];

fn cases(kind: &str) -> Vec<Value> {
    let cases = list(&file(FILE)[kind]).to_vec();
    assert_eq!(cases.len(), count(FILE, kind));
    cases
}

/// A text names these settings, and no setting by a name of another language.
fn names(said: &str, settings: &Value, language: &str) -> Result<(), String> {
    let file = file(FILE);
    let own = |setting: &str| text(&file["names"][setting][language]).to_owned();
    if let Some(missing) =
        list(settings).iter().find(|setting| !said.contains(&format!("`{}`", own(text(setting)))))
    {
        return Err(format!("{language}: {said:?} does not name {missing}"));
    }
    let all = file["names"].as_object().unwrap();
    let known: Vec<_> = all.keys().map(|setting| own(setting)).collect();
    let foreign = all.values().flat_map(|names| names.as_object().unwrap().values()).map(text);
    match foreign
        .filter(|name| known.iter().all(|own| own != name))
        .find(|name| said.contains(&format!("`{name}`")))
    {
        Some(foreign) => Err(format!("{language}: {said:?} says {foreign}")),
        None => Ok(()),
    }
}

fn network(case: &Value) -> Network {
    let mut network = Network::new();
    if let Some(address) = case.get("source_address") {
        network = network.source_address(text(address));
    }
    if let Some(pem) = case.get("ca_bundle") {
        network = network.ca_bundle(text(pem));
    }
    if let Some(proxy) = case.get("proxy") {
        network = network.proxy(text(proxy));
    }
    network
}

fn transmitter(case: &Value) -> Result<Transmitter, Error> {
    let issuer = case.get("issuer").map_or("https://edr.example.com", text);
    let key = SigningKey::generate(KeyType::Ed25519)?;
    Transmitter::builder(issuer, key).retry(RetryPolicy::once()).network(network(case)).build()
}

fn receiver(case: &Value) -> Result<Receiver, Error> {
    let endpoint = case.get("endpoint").map_or("https://receiver.example.net/events", text);
    Receiver::builder(endpoint, "https://receiver.example.net").build()
}

#[test]
fn the_remedy_of_a_code_names_settings_in_each_language() {
    let codes = cases("codes");
    run(FILE, "codes", &codes, |case| {
        let code = ErrorCode::by_name(text(&case["name"])).unwrap();
        LANGUAGES
            .iter()
            .try_for_each(|(name, language)| names(&language.text(code.remedy()), &case["settings"], name))
    });
    let others = ErrorCode::ALL.iter().filter(|code| codes.iter().all(|case| case["name"] != code.as_str()));
    for code in others {
        names(code.remedy(), &Value::Array(Vec::new()), "rust").unwrap();
        assert_eq!(Language::Swift.text(code.remedy()), code.remedy(), "settings.toml has no marker for it");
    }
}

#[test]
fn an_explanation_names_settings_in_each_language() {
    run(FILE, "explain", &cases("explain"), |case| {
        let linter = Linter::new(&Dialect::default());
        let explanation = if let Some(status) = case["status"].as_u64() {
            linter.explain("", &Response::new(u16::try_from(status).unwrap(), [], Vec::new()))
        } else {
            let failed = receiver(case).and_then(|_| transmitter(case).map(drop));
            linter.explain_error("", &failed.unwrap_err())
        };
        LANGUAGES.iter().try_for_each(|(name, language)| {
            let explanation = explanation.clone().in_language(*language);
            names(&format!("{} {}", explanation.cause(), explanation.remedy()), &case["settings"], name)
        })
    });
}

#[tokio::test]
async fn a_doctor_names_settings_in_each_language() {
    for case in cases("doctor") {
        let (transmitter, receiver) = (transmitter(&case).unwrap(), receiver(&case).unwrap());
        let diagnosis =
            transmitter.doctor(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await;
        for (name, language) in LANGUAGES {
            let diagnosis = diagnosis.clone().in_language(language);
            for check in diagnosis.checks() {
                let wanted = case["checks"].get(check.id).cloned().unwrap_or(Value::Array(Vec::new()));
                names(&format!("{} {}", check.message, check.remedy), &wanted, name)
                    .unwrap_or_else(|problem| panic!("{}: {}: {problem}", case["name"], check.id));
            }
            let checks = case["checks"].as_object().unwrap();
            assert!(checks.keys().all(|id| diagnosis.check(id).is_some()), "{}", case["name"]);
        }
    }
}

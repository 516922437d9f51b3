//! `tests/vectors/command.json`: exit codes, and the JSON that the command prints.

use crate::program::{Run, file, ssf};
use serde_json::Value;
use ssf_emulator::Published;
use ssf_emulator::{ApiTokens, Client, Config, Emulator, Fault, KeySource, Like, Rule, Script};
use ssf_transmitter::{Jwks, KeyType, SigningKey};

const VECTORS: &str = include_str!("../../../tests/vectors/command.json");
const MANIFEST: &str = include_str!("../../../tests/vectors/manifest.json");
const ISSUER: &str = "https://edr.example.com";
const SECRET: &str = "the-emulators-secret";

/// What the placeholders of the cases stand for, and the servers behind them.
struct World {
    placeholders: Vec<(&'static str, String)>,
    _published: Published,
    _receivers: [Emulator; 3],
}

impl World {
    async fn new() -> Self {
        let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
        let published =
            Published::start(Jwks::new([key.public_key().clone()]).unwrap().to_json()).await.unwrap();
        let config = |like, audience: &str| {
            Config::new(
                like,
                ISSUER.to_owned(),
                KeySource::JwksUri(published.jwks_uri().to_owned()),
                audience.to_owned(),
            )
        };
        let mut okta = config(Like::Okta, "https://acme.okta.com");
        okta.api = Some(ApiTokens::new("the-emulators-token".to_owned()));
        let mut govuk = config(Like::GovUkOneLogin, "https://ssf.account.gov.uk/");
        govuk.client = Some(Client { id: "rp-1".to_owned(), secret: SECRET.to_owned() });
        let mut silent = config(Like::Rfc8935, "https://receiver.example.net");
        silent.script = Script::new().rule(Rule::push(Fault::Never));
        let receivers = [
            Emulator::start(okta).await.unwrap(),
            Emulator::start(govuk).await.unwrap(),
            Emulator::start(silent).await.unwrap(),
        ];
        let placeholders = vec![
            ("{issuer}", ISSUER.to_owned()),
            ("{key}", file("vectors-key.pem", key.export_private_pem().unwrap().expose())),
            ("{public_key}", file("vectors-public.pem", key.public_key().to_pem().unwrap())),
            ("{garbage}", file("vectors-garbage.jwt", "not a SET")),
            ("{garbage_set}", "e30.e30.AA".to_owned()),
            ("{okta}", receivers[0].base_url().to_owned()),
            ("{govuk}", receivers[1].push_url()),
            ("{token}", receivers[1].token_url().unwrap()),
            ("{silent}", receivers[2].push_url()),
            ("{secret}", SECRET.to_owned()),
        ];
        Self { placeholders, _published: published, _receivers: receivers }
    }

    fn filled(&self, text: &str) -> String {
        self.placeholders.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    async fn run(&self, case: &Value, json: bool) -> Run {
        let mut arguments: Vec<_> = case["arguments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| self.filled(word.as_str().unwrap()))
            .collect();
        if json && !arguments.iter().any(|argument| argument == "--json") {
            arguments.push("--json".to_owned());
        }
        let variables = case["variables"].as_object().into_iter().flatten();
        let variables: Vec<_> =
            variables.map(|(name, value)| (name.as_str(), self.filled(value.as_str().unwrap()))).collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ssf(&arguments, &variables).await
    }

    /// Whether `actual` has all that `expected` has.
    fn holds(&self, actual: &Value, expected: &Value) -> bool {
        match expected {
            Value::Object(members) => members
                .iter()
                .all(|(name, value)| actual.get(name).is_some_and(|actual| self.holds(actual, value))),
            Value::String(text) => actual.as_str() == Some(&self.filled(text)),
            other => actual == other,
        }
    }
}

#[tokio::test]
async fn runs_end_and_print_as_the_vectors_say() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let manifest: Value = serde_json::from_str(MANIFEST).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(manifest["command.json"]["cases"], cases.len());
    let world = World::new().await;
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let run = world.run(case, case.get("error").is_some()).await;
        assert_eq!(run.code.map(i64::from), case["exit_code"].as_i64(), "{name}: {run:?}");
        if let Some(expected) = case.get("stdout") {
            assert!(world.holds(&run.json(), expected), "{name}: {run:?}");
        }
        if let Some(expected) = case.get("error") {
            assert!(world.holds(&run.error(), expected), "{name}: {run:?}");
            // The same without JSON: words for people, and the same exit code.
            let plain = world.run(case, false).await;
            assert_eq!(plain.code, run.code, "{name}");
            assert!(!plain.stderr.is_empty() && !plain.stderr.starts_with('{'), "{name}: {plain:?}");
        }
        for words in case["says"].as_array().into_iter().flatten() {
            assert!(run.stderr.contains(words.as_str().unwrap()), "{name}: {run:?}");
        }
    }
}

#[tokio::test]
async fn the_reference_lists_the_exit_codes_of_the_vectors() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let manifest: Value = serde_json::from_str(MANIFEST).unwrap();
    let codes = vectors["exit_codes"].as_array().unwrap();
    assert_eq!(manifest["command.json"]["exit_codes"], codes.len());
    let reference = ssf(&["reference"], &[]).await;
    let rows = reference.text().lines().filter(|line| line.starts_with("| ") && line.contains("| `"));
    let listed: Vec<_> = rows
        .filter_map(|row| {
            let mut cells = row.trim_matches('|').split('|').map(str::trim);
            Some((cells.next()?.parse::<u64>().ok()?, cells.next()?.trim_matches('`').to_owned()))
        })
        .collect();
    let expected: Vec<_> = codes
        .iter()
        .map(|code| (code["exit_code"].as_u64().unwrap(), code["class"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(listed, expected);
}

//! `--confirm`: whether a SET that Okta answered with 202 arrived.

use crate::program::{Run, file, ssf};
use ssf_emulator::Published;
use ssf_emulator::{ApiTokens, Config, Emulator, Like};
use ssf_transmitter::{
    Jwks, KeyType, OktaProviders, SigningKey,
    okta::{NewProvider, ProviderSettings},
};

const ISSUER: &str = "https://edr.example.com";
const ORG: &str = "https://acme.okta.com";
const TOKEN: (&str, &str) = ("OKTA_API_TOKEN", "00manage");

struct World {
    key: String,
    okta: Emulator,
    published: Published,
}

async fn world(name: &str) -> World {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let published = Published::start(Jwks::new([key.public_key().clone()]).unwrap().to_json()).await.unwrap();
    let mut config = Config::registering(Like::Okta, ORG.to_owned(), ApiTokens::new(TOKEN.1.to_owned()));
    config.users = vec!["ada@example.com".to_owned()];
    let okta = Emulator::start(config).await.unwrap();
    let providers = OktaProviders::builder(okta.base_url()).ssws(TOKEN.1).allow_loopback().build().unwrap();
    let settings = ProviderSettings::issuer(ISSUER, published.jwks_uri());
    providers.create(&NewProvider::new("EDR", "edr", settings)).await.unwrap();
    let key = file(&format!("confirm-{name}.pem"), key.export_private_pem().unwrap().expose());
    World { key, okta, published }
}

impl World {
    async fn run(&self, command: &[&str], user: &str, more: &[&str], variables: &[(&str, &str)]) -> Run {
        let to = ["--okta", self.okta.base_url(), "--audience", ORG, "--allow-loopback"];
        let said = ["--issuer", ISSUER, "--key", &self.key, "--email", user];
        let event =
            ["--event", "caep.session-revoked", "--event-timestamp", "now", "--reason-admin", "en=Test"];
        ssf(&[command, &to, &said, &event, more].concat(), variables).await
    }
}

#[tokio::test]
async fn a_set_that_arrived_is_found() {
    let world = world("arrived").await;
    let run = world.run(&["emit"], "ada@example.com", &["--confirm"], &[TOKEN]).await;
    let printed = run.json();
    assert_eq!(
        (&printed["status"], &printed["reception"]["outcome"]),
        (&202.into(), &"arrived".into()),
        "{run:?}"
    );

    // The same for a SET that was signed before.
    let signed =
        ["set", "sign", "--okta", ORG, "--issuer", ISSUER, "--key", &world.key, "--email", "ada@example.com"];
    let event = ["--event", "caep.session-revoked", "--event-timestamp", "now", "--reason-admin", "en=Test"];
    let set = file("confirm.jwt", ssf(&[&signed[..], &event].concat(), &[]).await.text());
    let to = ["--okta", world.okta.base_url(), "--audience", ORG, "--allow-loopback", "--confirm"];
    let pushed = ssf(&[&["set", "push", &set][..], &to].concat(), &[TOKEN]).await.json();
    assert_eq!(pushed["reception"]["outcome"], "arrived");
}

#[tokio::test]
async fn a_set_that_okta_dropped_is_an_error_with_its_causes() {
    let world = world("dropped").await;
    let run =
        world.run(&["emit"], "nobody@example.com", &["--confirm", "--confirm-within", "2"], &[TOKEN]).await;
    assert_eq!(run.code, Some(12), "{run:?}");
    let printed: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(printed["status"], 202, "it was delivered nevertheless");
    assert_eq!(printed["reception"]["outcome"], "not-seen");
    run.fails_saying(&["System Log", "user-unknown"]);
    assert!(!run.stderr.contains("nobody"), "no subject in a message");
}

#[tokio::test]
async fn the_doctor_looks_for_its_set() {
    let world = world("doctor").await;
    let configuration = ["--configuration", world.published.configuration(), "--confirm", "--json"];
    let run = world.run(&["doctor"], "ada@example.com", &configuration, &[TOKEN]).await;
    let check = run.stdout.lines().find(|line| line.contains("\"okta-log\"")).unwrap();
    assert!(check.contains("\"passed\""), "{run:?}");
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let world = world("missing").await;
    let run = world.run(&["emit"], "ada@example.com", &["--confirm"], &[]).await;
    run.fails_saying(&["OKTA_API_TOKEN is not set"]);
    let wrong = world.run(&["emit"], "ada@example.com", &["--confirm"], &[("OKTA_API_TOKEN", "wrong")]).await;
    assert_eq!(wrong.code, Some(10), "{wrong:?}");
    assert!(wrong.stdout.contains("\"status\":202"), "it was delivered nevertheless: {wrong:?}");
    let run = ssf(&["emit", "--endpoint", "https://receiver.example.net/", "--confirm"], &[TOKEN]).await;
    assert_eq!(run.code, Some(2), "{run:?}");
}

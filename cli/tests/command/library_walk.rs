//! Both guides from their first sentence to their last, with the library alone.

use ssf_emulator::Published;
use ssf_emulator::{ApiTokens, Client, Config, Emulator, KeySource, Like};
use ssf_transmitter::{
    Dialect, Jwks, KeyType, OktaProviders, PublicKey, Receiver, SigningKey, Subject, Timestamp, Transmitter,
    event::{AccountDisabledReason, OktaRiskLevel, okta, risc},
    okta::{NewProvider, ProviderSettings, ProviderStatus},
    token::ClientCredentials,
};

const ORG: &str = "https://acme.okta.com";

#[tokio::test]
async fn oktas_guide() {
    // Generate a key pair, and copy its JSON to a file.
    let made = SigningKey::generate(KeyType::Rsa2048).unwrap().with_kid("2026-11").unwrap();
    let file = crate::program::file("walk-key.json", made.export_private_jwk().unwrap().expose());
    let key = SigningKey::from_jwk(&std::fs::read_to_string(file).unwrap()).unwrap();

    // Publish the public key, and the configuration at its well-known URL.
    let jwks = Jwks::new([key.public_key().clone()]).unwrap();
    assert!(!jwks.to_json().contains("\"d\""));
    let published = Published::start(jwks.to_json()).await.unwrap();

    // Register the transmitter in the org, by its well-known URL.
    let api = ApiTokens::new("00t".to_owned());
    let org = Emulator::start(Config::registering(Like::Okta, ORG.to_owned(), api)).await.unwrap();
    let providers = OktaProviders::builder(org.base_url()).ssws("00t").allow_loopback().build().unwrap();
    let settings = ProviderSettings::well_known(published.configuration());
    let provider = providers.create(&NewProvider::new("Example EDR", "example-edr", settings)).await.unwrap();
    assert_eq!(*provider.status(), ProviderStatus::Active);

    // Build the SET, look at it, send it, and check the response code.
    let acme = Receiver::okta(org.base_url()).audience(ORG).allow_loopback().build().unwrap();
    let transmitter = Transmitter::builder(published.issuer(), key.clone()).build().unwrap();
    let event = okta::UserRiskChange::new(OktaRiskLevel::High, OktaRiskLevel::Low, Timestamp::now())
        .with_reason_admin("en", "Impossible travel");
    let set = transmitter.prepare(event, Subject::email("ada@example.com"), &acme).unwrap();
    let set = set.sign(&key).unwrap();
    assert_eq!(set.decode().unwrap().header()["kid"], "2026-11");
    assert!(transmitter.linter(&acme).jwt(set.as_str()).is_empty());
    assert_eq!(transmitter.deliver(&set, &acme).await.unwrap().status(), 202);
    assert_eq!(org.accepted().len(), 1);
}

#[tokio::test]
async fn govuks_guidance() {
    // Generate a key pair, and send the team the public key that corresponds.
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let handed_over = PublicKey::from_pem(key.public_key().to_pem().unwrap()).unwrap();
    assert_eq!(handed_over.thumbprint(), key.public_key().thumbprint());

    // Id and secret get a token at /authorize; the same token until it expires.
    let (issuer, audience) = ("https://rp.example.gov.uk", "https://ssf.account.gov.uk/");
    let published = Published::start(Jwks::new([handed_over]).unwrap().to_json()).await.unwrap();
    let source = KeySource::JwksUri(published.jwks_uri().to_owned());
    let mut config = Config::new(Like::GovUkOneLogin, issuer.to_owned(), source, audience.to_owned());
    config.client = Some(Client { id: "rp-1".to_owned(), secret: "secret".to_owned() });
    let inbound = Emulator::start(config).await.unwrap();
    let credentials = ClientCredentials::new(inbound.token_url().unwrap(), "rp-1", "secret");
    let receiver = Receiver::govuk_one_login(inbound.push_url(), audience).client_credentials(credentials);
    let receiver = receiver.allow_loopback().build().unwrap();
    assert_eq!(receiver.dialect().id(), Dialect::govuk_one_login().id());

    let transmitter = Transmitter::builder(issuer, key).build().unwrap();
    let event = || risc::AccountDisabled::new().with_reason(AccountDisabledReason::Hijacking);
    let subject = || Subject::uri("urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw");
    assert!(transmitter.lint(event(), subject(), &receiver).is_empty());
    for _ in 0..2 {
        assert_eq!(transmitter.emit(event(), subject(), &receiver).await.unwrap().status(), 202);
    }
    assert_eq!(inbound.accepted().len(), 2);
}

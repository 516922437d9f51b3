//! An Okta org that the emulator plays, and a transmitter.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what tests share")]

use std::time::Duration;

use ssf_emulator::Published;
use ssf_emulator::{ApiTokens, Config, Emulator, Like, Script};
use ssf_transmitter::client::OktaProvidersBuilder;
use ssf_transmitter::delivery::RetryPolicy;
use ssf_transmitter::event::{OktaRiskLevel, okta};
use ssf_transmitter::okta::{NewProvider, ProviderSettings};
use ssf_transmitter::{
    Error, KeySet, KeyType, Network, OktaProviders, Receipt, Receiver, SigningKey, Subject, Timestamp,
    Transmitter,
};

pub const TOKEN: &str = "00manage";
pub const READ_TOKEN: &str = "00read";
pub const AUDIENCE: &str = "https://acme.okta.com";

/// An org, and a transmitter that it does not know yet.
pub struct World {
    pub emulator: Emulator,
    pub published: Published,
    pub transmitter: Transmitter,
    pub receiver: Receiver,
}

impl World {
    pub async fn start() -> Self {
        Self::scripted(Script::new()).await
    }

    pub async fn scripted(script: Script) -> Self {
        Self::with(|config| config.script = script).await
    }

    /// With other settings of the emulator.
    pub async fn with(set: impl FnOnce(&mut Config)) -> Self {
        let mut tokens = ApiTokens::new(TOKEN);
        tokens.read = Some(READ_TOKEN.to_owned());
        let mut config = Config::registering(Like::Okta, AUDIENCE, tokens);
        set(&mut config);
        config.tls = true;
        let emulator = Emulator::start(config).await.unwrap();
        let keys = KeySet::new(SigningKey::generate(KeyType::Rsa2048).unwrap());
        let published = Published::start(keys.jwks().unwrap().to_json()).await.unwrap();
        let transmitter = Transmitter::builder(published.issuer(), keys)
            .network(Network::new().ca_bundle(emulator.ca_pem().unwrap()))
            .retry(RetryPolicy::once())
            .build()
            .unwrap();
        let receiver =
            Receiver::okta(emulator.base_url()).audience(AUDIENCE).allow_loopback().build().unwrap();
        Self { emulator, published, transmitter, receiver }
    }

    pub fn builder(&self) -> OktaProvidersBuilder {
        OktaProviders::builder(self.emulator.base_url())
            .ssws(TOKEN)
            .network(Network::new().ca_bundle(self.emulator.ca_pem().unwrap()))
            .retry(RetryPolicy::new().base(Duration::from_millis(1)))
            .allow_loopback()
    }

    pub fn providers(&self) -> OktaProviders {
        self.builder().build().unwrap()
    }

    pub fn by_configuration(&self) -> NewProvider {
        let settings = ProviderSettings::well_known(self.published.configuration());
        NewProvider::new("Example EDR", "example-edr", settings)
    }

    pub fn by_issuer(&self) -> NewProvider {
        let settings = ProviderSettings::issuer(self.published.issuer(), self.published.jwks_uri());
        NewProvider::new("Example EDR", "example-edr", settings)
    }

    /// Sends a SET about this user.
    pub async fn emit(&self, email: &str) -> Result<Receipt, Error> {
        let event = okta::UserRiskChange::new(OktaRiskLevel::High, OktaRiskLevel::Low, Timestamp::now())
            .with_reason_admin("en", "Impossible travel");
        self.transmitter.emit(event, Subject::email(email), &self.receiver).await
    }

    /// Sends a SET; the error is what the org says.
    pub async fn send(&self) -> Result<u16, String> {
        let sent = self.emit("ada@example.com").await;
        sent.map(|receipt| receipt.status()).map_err(|error| error.receiver_error().unwrap().to_owned())
    }

    pub fn statuses(&self) -> Vec<u16> {
        self.emulator.ledger().iter().map(|entry| entry.status).collect()
    }
}

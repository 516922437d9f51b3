//! A transmitter and an emulator that know each other.

#![allow(dead_code, reason = "each test uses its part")]

use std::time::Duration;

use ssf_emulator::{Client, Config, Emulator, KeySource, Like, Published, Script};
use ssf_transmitter::{
    KeySet, KeyType, Network, Receiver, SigningKey, Timestamp, Transmitter, delivery::RetryPolicy,
    token::ClientCredentials,
};

pub(crate) const AUDIENCE: &str = "https://receiver.example.net";

/// Everything that one test needs.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) transmitter: Transmitter,
    pub(crate) receiver: Receiver,
    /// One key signs, the next one is published.
    pub(crate) keys: KeySet,
    _published: Published,
}

/// Retries without long waits.
pub(crate) fn quick() -> RetryPolicy {
    RetryPolicy::new().base(Duration::from_millis(1)).max_backoff(Duration::from_millis(20))
}

impl World {
    /// A receiver over TLS, HTTP/2 and HTTP/1.1, that misbehaves by `script`.
    pub(crate) async fn start(like: Like, script: &str, policy: RetryPolicy) -> Self {
        Self::start_by(like, script, policy, |network| network).await
    }

    /// The same, with more settings of the network.
    pub(crate) async fn start_by(
        like: Like,
        script: &str,
        policy: RetryPolicy,
        set: impl FnOnce(Network) -> Network,
    ) -> Self {
        let kind = if like == Like::Rfc8935 { KeyType::Ed25519 } else { KeyType::Rsa2048 };
        let keys = KeySet::new(SigningKey::generate(kind).unwrap());
        keys.stage(SigningKey::generate(kind).unwrap(), Timestamp::now()).unwrap();
        let published = Published::start(keys.jwks().unwrap().to_json()).await.unwrap();

        let source = KeySource::WellKnown(published.configuration().to_owned());
        let mut config = Config::new(like, published.issuer().to_owned(), source, AUDIENCE.to_owned());
        config.script = Script::from_json(script).unwrap();
        config.tls = true;
        if like == Like::GovUkOneLogin {
            config.client = Some(Client { id: "client".to_owned(), secret: "s3cret".to_owned() });
        }
        let emulator = Emulator::start(config).await.unwrap();

        let mut builder = match emulator.token_url() {
            Some(url) => Receiver::govuk_one_login(emulator.push_url(), AUDIENCE)
                .client_credentials(ClientCredentials::new(url, "client", "s3cret")),
            None => Receiver::builder(emulator.push_url(), AUDIENCE),
        };
        builder = builder.allow_loopback().concurrency(64);
        let network = set(Network::new().ca_bundle(emulator.ca_pem().unwrap()));
        let transmitter =
            Transmitter::builder(published.issuer(), keys.clone()).retry(policy).network(network);
        let transmitter = transmitter.build().unwrap();
        Self { emulator, transmitter, receiver: builder.build().unwrap(), keys, _published: published }
    }
}

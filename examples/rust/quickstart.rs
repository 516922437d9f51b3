//! The first SET: a key, a transmitter, a receiver, an event.
//!
//! The receiver is an emulator that checks SETs as Okta does, so this runs without an Okta org:
//! `cargo run -p ssf-examples --example quickstart`

use ssf_emulator::{Config, Emulator, KeySource, Like, Published};
use ssf_transmitter::{
    KeySet, KeyType, Receiver, SigningKey, Subject, Timestamp, Transmitter,
    event::{OktaRiskLevel, okta},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Once: a key, and the documents by which receivers find its public half.
    let keys = KeySet::new(SigningKey::generate(KeyType::Rsa2048)?);
    let published = Published::start(keys.jwks()?.to_json()).await?;

    // In a product this is the customer's Okta org, where an admin has registered your configuration URL.
    let audience = "https://acme.okta.com";
    let source = KeySource::WellKnown(published.configuration().to_owned());
    let emulator =
        Emulator::start(Config::new(Like::Okta, published.issuer().to_owned(), source, audience.to_owned()))
            .await?;

    // Once per process, and once per customer.
    let transmitter = Transmitter::builder(published.issuer(), keys).build()?;
    let receiver = Receiver::okta(emulator.base_url()).audience(audience).allow_loopback().build()?;

    // For each thing that happens.
    let event = okta::UserRiskChange::new(OktaRiskLevel::High, OktaRiskLevel::Low, Timestamp::now())
        .with_reason_admin("en", "Impossible travel");
    let receipt = transmitter.emit(event, Subject::email("ada@example.com"), &receiver).await?;

    println!("SET {} delivered with status {}", receipt.jti(), receipt.status());
    assert_eq!(receipt.status(), 202);
    assert_eq!(emulator.ledger().len(), 1);
    Ok(())
}

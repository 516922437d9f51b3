//! A signer that holds the key elsewhere: here a thread that plays a key management service and never gives the key out.
//! It signs with OpenSSL and answers in DER, as such services do; nothing of this library's key handling is in it.
//!
//! `cargo run -p ssf-examples --example external_signer`

use std::{error::Error, sync::mpsc, thread};

use openssl::{
    ec::{EcGroup, EcKey},
    ecdsa::EcdsaSig,
    nid::Nid,
};
use ssf_emulator::{Config, Emulator, KeySource, Like, Published};
use ssf_transmitter::{
    Algorithm, Jwks, PublicKey, Receiver, Signature, Signer, Subject, Transmitter,
    event::caep,
    key::{BoxFuture, ExternalKey},
};
use tokio::sync::oneshot;

/// A request to the service: the digest to sign, and where to send the signature.
type Request = (Vec<u8>, oneshot::Sender<Vec<u8>>);

/// The client of the service. It knows the public key, and how to ask.
struct Kms {
    public_key: PublicKey,
    requests: mpsc::Sender<Request>,
}

impl Signer for Kms {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Es256
    }

    fn public_key(&self) -> Option<PublicKey> {
        Some(self.public_key.clone())
    }

    fn sign<'a>(
        &'a self,
        signing_input: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, Box<dyn Error + Send + Sync>>> {
        Box::pin(async move {
            let (reply, signature) = oneshot::channel();
            // Key services accept few bytes, but a digest of any SET.
            let digest = Algorithm::Es256.digest(signing_input).ok_or("ES256 signs a digest")?;
            self.requests.send((digest, reply))?;
            Ok(Signature::Der(signature.await?))
        })
    }
}

/// Starts the service with a key of its own; returns its public half and the way to ask.
fn start_service() -> Result<(PublicKey, mpsc::Sender<Request>), Box<dyn Error>> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = EcKey::generate(&group)?;
    let public_key = PublicKey::from_pem(key.public_key_to_pem()?)?.with_kid("alias/ssf-signing")?;

    let (requests, inbox) = mpsc::channel::<Request>();
    thread::spawn(move || {
        for (digest, reply) in inbox {
            let signed = EcdsaSig::sign(&digest, &key).and_then(|signature| signature.to_der());
            // Without an answer the caller sees that the service failed; a caller that has gone away needs none.
            if let Ok(signature) = signed {
                let _ = reply.send(signature);
            }
        }
    });
    Ok((public_key, requests))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (public_key, requests) = start_service()?;
    let published = Published::start(Jwks::new([public_key.clone()])?.to_json()).await?;
    let audience = "https://receiver.example.net";
    let source = KeySource::JwksUri(published.jwks_uri().to_owned());
    let emulator = Emulator::start(Config::new(
        Like::Rfc8935,
        published.issuer().to_owned(),
        source,
        audience.to_owned(),
    ))
    .await?;

    let key = ExternalKey::signed_by(Kms { public_key, requests })?;
    let transmitter = Transmitter::builder(published.issuer(), key).build()?;
    let receiver = Receiver::builder(emulator.push_url(), audience).allow_loopback().build()?;
    let receipt = transmitter
        .emit(caep::SessionRevoked::new(), Subject::email("ada@example.com"), &receiver)
        .txn("incident-4711")
        .await?;

    println!("SET {} signed elsewhere, delivered with status {}", receipt.jti(), receipt.status());
    assert_eq!(receipt.status(), 202);
    Ok(())
}

//! A signer that holds the key elsewhere: here a thread that plays a key management service and never gives the key out.
//! It signs with OpenSSL and answers in DER, as such services do; nothing of this library's key handling is in it.
//!
//! `cargo run -p ssf-examples --example external_signer`

use std::{error::Error, sync::mpsc, thread};

use openssl::{
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::PKey,
    sign,
};
use ssf_emulator::{Config, Emulator, KeySource, Like, Published};
use ssf_transmitter::{
    Algorithm, Jwks, PublicKey, Receiver, Signature, Signer, Subject, Transmitter,
    event::caep,
    key::{BoxFuture, SigningHeader},
};
use tokio::sync::oneshot;

/// A request to the service: the bytes to sign, and where to send the signature.
type Request = (Vec<u8>, oneshot::Sender<Vec<u8>>);

/// The client of the service. It knows the name of the key, and how to ask.
struct Kms {
    key_id: String,
    requests: mpsc::Sender<Request>,
}

impl Signer for Kms {
    fn header(&self) -> SigningHeader {
        SigningHeader::new(Algorithm::Es256, self.key_id.as_str())
    }

    fn sign<'a>(
        &'a self,
        signing_input: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, Box<dyn Error + Send + Sync>>> {
        Box::pin(async move {
            let (reply, signature) = oneshot::channel();
            self.requests.send((signing_input.to_vec(), reply))?;
            Ok(Signature::Der(signature.await?))
        })
    }
}

/// Starts the service with a key of its own; gives out the key's name, its public half and the way to ask.
fn start_service() -> Result<(String, PublicKey, mpsc::Sender<Request>), Box<dyn Error>> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let key_id = "alias/ssf-signing";
    let public_key = PublicKey::from_pem(key.public_key_to_pem()?)?.with_kid(key_id)?;

    let (requests, inbox) = mpsc::channel::<Request>();
    thread::spawn(move || {
        for (bytes, reply) in inbox {
            let signed = sign::Signer::new(MessageDigest::sha256(), &key)
                .and_then(|mut signer| signer.sign_oneshot_to_vec(&bytes));
            // Without an answer the caller sees that the service failed; a caller that has gone away needs none.
            if let Ok(signature) = signed {
                let _ = reply.send(signature);
            }
        }
    });
    Ok((key_id.to_owned(), public_key, requests))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (key_id, public_key, requests) = start_service()?;
    let published = Published::start(Jwks::new([public_key])?.to_json()).await?;
    let audience = "https://receiver.example.net";
    let source = KeySource::JwksUri(published.jwks_uri().to_owned());
    let emulator = Emulator::start(Config::new(
        Like::Rfc8935,
        published.issuer().to_owned(),
        source,
        audience.to_owned(),
    ))
    .await?;

    let kms = Kms { key_id, requests };
    let transmitter = Transmitter::builder_with_signer(published.issuer(), kms).build()?;
    let receiver = Receiver::builder(emulator.push_url(), audience).allow_loopback().build()?;
    let receipt = transmitter
        .emit(caep::SessionRevoked::new(), Subject::email("ada@example.com"), &receiver)
        .txn("incident-4711")
        .await?;

    println!("SET {} signed elsewhere, delivered with status {}", receipt.jti(), receipt.status());
    assert_eq!(receipt.status(), 202);
    Ok(())
}

//! Keys of this process and external ones, rotating in one set: `tests/vectors/rotation.json`.

#![cfg(feature = "client")]

use std::{collections::BTreeMap, error::Error as StdError};

use crate::common::{list, text};
use crate::server::Server;
use openssl::{
    ecdsa::EcdsaSig,
    md::Md,
    pkey::{PKey, Private},
    pkey_ctx::PkeyCtx,
};
use serde_json::{Value, json};
use ssf_transmitter::{
    Algorithm, ErrorCode, Jwks, KeySet, KeyType, PublicKey, Receiver, Result, Signature, Signer, SigningKey,
    Subject, Timestamp, Transmitter,
    event::caep,
    key::{BoxFuture, ExternalKey, SigningHeader, TransmitterKey},
};

/// A key service: OpenSSL, which gets the signing input or the digest, as the case wants.
struct Service {
    key: PKey<Private>,
    algorithm: Algorithm,
    kid: String,
    public_key: Option<PublicKey>,
}

impl Service {
    fn call(&self, digest: &[u8]) -> std::result::Result<Signature, Box<dyn StdError + Send + Sync>> {
        if self.algorithm == Algorithm::Es256 {
            let key = self.key.ec_key()?;
            return Ok(Signature::Der(EcdsaSig::sign(digest, &key)?.to_der()?));
        }
        let mut context = PkeyCtx::new(&self.key)?;
        context.sign_init()?;
        context.set_signature_md(Md::sha256())?;
        let mut signature = Vec::new();
        context.sign_to_vec(digest, &mut signature)?;
        Ok(Signature::Raw(signature))
    }
}

impl Signer for Service {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn kid(&self) -> Option<&str> {
        Some(&self.kid)
    }

    fn public_key(&self) -> Option<PublicKey> {
        self.public_key.clone()
    }

    fn sign<'a>(
        &'a self,
        signing_input: &'a [u8],
    ) -> BoxFuture<'a, std::result::Result<Signature, Box<dyn StdError + Send + Sync>>> {
        let digest = self.algorithm.digest(signing_input);
        Box::pin(async move { self.call(&digest.ok_or("an algorithm with a digest")?) })
    }
}

/// A key of a case, and its public half, which a signer may not tell.
fn key(name: &str, about: &Value) -> (TransmitterKey, PublicKey) {
    let kid = about["kid"].as_str().unwrap_or(name);
    let algorithm: Algorithm = text(&about["algorithm"]).parse().unwrap();
    let made = if algorithm == Algorithm::Es256 { KeyType::P256 } else { KeyType::Rsa2048 };
    let own = SigningKey::generate(made).unwrap().with_kid(kid).unwrap();
    let public = own.public_key().clone();
    if about["signs"] == "here" {
        return (own.into(), public);
    }
    let pem = own.export_private_pem().unwrap();
    let signer = Service {
        key: PKey::private_key_from_pem(pem.expose().as_bytes()).unwrap(),
        algorithm,
        kid: kid.to_owned(),
        public_key: (about["public_key"] != false).then(|| public.clone()),
    };
    (ExternalKey::signed_by(signer).unwrap().into(), public)
}

fn kids(keys: &[TransmitterKey]) -> Value {
    keys.iter().map(TransmitterKey::kid).collect()
}

fn outcome<T>(result: Result<T>, step: &Value) -> Option<T> {
    let code = step["code"].as_str().map(|name| ErrorCode::by_name(name).unwrap());
    match result {
        Ok(value) if code.is_none() => Some(value),
        Err(error) if Some(error.code()) == code => None,
        Ok(_) => panic!("{step}: no error"),
        Err(error) => panic!("{step}: {error}"),
    }
}

/// A case in progress.
struct Play {
    keys: BTreeMap<String, (TransmitterKey, PublicKey)>,
    set: KeySet,
    transmitter: Transmitter,
    receiver: Receiver,
}

impl Play {
    fn emit(&self) -> ssf_transmitter::client::Emit {
        self.transmitter.emit(caep::SessionRevoked::new(), Subject::email("ada@example.com"), &self.receiver)
    }

    async fn emits(&self, kid: &str) {
        let jwks = Jwks::new(
            self.keys
                .iter()
                .filter(|(name, (_, public))| public.kid() == *name)
                .map(|(_, (_, public))| public.clone()),
        )
        .unwrap();
        let signed = self.emit().sign().await.unwrap();
        assert_eq!(signed.decode().unwrap().verify(&jwks).unwrap().kid(), kid);
        assert_eq!(self.emit().await.unwrap().status(), 202);
        // A caller who may have to sign finds out which key it is; a signer of its own is called here.
        let pending = self.emit().begin().unwrap();
        assert_eq!(pending.key().kid(), Some(kid));
        assert_eq!(pending.sign().await.unwrap().status(), 202);
        assert_eq!(self.transmitter.linter(&self.receiver).signed(&signed), []);
    }

    async fn step(&self, step: &Value) {
        let now = Timestamp::now();
        for (what, value) in step.as_object().unwrap() {
            match what.as_str() {
                "emit" => self.emits(text(value)).await,
                "stage" => {
                    outcome(self.set.stage(self.keys[text(value)].0.clone(), now), step);
                }
                "rotate" => {
                    let retired = outcome(self.set.rotate(now, std::time::Duration::ZERO), step);
                    assert!(retired.is_none_or(|retired| retired == text(value)));
                }
                "remove" => {
                    outcome(self.set.remove(text(value)), step);
                }
                "published" => {
                    let published = self.transmitter.jwks().unwrap();
                    let published: Value = published.keys().iter().map(|key| json!(key.kid())).collect();
                    assert_eq!(&published, value);
                }
                "next" => assert_eq!(json!(self.set.next().unwrap().kid()), *value),
                "retired" => assert_eq!(kids(&self.set.retired()), *value),
                "code" => {}
                other => panic!("no step {other}"),
            }
        }
    }
}

#[tokio::test]
async fn signers_rotate_like_keys_of_this_process() {
    let file = crate::common::file("rotation.json");
    for case in list(&file["cases"]) {
        let server = Server::always(202, &[], "").await;
        let keys: BTreeMap<_, _> = case["keys"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(kid, about)| (kid.clone(), key(kid, about)))
            .collect();
        let set = KeySet::new(keys[text(&case["active"])].0.clone());
        let transmitter = Transmitter::builder("https://edr.example.com", set.clone()).build().unwrap();
        let receiver = Receiver::builder(server.url("/events"), "https://receiver.example.net");
        let receiver = receiver.allow_loopback().build().unwrap();
        let play = Play { keys, set, transmitter, receiver };
        for step in list(&case["steps"]) {
            play.step(step).await;
        }
    }
}

#[tokio::test]
async fn a_key_without_a_signer_is_signed_by_the_caller_alone() {
    let server = Server::always(202, &[], "").await;
    let receiver = Receiver::builder(server.url("/events"), "https://receiver.example.net");
    let receiver = receiver.allow_loopback().build().unwrap();
    let key = ExternalKey::new(SigningHeader::new(Algorithm::Es256, "k"), None).unwrap();
    let transmitter = Transmitter::builder("https://edr.example.com", key).build().unwrap();
    let emit = || transmitter.emit(caep::SessionRevoked::new(), Subject::email("ada@example.com"), &receiver);
    for result in [emit().await, emit().begin().unwrap().sign().await] {
        assert_eq!(result.unwrap_err().code(), ErrorCode::SignerFailed);
    }
    assert_eq!(emit().begin().unwrap().key().kid(), Some("k"));
    assert!(server.seen().is_empty());
}

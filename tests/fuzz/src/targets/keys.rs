//! Private and public keys: PEM, DER, JWK, JWK Sets, and certificates.

use std::sync::LazyLock;

use ssf_transmitter::{
    Error, Jwks, Network, PublicKey, SetBuilder, SigningKey, Subject, event::caep, key::KeyOptions, lint,
};

use super::text;
use crate::judge;

/// The password of the encrypted keys among the seeds.
const PASSWORD: &str = "swordfish";
/// The members of a JWK that are secret (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

static OPTIONS: LazyLock<KeyOptions> = LazyLock::new(|| KeyOptions::new().password(PASSWORD));

/// PEM, without a password.
pub(crate) fn pem(bytes: &[u8]) {
    private(bytes, SigningKey::from_pem(bytes));
    public(PublicKey::from_pem(bytes));
}

/// DER, without a password.
pub(crate) fn der(bytes: &[u8]) {
    private(bytes, SigningKey::from_der(bytes));
    public(PublicKey::from_der(bytes));
}

/// Any form of a key, with a password. It takes long: to derive a key from a password is meant to.
pub(crate) fn encrypted_key(bytes: &[u8]) {
    private(bytes, SigningKey::from_any(bytes, &OPTIONS));
}

/// A JWK, private or public.
pub(crate) fn jwk(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let read = SigningKey::from_jwk(text);
    if let Err(error) = &read {
        judge::error_in(text, "", error);
    }
    private(bytes, read);
    let read = PublicKey::from_jwk(text);
    if let Err(error) = &read {
        judge::error_in(text, "", error);
    }
    public(read);
}

/// A JWK Set, read for its keys, for a private key, and by lint.
pub(crate) fn jwks(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Jwks::from_json(text) {
        Ok(read) => {
            let again = Jwks::from_json(&read.to_json()).unwrap();
            let facts = |jwks: &Jwks| -> Vec<_> {
                jwks.keys()
                    .iter()
                    .map(|key| (key.kid().to_owned(), key.algorithm(), key.thumbprint()))
                    .collect()
            };
            assert_eq!(facts(&again), facts(&read));
            again.keys().iter().for_each(publishes_nothing_secret);
        }
        Err(error) => judge::error_in(text, "", &error),
    }
    private(bytes, SigningKey::from_jwks(text, "1"));
    let findings = lint::jwks(text);
    if let Ok(document) = serde_json::from_str(text) {
        judge::findings(&document, &findings);
    } else {
        assert!(!findings.is_empty());
    }
}

/// Certificates of a CA and of a client, and the client's key.
pub(crate) fn certificate(bytes: &[u8]) {
    let secrets = judge::secrets(bytes);
    let networks = [Network::new().ca_bundle(bytes), Network::new().client_certificate(bytes, bytes)];
    for network in networks {
        if let Err(error) = network.tls_config() {
            judge::error(&error);
            judge::hides(&error, secrets.iter().copied());
        }
    }
}

/// A private key is refused without being quoted; or it signs what its public half verifies, and comes out as it went
/// in.
fn private(bytes: &[u8], read: Result<SigningKey, Error>) {
    let key = match read {
        Ok(key) => key,
        Err(error) => {
            judge::error(&error);
            return judge::hides(&error, judge::secrets(bytes));
        }
    };
    let set = SetBuilder::new("https://tr.example.com", "https://receiver.example.com")
        .event(caep::SessionRevoked::new())
        .subject(Subject::opaque("1"))
        .sign(&key)
        .unwrap();
    let published = Jwks::new([key.public_key().clone()]).unwrap();
    set.decode().unwrap().verify(&published).unwrap();

    let pem = key.export_private_pem().unwrap();
    let again = SigningKey::from_pem(pem.expose()).unwrap();
    assert_eq!(again.public_key().thumbprint(), key.public_key().thumbprint());
    let der = key.export_private_der().unwrap();
    assert_eq!(SigningKey::from_der(der.expose()).unwrap().kid(), again.kid());
    let jwk = key.export_private_jwk().unwrap();
    let again = SigningKey::from_jwk(jwk.expose()).unwrap();
    assert_eq!((again.kid(), again.algorithm()), (key.kid(), key.algorithm()));
    public(Ok(key.public_key().clone()));
}

/// A public key comes out as it went in, in each form.
fn public(read: Result<PublicKey, Error>) {
    let key = match read {
        Ok(key) => key,
        Err(error) => return judge::error(&error),
    };
    publishes_nothing_secret(&key);
    let again = PublicKey::from_jwk(&key.to_jwk().to_string()).unwrap();
    assert_eq!((again.kid(), again.algorithm()), (key.kid(), key.algorithm()));
    for again in [PublicKey::from_pem(key.to_pem().unwrap()), PublicKey::from_der(key.to_der())] {
        assert_eq!(again.unwrap().thumbprint(), key.thumbprint());
    }
}

fn publishes_nothing_secret(key: &PublicKey) {
    let jwk = key.to_jwk();
    assert!(PRIVATE.iter().all(|name| jwk.get(name).is_none()), "a private member is published");
}

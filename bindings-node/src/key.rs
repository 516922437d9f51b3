//! Signing keys and their rotation.

use std::time::Duration;

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use ssf_bindings::key;
use ssf_transmitter::{self as sdk, Jwks, KeyType, Timestamp, secret::Secret};

use crate::{
    failure::{Failure, Outcome, Result, outcome},
    mailbox::Mailbox,
    policy::milliseconds,
    signer::{AnyKey, Signer, shown},
};

/// A private key that signs SETs.
#[napi]
pub struct SigningKey(pub(crate) sdk::SigningKey);

#[napi]
impl SigningKey {
    /// Generates a key.
    #[napi]
    pub fn generate(mailbox: &Mailbox, number: u32, kind: String) -> Outcome<()> {
        mailbox.spawn_blocking(number, move || Ok(Self(sdk::SigningKey::generate(kind.parse::<KeyType>()?)?)))
    }

    /// Reads a key in PEM or DER.
    #[napi]
    pub fn read(
        mailbox: &Mailbox,
        number: u32,
        form: String,
        bytes: Uint8Array,
        password: Option<String>,
    ) -> Outcome<()> {
        let (bytes, password) = (Secret::new(bytes.to_vec()), password.map(Secret::from));
        mailbox.spawn_blocking(number, move || {
            let (bytes, password) =
                (bytes.expose(), password.as_ref().map(|password| password.expose().as_str()));
            let key = match form.as_str() {
                "pem" => key::from_pem(bytes, password),
                _ => key::from_der(bytes, password),
            };
            Ok(Self(key?))
        })
    }

    /// Reads a private JWK, or the key `kid` of a private JWK Set.
    #[napi]
    pub fn read_jwk(mailbox: &Mailbox, number: u32, json: String, kid: Option<String>) -> Outcome<()> {
        let json = Secret::from(json);
        mailbox.spawn_blocking(number, move || Ok(Self(key::from_jwk(json.expose(), kid.as_deref())?)))
    }

    /// The same key with another `kid`.
    #[napi]
    pub fn with_kid(&self, kid: String) -> Outcome<SigningKey> {
        outcome(self.0.clone().with_kid(kid).map(Self).map_err(Failure::from))
    }

    /// The same key for another of its algorithms.
    #[napi]
    pub fn with_algorithm(&self, algorithm: String) -> Outcome<SigningKey> {
        let key = algorithm.parse().and_then(|algorithm| self.0.clone().with_algorithm(algorithm));
        outcome(key.map(Self).map_err(Failure::from))
    }

    #[napi(getter)]
    pub fn algorithm(&self) -> &'static str {
        self.0.algorithm().as_str()
    }

    #[napi(getter)]
    pub fn kid(&self) -> String {
        self.0.kid().to_owned()
    }

    #[napi(getter)]
    pub fn thumbprint(&self) -> String {
        self.0.public_key().thumbprint()
    }

    /// The public half, as JSON.
    #[napi]
    pub fn public_jwk(&self) -> String {
        self.0.public_key().to_jwk().to_string()
    }

    #[napi]
    pub fn public_pem(&self) -> Outcome<String> {
        outcome(self.0.public_key().to_pem().map_err(Failure::from))
    }

    /// The private key as `jwk` or `pem`, the latter encrypted if there is a password.
    #[napi]
    pub fn export(
        &self,
        mailbox: &Mailbox,
        number: u32,
        form: String,
        password: Option<String>,
    ) -> Outcome<()> {
        let (key, password) = (self.0.clone(), password.map(Secret::from));
        mailbox.spawn_blocking(number, move || {
            let text = match (form.as_str(), password) {
                ("jwk", _) => key.export_private_jwk(),
                (_, None) => key.export_private_pem(),
                (_, Some(password)) => key.export_encrypted_pem(password.expose()),
            };
            Ok(text?.expose().clone())
        })
    }
}

/// The keys of a transmitter: one signs, all are published.
#[napi]
pub struct KeySet(pub(crate) sdk::KeySet);

#[napi]
impl KeySet {
    #[napi(constructor)]
    pub fn new(active: &SigningKey) -> Self {
        Self(sdk::KeySet::new(active.0.clone()))
    }

    #[napi(factory)]
    pub fn of_signer(active: &Signer) -> Self {
        Self(sdk::KeySet::new(active.0.clone()))
    }

    #[napi]
    pub fn active(&self) -> AnyKey {
        shown(self.0.active())
    }

    #[napi]
    pub fn next(&self) -> Option<AnyKey> {
        self.0.next().map(shown)
    }

    #[napi]
    pub fn retired(&self) -> Vec<AnyKey> {
        self.0.retired().into_iter().map(shown).collect()
    }

    /// The set to publish, as JSON.
    #[napi]
    pub fn jwks(&self) -> Outcome<String> {
        outcome(self.0.jwks().map(|jwks| jwks.to_json()).map_err(Failure::from))
    }

    /// `now` is in milliseconds since 1970.
    #[napi]
    pub fn stage(&self, next: &SigningKey, now: f64) -> Outcome<()> {
        outcome(self.0.stage(next.0.clone(), moment(now)).map_err(Failure::from))
    }

    /// The same for an external key.
    #[napi]
    pub fn stage_signer(&self, next: &Signer, now: f64) -> Outcome<()> {
        outcome(self.0.stage(next.0.clone(), moment(now)).map_err(Failure::from))
    }

    /// `now` is in milliseconds since 1970, `published` in milliseconds.
    #[napi]
    pub fn rotate(&self, now: f64, published: f64) -> Outcome<String> {
        let rotate = |published: Duration| Ok(self.0.rotate(moment(now), published)?);
        outcome(milliseconds(published).map_err(Failure::from).and_then(rotate))
    }

    #[napi]
    pub fn remove(&self, kid: String) -> Outcome<()> {
        outcome(self.0.remove(&kid).map_err(Failure::from))
    }
}

/// A point in time from milliseconds since 1970; `ts/options.ts` has checked that it is one.
#[allow(clippy::cast_possible_truncation, reason = "a JavaScript date fits")]
pub(crate) fn moment(milliseconds: f64) -> Timestamp {
    Timestamp::from_unix_millis(milliseconds as i64)
}

/// Public keys as they are published, or as they were read.
pub(crate) fn jwks(json: &str) -> Result<Jwks> {
    Ok(Jwks::from_json(json)?)
}

//! Signing keys and their rotation, and the keys that are published.

use std::sync::Arc;

use ssf_bindings::{key, transmitter::external_key};
use ssf_transmitter::{self as sdk, Jwks, secret::Secret};

use crate::{
    cancellation::Cancellation,
    failure::{Failure, Result},
    policy::{moment_of, span_of},
};

/// What kind of key to generate.
#[derive(Clone, Copy, uniffi::Enum)]
pub enum KeyType {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
    P521,
    Ed25519,
}

impl From<KeyType> for sdk::KeyType {
    fn from(kind: KeyType) -> Self {
        match kind {
            KeyType::Rsa2048 => Self::Rsa2048,
            KeyType::Rsa3072 => Self::Rsa3072,
            KeyType::Rsa4096 => Self::Rsa4096,
            KeyType::P256 => Self::P256,
            KeyType::P384 => Self::P384,
            KeyType::P521 => Self::P521,
            KeyType::Ed25519 => Self::Ed25519,
        }
    }
}

/// A public key as it is published.
#[derive(uniffi::Record)]
pub struct PublicKey {
    pub kid: String,
    pub algorithm: String,
    pub thumbprint: String,
    /// As JSON.
    pub jwk: String,
}

impl From<&sdk::PublicKey> for PublicKey {
    fn from(key: &sdk::PublicKey) -> Self {
        Self {
            kid: key.kid().to_owned(),
            algorithm: key.algorithm().as_str().to_owned(),
            thumbprint: key.thumbprint(),
            jwk: key.to_jwk().to_string(),
        }
    }
}

/// A private key that signs SETs.
#[derive(uniffi::Object)]
pub struct SigningKey(pub(crate) sdk::SigningKey);

/// Generates a key, on a thread of its own: it takes up to seconds.
#[uniffi::export]
pub async fn generate_key(kind: KeyType, cancellation: Arc<Cancellation>) -> Result<Arc<SigningKey>> {
    let work = async move {
        let made = tokio::task::spawn_blocking(move || sdk::SigningKey::generate(kind.into()));
        made.await.map_err(|_| Failure::internal("a task ended without a result"))
    };
    Ok(Arc::new(SigningKey(cancellation.or(work).await??)))
}

#[uniffi::export]
impl SigningKey {
    #[uniffi::constructor]
    pub fn from_pem(pem: Vec<u8>, password: Option<String>) -> Result<Arc<Self>> {
        let (pem, password) = (Secret::new(pem), password.map(Secret::from));
        Self::of(key::from_pem(pem.expose(), password.as_ref().map(|password| password.expose().as_str())))
    }

    #[uniffi::constructor]
    pub fn from_der(der: Vec<u8>, password: Option<String>) -> Result<Arc<Self>> {
        let (der, password) = (Secret::new(der), password.map(Secret::from));
        Self::of(key::from_der(der.expose(), password.as_ref().map(|password| password.expose().as_str())))
    }

    /// Reads a private JWK, or the key `kid` of a private JWK Set.
    #[uniffi::constructor]
    pub fn from_jwk(json: String, kid: Option<String>) -> Result<Arc<Self>> {
        let json = Secret::new(json);
        Self::of(key::from_jwk(json.expose(), kid.as_deref()))
    }

    /// The same key with another `kid`.
    pub fn with_kid(&self, kid: String) -> Result<Arc<Self>> {
        Self::of(self.0.clone().with_kid(kid))
    }

    /// The same key for another of its algorithms.
    pub fn with_algorithm(&self, algorithm: String) -> Result<Arc<Self>> {
        Self::of(algorithm.parse().and_then(|algorithm| self.0.clone().with_algorithm(algorithm)))
    }

    pub fn public_key(&self) -> PublicKey {
        self.0.public_key().into()
    }

    pub fn public_pem(&self) -> Result<String> {
        Ok(self.0.public_key().to_pem()?)
    }

    /// The private key as a JWK.
    pub fn private_jwk(&self) -> Result<String> {
        Ok(self.0.export_private_jwk()?.expose().clone())
    }

    /// The private key as PEM, encrypted if there is a password.
    pub fn private_pem(&self, password: Option<String>) -> Result<String> {
        let pem = match password.map(Secret::from) {
            None => self.0.export_private_pem(),
            Some(password) => self.0.export_encrypted_pem(password.expose()),
        };
        Ok(pem?.expose().clone())
    }
}

impl SigningKey {
    fn of(key: sdk::Result<sdk::SigningKey>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(key?)))
    }
}

/// The keys of a transmitter: one signs, all are published.
#[derive(uniffi::Object)]
pub struct KeySet(pub(crate) sdk::KeySet);

/// A key for a set.
#[derive(uniffi::Enum)]
pub enum NewKey {
    Local {
        key: Arc<SigningKey>,
    },
    /// Swift signs. The public key is a JWK.
    External {
        algorithm: String,
        kid: Option<String>,
        public_key: Option<String>,
        signs_digest: bool,
    },
}

impl NewKey {
    fn read(self) -> Result<sdk::key::TransmitterKey> {
        let (algorithm, kid, public_key, signs_digest) = match self {
            Self::Local { key } => return Ok(key.0.clone().into()),
            Self::External { algorithm, kid, public_key, signs_digest } => {
                (algorithm, kid, public_key, signs_digest)
            }
        };
        let public_key = public_key.map(|jwk| sdk::PublicKey::from_jwk(&jwk)).transpose()?;
        Ok(external_key(&algorithm, kid, public_key, signs_digest)?.into())
    }
}

/// A key of a set: one of this process, or the `kid` of an external one, empty if it has none.
#[derive(uniffi::Enum)]
pub enum KeptKey {
    Local { key: Arc<SigningKey> },
    External { kid: String },
}

impl From<sdk::key::TransmitterKey> for KeptKey {
    fn from(key: sdk::key::TransmitterKey) -> Self {
        match key.local() {
            Some(local) => Self::Local { key: Arc::new(SigningKey(local.clone())) },
            None => Self::External { kid: key.kid().unwrap_or_default().to_owned() },
        }
    }
}

/// The digest that an algorithm signs; `None` for Ed25519.
#[uniffi::export]
pub fn digest_of(algorithm: String, signing_input: Vec<u8>) -> Result<Option<Vec<u8>>> {
    Ok(algorithm.parse::<sdk::Algorithm>()?.digest(&signing_input))
}

#[uniffi::export]
impl KeySet {
    #[uniffi::constructor]
    pub fn new(active: Arc<SigningKey>) -> Arc<Self> {
        Arc::new(Self(sdk::KeySet::new(active.0.clone())))
    }

    #[uniffi::constructor]
    pub fn of(active: NewKey) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(sdk::KeySet::new(active.read()?))))
    }

    pub fn active(&self) -> KeptKey {
        self.0.active().into()
    }

    pub fn next(&self) -> Option<KeptKey> {
        self.0.next().map(KeptKey::from)
    }

    pub fn retired(&self) -> Vec<KeptKey> {
        self.0.retired().into_iter().map(KeptKey::from).collect()
    }

    /// The set to publish, as JSON.
    pub fn jwks(&self) -> Result<String> {
        Ok(self.0.jwks()?.to_json())
    }

    /// `now` is in seconds since 1970.
    pub fn stage(&self, next: NewKey, now: f64) -> Result<()> {
        Ok(self.0.stage(next.read()?, moment_of(now)?)?)
    }

    /// `now` is in seconds since 1970, `published` in seconds.
    pub fn rotate(&self, now: f64, published: f64) -> Result<String> {
        Ok(self.0.rotate(moment_of(now)?, span_of(published)?)?)
    }

    pub fn remove(&self, kid: String) -> Result<()> {
        Ok(self.0.remove(&kid)?)
    }
}

/// A JWKS document, as it was understood: nothing private is in it.
#[derive(uniffi::Record)]
pub struct PublicKeys {
    pub json: String,
    pub keys: Vec<PublicKey>,
}

/// Reads a JWKS document.
#[uniffi::export]
pub fn read_jwks(json: String) -> Result<PublicKeys> {
    let jwks = Jwks::from_json(&json)?;
    Ok(PublicKeys { json: jwks.to_json(), keys: jwks.keys().iter().map(PublicKey::from).collect() })
}

/// The form of a public key.
#[derive(uniffi::Enum)]
pub enum PublicForm {
    Pem,
    /// `SubjectPublicKeyInfo`.
    Der,
    Jwk,
}

/// Reads a public key.
#[uniffi::export]
pub fn read_public_key(form: PublicForm, key: Vec<u8>, kid: Option<String>) -> Result<PublicKey> {
    let read = match form {
        PublicForm::Pem => sdk::PublicKey::from_pem(key)?,
        PublicForm::Der => sdk::PublicKey::from_der(key)?,
        PublicForm::Jwk => sdk::PublicKey::from_jwk(&String::from_utf8_lossy(&key))?,
    };
    let named = match kid {
        Some(kid) => read.with_kid(kid)?,
        None => read,
    };
    Ok(PublicKey::from(&named))
}

/// The JWKS of these keys, each as a JWK.
#[uniffi::export]
pub fn jwks_of(keys: Vec<String>) -> Result<String> {
    let keys = keys.iter().map(|jwk| sdk::PublicKey::from_jwk(jwk)).collect::<sdk::Result<Vec<_>>>()?;
    Ok(Jwks::new(keys)?.to_json())
}

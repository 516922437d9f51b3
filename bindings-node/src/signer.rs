//! External keys, which JavaScript signs with.

use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;
use ssf_bindings::transmitter::external_key;
use ssf_transmitter::{
    self as sdk,
    key::{ExternalKey, TransmitterKey},
};

use crate::{
    failure::{Outcome, Result, outcome},
    key::SigningKey,
};

/// A key outside this process.
#[napi]
pub struct Signer(pub(crate) ExternalKey);

#[napi]
impl Signer {
    #[napi]
    pub fn build(
        algorithm: String,
        kid: Option<String>,
        public_key: Option<PublicKey>,
        signs_digest: bool,
    ) -> Outcome<Signer> {
        let build = || -> Result<Self> {
            let public_key = public_key.map(PublicKey::read).transpose()?;
            Ok(Self(external_key(&algorithm, kid, public_key, signs_digest)?))
        };
        outcome(build())
    }

    #[napi(getter)]
    pub fn kid(&self) -> Option<String> {
        self.0.kid().map(str::to_owned)
    }

    /// The public key, as JSON.
    #[napi]
    pub fn public_jwk(&self) -> Option<String> {
        self.0.public_key().map(|key| key.to_jwk().to_string())
    }
}

/// The public half of a signer's key: one of these.
#[napi(object, object_to_js = false)]
pub struct PublicKey {
    pub pem: Option<String>,
    pub der: Option<Uint8Array>,
    pub jwk: Option<String>,
}

impl PublicKey {
    fn read(self) -> sdk::Result<sdk::PublicKey> {
        Ok(match (self.pem, self.der, self.jwk) {
            (Some(pem), ..) => sdk::PublicKey::from_pem(pem)?,
            (_, Some(der), _) => sdk::PublicKey::from_der(&der[..])?,
            (.., jwk) => sdk::PublicKey::from_jwk(&jwk.unwrap_or_default())?,
        })
    }
}

/// A key of a set: one of this process, or the `kid` of an external one, empty if it has none.
pub(crate) type AnyKey = Either<SigningKey, String>;

pub(crate) fn shown(key: TransmitterKey) -> AnyKey {
    match key.local() {
        Some(local) => Either::A(SigningKey(local.clone())),
        None => Either::B(external(&key).unwrap_or_default()),
    }
}

/// The `kid` of an external key, empty if it has none.
pub(crate) fn external(key: &TransmitterKey) -> Option<String> {
    key.local().is_none().then(|| key.kid().unwrap_or_default().to_owned())
}

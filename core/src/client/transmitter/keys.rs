//! The signing keys of a transmitter: its own keys, or an external signer.

use crate::{
    error::Result,
    jose::Jwks,
    key::{self, KeySet, Signer, SigningHeader},
    lint::Linter,
    set::{SetBuilder, SignedSet, UnsignedSet},
};

pub(super) enum Keys {
    Own(KeySet),
    External(Box<dyn Signer>),
}

impl Keys {
    /// Rejects a public key that does not match its algorithm now, rather than when it is published.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::External(signer) if signer.public_key().is_some() => key::jwks_of(&**signer).map(drop),
            _ => Ok(()),
        }
    }

    /// The keys to publish.
    pub(super) fn jwks(&self) -> Result<Jwks> {
        match self {
            Self::Own(keys) => keys.jwks(),
            Self::External(signer) => key::jwks_of(&**signer),
        }
    }

    /// The header of a SET that is prepared now.
    pub(super) fn header(&self) -> SigningHeader {
        match self {
            Self::Own(keys) => (&keys.active()).into(),
            Self::External(signer) => signer.header(),
        }
    }

    /// The thumbprint of the key that signs, if its public half is known.
    pub(super) fn thumbprint(&self) -> Option<String> {
        match self {
            Self::Own(keys) => Some(keys.active().public_key().thumbprint()),
            Self::External(signer) => signer.public_key().map(|key| key.thumbprint()),
        }
    }

    /// Tells a linter what will sign.
    pub(super) fn introduce(&self, linter: Linter) -> Linter {
        let linter = match self {
            Self::Own(keys) => linter.header(&keys.active()),
            Self::External(signer) => linter.header(signer.header()),
        };
        match self.jwks() {
            Ok(jwks) => linter.jwks(jwks),
            Err(_) => linter,
        }
    }

    pub(super) fn prepare(&self, set: SetBuilder) -> Result<UnsignedSet> {
        match self {
            Self::Own(keys) => set.prepare(&keys.active()),
            Self::External(signer) => set.prepare(signer.header()),
        }
    }

    pub(super) async fn sign(&self, set: SetBuilder) -> Result<SignedSet> {
        match self {
            // Read the set once: with a rotation in between, header and signature would not match.
            Self::Own(keys) => set.sign(&keys.active()),
            Self::External(signer) => set.prepare(signer.header())?.sign_with(&**signer).await,
        }
    }

    /// The same claims, signed with the key that is current now, if it is another one than before.
    pub(super) async fn sign_again(&self, set: &SignedSet) -> Option<SignedSet> {
        match self {
            Self::Own(keys) => {
                let key = keys.active();
                set.with_header(&(&key).into())?.sign(&key).ok()
            }
            Self::External(signer) => set.with_header(&signer.header())?.sign_with(&**signer).await.ok(),
        }
    }
}

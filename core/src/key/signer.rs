//! Signing by something that is not in this process: a key management service, an HSM, a secure enclave.

use std::{future::Future, pin::Pin};

use super::SigningKey;
use crate::{
    error::{Error, ErrorCode, Result},
    jose::{Algorithm, PublicKey, Signature},
};

/// A boxed future, so that signers can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The key parameters in the header of a SET.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SigningHeader {
    /// The algorithm that will sign.
    pub algorithm: Algorithm,
    /// The `kid` under which the public key is published. Dialects that send none leave it out.
    pub kid: Option<String>,
}

impl SigningHeader {
    /// For a published key.
    pub fn new(algorithm: Algorithm, kid: impl Into<String>) -> Self {
        Self { algorithm, kid: Some(kid.into()) }
    }

    /// For a key whose `kid` the SET does not name.
    pub fn without_kid(algorithm: Algorithm) -> Self {
        Self { algorithm, kid: None }
    }
}

impl From<&SigningKey> for SigningHeader {
    fn from(key: &SigningKey) -> Self {
        Self::new(key.algorithm(), key.kid())
    }
}

/// A signer. [`SigningKey`] signs immediately; your own type may call a service.
///
/// ```
/// use ssf_transmitter::{Algorithm, Signature, Signer, key::{BoxFuture, SigningHeader}};
///
/// struct Kms { key_id: String }
///
/// impl Signer for Kms {
///     fn header(&self) -> SigningHeader {
///         SigningHeader::new(Algorithm::Es256, self.key_id.as_str())
///     }
///
///     fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, SignerError>> {
///         Box::pin(async move { Ok(Signature::Der(self.call(signing_input).await?)) })
///     }
/// }
/// # type SignerError = Box<dyn std::error::Error + Send + Sync>;
/// # impl Kms { async fn call(&self, _: &[u8]) -> Result<Vec<u8>, SignerError> { Ok(vec![]) } }
/// ```
pub trait Signer: Send + Sync {
    /// Algorithm and `kid` of the key that [`sign`](Self::sign) will use now.
    fn header(&self) -> SigningHeader;

    /// Signs the bytes of the signing input.
    fn sign<'a>(
        &'a self,
        signing_input: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, Box<dyn std::error::Error + Send + Sync>>>;

    /// The public key, as key stores return it in PEM or DER. With it the transmitter writes the JWKS, and lint and
    /// doctor compare the published key with the signing key. Algorithm and `kid` are those of the [`header`](Self::header).
    fn public_key(&self) -> Option<PublicKey> {
        None
    }
}

/// The JWKS of a signer: its public key under the algorithm and the `kid` of its header.
#[cfg(feature = "client")]
pub(crate) fn jwks_of(signer: &dyn Signer) -> Result<crate::jose::Jwks> {
    let Some(key) = signer.public_key() else {
        let message = "the transmitter does not know the public key of its signer";
        return Err(Error::new(ErrorCode::SignerPublicKeyMissing, message));
    };
    let header = signer.header();
    let key = key.with_algorithm(header.algorithm)?;
    crate::jose::Jwks::new([match header.kid {
        Some(kid) => key.with_kid(kid)?,
        None => key,
    }])
}

/// A key that its caller signs with, between [`Emit::begin`](crate::client::Emit::begin) and
/// [`Pending::deliver`](crate::client::Pending::deliver).
#[derive(Clone, Debug)]
pub struct DetachedKey {
    header: SigningHeader,
    public_key: Option<PublicKey>,
}

impl DetachedKey {
    /// A key by its algorithm and `kid`, with its public key if available.
    pub fn new(header: SigningHeader, public_key: Option<PublicKey>) -> Self {
        Self { header, public_key }
    }
}

impl Signer for DetachedKey {
    fn header(&self) -> SigningHeader {
        self.header.clone()
    }

    fn sign<'a>(
        &'a self,
        _: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(std::future::ready(Err("the caller signs: use Emit::begin".into())))
    }

    fn public_key(&self) -> Option<PublicKey> {
        self.public_key.clone()
    }
}

impl Signer for SigningKey {
    fn header(&self) -> SigningHeader {
        self.into()
    }

    fn sign<'a>(
        &'a self,
        signing_input: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, Box<dyn std::error::Error + Send + Sync>>> {
        let signature = self.sign_bytes(signing_input).map(Signature::Raw).map_err(Into::into);
        Box::pin(std::future::ready(signature))
    }

    fn public_key(&self) -> Option<PublicKey> {
        Some(SigningKey::public_key(self).clone())
    }
}

/// The failure of a signer as an error of this crate.
pub(crate) fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(foreign) => Error::new(ErrorCode::SignerFailed, "the signer failed").because(foreign),
    }
}

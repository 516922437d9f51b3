//! Keys outside this process: in a key management service, an HSM, a secure enclave.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

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

/// A signer: your code, which calls what holds the key. [`ExternalKey::signed_by`] makes a key of it.
///
/// A key service that accepts at most 4,096 bytes signs the [digest](Algorithm::digest) instead of the signing input.
///
/// ```
/// use ssf_transmitter::{Algorithm, PublicKey, Signature, Signer, key::BoxFuture};
///
/// struct Kms { public_key: PublicKey }
///
/// impl Signer for Kms {
///     fn algorithm(&self) -> Algorithm {
///         Algorithm::Es256
///     }
///
///     fn public_key(&self) -> Option<PublicKey> {
///         Some(self.public_key.clone())
///     }
///
///     fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, SignerError>> {
///         Box::pin(async move {
///             let digest = Algorithm::Es256.digest(signing_input).expect("ES256 signs a digest");
///             Ok(Signature::Der(self.call(&digest).await?))
///         })
///     }
/// }
/// # type SignerError = Box<dyn std::error::Error + Send + Sync>;
/// # impl Kms { async fn call(&self, _: &[u8]) -> Result<Vec<u8>, SignerError> { Ok(vec![]) } }
/// ```
pub trait Signer: Send + Sync {
    /// The algorithm of the key. Asked once.
    fn algorithm(&self) -> Algorithm;

    /// The `kid` under which the public key is published; by default, that of the public key. Asked once.
    fn kid(&self) -> Option<&str> {
        None
    }

    /// The public key, as key stores return it in PEM or DER. With it the transmitter writes the JWKS, and lint and
    /// doctor compare the published key with the signing key. Asked once.
    fn public_key(&self) -> Option<PublicKey> {
        None
    }

    /// Signs the bytes of the signing input.
    fn sign<'a>(
        &'a self,
        signing_input: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, Box<dyn std::error::Error + Send + Sync>>>;

    /// The header of the SETs that it signs.
    fn header(&self) -> SigningHeader {
        let kid = self.kid().map(str::to_owned);
        let kid = kid.or_else(|| self.public_key().map(|key| key.kid().to_owned()));
        SigningHeader { algorithm: self.algorithm(), kid }
    }
}

impl Signer for SigningKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm()
    }

    fn kid(&self) -> Option<&str> {
        Some(self.kid())
    }

    fn public_key(&self) -> Option<PublicKey> {
        Some(self.public_key().clone())
    }

    fn sign<'a>(
        &'a self,
        signing_input: &'a [u8],
    ) -> BoxFuture<'a, Result<Signature, Box<dyn std::error::Error + Send + Sync>>> {
        let signature = self.sign_bytes(signing_input).map(Signature::Raw).map_err(Into::into);
        Box::pin(std::future::ready(signature))
    }
}

/// A key outside this process: what is known of it, and who signs with it.
///
/// ```
/// use ssf_transmitter::{Algorithm, KeySet, KeyType, SigningKey, key::{ExternalKey, SigningHeader}};
///
/// # let public_key = SigningKey::generate(KeyType::P256)?.public_key().clone();
/// let key = ExternalKey::new(SigningHeader::new(Algorithm::Es256, "2026-11"), Some(public_key))?;
/// assert_eq!(KeySet::from(key).jwks()?.keys()[0].kid(), "2026-11");
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone)]
pub struct ExternalKey(Arc<Known>);

struct Known {
    algorithm: Algorithm,
    kid: Option<String>,
    public_key: Option<PublicKey>,
    signer: Option<Box<dyn Signer>>,
}

impl ExternalKey {
    /// A key that the caller signs with, between [`Emit::begin`](crate::client::Emit::begin) and
    /// [`Pending::deliver`](crate::client::Pending::deliver). Without a `kid`, that of the public key is used.
    ///
    /// Fails if the public key does not match the algorithm.
    pub fn new(header: SigningHeader, public_key: Option<PublicKey>) -> Result<Self> {
        Self::known(header, public_key, None)
    }

    /// A key that this signer signs with. Fails if the signer's public key does not match its algorithm.
    pub fn signed_by(signer: impl Signer + 'static) -> Result<Self> {
        let header = SigningHeader { algorithm: signer.algorithm(), kid: signer.kid().map(str::to_owned) };
        let public_key = signer.public_key();
        Self::known(header, public_key, Some(Box::new(signer)))
    }

    fn known(
        SigningHeader { algorithm, kid }: SigningHeader,
        public_key: Option<PublicKey>,
        signer: Option<Box<dyn Signer>>,
    ) -> Result<Self> {
        let named = |key: PublicKey| match &kid {
            Some(kid) => key.with_kid(kid),
            None => Ok(key),
        };
        let public_key = public_key.map(|key| key.with_algorithm(algorithm).and_then(named)).transpose()?;
        let kid = public_key.as_ref().map(|key| key.kid().to_owned()).or(kid);
        Ok(Self(Arc::new(Known { algorithm, kid, public_key, signer })))
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// The `kid` under which the public key is published, if it is known.
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// The public key, if it is known.
    pub fn public_key(&self) -> Option<&PublicKey> {
        self.0.public_key.as_ref()
    }

    /// The signer, if it has one.
    pub fn signer(&self) -> Option<&dyn Signer> {
        self.0.signer.as_deref()
    }
}

impl fmt::Debug for ExternalKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ExternalKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}

/// A key of a [`KeySet`](super::KeySet): in this process, or outside.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TransmitterKey {
    /// A key of this process.
    Local(SigningKey),
    /// A key outside.
    External(ExternalKey),
}

impl TransmitterKey {
    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Local(key) => key.algorithm(),
            Self::External(key) => key.algorithm(),
        }
    }

    /// The `kid` under which the public key is published. An external key may not know it.
    pub fn kid(&self) -> Option<&str> {
        match self {
            Self::Local(key) => Some(key.kid()),
            Self::External(key) => key.kid(),
        }
    }

    /// The public key. An external key may not know it.
    pub fn public_key(&self) -> Option<&PublicKey> {
        match self {
            Self::Local(key) => Some(key.public_key()),
            Self::External(key) => key.public_key(),
        }
    }

    /// The key, if it is one of this process.
    pub fn local(&self) -> Option<&SigningKey> {
        match self {
            Self::Local(key) => Some(key),
            Self::External(_) => None,
        }
    }

    /// The public key, which must be known to be published.
    pub(crate) fn published(&self) -> Result<&PublicKey> {
        self.public_key().ok_or_else(|| {
            let message = "the transmitter does not know the public key of its signer";
            Error::new(ErrorCode::SignerPublicKeyMissing, message)
        })
    }
}

impl From<SigningKey> for TransmitterKey {
    fn from(key: SigningKey) -> Self {
        Self::Local(key)
    }
}

impl From<ExternalKey> for TransmitterKey {
    fn from(key: ExternalKey) -> Self {
        Self::External(key)
    }
}

impl From<&TransmitterKey> for SigningHeader {
    fn from(key: &TransmitterKey) -> Self {
        Self { algorithm: key.algorithm(), kid: key.kid().map(str::to_owned) }
    }
}

/// The failure of a signer as an error of this crate.
pub(crate) fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(foreign) => Error::new(ErrorCode::SignerFailed, "the signer failed").because(foreign),
    }
}

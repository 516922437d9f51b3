//! A private key that signs SETs.

use std::{fmt, str::FromStr, sync::Arc};

use openssl::{
    ec::{EcGroup, EcKey},
    pkey::PKey,
    rsa::Rsa,
};
use zeroize::Zeroizing;

use super::{
    backend::Contexts,
    encrypted, export, import, jwk,
    material::{self, Material},
};
use crate::{
    error::{Error, ErrorCode, Result},
    jose::{Algorithm, KeyFamily, PublicKey},
    near, random,
    secret::Secret,
};

/// What kind of key to generate.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyType {
    /// RSA with 2048 bits: what most receivers require.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
    /// The elliptic curve P-256.
    P256,
    /// The elliptic curve P-384.
    P384,
    /// The elliptic curve P-521.
    P521,
    /// Ed25519.
    Ed25519,
}

impl KeyType {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::P256, Self::P384, Self::P521, Self::Ed25519];

    /// Its name: `RSA-2048`, `RSA-3072`, `RSA-4096`, or the name of the curve as JWKs have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA-2048",
            Self::Rsa3072 => "RSA-3072",
            Self::Rsa4096 => "RSA-4096",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::Ed25519 => "Ed25519",
        }
    }
}

impl FromStr for KeyType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.iter().map(|kind| kind.as_str());
            let message = format!("not a known type of key{}", near::suggestion(name, names));
            Error::new(ErrorCode::KeyTypeUnsupported, message)
        })
    }
}

/// A private key that signs SETs, with its algorithm and `kid`.
///
/// The key is parsed and validated once, here. Signing only uses it. Cloning shares it, threads may share it. Its bytes are wiped when
/// the last clone is dropped. `Debug` shows only algorithm and `kid`.
///
/// ```
/// use ssf_transmitter::{Algorithm, KeyType, SigningKey};
///
/// let key = SigningKey::generate(KeyType::Rsa2048)?;
/// assert_eq!(key.algorithm(), Algorithm::Rs256);
/// assert_eq!(key.kid(), key.public_key().thumbprint());
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    algorithm: Algorithm,
    public: PublicKey,
    material: Material,
    contexts: Contexts,
}

impl SigningKey {
    /// Generates a key. An RSA key takes from a tenth of a second (2048 bits) to seconds (4096 bits).
    pub fn generate(kind: KeyType) -> Result<Self> {
        let rsa = |bits| Rsa::generate(bits).and_then(PKey::from_rsa);
        let curve = |family: KeyFamily| {
            EcGroup::from_curve_name(family.nid())
                .and_then(|group| EcKey::generate(&group))
                .and_then(PKey::from_ec_key)
        };
        let key = match kind {
            KeyType::Rsa2048 => rsa(2048),
            KeyType::Rsa3072 => rsa(3072),
            KeyType::Rsa4096 => rsa(4096),
            KeyType::P256 => curve(KeyFamily::P256),
            KeyType::P384 => curve(KeyFamily::P384),
            KeyType::P521 => curve(KeyFamily::P521),
            KeyType::Ed25519 => {
                let mut seed = Zeroizing::new(vec![0; 32]);
                random::fill(&mut seed)?;
                return Self::of(material::ed25519(&seed, None)?);
            }
        };
        let key = key.map_err(|error| Error::internal("OpenSSL could not generate a key").because(error))?;
        Self::of(key.into())
    }

    /// Reads a key in PEM: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or SEC1 (`EC PRIVATE KEY`).
    ///
    /// Text around it and other blocks, such as certificates, are skipped. Common damage in files and variables is
    /// tolerated: a byte order mark, indents, quotes, newlines that are lost or written as `\n`, and base64 of the whole PEM.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self> {
        Self::of(import::pem(pem.as_ref(), None)?)
    }

    /// Reads an encrypted key in PEM: PKCS#8 (`ENCRYPTED PRIVATE KEY`), or the older form with `DEK-Info`.
    ///
    /// A key says how much work it takes to decrypt it. With more than ten million rounds of PBKDF2, or more work of scrypt than a
    /// gigabyte of memory asks for, it is rejected, as it would take hours.
    pub fn from_encrypted_pem(pem: impl AsRef<[u8]>, password: &str) -> Result<Self> {
        Self::of(import::pem(pem.as_ref(), Some(password))?)
    }

    /// Reads a key in DER: PKCS#8, PKCS#1 or SEC1.
    pub fn from_der(der: impl AsRef<[u8]>) -> Result<Self> {
        Self::of(import::der(der.as_ref(), None)?)
    }

    /// Reads an encrypted key in DER (PKCS#8).
    pub fn from_encrypted_der(der: impl AsRef<[u8]>, password: &str) -> Result<Self> {
        Self::of(import::der(der.as_ref(), Some(password))?)
    }

    /// Reads a private JWK, or the one private key of a JWK Set, with its `alg` and `kid` if it has them.
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, SigningKey};
    ///
    /// let public = r#"{ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }"#;
    /// assert_eq!(SigningKey::from_jwk(public).unwrap_err().code(), ErrorCode::KeyIsPublic);
    /// ```
    pub fn from_jwk(json: &str) -> Result<Self> {
        Self::of_jwk(jwk::parse(json, None)?)
    }

    /// Reads the key with this `kid` from a private JWK Set, as mkjwk.org and other generators give it.
    pub fn from_jwks(json: &str, kid: &str) -> Result<Self> {
        Self::of_jwk(jwk::parse(json, Some(kid))?)
    }

    /// The same key with another `kid`. Without this it is the RFC 7638 thumbprint.
    pub fn with_kid(self, kid: impl Into<String>) -> Result<Self> {
        let public = self.0.public.clone().with_kid(kid)?;
        Self::build(self.0.material.clone(), public, self.0.algorithm)
    }

    /// The same key for another of its algorithms: PS256 instead of RS256, for example.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Result<Self> {
        let public = self.0.public.clone();
        Self::build(self.0.material.clone(), public, algorithm)
    }

    /// The algorithm that it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// The key id, published in the JWKS and named in the header of SETs.
    pub fn kid(&self) -> &str {
        self.0.public.kid()
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// The private key as a JWK. Whoever has it can sign in your name.
    pub fn export_private_jwk(&self) -> Result<Secret<String>> {
        jwk::write(&self.0.material, &self.0.public)
    }

    /// The private key as DER (PKCS#8, not encrypted). Whoever has it can sign in your name.
    ///
    /// ```
    /// use ssf_transmitter::{KeyType, SigningKey};
    ///
    /// let key = SigningKey::generate(KeyType::P256)?;
    /// assert_eq!(SigningKey::from_der(key.export_private_der()?.expose())?.kid(), key.kid());
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn export_private_der(&self) -> Result<Secret<Vec<u8>>> {
        Ok(self.pkcs8()?.into())
    }

    /// The private key as PEM (PKCS#8, not encrypted). Whoever has it can sign in your name.
    pub fn export_private_pem(&self) -> Result<Secret<String>> {
        Ok(export::pem("PRIVATE KEY", &self.pkcs8()?)?.into())
    }

    /// The private key as PEM (PKCS#8), encrypted with `password` (PBES2: AES-256-CBC, PBKDF2 with SHA-256).
    pub fn export_encrypted_pem(&self, password: &str) -> Result<Secret<String>> {
        if password.is_empty() {
            let message = "an empty password encrypts nothing";
            return Err(Error::new(ErrorCode::KeyPasswordMissing, message));
        }
        let sealed = encrypted::seal(&self.pkcs8()?, password)?;
        Ok(export::pem("ENCRYPTED PRIVATE KEY", &sealed)?.into())
    }

    /// Signs bytes; the signature is in the form of JWS.
    pub(crate) fn sign_bytes(&self, input: &[u8]) -> Result<Vec<u8>> {
        self.0.contexts.sign(&self.0.material.key, self.0.algorithm, input)
    }

    fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>> {
        export::pkcs8(&self.0.material, self.0.public.family())
    }

    pub(super) fn of(material: Material) -> Result<Self> {
        let public = PublicKey::of(&material.key)?;
        let algorithm = material.bound_to.first().copied().unwrap_or_else(|| public.algorithm());
        Self::build(material, public, algorithm)
    }

    fn of_jwk(parsed: jwk::Parsed) -> Result<Self> {
        let mut key = Self::of(parsed.key)?;
        if let Some(algorithm) = parsed.algorithm {
            key = key.with_algorithm(algorithm)?;
        }
        match parsed.kid {
            Some(kid) => key.with_kid(kid),
            None => Ok(key),
        }
    }

    fn build(material: Material, public: PublicKey, algorithm: Algorithm) -> Result<Self> {
        let public = public.with_algorithm(algorithm)?;
        let bound_to = material.bound_to;
        if !bound_to.is_empty() && !bound_to.contains(&algorithm) {
            let names: Vec<_> = bound_to.iter().map(|algorithm| algorithm.as_str()).collect();
            let message = format!("this RSASSA-PSS key signs with {} only", names.join(", "));
            return Err(Error::new(ErrorCode::KeyAlgorithmMismatch, message));
        }
        Ok(Self(Arc::new(Inner { algorithm, public, material, contexts: Contexts::default() })))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("algorithm", &self.algorithm().as_str())
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}

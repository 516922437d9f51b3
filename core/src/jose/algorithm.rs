//! Signature algorithms.

use std::{fmt, str::FromStr};

use openssl::sha;

use crate::{
    error::{Error, ErrorCode},
    near,
};

/// A signature algorithm of JWS (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
///
/// None is symmetric: receivers verify with published keys.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what receivers commonly want.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// ECDSA with P-521 and SHA-512.
    Es512,
    /// Ed25519 by its classic name `EdDSA`, which more receivers know.
    EdDsa,
    /// Ed25519 by its fully specified name (RFC 9864).
    Ed25519,
}

/// What keys an algorithm works with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyFamily {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

impl Algorithm {
    /// Every algorithm, in the order of RFC 7518.
    pub const ALL: &'static [Self] = &[
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Ed25519,
    ];

    /// The value of `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The digest that this algorithm signs, for key services that sign digests; `None` for Ed25519, which signs the
    /// bytes themselves.
    ///
    /// ```
    /// use ssf_transmitter::Algorithm;
    ///
    /// assert_eq!(Algorithm::Es384.digest(b"signing input").unwrap().len(), 48);
    /// assert_eq!(Algorithm::EdDsa.digest(b"signing input"), None);
    /// ```
    pub fn digest(self, signing_input: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => Some(sha::sha256(signing_input).to_vec()),
            Self::Rs384 | Self::Ps384 | Self::Es384 => Some(sha::sha384(signing_input).to_vec()),
            Self::Rs512 | Self::Ps512 | Self::Es512 => Some(sha::sha512(signing_input).to_vec()),
            Self::EdDsa | Self::Ed25519 => None,
        }
    }

    pub(crate) const fn family(self) -> KeyFamily {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 | Self::Ps384 | Self::Ps512 => {
                KeyFamily::Rsa
            }
            Self::Es256 => KeyFamily::P256,
            Self::Es384 => KeyFamily::P384,
            Self::Es512 => KeyFamily::P521,
            Self::EdDsa | Self::Ed25519 => KeyFamily::Ed25519,
        }
    }
}

impl KeyFamily {
    /// The algorithm for a key that names none.
    pub(crate) const fn default_algorithm(self) -> Algorithm {
        match self {
            Self::Rsa => Algorithm::Rs256,
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::P521 => Algorithm::Es512,
            Self::Ed25519 => Algorithm::EdDsa,
        }
    }

    /// The curve's name in a JWK, and the length of a coordinate in bytes.
    pub(crate) const fn curve(self) -> Option<(&'static str, usize)> {
        match self {
            Self::Rsa => None,
            Self::P256 => Some(("P-256", 32)),
            Self::P384 => Some(("P-384", 48)),
            Self::P521 => Some(("P-521", 66)),
            Self::Ed25519 => Some(("Ed25519", 32)),
        }
    }

    pub(crate) fn of_curve(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521, Self::Ed25519]
            .into_iter()
            .find(|family| family.curve().is_some_and(|(curve, _)| curve == name))
    }

    /// `algorithm` if it fits keys of this family, or else an error that names those that do.
    pub(crate) fn check(self, algorithm: Algorithm) -> Result<Algorithm, Error> {
        if algorithm.family() == self {
            return Ok(algorithm);
        }
        let fitting: Vec<_> = Algorithm::ALL
            .iter()
            .filter(|other| other.family() == self)
            .map(|other| other.as_str())
            .collect();
        let message = format!("{algorithm} does not match this key, which signs with {}", fitting.join(", "));
        Err(Error::new(ErrorCode::KeyAlgorithmMismatch, message))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.iter().map(|algorithm| algorithm.as_str());
            let message = format!("not a signature algorithm for SETs{}", near::suggestion(name, names));
            Error::new(ErrorCode::KeyAlgorithmUnknown, message)
        })
    }
}

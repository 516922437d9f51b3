//! Tokens that the transmitter gives to receivers by hand, kept as hashes.

use std::{collections::HashMap, fmt, str::FromStr};

use openssl::{memcmp, sha::sha256};

use crate::{
    base64,
    denial::DenialReason,
    error::{Error, ErrorCode, Result},
    random,
    secret::Secret,
    stream::Caller,
    time::Timestamp,
};

/// How tokens begin, so that scanners for leaked secrets recognize them.
const PREFIX: &str = "ssf_";
/// 256 bits: nobody guesses them, so a plain hash protects them.
const LENGTH: usize = 32;
/// How the text of a hash begins.
const SCHEME: &str = "sha256:";

/// A token for a receiver that has no authorization server: shown once, and kept as its [`TokenHash`].
///
/// ```
/// use ssf_transmitter::access_token::{StaticToken, TokenHash};
///
/// let token = StaticToken::generate()?;
/// let for_the_receiver = token.secret().expose(); // Show it once.
/// let for_the_settings = token.hash().to_string(); // Keep this.
/// assert_eq!(for_the_settings.parse::<TokenHash>()?, TokenHash::of(for_the_receiver));
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StaticToken {
    secret: Secret<String>,
    hash: TokenHash,
}

impl StaticToken {
    /// A random token of 256 bits.
    pub fn generate() -> Result<Self> {
        let mut bytes = zeroize::Zeroizing::new([0; LENGTH]);
        random::fill(&mut *bytes)?;
        let mut text = String::with_capacity(PREFIX.len() + LENGTH.div_ceil(3) * 4);
        text.push_str(PREFIX);
        base64::encode_to(&mut text, *bytes);
        let hash = TokenHash::of(&text);
        Ok(Self { secret: text.into(), hash })
    }

    /// The token, for the receiver.
    pub fn secret(&self) -> &Secret<String> {
        &self.secret
    }

    /// Its hash, for the settings.
    pub fn hash(&self) -> &TokenHash {
        &self.hash
    }
}

/// The SHA-256 hash of a token. As text it is `sha256:` and base64url.
///
/// The hash protects a random token only: a password would be found by trying.
#[derive(Clone, Eq, PartialEq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token.
    pub fn of(token: &str) -> Self {
        Self(sha256(token.as_bytes()))
    }

    /// The first bytes. Whoever learns them by measuring time learns nothing of the token.
    fn prefix(&self) -> [u8; 8] {
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&self.0[..8]);
        prefix
    }
}

impl FromStr for TokenHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bytes = text.strip_prefix(SCHEME).and_then(base64::decode);
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(|| {
            let message = "the hash of a static token is not `sha256:` and 43 characters of base64url";
            Error::new(ErrorCode::AuthorizationInvalid, message)
        })
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{SCHEME}{}", base64::encode(self.0))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(…)")
    }
}

/// The static tokens of all receivers. A receiver may have several, so that a new one can replace an old one.
#[derive(Clone, Debug, Default)]
pub(crate) struct StaticTokens(HashMap<[u8; 8], Vec<Kept>>);

#[derive(Clone, Debug)]
struct Kept {
    hash: TokenHash,
    caller: Caller,
    expires: Option<Timestamp>,
}

impl StaticTokens {
    pub(crate) fn add(&mut self, hash: TokenHash, caller: Caller, expires: Option<Timestamp>) {
        self.0.entry(hash.prefix()).or_default().push(Kept { hash, caller, expires });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn callers(&self) -> impl Iterator<Item = &Caller> {
        self.0.values().flatten().map(|kept| &kept.caller)
    }

    /// Whether one hash belongs to two receivers.
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.0.values().any(|shelf| {
            shelf.iter().enumerate().any(|(index, kept)| {
                shelf[..index]
                    .iter()
                    .any(|other| other.hash == kept.hash && other.caller.receiver() != kept.caller.receiver())
            })
        })
    }

    /// Who has this token; `None` if nobody has. Hashes are compared in constant time.
    pub(crate) fn find(&self, token: &str, now: Timestamp) -> Option<Result<Caller, DenialReason>> {
        let hash = TokenHash::of(token);
        let kept = self.0.get(&hash.prefix())?;
        let same = kept.iter().filter(|kept| memcmp::eq(&kept.hash.0, &hash.0));
        let mut found = None;
        for kept in same {
            if kept.expires.is_none_or(|end| now < end) {
                return Some(Ok(kept.caller.clone()));
            }
            found = Some(Err(DenialReason::TokenExpired));
        }
        found
    }
}

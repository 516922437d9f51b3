//! Encryption of payloads at rest, and keyed hashes to search by.

use std::fmt;

use openssl::{
    hash::MessageDigest,
    pkey::PKey,
    sha,
    sign::Signer,
    symm::{Cipher, decrypt_aead, encrypt_aead},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::Zeroizing;

use crate::{
    base64,
    error::{Error, ErrorCode, Result},
    random,
    secret::Secret,
    subject::Subject,
};

use super::Content;

const NONCE: usize = 12;
const AUTHENTICATION: usize = 16;
/// How a sealed value begins. Plain JSON begins with another byte.
const VERSION: u8 = 1;

/// Identifies a value without showing it: a keyed hash with a [`Seal`], a plain one without.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tag([u8; 16]);

impl Tag {
    /// The bytes, for a column of a table.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A tag of bytes that [`as_bytes`](Self::as_bytes) returned.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// As base64url.
impl Serialize for Tag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let tag = base64::decode(&text).and_then(|bytes| Self::from_bytes(&bytes));
        tag.ok_or_else(|| D::Error::custom("not a tag"))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tag")
    }
}

/// Seals payloads with AES-256-GCM before a store gets them. Without a seal, they are stored as they are.
///
/// To rotate, make a seal with the new key and [add](Self::also_opens) the old one, for as long as entries with it are kept. The index
/// key stays the same: it identifies subjects and keys of entries.
///
/// ```
/// use ssf_transmitter::outbox::Seal;
///
/// let (index_key, november, october) = ([1; 32], [2; 32], [3; 32]);
/// let seal = Seal::new(index_key, "2026-11", november)?.also_opens("2026-10", october)?;
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone)]
pub struct Seal {
    index_key: Secret<[u8; 32]>,
    /// The first one seals.
    keys: Vec<(String, Secret<[u8; 32]>)>,
}

impl Seal {
    /// A seal with a key to index by and a key to seal with, and the id of the latter: up to 255 bytes, stored in clear.
    pub fn new(index_key: [u8; 32], id: impl Into<String>, key: [u8; 32]) -> Result<Self> {
        Self { index_key: Secret::new(index_key), keys: Vec::new() }.also_opens(id, key)
    }

    /// Adds a key that sealed earlier entries.
    pub fn also_opens(mut self, id: impl Into<String>, key: [u8; 32]) -> Result<Self> {
        let id = id.into();
        if id.is_empty() || id.len() > 255 || self.keys.iter().any(|(other, _)| *other == id) {
            let message = "the id of a sealing key must be unique, and have 1 to 255 bytes";
            return Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        }
        self.keys.push((id, Secret::new(key)));
        Ok(self)
    }

    /// Identifies a subject, to search for its deliveries. `seal` is the one of the outbox, if it has one.
    pub fn subject_tag(seal: Option<&Self>, subject: &Subject) -> Result<Tag> {
        Self::tag(seal, "subject", Content::canonical(subject).as_bytes())
    }

    pub(super) fn tag(seal: Option<&Self>, purpose: &str, value: &[u8]) -> Result<Tag> {
        let mut input = Vec::with_capacity(purpose.len() + 1 + value.len());
        input.extend_from_slice(purpose.as_bytes());
        input.push(0);
        input.extend_from_slice(value);
        let hash = match seal {
            Some(seal) => seal.hmac(&input).map_err(failed)?,
            None => sha::sha256(&input).to_vec(),
        };
        hash.get(..16).and_then(Tag::from_bytes).ok_or_else(|| Error::internal("a hash has 32 bytes"))
    }

    fn hmac(&self, input: &[u8]) -> Result<Vec<u8>, openssl::error::ErrorStack> {
        let key = PKey::hmac(self.index_key.expose())?;
        Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(input)
    }

    /// Seals bytes for a purpose, if there is a seal.
    pub(crate) fn seal(seal: Option<&Self>, purpose: &str, plain: Vec<u8>) -> Result<Vec<u8>> {
        let Some((id, key)) = seal.and_then(|seal| seal.keys.first()) else { return Ok(plain) };
        let plain = Zeroizing::new(plain);
        let mut nonce = [0; NONCE];
        random::fill(&mut nonce)?;
        let mut authentication = [0; AUTHENTICATION];
        let associated = associated(purpose, id);
        let cipher = Cipher::aes_256_gcm();
        let sealed =
            encrypt_aead(cipher, key.expose(), Some(&nonce), &associated, &plain, &mut authentication)
                .map_err(failed)?;
        let length =
            u8::try_from(id.len()).map_err(|_| Error::internal("the id of a key has up to 255 bytes"))?;
        let mut all = vec![VERSION, length];
        all.extend_from_slice(id.as_bytes());
        all.extend_from_slice(&nonce);
        all.extend_from_slice(&authentication);
        all.extend_from_slice(&sealed);
        Ok(all)
    }

    /// Opens what was sealed for this purpose. What was stored before there was a seal is returned as it is.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the worker opens payloads"))]
    pub(crate) fn open(seal: Option<&Self>, purpose: &str, stored: &[u8]) -> Result<Vec<u8>> {
        let Some((&VERSION, rest)) = stored.split_first() else { return Ok(stored.to_vec()) };
        let parts = || {
            let (length, rest) = rest.split_first()?;
            let (id, rest) = rest.split_at_checked((*length).into())?;
            let (nonce, rest) = rest.split_at_checked(NONCE)?;
            let (authentication, sealed) = rest.split_at_checked(AUTHENTICATION)?;
            Some((std::str::from_utf8(id).ok()?, nonce, authentication, sealed))
        };
        let corrupt = || Error::new(ErrorCode::OutboxCorrupt, "a sealed entry of the outbox is damaged");
        let (id, nonce, authentication, sealed) = parts().ok_or_else(corrupt)?;
        let keys = seal.map_or(&[][..], |seal| &seal.keys);
        let Some((_, key)) = keys.iter().find(|(other, _)| other == id) else {
            let message = "an entry of the outbox is sealed with a key that is not set";
            return Err(Error::new(ErrorCode::OutboxKeyMissing, message));
        };
        decrypt_aead(
            Cipher::aes_256_gcm(),
            key.expose(),
            Some(nonce),
            &associated(purpose, id),
            sealed,
            authentication,
        )
        .map_err(|error| corrupt().because(error))
    }
}

/// Binds a sealed value to its purpose and its key.
fn associated(purpose: &str, id: &str) -> Vec<u8> {
    format!("ssf-outbox\0{purpose}\0{id}").into_bytes()
}

fn failed(error: openssl::error::ErrorStack) -> Error {
    Error::internal("the payload of an entry could not be sealed").because(error)
}

impl fmt::Debug for Seal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys.iter().map(|(id, _)| id).collect();
        formatter.debug_struct("Seal").field("keys", &ids).finish_non_exhaustive()
    }
}

//! Keys over time: the one that signs, the next one, and those that receivers may still need.

use std::sync::{Arc, PoisonError, RwLock};

use super::SigningKey;
use crate::{
    error::{Error, ErrorCode, Result},
    jose::Jwks,
    time::Timestamp,
};

/// The keys of a transmitter, shared by its clones: one signs, all are published.
///
/// Receivers cache the JWKS, so a key is published before it signs, and stays published until no SET signed with it is
/// under way any more: [`stage`](Self::stage) the next key, wait, [`rotate`](Self::rotate), wait, [`remove`](Self::remove)
/// the retired one.
///
/// ```
/// use std::time::Duration;
/// use ssf_transmitter::{KeySet, KeyType, SigningKey, Timestamp};
///
/// let keys = KeySet::new(SigningKey::generate(KeyType::P256)?);
/// let staged = Timestamp::now();
/// keys.stage(SigningKey::generate(KeyType::P256)?, staged)?;
/// assert_eq!(keys.jwks()?.keys().len(), 2);
///
/// let a_day = Duration::from_secs(24 * 60 * 60);
/// assert!(keys.rotate(staged, a_day).is_err()); // receivers have not seen it yet
/// let retired = keys.rotate(staged.plus(a_day), a_day)?;
/// keys.remove(&retired)?;
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeySet(Arc<RwLock<Keys>>);

#[derive(Debug)]
struct Keys {
    active: SigningKey,
    next: Option<(SigningKey, Timestamp)>,
    retired: Vec<SigningKey>,
}

impl KeySet {
    /// A set with one key, which signs.
    pub fn new(active: SigningKey) -> Self {
        Self(Arc::new(RwLock::new(Keys { active, next: None, retired: Vec::new() })))
    }

    /// The key that signs now.
    pub fn active(&self) -> SigningKey {
        self.read(|keys| keys.active.clone())
    }

    /// The key that is published and does not sign yet.
    pub fn next(&self) -> Option<SigningKey> {
        self.read(|keys| keys.next.as_ref().map(|(key, _)| key.clone()))
    }

    /// The keys that signed before and are still published.
    pub fn retired(&self) -> Vec<SigningKey> {
        self.read(|keys| keys.retired.clone())
    }

    /// The set to publish: active, next and retired keys.
    pub fn jwks(&self) -> Result<Jwks> {
        self.read(|keys| Jwks::new(keys.all().map(|key| key.public_key().clone())))
    }

    /// Publishes the next key, from `now` on. It takes the place of a next key that was staged before.
    pub fn stage(&self, next: SigningKey, now: Timestamp) -> Result<()> {
        self.write(|keys| {
            let taken =
                std::iter::once(&keys.active).chain(&keys.retired).find(|key| key.kid() == next.kid());
            if taken.is_some() {
                let message = format!("the set has a key with the kid {} already", next.kid());
                return Err(Error::new(ErrorCode::KidDuplicate, message));
            }
            keys.next = Some((next, now));
            Ok(())
        })
    }

    /// Lets the next key sign, if it has been published for `published` by `now`, and retires the active one.
    ///
    /// Returns the `kid` of the retired key.
    pub fn rotate(&self, now: Timestamp, published: std::time::Duration) -> Result<String> {
        self.write(|keys| {
            let Some((next, staged)) = keys.next.take() else {
                return Err(Error::new(ErrorCode::KeySetNoNext, "no next key is staged"));
            };
            if now.since(staged) < published {
                keys.next = Some((next, staged));
                let message =
                    format!("the next key has not been published for {} seconds yet", published.as_secs());
                return Err(Error::new(ErrorCode::KeySetTooEarly, message));
            }
            let retired = std::mem::replace(&mut keys.active, next);
            let kid = retired.kid().to_owned();
            keys.retired.push(retired);
            Ok(kid)
        })
    }

    /// Takes a next or retired key out of the set.
    pub fn remove(&self, kid: &str) -> Result<()> {
        self.write(|keys| {
            if keys.active.kid() == kid {
                return Err(Error::new(ErrorCode::KeySetActive, "the active key cannot be removed"));
            }
            if keys.next.as_ref().is_some_and(|(key, _)| key.kid() == kid) {
                keys.next = None;
                return Ok(());
            }
            let before = keys.retired.len();
            keys.retired.retain(|key| key.kid() != kid);
            if keys.retired.len() == before {
                return Err(Error::new(ErrorCode::KeyNotFound, "the set has no key with this kid"));
            }
            Ok(())
        })
    }

    // No code that could panic runs under the lock, so a poisoned one holds whole keys all the same.
    fn read<T>(&self, read: impl FnOnce(&Keys) -> T) -> T {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Keys) -> T) -> T {
        write(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Keys {
    fn all(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.active).chain(self.next.as_ref().map(|(key, _)| key)).chain(&self.retired)
    }
}

impl From<SigningKey> for KeySet {
    fn from(key: SigningKey) -> Self {
        Self::new(key)
    }
}

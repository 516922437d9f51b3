//! Keys over time: the one that signs, the next one, and those that receivers may still need.

use std::sync::{Arc, PoisonError, RwLock};

#[cfg(feature = "client")]
use super::source::Watch;
use super::{ExternalKey, SigningKey, TransmitterKey};
#[cfg(feature = "client")]
use crate::jose::Algorithm;
use crate::{
    error::{Error, ErrorCode, Result},
    jose::Jwks,
    time::Timestamp,
};

/// The keys of a transmitter, shared by its clones: one signs, all are published.
///
/// Receivers cache the JWKS, so a key is published before it signs, and stays published until no SET signed with it is
/// pending: [`stage`](Self::stage) the next key, wait, [`rotate`](Self::rotate), wait, [`remove`](Self::remove)
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
pub struct KeySet(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    keys: RwLock<Keys>,
    #[cfg(feature = "client")]
    watch: Option<Watch>,
}

#[derive(Debug)]
struct Keys {
    active: TransmitterKey,
    next: Option<(TransmitterKey, Timestamp)>,
    /// Of a source: published, and not signing.
    standby: Vec<TransmitterKey>,
    retired: Vec<TransmitterKey>,
}

impl KeySet {
    /// A set with one key, which signs.
    pub fn new(active: impl Into<TransmitterKey>) -> Self {
        Self(Arc::new(Shared {
            keys: RwLock::new(Keys::new(active.into())),
            #[cfg(feature = "client")]
            watch: None,
        }))
    }

    /// A set with the keys of a source that it follows.
    #[cfg(feature = "client")]
    pub(crate) fn watched(keys: Vec<SigningKey>, watch: Watch) -> Result<Self> {
        let mut found = keys.into_iter().map(TransmitterKey::Local);
        let active = found.next().ok_or_else(no_key)?;
        let keys = Keys { standby: found.collect(), ..Keys::new(active) };
        keys.jwks()?;
        Ok(Self(Arc::new(Shared { keys: RwLock::new(keys), watch: Some(watch) })))
    }

    /// The key that signs now.
    pub fn active(&self) -> TransmitterKey {
        self.read(|keys| keys.active.clone())
    }

    /// The key that is published but does not sign yet.
    pub fn next(&self) -> Option<TransmitterKey> {
        self.read(|keys| keys.next.as_ref().map(|(key, _)| key.clone()))
    }

    /// The keys of a source that are published but do not sign: all except the first. Sets without a source have none.
    pub fn standby(&self) -> Vec<TransmitterKey> {
        self.read(|keys| keys.standby.clone())
    }

    /// The keys that signed before and are still published.
    pub fn retired(&self) -> Vec<TransmitterKey> {
        self.read(|keys| keys.retired.clone())
    }

    /// The set to publish: active, next, standby and retired keys.
    pub fn jwks(&self) -> Result<Jwks> {
        self.read(Keys::jwks)
    }

    /// Publishes the next key, from `now` on. It replaces a next key that was staged before. The keys of a set with a
    /// source come from there alone, and the public key of an external key must be known.
    pub fn stage(&self, next: impl Into<TransmitterKey>, now: Timestamp) -> Result<()> {
        self.own()?;
        let next = next.into();
        let kid = next.published()?.kid().to_owned();
        self.write(|keys| {
            let taken =
                std::iter::once(&keys.active).chain(&keys.retired).find(|key| key.kid() == next.kid());
            if taken.is_some() {
                let message = format!("the set already has a key with the kid {kid}");
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
        self.own()?;
        self.write(|keys| {
            let kid = keys.active.published()?.kid().to_owned();
            let Some((next, staged)) = keys.next.take() else {
                return Err(Error::new(ErrorCode::KeySetNoNext, "no next key is staged"));
            };
            if now.since(staged) < published {
                keys.next = Some((next, staged));
                let message =
                    format!("the next key has been published for less than {} seconds", published.as_secs());
                return Err(Error::new(ErrorCode::KeySetTooEarly, message));
            }
            let retired = std::mem::replace(&mut keys.active, next);
            keys.retired.push(retired);
            Ok(kid)
        })
    }

    /// Removes a next or retired key from the set.
    pub fn remove(&self, kid: &str) -> Result<()> {
        self.write(|keys| {
            if keys.active.kid() == Some(kid) {
                return Err(Error::new(ErrorCode::KeySetActive, "the active key cannot be removed"));
            }
            if keys.next.as_ref().is_some_and(|(key, _)| key.kid() == Some(kid)) {
                keys.next = None;
                return Ok(());
            }
            let before = keys.retired.len();
            keys.retired.retain(|key| key.kid() != Some(kid));
            if keys.retired.len() == before {
                return Err(Error::new(ErrorCode::KeyNotFound, "the set has no key with this kid"));
            }
            Ok(())
        })
    }

    /// Refuses what a source would undo.
    #[cfg_attr(not(feature = "client"), allow(clippy::unused_self, clippy::unnecessary_wraps))]
    fn own(&self) -> Result<()> {
        #[cfg(feature = "client")]
        if let Some(watch) = &self.0.watch {
            let message = format!("the keys of this set come from {}", watch.source());
            return Err(Error::new(ErrorCode::KeySetWatched, message));
        }
        Ok(())
    }

    // No code that could panic runs under the lock, so a poisoned one still contains complete keys.
    fn read<T>(&self, read: impl FnOnce(&Keys) -> T) -> T {
        #[cfg(feature = "client")]
        if let Some(watch) = &self.0.watch {
            watch.look(self);
        }
        read(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Keys) -> T) -> T {
        write(&mut self.0.keys.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a source does to its set.
#[cfg(feature = "client")]
impl KeySet {
    pub(crate) fn source_watch(&self) -> Option<&Watch> {
        self.0.watch.as_ref()
    }

    /// Takes over the keys of the source, one at least, and tells the `kid` that signs from now on if anything changed. A key
    /// that signed and is not among them any more is retired.
    pub(crate) fn adopt(&self, found: Vec<SigningKey>) -> Result<Option<String>> {
        self.write(|keys| {
            let mut found = found.into_iter().map(TransmitterKey::Local);
            let active = found.next().ok_or_else(no_key)?;
            let standby: Vec<_> = found.collect();
            let is_gone =
                |key: &&TransmitterKey| !standby.iter().chain([&active]).any(|other| same(key, other));
            let retired = keys.retired.iter().chain([&keys.active]).filter(is_gone).cloned().collect();
            let new = Keys { active, next: None, standby, retired };
            // Two keys with one kid would be refused when they are published.
            new.jwks()?;
            let changed = !new.all().map(identity).eq(keys.all().map(identity));
            *keys = new;
            Ok(keys.active.kid().filter(|_| changed).map(str::to_owned))
        })
    }
}

#[cfg(feature = "client")]
fn identity(key: &TransmitterKey) -> (Option<&str>, Option<String>, Algorithm) {
    (key.kid(), key.public_key().map(crate::jose::PublicKey::thumbprint), key.algorithm())
}

#[cfg(feature = "client")]
fn same(one: &TransmitterKey, other: &TransmitterKey) -> bool {
    let ((kid, thumbprint, _), (other_kid, other_thumbprint, _)) = (identity(one), identity(other));
    kid == other_kid && thumbprint == other_thumbprint
}

#[cfg(feature = "client")]
fn no_key() -> Error {
    Error::internal("the source contains no keys")
}

impl Keys {
    fn new(active: TransmitterKey) -> Self {
        Self { active, next: None, standby: Vec::new(), retired: Vec::new() }
    }

    fn jwks(&self) -> Result<Jwks> {
        let keys: Result<Vec<_>> = self.all().map(|key| key.published().cloned()).collect();
        Jwks::new(keys?)
    }

    fn all(&self) -> impl Iterator<Item = &TransmitterKey> {
        let next = self.next.as_ref().map(|(key, _)| key);
        std::iter::once(&self.active).chain(next).chain(&self.standby).chain(&self.retired)
    }
}

impl From<SigningKey> for KeySet {
    fn from(key: SigningKey) -> Self {
        Self::new(key)
    }
}

impl From<ExternalKey> for KeySet {
    fn from(key: ExternalKey) -> Self {
        Self::new(key)
    }
}

impl From<TransmitterKey> for KeySet {
    fn from(key: TransmitterKey) -> Self {
        Self::new(key)
    }
}

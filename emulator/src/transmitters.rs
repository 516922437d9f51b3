//! Whose SETs are judged at all: the transmitter that the emulator was told of, and those registered by the API.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Result;
use super::answer::{ErrorCode, Refusal};
use super::config::{Config, KeySource};
use super::documents::Documents;
use super::keys::Keys;

pub(crate) struct Transmitters {
    documents: Documents,
    media_types: &'static [&'static str],
    told: Option<Arc<Keys>>,
    registered: RwLock<Vec<Registered>>,
}

/// A transmitter that was registered.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) origin: Origin,
    pub(crate) is_active: bool,
    keys: Arc<Keys>,
}

/// Where issuer and keys are from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Origin {
    /// The configuration document, if it was registered by that.
    pub(crate) well_known_url: Option<String>,
    pub(crate) issuer: String,
    pub(crate) jwks_url: String,
}

/// Another transmitter has that issuer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Taken;

impl Transmitters {
    pub(crate) fn new(config: &Config, documents: Documents) -> Self {
        let media_types = config.like.profile().jwks_media_types;
        let told = config.issuer.clone().zip(config.keys.clone());
        let told =
            told.map(|(issuer, keys)| Arc::new(Keys::new(documents.clone(), keys, issuer, media_types)));
        Self { documents, media_types, told, registered: RwLock::default() }
    }

    /// The keys of the transmitter with this issuer, compared character by character (SSF §4.1.6).
    pub(crate) fn keys_of(&self, issuer: Option<&str>) -> Result<Arc<Keys>, Refusal> {
        if let Some(told) = self.told.as_ref().filter(|told| Some(told.issuer()) == issuer) {
            return Ok(Arc::clone(told));
        }
        let registered = self.all();
        let found = registered.iter().find(|one| one.is_active && Some(one.origin.issuer.as_str()) == issuer);
        found.map(|one| Arc::clone(&one.keys)).ok_or_else(|| {
            let description = match &self.told {
                Some(told) if registered.is_empty() => format!("The issuer has to be {}", told.issuer()),
                _ => "The issuer has to be that of an active provider".to_owned(),
            };
            Refusal::new(ErrorCode::InvalidIssuer, description)
        })
    }

    /// All that are registered, in the order in which they were.
    pub(crate) fn list(&self) -> Vec<Registered> {
        self.all().clone()
    }

    /// One of them.
    pub(crate) fn get(&self, id: &str) -> Option<Registered> {
        self.all().iter().find(|one| one.id == id).cloned()
    }

    /// Registers another one, active from the start.
    pub(crate) fn add(
        &self,
        id: String,
        name: String,
        kind: String,
        origin: Origin,
    ) -> Result<Registered, Taken> {
        let mut registered = self.all_to_change();
        self.check_free(&registered, None, &origin)?;
        let keys = self.keys(&origin);
        let new = Registered { id, name, kind, origin, is_active: true, keys };
        registered.push(new.clone());
        Ok(new)
    }

    /// Replaces what was registered under an id; nothing if there is none.
    pub(crate) fn replace(
        &self,
        id: &str,
        name: String,
        kind: String,
        origin: Origin,
    ) -> Result<Option<Registered>, Taken> {
        let mut registered = self.all_to_change();
        self.check_free(&registered, Some(id), &origin)?;
        let Some(one) = registered.iter_mut().find(|one| one.id == id) else {
            return Ok(None);
        };
        let keys = self.keys(&origin);
        *one = Registered { name, kind, origin, keys, id: one.id.clone(), is_active: one.is_active };
        Ok(Some(one.clone()))
    }

    /// Takes SETs of one, or refuses them from now on; nothing if there is none.
    pub(crate) fn set_active(&self, id: &str, is_active: bool) -> Option<Registered> {
        let mut registered = self.all_to_change();
        let one = registered.iter_mut().find(|one| one.id == id)?;
        one.is_active = is_active;
        Some(one.clone())
    }

    /// Forgets one, and says whether it was there.
    pub(crate) fn remove(&self, id: &str) -> bool {
        let mut registered = self.all_to_change();
        let before = registered.len();
        registered.retain(|one| one.id != id);
        registered.len() < before
    }

    fn check_free(&self, registered: &[Registered], id: Option<&str>, origin: &Origin) -> Result<(), Taken> {
        let is_told = self.told.as_ref().is_some_and(|told| told.issuer() == origin.issuer);
        let is_registered =
            registered.iter().any(|one| Some(one.id.as_str()) != id && one.origin.issuer == origin.issuer);
        if is_told || is_registered { Err(Taken) } else { Ok(()) }
    }

    fn keys(&self, origin: &Origin) -> Arc<Keys> {
        let source = match &origin.well_known_url {
            Some(url) => KeySource::WellKnown(url.clone()),
            None => KeySource::JwksUri(origin.jwks_url.clone()),
        };
        Arc::new(Keys::new(self.documents.clone(), source, origin.issuer.clone(), self.media_types))
    }

    fn all(&self) -> RwLockReadGuard<'_, Vec<Registered>> {
        self.registered.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn all_to_change(&self) -> RwLockWriteGuard<'_, Vec<Registered>> {
        self.registered.write().unwrap_or_else(PoisonError::into_inner)
    }
}

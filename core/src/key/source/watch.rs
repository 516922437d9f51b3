//! A set of keys that follows its source.
//!
//! Nothing runs while the set is not used: a use looks at the source if the last look is long enough ago. A command runs on a
//! thread for as long as it takes, and a later use takes over what it gave. That thread does no cryptography and holds no lock
//! of the set, so that a process may fork meanwhile.

use std::{
    fmt, process,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use super::{FetchedKeys, KeySource, stamp::Stamp};
use crate::{
    error::{Error, Result},
    key::KeySet,
    time::{Clock as _, SteadyClock, Timestamp},
};

/// The source of a set, and what is known of it.
pub(crate) struct Watch {
    source: KeySource,
    every: Duration,
    clock: SteadyClock,
    state: Mutex<State>,
}

struct State {
    /// When the source is looked at next.
    next: Timestamp,
    stamp: Option<Stamp>,
    digest: [u8; 32],
    attempt: Option<Attempt>,
    error: Option<Error>,
}

/// A command that runs.
struct Attempt {
    /// Its thread does not exist in a child of this process.
    process: u32,
    outcome: Arc<OnceLock<Result<FetchedKeys>>>,
}

impl KeySet {
    /// A set that follows a source: the first key signs, the others are published too ([`standby`](Self::standby)). It reads the
    /// source now, which blocks, and is an error if that fails.
    ///
    /// Later, a use of the set looks at the source again if `every` has passed since the last look; nothing runs in between. Of
    /// files, only what the file system says of them is compared first. A command runs beside: the old key signs meanwhile, and
    /// a use after its end has the new one. The environment and standard input do not change, and are read once.
    ///
    /// A key that signs and is then gone from the source stays published ([`retired`](Self::retired)) until it is removed. If a
    /// look fails, the keys stay as they are, [`last_error`](Self::last_error) says why, and the next look tries again.
    ///
    /// ```
    /// use std::{fs, time::Duration};
    /// use ssf_transmitter::{KeySet, KeySource, KeyType, SigningKey};
    ///
    /// let path = std::env::temp_dir().join(format!("ssf-watched-{}.pem", std::process::id()));
    /// let write = |key: &SigningKey| fs::write(&path, key.export_private_pem().unwrap().expose()).unwrap();
    ///
    /// let (old, new) = (SigningKey::generate(KeyType::P256)?, SigningKey::generate(KeyType::P256)?);
    /// write(&old);
    /// let keys = KeySet::watch(&KeySource::file(&path), Duration::ZERO)?;
    /// write(&new);
    /// assert_eq!(keys.active().kid(), Some(new.kid()));
    /// assert_eq!(keys.jwks()?.keys().len(), 2);
    /// keys.remove(old.kid())?;
    /// # fs::remove_file(path).unwrap();
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn watch(source: &KeySource, every: Duration) -> Result<Self> {
        Self::watch_fetched(source.fetch()?, every)
    }

    /// The same for keys that were fetched before, with their source: the half of [`watch`](Self::watch) that does not wait.
    pub fn watch_fetched(fetched: FetchedKeys, every: Duration) -> Result<Self> {
        let keys = fetched.keys()?;
        let clock = SteadyClock::start();
        let state = State {
            next: clock.now().plus(every),
            digest: fetched.digest(),
            stamp: fetched.stamp,
            attempt: None,
            error: None,
        };
        Self::watched(keys, Watch { source: fetched.source, every, clock, state: Mutex::new(state) })
    }

    /// The source that the set follows.
    pub fn source(&self) -> Option<&KeySource> {
        self.source_watch().map(|watch| &watch.source)
    }

    /// Reads the source now, which blocks, and returns whether the keys changed. A set without a source does not change.
    pub fn refresh(&self) -> Result<bool> {
        self.fetch().map_or(Ok(false), |fetched| self.refresh_fetched(&fetched))
    }

    /// The half of [`refresh`](Self::refresh) that waits; `None` if the set has no source, or one that does not change.
    pub fn fetch(&self) -> Option<Result<FetchedKeys>> {
        let watch = self.source_watch().filter(|watch| !watch.source.is_fixed())?;
        Some(watch.source.fetch())
    }

    /// The half of [`refresh`](Self::refresh) that does not wait: takes over what was fetched.
    pub fn refresh_fetched(&self, fetched: &Result<FetchedKeys>) -> Result<bool> {
        let Some(watch) = self.source_watch() else { return Ok(false) };
        let mut state = watch.state();
        state.next = watch.clock.now().plus(watch.every);
        watch.adopt(&mut state, self, fetched)
    }

    /// Why the keys could not be reloaded at the last look, if they could not.
    pub fn last_error(&self) -> Option<Error> {
        let watch = self.source_watch()?;
        watch.look(self);
        watch.state().error.clone()
    }
}

impl Watch {
    /// Looks at the source if it is time. Of uses at the same time, one does; none of the others waits.
    pub(crate) fn look(&self, keys: &KeySet) {
        let Ok(mut state) = self.state.try_lock() else { return };
        if let Some(attempt) = state.attempt.take() {
            match attempt.outcome.get() {
                // Its error is kept where it can be read.
                Some(outcome) => drop(self.adopt(&mut state, keys, outcome)),
                None if attempt.process == process::id() => {
                    state.attempt = Some(attempt);
                    return;
                }
                None => {}
            }
        }
        let now = self.clock.now();
        if self.source.is_fixed() || now < state.next {
            return;
        }
        state.next = now.plus(self.every);
        if self.source.is_command() {
            state.attempt = self.begin();
        } else if state.stamp.is_none() || Stamp::of(&self.source).ok().flatten() != state.stamp {
            drop(self.adopt(&mut state, keys, &self.source.fetch()));
        }
    }

    /// Runs the command on a thread. Without one, the next look tries again.
    fn begin(&self) -> Option<Attempt> {
        let outcome = Arc::new(OnceLock::new());
        let (source, slot) = (self.source.clone(), outcome.clone());
        let work = move || drop(slot.set(source.fetch()));
        let started = thread::Builder::new().name("ssf-key-source".to_owned()).spawn(work);
        started.ok().map(|_| Attempt { process: process::id(), outcome })
    }

    /// Takes over what was fetched, and tells whether that changed the keys.
    fn adopt(&self, state: &mut State, keys: &KeySet, fetched: &Result<FetchedKeys>) -> Result<bool> {
        let source = self.source.to_string();
        let adopted = fetched.as_ref().map_err(Clone::clone).and_then(|fetched| {
            let digest = fetched.digest();
            let signs = if digest == state.digest { None } else { keys.adopt(fetched.keys()?)? };
            state.digest = digest;
            state.stamp.clone_from(&fetched.stamp);
            Ok(signs)
        });
        match &adopted {
            Ok(signs) => {
                if let Some(kid) = signs {
                    tracing::info!(name: "ssf.keys_reloaded", source, kid, "keys reloaded");
                }
                state.error = None;
            }
            Err(error) => {
                let code = error.code().as_str();
                tracing::warn!(name: "ssf.keys_not_reloaded", source, code, "keys not reloaded");
                // The next look reads again.
                state.stamp = None;
                state.error = Some(error.clone());
            }
        }
        adopted.map(|signs| signs.is_some())
    }

    pub(crate) fn source(&self) -> &KeySource {
        &self.source
    }

    // Whoever panicked under the lock left a state that the next look corrects.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Watch")
            .field("source", &self.source)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

//! Finds the receivers that the deliveries of an outbox name.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::BuildHasher,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Receiver;
use crate::{
    error::Result,
    key::BoxFuture,
    outbox::Outbox,
    set::SetBuilder,
    time::{Clock, SteadyClock, Timestamp},
};

/// Finds receivers by name: a map, a function, or a database of your own. Settings and credentials come from here, never from the
/// store.
///
/// ```
/// # use std::collections::HashMap;
/// use ssf_transmitter::{Receiver, client::Receivers};
///
/// # async fn example() -> Result<(), ssf_transmitter::Error> {
/// let okta = Receiver::okta("https://acme.okta.com").build()?;
/// let receivers = HashMap::from([("acme".to_owned(), okta)]);
/// assert!(receivers.find("globex").await?.is_none());
/// # Ok(())
/// # }
/// ```
pub trait Receivers: Send + Sync {
    /// The receiver with this name, or `None` if there is none. Return the same [`Receiver`] (a clone) each time: deliveries
    /// share its connections, token and limits. [`CachedReceivers`] does this for functions.
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Receiver>>>;

    /// The receiver could not be used: settings that are kept may be out of date. By default nothing happens.
    fn forget(&self, name: &str) {
        let _ = name;
    }
}

impl<S: BuildHasher + Send + Sync> Receivers for HashMap<String, Receiver, S> {
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Receiver>>> {
        Box::pin(std::future::ready(Ok(self.get(name).cloned())))
    }
}

impl Outbox {
    /// Checks the SETs of an entry for these receivers before it is accepted, as SETs of this issuer. What lint rejects is an error then, and
    /// not a dead delivery; warnings are in [`Enqueued::findings`](crate::outbox::Enqueued::findings). Other receivers are checked when the
    /// worker sends.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// use ssf_transmitter::{ErrorCode, Receiver, Subject, event::caep, outbox::{Entry, MemoryStore, Outbox}};
    ///
    /// # async fn example() -> Result<(), ssf_transmitter::Error> {
    /// let receivers = HashMap::from([("acme".to_owned(), Receiver::okta("https://acme.okta.com").build()?)]);
    /// let outbox = Outbox::new(MemoryStore::new()).lint_for("https://edr.example.com", receivers);
    /// // Okta drops an event without a reason, and does not tell.
    /// let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme");
    /// assert_eq!(outbox.enqueue(entry).await.unwrap_err().code(), ErrorCode::EventMemberMissing);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
    /// ```
    pub fn lint_for<S: BuildHasher + Send + Sync + 'static>(
        self,
        issuer: impl Into<String>,
        receivers: HashMap<String, Receiver, S>,
    ) -> Self {
        let issuer = issuer.into();
        self.lint_with(move |name| {
            let receiver = receivers.get(name)?;
            Some(SetBuilder::new(issuer.as_str(), receiver.audience().clone()).dialect(receiver.dialect()))
        })
    }
}

/// How long a receiver is kept by default.
const MAX_AGE: Duration = Duration::from_mins(5);

/// Finds receivers with an async function, and keeps them for five minutes.
///
/// ```
/// use ssf_transmitter::{Receiver, client::receivers_fn};
///
/// let receivers = receivers_fn(async |name: String| {
///     // Look up the settings of the customer here.
///     Ok(Some(Receiver::okta(format!("https://{name}.okta.com")).build()?))
/// });
/// ```
pub fn receivers_fn<F, R>(find: F) -> CachedReceivers
where
    F: Fn(String) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Option<Receiver>>> + Send + 'static,
{
    struct Function<F>(F);
    impl<F, R> Receivers for Function<F>
    where
        F: Fn(String) -> R + Send + Sync,
        R: Future<Output = Result<Option<Receiver>>> + Send + 'static,
    {
        fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Receiver>>> {
            Box::pin((self.0)(name.to_owned()))
        }
    }
    CachedReceivers::new(Function(find), MAX_AGE)
}

/// Keeps the receivers that others find, until they are too old or [forgotten](Receivers::forget).
pub struct CachedReceivers {
    inner: Box<dyn Receivers>,
    max_age: Duration,
    clock: SteadyClock,
    known: Mutex<HashMap<String, Arc<Slot>>>,
}

/// What was found, and when. It is locked while it is looked for, so that several deliveries at once get the same receiver.
type Slot = tokio::sync::Mutex<Option<(Receiver, Timestamp)>>;

impl CachedReceivers {
    /// Keeps receivers for this long.
    pub fn new(inner: impl Receivers + 'static, max_age: Duration) -> Self {
        Self { inner: Box::new(inner), max_age, clock: SteadyClock::start(), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Arc<Slot>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receivers for CachedReceivers {
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Receiver>>> {
        Box::pin(async move {
            let slot = self.known().entry(name.to_owned()).or_default().clone();
            let mut kept = slot.lock().await;
            let now = self.clock.now();
            if let Some((receiver, found)) = &*kept
                && now.since(*found) < self.max_age
            {
                return Ok(Some(receiver.clone()));
            }
            let found = self.inner.find(name).await?;
            *kept = found.clone().map(|receiver| (receiver, now));
            if found.is_none() {
                self.known().remove(name);
            }
            Ok(found)
        })
    }

    fn forget(&self, name: &str) {
        self.known().remove(name);
        self.inner.forget(name);
    }
}

impl fmt::Debug for CachedReceivers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CachedReceivers").field("max_age", &self.max_age).finish_non_exhaustive()
    }
}

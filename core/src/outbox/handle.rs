//! The outbox as its users see it.

use std::{borrow::Borrow, fmt, sync::Arc};

use super::{
    Counts, Cursor, Enqueued, Entry, Filter, History, Message, Pruned, ReceiverRecord, Record, Replay,
    Retention, Seal, Store, StoreHealth, Tag,
};
use crate::{
    error::Result,
    finding::Finding,
    set::SetBuilder,
    subject::Subject,
    time::{Clock, SystemClock, Timestamp},
};

/// What begins every SET for a receiver, if its settings are known.
type Template = Arc<dyn Fn(&str) -> Option<SetBuilder> + Send + Sync>;

/// Accepts events, and answers questions about them. A worker sends them: in this process or another one that uses the same store.
/// Cheap to clone.
///
/// ```
/// use ssf_transmitter::{Subject, event::caep, outbox::{Entry, MemoryStore, Outbox}};
///
/// # async fn example() -> Result<(), ssf_transmitter::Error> {
/// let outbox = Outbox::new(MemoryStore::new());
/// let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme");
/// let enqueued = outbox.enqueue(entry).await?;
/// assert_eq!(outbox.counts().await?.waiting, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Outbox {
    store: Arc<dyn Store>,
    seal: Option<Arc<Seal>>,
    clock: Arc<dyn Clock>,
    template: Option<Template>,
}

/// An entry that [`Outbox::check`] has checked.
#[derive(Clone, Debug)]
#[must_use = "an entry does nothing until it is enqueued"]
pub struct Checked {
    message: Message,
    findings: Vec<Finding>,
}

impl Outbox {
    /// An outbox that keeps its entries in this store.
    pub fn new(store: impl Store + 'static) -> Self {
        Self { store: Arc::new(store), seal: None, clock: Arc::new(SystemClock), template: None }
    }

    /// Seals what entries say before the store gets it. The workers need the same seal.
    pub fn seal(mut self, seal: Seal) -> Self {
        self.seal = Some(Arc::new(seal));
        self
    }

    /// Sets the clock that `iat` goes by. By default, it is the system's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks the SETs of an entry before it is accepted, with a function that returns what begins the SETs for a receiver: issuer, audience, dialect
    /// and policy. An entry with a finding that the policy rejects is not accepted; other findings are in
    /// [`Enqueued::findings`]. A receiver for which it returns `None` is checked when the worker sends.
    ///
    /// [`lint_for`](Self::lint_for) does this for receivers in a map.
    pub fn lint_with(
        mut self,
        template: impl Fn(&str) -> Option<SetBuilder> + Send + Sync + 'static,
    ) -> Self {
        self.template = Some(Arc::new(template));
        self
    }

    /// Accepts an entry. Once this has returned, the entry is as safe as the store makes it.
    ///
    /// Errors are those of the entry, and [`ErrorCode::OutboxFull`](crate::ErrorCode::OutboxFull),
    /// [`ErrorCode::OutboxConflict`](crate::ErrorCode::OutboxConflict) and
    /// [`ErrorCode::OutboxUnavailable`](crate::ErrorCode::OutboxUnavailable): nothing was stored then.
    pub async fn enqueue(&self, entry: impl Borrow<Entry>) -> Result<Enqueued> {
        let Checked { message, findings } = self.check(entry.borrow())?;
        let one = self.store.enqueue(vec![message]).await?.pop();
        let one = one.ok_or_else(|| crate::Error::internal("the store returned nothing for an entry"))?;
        Ok(Enqueued { findings, ..one })
    }

    /// Accepts entries: all of them or none. An error of an entry has its index as the first step of its pointer.
    pub async fn enqueue_many(
        &self,
        entries: impl IntoIterator<Item = impl Borrow<Entry>>,
    ) -> Result<Vec<Enqueued>> {
        let mut all = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let checked = self.check(entry.borrow());
            all.push(checked.map_err(|error| error.within(&format!("/{index}")))?);
        }
        self.enqueue_checked(all).await
    }

    /// Checks an entry for [`enqueue_checked`](Self::enqueue_checked): what makes an entry may do so on one thread, while another one
    /// checks those that were made.
    ///
    /// Errors are those of the entry.
    pub fn check(&self, entry: &Entry) -> Result<Checked> {
        let now = self.clock.now();
        let findings = self.lint(entry, now)?;
        Ok(Checked { message: entry.to_message(self.sealing(), now)?, findings })
    }

    /// Accepts entries that [`check`](Self::check) returned: all of them or none, as of now.
    pub async fn enqueue_checked(&self, entries: impl IntoIterator<Item = Checked>) -> Result<Vec<Enqueued>> {
        let now = self.clock.now();
        let as_of_now = |checked: Checked| (Message { issued_at: now, ..checked.message }, checked.findings);
        let (messages, findings): (Vec<_>, Vec<_>) = entries.into_iter().map(as_of_now).unzip();
        let enqueued = self.store.enqueue(messages).await?;
        Ok(enqueued.into_iter().zip(findings).map(|(one, findings)| Enqueued { findings, ..one }).collect())
    }

    /// Accepts entries that [`Entry::to_json`] wrote: all of them or none. So an entry that a program keeps in a table of its own, in its own
    /// transaction, comes into the outbox: read rows, enqueue them, then delete them. A repeat has no effect.
    ///
    /// Errors are those of [`enqueue_many`](Self::enqueue_many) and [`Entry::from_json`].
    pub async fn enqueue_json(
        &self,
        texts: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Vec<Enqueued>> {
        let read = |(index, text): (usize, _)| {
            Entry::from_json(AsRef::<str>::as_ref(&text)).map_err(|error| error.within(&format!("/{index}")))
        };
        let entries = texts.into_iter().enumerate().map(read).collect::<Result<Vec<_>>>()?;
        self.enqueue_many(entries).await
    }

    /// What the store gets of an entry, and what lint reports: for a table from which a store takes entries over that
    /// a transaction of the host has inserted.
    ///
    /// Errors are those of the entry.
    pub fn to_message(&self, entry: &Entry) -> Result<(Message, Vec<Finding>)> {
        let Checked { message, findings } = self.check(entry)?;
        Ok((message, findings))
    }

    /// What lint reports of the SETs of an entry, each finding once.
    fn lint(&self, entry: &Entry, now: Timestamp) -> Result<Vec<Finding>> {
        let Some(template) = &self.template else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for receiver in entry.receivers() {
            let Some(set) = template(receiver) else { continue };
            let findings = entry.set(set.issued_at(now)).check().map_err(|error| error.prefixed(receiver))?;
            all.extend(findings);
        }
        let mut seen = Vec::<Finding>::new();
        for finding in all {
            if !seen.contains(&finding) {
                seen.push(finding);
            }
        }
        Ok(seen)
    }

    /// The ledger in numbers: every delivery that was accepted is in exactly one of them.
    pub async fn counts(&self) -> Result<Counts> {
        self.store.counts().await
    }

    /// What to watch: the age of the oldest delivery that waits, the rate, receivers that are paused, the size of the file.
    pub async fn health(&self) -> Result<StoreHealth> {
        self.store.health().await
    }

    /// Receivers by name with their states and counts; `after` is the last name of the page before.
    pub async fn receivers(&self, after: Option<&str>, limit: u32) -> Result<Vec<ReceiverRecord>> {
        self.store.receivers(after.map(str::to_owned), limit).await
    }

    /// Deliveries in the order in which they were enqueued; `after` is the last one of the page before.
    pub async fn list(&self, filter: Filter, after: Option<&Record>, limit: u32) -> Result<Vec<Record>> {
        self.store.list(filter, after.map(Cursor::after), limit).await
    }

    /// A delivery and its attempts: when, signed by which key, and what the receiver answered. `None` if the store does not have
    /// it, or no longer.
    pub async fn history(&self, jti: &str) -> Result<Option<History>> {
        self.store.history(jti).await
    }

    /// Lets deliveries wait again that have ended, and returns how many.
    pub async fn replay(&self, replay: Replay) -> Result<u64> {
        self.store.replay(replay).await
    }

    /// Discards deliveries that wait, and returns how many.
    pub async fn discard(&self, filter: Filter) -> Result<u64> {
        self.store.discard(filter, false).await
    }

    /// How many deliveries [`discard`](Self::discard) would discard.
    pub async fn count_discardable(&self, filter: Filter) -> Result<u64> {
        self.store.discard(filter, true).await
    }

    /// Holds the deliveries to a receiver until [`release`](Self::release).
    pub async fn hold(&self, receiver: &str) -> Result<()> {
        self.store.hold(receiver).await
    }

    /// Lets the deliveries to a held or paused receiver go.
    pub async fn release(&self, receiver: &str) -> Result<()> {
        self.store.release(receiver).await
    }

    /// Removes deliveries that ended long enough ago. Workers do this, too.
    pub async fn prune(&self, retention: Retention) -> Result<Pruned> {
        self.store.prune(retention).await
    }

    /// Closes the store, after all calls before: later ones fail, also those of clones and workers. Without it, the store is closed
    /// in the background when nobody uses it any more.
    pub async fn close(&self) -> Result<()> {
        self.store.close().await
    }

    /// Identifies a subject, for [`Filter::subject`].
    pub fn subject_tag(&self, subject: &Subject) -> Result<Tag> {
        Seal::subject_tag(self.sealing(), subject)
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    pub(crate) fn sealing(&self) -> Option<&Seal> {
        self.seal.as_deref()
    }

    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the worker dates attempts"))]
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outbox").field("sealed", &self.seal.is_some()).finish_non_exhaustive()
    }
}

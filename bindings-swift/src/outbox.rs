//! The outbox: entries, what selects deliveries, questions and repairs. Times are in seconds since 1970, spans in seconds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use ssf_bindings::{
    emission, invalid,
    outbox::{self, Kept, Place},
};
use ssf_transmitter::{self as sdk, ErrorCode, outbox::Outbox as Core};
use tokio::task::spawn_blocking;

use crate::{
    cancellation::Cancellation,
    emission::Subject,
    failure::{Failure, Result},
    outbox_records::{
        Enqueued, OutboxCounts, OutboxCursor, OutboxDelivery, OutboxHealth, OutboxHistory, OutboxReceiver,
    },
    policy::{moment_of, span_of},
    receiver::Receiver,
    runtime::runtime,
};

/// Encrypts what entries say.
#[derive(uniffi::Object)]
pub struct OutboxSeal(sdk::outbox::Seal);

/// A key of a seal.
#[derive(uniffi::Record)]
pub struct SealKey {
    pub id: String,
    pub key: Vec<u8>,
}

#[uniffi::export]
impl OutboxSeal {
    #[uniffi::constructor]
    pub fn build(index_key: Vec<u8>, keys: Vec<SealKey>) -> Result<Arc<Self>> {
        let keys = keys.into_iter().map(|key| (key.id, key.key)).collect();
        Ok(Arc::new(Self(outbox::seal(&index_key, keys)?)))
    }
}

/// Where entries are kept.
#[derive(uniffi::Record)]
pub struct OutboxSettings {
    /// The file; in memory without one.
    pub path: Option<String>,
    pub capacity: Option<i64>,
    pub waits: bool,
    pub seal: Option<Arc<OutboxSeal>>,
    /// To lint entries.
    pub issuer: Option<String>,
    /// By name.
    pub receivers: Option<HashMap<String, Arc<Receiver>>>,
}

impl OutboxSettings {
    fn open(self) -> sdk::Result<(Core, Kept)> {
        let capacity = self.capacity.map(usize::try_from).transpose();
        let receivers = self.receivers.map(|receivers| {
            receivers.into_iter().map(|(name, receiver)| (name, receiver.0.clone())).collect()
        });
        let capacity = capacity.map_err(|_| invalid("the capacity of an outbox must not be negative"))?;
        let settings = outbox::OutboxSettings {
            place: self
                .path
                .map_or(Place::Memory { capacity, waits: self.waits }, |path| Place::File(path.into())),
            seal: self.seal.map(|seal| seal.0.clone()),
            lint: outbox::Lint::given(self.issuer, receivers)?,
            around: None,
        };
        settings.open()
    }
}

/// An event for receivers that are named.
#[derive(uniffi::Record)]
pub struct OutboxEntry {
    /// In its JSON form.
    pub event: String,
    pub subject: Option<Subject>,
    /// The names of the receivers.
    pub to: Vec<String>,
    pub options: EntryOptions,
}

/// What can be set of an entry.
#[derive(uniffi::Record)]
pub struct EntryOptions {
    pub txn: Option<String>,
    pub toe: Option<f64>,
    pub jti: Option<String>,
    /// Events in their JSON form.
    pub companions: Vec<String>,
    pub idempotency_key: Option<String>,
    pub not_before: Option<f64>,
    pub max_age: Option<f64>,
    pub priority: Option<String>,
    pub supersedes: Option<String>,
    pub ordered: bool,
}

impl OutboxEntry {
    fn core(self) -> sdk::Result<sdk::outbox::Entry> {
        let Self { event, subject, to, options } = self;
        let event = emission::event(&event)?;
        let subject = subject.as_ref().map(Subject::core).transpose()?;
        let companions = options.companions.iter().map(|json| emission::event(json));
        let options = outbox::EntryOptions {
            to,
            txn: options.txn,
            toe: options.toe.map(moment_of).transpose()?,
            jti: options.jti,
            companions: companions.collect::<sdk::Result<_>>()?,
            idempotency_key: options.idempotency_key,
            not_before: options.not_before.map(moment_of).transpose()?,
            max_age: options.max_age.map(span_of).transpose()?,
            priority: options.priority,
            supersedes: options.supersedes,
            ordered: options.ordered,
        };
        options.entry(event, subject)
    }

    /// Entries, or the first error with the index of its entry as the first step of its pointer.
    fn all(entries: Vec<Self>) -> sdk::Result<Vec<sdk::outbox::Entry>> {
        let entries = entries.into_iter().enumerate();
        let converted = entries.map(|(index, entry)| {
            entry.core().map_err(|error| {
                let inner = error.pointer().unwrap_or_default().to_owned();
                error.at(format!("/{index}{inner}"))
            })
        });
        converted.collect()
    }
}

/// An entry as JSON.
#[uniffi::export]
pub fn outbox_entry_json(entry: OutboxEntry) -> Result<String> {
    Ok(entry.core()?.to_json()?)
}

/// What selects deliveries.
#[derive(uniffi::Record)]
pub struct OutboxFilter {
    pub states: Vec<String>,
    pub receiver: Option<String>,
    pub event: Option<String>,
    pub code: Option<String>,
    pub jtis: Vec<String>,
    pub subject: Option<Subject>,
    pub since: Option<f64>,
    pub until: Option<f64>,
}

impl OutboxFilter {
    fn options(self) -> sdk::Result<outbox::FilterOptions> {
        Ok(outbox::FilterOptions {
            states: self.states,
            receiver: self.receiver,
            event: self.event,
            code: self.code,
            jtis: self.jtis,
            subject: self.subject.as_ref().map(Subject::core).transpose()?,
            since: self.since.map(moment_of).transpose()?,
            until: self.until.map(moment_of).transpose()?,
        })
    }
}

/// How long deliveries are kept after they ended.
#[derive(uniffi::Record)]
pub struct OutboxRetention {
    pub delivered: Option<f64>,
    pub dead: Option<f64>,
    pub discarded: Option<f64>,
}

/// An outbox.
#[derive(uniffi::Object)]
pub struct Outbox {
    /// Empty after a close.
    open: Mutex<Option<(Core, Kept)>>,
}

#[uniffi::export]
impl Outbox {
    #[uniffi::constructor]
    pub fn open(settings: OutboxSettings) -> Result<Arc<Self>> {
        Ok(Arc::new(Self { open: Mutex::new(Some(settings.open()?)) }))
    }

    pub async fn enqueue(
        &self,
        entries: Vec<OutboxEntry>,
        cancellation: Arc<Cancellation>,
    ) -> Result<Vec<Enqueued>> {
        let (outbox, entries) = (self.core()?, OutboxEntry::all(entries)?);
        let enqueued = async move { Ok(all(outbox.enqueue_many(entries).await?)) };
        cancellation.or(enqueued).await
    }

    /// Accepts what `outbox_entry_json` returned.
    pub async fn enqueue_json(
        &self,
        texts: Vec<String>,
        cancellation: Arc<Cancellation>,
    ) -> Result<Vec<Enqueued>> {
        let outbox = self.core()?;
        cancellation.or(async move { Ok(all(outbox.enqueue_json(texts).await?)) }).await
    }

    pub async fn counts(&self, cancellation: Arc<Cancellation>) -> Result<OutboxCounts> {
        let outbox = self.core()?;
        cancellation.or(async move { Ok(outbox.counts().await?.into()) }).await
    }

    pub async fn health(&self, cancellation: Arc<Cancellation>) -> Result<OutboxHealth> {
        let outbox = self.core()?;
        cancellation.or(async move { Ok(outbox.health().await?.into()) }).await
    }

    pub async fn receivers(
        &self,
        after: Option<String>,
        limit: i64,
        cancellation: Arc<Cancellation>,
    ) -> Result<Vec<OutboxReceiver>> {
        let (outbox, limit) = (self.core()?, page(limit)?);
        cancellation.or(async move { Ok(all(outbox.receivers(after.as_deref(), limit).await?)) }).await
    }

    pub async fn list(
        &self,
        filter: OutboxFilter,
        after: Option<OutboxCursor>,
        limit: i64,
        cancellation: Arc<Cancellation>,
    ) -> Result<Vec<OutboxDelivery>> {
        let (outbox, limit) = (self.core()?, page(limit)?);
        let filter = filter.options()?.filter(&outbox)?;
        let after = after.map(OutboxCursor::core).transpose()?;
        cancellation.or(async move { Ok(all(outbox.store().list(filter, after, limit).await?)) }).await
    }

    pub async fn history(
        &self,
        jti: String,
        cancellation: Arc<Cancellation>,
    ) -> Result<Option<OutboxHistory>> {
        let outbox = self.core()?;
        cancellation.or(async move { Ok(outbox.history(&jti).await?.map(Into::into)) }).await
    }

    pub async fn replay(
        &self,
        filter: OutboxFilter,
        dry_run: bool,
        fresh_jti: bool,
        cancellation: Arc<Cancellation>,
    ) -> Result<u64> {
        let outbox = self.core()?;
        let replay = filter.options()?.replay(&outbox, dry_run, fresh_jti)?;
        cancellation.or(async move { Ok(outbox.replay(replay).await?) }).await
    }

    pub async fn discard(
        &self,
        filter: OutboxFilter,
        dry_run: bool,
        cancellation: Arc<Cancellation>,
    ) -> Result<u64> {
        let outbox = self.core()?;
        let filter = filter.options()?.filter(&outbox)?;
        cancellation.or(async move { Ok(outbox.store().discard(filter, dry_run).await?) }).await
    }

    pub async fn hold(&self, receiver: String, cancellation: Arc<Cancellation>) -> Result<()> {
        let outbox = self.core()?;
        cancellation.or(async move { Ok(outbox.hold(&receiver).await?) }).await
    }

    pub async fn release(&self, receiver: String, cancellation: Arc<Cancellation>) -> Result<()> {
        let outbox = self.core()?;
        cancellation.or(async move { Ok(outbox.release(&receiver).await?) }).await
    }

    pub async fn prune(&self, retention: OutboxRetention, cancellation: Arc<Cancellation>) -> Result<u64> {
        let outbox = self.core()?;
        let OutboxRetention { delivered, dead, discarded } = retention;
        let retention = outbox::retention(
            delivered.map(span_of).transpose()?,
            dead.map(span_of).transpose()?,
            discarded.map(span_of).transpose()?,
        );
        cancellation.or(async move { Ok(outbox.prune(retention).await?.deliveries) }).await
    }

    /// What is damaged in the file.
    pub async fn check(&self, cancellation: Arc<Cancellation>) -> Result<Vec<String>> {
        let kept = self.parts()?.1;
        cancellation.or(async move { Ok(kept.check().await?) }).await
    }

    /// Copies the file. It goes on if it is cancelled, so that the new file is complete or is removed.
    pub async fn backup(&self, target: String, cancellation: Arc<Cancellation>) -> Result<()> {
        let copied = runtime()?.spawn(self.parts()?.1.backup(target.into()));
        let ended = async { copied.await.map_err(|_| Failure::internal("a task ended without a result")) };
        Ok(cancellation.or(ended).await??)
    }

    /// Closes the store, after all calls before.
    pub async fn close(&self, cancellation: Arc<Cancellation>) -> Result<()> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((outbox, _)) = open else { return Ok(()) };
        cancellation.or(async move { Ok(outbox.close().await?) }).await
    }
}

impl Outbox {
    pub(crate) fn core(&self) -> Result<Core> {
        Ok(self.parts()?.0)
    }

    fn parts(&self) -> Result<(Core, Kept)> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.clone().ok_or_else(|| Failure::of(ErrorCode::OutboxUnavailable, "the outbox is closed"))
    }
}

/// What was saved of a damaged file.
#[derive(uniffi::Record)]
pub struct Salvaged {
    pub kept: u64,
    pub lost: u64,
    pub moved_to: String,
}

/// Puts a damaged file aside, and copies what can be read of it into a new one. It goes on if it is cancelled.
#[uniffi::export]
pub async fn salvage_outbox(path: String, cancellation: Arc<Cancellation>) -> Result<Salvaged> {
    let salvaged = async move { spawn_blocking(move || outbox::salvage(path.as_ref())).await };
    let ended = async { salvaged.await.map_err(|_| Failure::internal("a task ended without a result")) };
    let outbox::Salvaged { kept, lost, moved_to, .. } = cancellation.or(ended).await??;
    Ok(Salvaged { kept, lost, moved_to: moved_to.to_string_lossy().into_owned() })
}

/// The records of what the core returns.
fn all<T, R: From<T>>(values: Vec<T>) -> Vec<R> {
    values.into_iter().map(R::from).collect()
}

fn page(limit: i64) -> Result<u32> {
    u32::try_from(limit).map_err(|_| Failure::config("the limit of a page must not be negative"))
}

//! The outbox. Nothing waits for its file on a thread of JavaScript.

use std::{collections::HashMap, future::Future, path::Path, sync::Arc};

use napi::bindgen_prelude::{ClassInstance, Either, Uint8Array};
use napi_derive::napi;
use ssf_bindings::outbox::{
    self, DatabaseSettings, FilterOptions, Kept, Lint, OutboxSettings, Password, Place,
};
use ssf_transmitter::{self as sdk, ErrorCode, config::Config, outbox::Retention, secret::Secret};
use tokio::{runtime::Handle, sync::Mutex};

use crate::{
    config,
    deliveries::{Delivery, History, OutboxCounts, OutboxHealth, OutboxReceiver, Refused, count},
    entries::{Accepted, Entries, Lines},
    failure::{Failure, Outcome, Result, outcome},
    key::moment,
    mailbox::Mailbox,
    opener,
    passwords::Passwords,
    policy::milliseconds,
    receiver::Receiver,
    records::{Finding, findings},
};

/// Encrypts what entries say.
#[napi]
pub struct Seal(sdk::outbox::Seal);

#[napi]
impl Seal {
    #[napi]
    pub fn build(index_key: Uint8Array, ids: Vec<String>, keys: Vec<Uint8Array>) -> Outcome<Seal> {
        let keys = ids.into_iter().zip(keys).map(|(id, key)| (id, key.to_vec())).collect();
        outcome(outbox::seal(&index_key, keys).map(Self).map_err(Failure::from))
    }
}

/// An outbox.
#[napi]
#[derive(Clone)]
pub struct Outbox(Arc<Inner>);

struct Inner {
    settings: OutboxSettings,
    file: Mutex<File>,
}

enum File {
    /// Nobody has used it yet.
    Unopened,
    Open(Opened),
    Closed,
}

/// The outbox, and what it is kept in.
type Opened = (sdk::outbox::Outbox, Kept);

/// What can be set of a database.
#[napi(object, object_to_js = false)]
pub struct DatabaseOptions<'a> {
    pub schema: Option<String>,
    pub connections: Option<u32>,
    pub migrates: bool,
    /// In PEM.
    pub ca_bundles: Vec<Uint8Array>,
    /// The chain of the client's certificate, and its key.
    pub client_certificate: Option<Vec<Uint8Array>>,
    pub password: Option<Either<String, ClassInstance<'a, Passwords>>>,
}

impl From<DatabaseOptions<'_>> for DatabaseSettings {
    fn from(given: DatabaseOptions<'_>) -> Self {
        Self {
            schema: given.schema,
            connections: given.connections.map(|connections| connections as usize),
            migrates: given.migrates,
            ca_bundles: given.ca_bundles.iter().map(|bundle| bundle.to_vec()).collect(),
            client_certificate: match given.client_certificate.as_deref() {
                Some([chain, key]) => Some((chain.to_vec(), Secret::new(key.to_vec()))),
                _ => None,
            },
            password: given.password.map(|password| match password {
                Either::A(password) => Password::Fixed(Secret::new(password)),
                Either::B(passwords) => passwords.password(),
            }),
        }
    }
}

/// The settings of an outbox: in memory without a place. The receivers have their names beside them.
#[napi(object, object_to_js = false)]
pub struct OutboxOptions<'a> {
    pub place: Option<String>,
    pub capacity: Option<u32>,
    pub waits: bool,
    pub database: Option<DatabaseOptions<'a>>,
    pub seal: Option<ClassInstance<'a, Seal>>,
    pub issuer: Option<String>,
    pub names: Option<Vec<String>>,
    pub receivers: Vec<ClassInstance<'a, Receiver>>,
}

/// The same, as values of the core.
struct Given {
    place: Option<String>,
    capacity: Option<u32>,
    waits: bool,
    database: DatabaseSettings,
    seal: Option<sdk::outbox::Seal>,
    issuer: Option<String>,
    receivers: Option<HashMap<String, sdk::Receiver>>,
}

impl From<OutboxOptions<'_>> for Given {
    fn from(options: OutboxOptions<'_>) -> Self {
        let receivers = options.receivers.iter().map(|receiver| receiver.0.clone());
        Self {
            place: options.place,
            capacity: options.capacity,
            waits: options.waits,
            database: options.database.map(Into::into).unwrap_or_default(),
            seal: options.seal.map(|seal| seal.0.clone()),
            issuer: options.issuer,
            receivers: options.names.map(|names| names.into_iter().zip(receivers).collect()),
        }
    }
}

impl Given {
    fn read(self) -> sdk::Result<OutboxSettings> {
        let place = match self.place {
            Some(place) => Place::named(place.into(), self.database)?,
            None => Place::Memory {
                capacity: self.capacity.map(|deliveries| deliveries as usize),
                waits: self.waits,
            },
        };
        let lint = Lint::given(self.issuer, self.receivers)?;
        Ok(OutboxSettings { place, seal: self.seal, lint, around: None })
    }

    /// With place and issuer as a file of settings describes them.
    fn described(self, config: &Config) -> sdk::Result<OutboxSettings> {
        let place = Place::described(config.required_outbox()?, self.database)?;
        let lint = Lint::given(Lint::issuer(config, self.receivers.as_ref())?, self.receivers)?;
        Ok(OutboxSettings { place, seal: self.seal, lint, around: None })
    }
}

/// A statement for a connection of the host.
#[napi(object, object_from_js = false)]
pub struct Statement {
    pub sql: String,
    pub parameters: Vec<String>,
    pub jtis: Vec<String>,
    pub findings: Vec<Finding>,
}

/// What selects deliveries. Times are in milliseconds since 1970.
#[napi(object, object_to_js = false)]
pub struct Filter {
    pub states: Vec<String>,
    pub receiver: Option<String>,
    pub event: Option<String>,
    pub code: Option<String>,
    pub jtis: Vec<String>,
    /// As JSON.
    pub subject: Option<String>,
    pub private_formats: bool,
    pub since: Option<f64>,
    pub until: Option<f64>,
}

/// How long deliveries are kept that have ended, in milliseconds.
#[napi(object, object_to_js = false)]
pub struct Keep {
    pub delivered: Option<f64>,
    pub dead: Option<f64>,
    pub discarded: Option<f64>,
}

/// What was saved of a damaged file.
#[napi(object, object_from_js = false)]
pub struct Salvaged {
    pub kept: f64,
    pub lost: f64,
    pub moved_to: String,
}

#[napi]
impl Outbox {
    /// The file is opened where the outbox is first used.
    #[napi]
    pub fn build(options: OutboxOptions<'_>) -> Outcome<Outbox> {
        opener::start();
        outcome(Given::from(options).read().map(Self::of).map_err(Failure::from))
    }

    /// The outbox that a file of settings describes.
    #[napi]
    pub fn from_config(
        mailbox: &Mailbox,
        number: u32,
        config: &config::Config,
        options: OutboxOptions<'_>,
    ) -> Outcome<()> {
        opener::start();
        let (config, given) = (config.0.clone(), Given::from(options));
        mailbox.spawn_blocking(number, move || Ok(Self::of(given.described(&config)?)))
    }

    /// Where entries are kept, without secrets.
    #[napi]
    pub fn shown(&self) -> String {
        self.0.settings.place.shown()
    }

    /// The statement that enqueues an entry, given by its lines, on a connection of the host.
    #[napi]
    pub fn statement(&self, lines: String) -> Outcome<Statement> {
        outcome(Lines(lines).one().and_then(|entry| {
            let (statement, found) = self.0.settings.statement(&entry, "numeric")?;
            Ok(Statement {
                sql: statement.sql,
                parameters: statement.parameters,
                jtis: statement.jtis,
                findings: findings(&found),
            })
        }))
    }

    /// Accepts an entry: its lines.
    #[napi]
    pub fn enqueue(&self, mailbox: &Mailbox, number: u32, lines: String) -> Outcome<()> {
        let opened = self.opened();
        let enqueue = async move {
            let outbox = opened.await?;
            Ok(Accepted::from(vec![outbox.enqueue(Lines(lines).one()?).await?]))
        };
        // A connection to a database is made by the threads of the runtime: the steps to it are long.
        if self.0.settings.place.needs_runtime() {
            mailbox.spawn(number, enqueue)
        } else {
            mailbox.spawn_direct(number, enqueue)
        }
    }

    /// Accepts entries, all or none. They were added with this outbox.
    #[napi]
    pub fn enqueue_many(&self, mailbox: &Mailbox, number: u32, entries: &mut Entries) -> Outcome<()> {
        let entries = entries.take();
        self.perform(mailbox, number, async move |outbox| {
            Ok(Accepted::from(outbox.enqueue_checked(entries.await?).await?))
        })
    }

    /// Accepts entries that [`entry_json`](crate::entries::entry_json) wrote, all or none.
    #[napi]
    pub fn enqueue_json(&self, mailbox: &Mailbox, number: u32, texts: Vec<String>) -> Outcome<()> {
        self.perform(mailbox, number, async move |outbox| {
            Ok(Accepted::from(outbox.enqueue_json(texts).await?))
        })
    }

    #[napi]
    pub fn health(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        self.perform(mailbox, number, async |outbox| Ok(OutboxHealth::from(outbox.health().await?)))
    }

    #[napi]
    pub fn counts(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        self.perform(mailbox, number, async |outbox| Ok(OutboxCounts::from(outbox.counts().await?)))
    }

    #[napi]
    pub fn receivers(
        &self,
        mailbox: &Mailbox,
        number: u32,
        after: Option<String>,
        limit: u32,
    ) -> Outcome<()> {
        self.perform(mailbox, number, async move |outbox| {
            let receivers = outbox.receivers(after.as_deref(), limit).await?;
            Ok(receivers.into_iter().map(OutboxReceiver::from).collect::<Vec<_>>())
        })
    }

    /// `after` is the `jti` of a delivery, and `enqueued_at` says when it was enqueued.
    #[napi]
    pub fn list(
        &self,
        mailbox: &Mailbox,
        number: u32,
        filter: Filter,
        after: Option<String>,
        enqueued_at: Option<f64>,
        limit: u32,
    ) -> Outcome<()> {
        let cursor = after.zip(enqueued_at).map(|(jti, time)| outbox::cursor(jti, moment(time)));
        self.perform(mailbox, number, async move |outbox| {
            let filter = filter.read()?.filter(&outbox)?;
            let records = outbox.store().list(filter, cursor, limit).await?;
            Ok(records.into_iter().map(Delivery::from).collect::<Vec<_>>())
        })
    }

    #[napi]
    pub fn history(&self, mailbox: &Mailbox, number: u32, jti: String) -> Outcome<()> {
        self.perform(mailbox, number, async move |outbox| Ok(outbox.history(&jti).await?.map(History::from)))
    }

    /// Entries that could not be taken over; `after` is the number of the last one of the page before.
    #[napi]
    pub fn refused(&self, mailbox: &Mailbox, number: u32, after: Option<i64>, limit: u32) -> Outcome<()> {
        let inner = self.0.clone();
        mailbox.spawn(number, async move {
            let (_, kept) = inner.opened().await?;
            let refused = kept.refused(after, limit).await?;
            Ok(refused.into_iter().map(Refused::from).collect::<Vec<_>>())
        })
    }

    #[napi]
    pub fn replay(
        &self,
        mailbox: &Mailbox,
        number: u32,
        filter: Filter,
        dry_run: bool,
        fresh_jti: bool,
    ) -> Outcome<()> {
        self.perform(mailbox, number, async move |outbox| {
            let replay = filter.read()?.replay(&outbox, dry_run, fresh_jti)?;
            Ok(count(outbox.replay(replay).await?))
        })
    }

    #[napi]
    pub fn discard(&self, mailbox: &Mailbox, number: u32, filter: Filter, dry_run: bool) -> Outcome<()> {
        self.perform(mailbox, number, async move |outbox| {
            let filter = filter.read()?.filter(&outbox)?;
            Ok(count(outbox.store().discard(filter, dry_run).await?))
        })
    }

    #[napi]
    pub fn hold(&self, mailbox: &Mailbox, number: u32, receiver: String) -> Outcome<()> {
        self.perform(mailbox, number, async move |outbox| Ok(outbox.hold(&receiver).await?))
    }

    #[napi]
    pub fn release(&self, mailbox: &Mailbox, number: u32, receiver: String) -> Outcome<()> {
        self.perform(mailbox, number, async move |outbox| Ok(outbox.release(&receiver).await?))
    }

    /// Tells workers that a transaction with a statement was committed.
    #[napi]
    pub fn wake(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let inner = self.0.clone();
        mailbox.spawn(number, async move {
            let (_, kept) = inner.opened().await?;
            kept.wake();
            Ok(())
        })
    }

    #[napi]
    pub fn prune(&self, mailbox: &Mailbox, number: u32, keep: Keep) -> Outcome<()> {
        self.perform(mailbox, number, async move |outbox| {
            Ok(count(outbox.prune(keep.retention()?).await?.deliveries))
        })
    }

    /// What is damaged in the file.
    #[napi]
    pub fn check(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let inner = self.0.clone();
        mailbox.spawn(number, async move {
            let (_, kept) = inner.opened().await?;
            Ok(kept.check().await?)
        })
    }

    /// Copies the file, as it is at one moment.
    #[napi]
    pub fn backup(&self, mailbox: &Mailbox, number: u32, target: String) -> Outcome<()> {
        let inner = self.0.clone();
        mailbox.spawn(number, async move {
            let (_, kept) = inner.opened().await?;
            let runtime = Handle::current();
            opener::run(move || runtime.block_on(kept.backup(target.into()))).await
        })
    }

    /// Puts a damaged file aside, and copies what can be read of it into a new one.
    #[napi]
    pub fn salvage(mailbox: &Mailbox, number: u32, path: String) -> Outcome<()> {
        mailbox.spawn_blocking(number, move || {
            let salvaged = outbox::salvage(Path::new(&path))?;
            Ok(Salvaged {
                kept: count(salvaged.kept),
                lost: count(salvaged.lost),
                moved_to: salvaged.moved_to.to_string_lossy().into_owned(),
            })
        })
    }

    /// Closes the file, after all calls before.
    #[napi]
    pub fn close(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let inner = self.0.clone();
        mailbox.spawn(number, async move {
            let file = std::mem::replace(&mut *inner.file.lock().await, File::Closed);
            match file {
                File::Open((outbox, _)) => Ok(outbox.close().await?),
                File::Unopened | File::Closed => Ok(()),
            }
        })
    }
}

impl Outbox {
    fn of(settings: OutboxSettings) -> Self {
        Self(Arc::new(Inner { settings, file: Mutex::new(File::Unopened) }))
    }

    /// The outbox, open.
    pub(crate) fn opened(&self) -> impl Future<Output = Result<sdk::outbox::Outbox>> + Send + 'static {
        let inner = self.0.clone();
        async move { Ok(inner.opened().await?.0) }
    }

    /// What it is kept in, open.
    pub(crate) async fn kept(&self) -> Result<Kept> {
        Ok(self.0.opened().await?.1)
    }

    pub(crate) fn settings(&self) -> &OutboxSettings {
        &self.0.settings
    }

    fn perform<T, F>(
        &self,
        mailbox: &Mailbox,
        number: u32,
        operation: impl FnOnce(sdk::outbox::Outbox) -> F + Send + 'static,
    ) -> Outcome<()>
    where
        T: napi::bindgen_prelude::ToNapiValue + Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let opened = self.opened();
        mailbox.spawn(number, async move { operation(opened.await?).await })
    }
}

impl Inner {
    async fn opened(&self) -> Result<Opened> {
        let mut file = self.file.lock().await;
        match &*file {
            File::Open(opened) => Ok(opened.clone()),
            File::Closed => Err(Failure::of(ErrorCode::OutboxUnavailable, "the outbox is closed")),
            File::Unopened => {
                let settings = self.settings.clone();
                let opened = opener::run(move || settings.open()).await?;
                *file = File::Open(opened.clone());
                Ok(opened)
            }
        }
    }
}

impl Filter {
    fn read(self) -> sdk::Result<FilterOptions> {
        let subject = |json: String| ssf_bindings::emission::subject(&json, self.private_formats);
        Ok(FilterOptions {
            states: self.states,
            receiver: self.receiver,
            event: self.event,
            code: self.code,
            jtis: self.jtis,
            subject: self.subject.map(subject).transpose()?,
            since: self.since.map(moment),
            until: self.until.map(moment),
        })
    }
}

impl Keep {
    fn retention(self) -> sdk::Result<Retention> {
        let mut retention = Retention::default();
        for (kept, given) in [
            (&mut retention.delivered, self.delivered),
            (&mut retention.dead, self.dead),
            (&mut retention.discarded, self.discarded),
        ] {
            if let Some(span) = given {
                *kept = milliseconds(span)?;
            }
        }
        Ok(retention)
    }
}

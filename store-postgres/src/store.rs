//! The store as its users see it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ssf_transmitter::{
    Error, ErrorCode, Result,
    key::BoxFuture,
    outbox::{
        Claim, Claims, Counts, Cursor, Enqueued, Filter, Frozen, History, Lease, Message, Pruned,
        ReceiverRecord, ReceiverState, Record, Replay, Retention, Settled, Settlement, Store, StoreHealth,
    },
};

use crate::{
    Builder, Inbox, Refused, builder,
    ledger::{
        Change, Discard, Freeze, Health, List, ListRefused, Operation, Past, Receivers, Renew, Settle,
        TakeOver, Total,
    },
    queue::Queue,
    schema::Schema,
    session::Sessions,
    signals::Signals,
};

/// Keeps deliveries in a PostgreSQL database: what [`enqueue`](Store::enqueue) has accepted is committed. Cheap to clone; clones share
/// the connections.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    sessions: Sessions,
    queue: Queue,
    /// Whether the last claim has seen something in the inbox.
    inbox: AtomicBool,
}

/// Whom an operation may concern.
#[derive(Clone, Copy)]
pub(crate) enum Wakes {
    Nobody,
    /// Workers of this process.
    Ours,
    All,
}

impl PostgresStore {
    /// Connects with the default settings: see [`Builder::connect`]. The tables must exist: see [`Builder::migrate`].
    pub async fn connect(url: impl Into<String>) -> Result<Self> {
        Self::builder(url).connect().await
    }

    /// Settings for a store in the database with this URL, such as `postgresql://outbox@db.example.com/app`.
    ///
    /// TLS is on unless the server is on this machine or the URL has `sslmode=disable`. The certificate of the server is always judged.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    /// The statements that create the tables in this schema, by default `ssf_outbox`, for a migration tool of your own that runs them in
    /// a transaction.
    pub fn schema_sql<'a>(schema: impl Into<Option<&'a str>>) -> Result<String> {
        Ok(Schema::new(schema.into().unwrap_or(builder::SCHEMA))?.sql())
    }

    /// Writes statements that enqueue entries in transactions of the host.
    pub fn inbox(&self) -> Inbox {
        Inbox::of(&self.0.sessions.pool.manager().schema)
    }

    /// Tells workers that a transaction of the host with a [`Statement`](crate::Statement) was committed. Without it, they find the entry
    /// when they look, once a second by default.
    pub fn wake(&self) {
        self.0.sessions.signals.wake_all();
    }

    /// Entries of transactions of the host that could not be taken over, by number; `after` is the last one of the page before.
    /// [`StoreHealth::refused`] counts them.
    pub async fn refused(&self, after: Option<i64>, limit: u32) -> Result<Vec<Refused>> {
        self.run(ListRefused { after, limit }).await
    }

    /// The statements that create four roles for this schema, by default `ssf_outbox`, and grant them what they need: `…_enqueue` accepts
    /// entries and cannot read what they say, `…_host` inserts them in its own transactions, `…_work` sends, and `…_read` looks.
    pub fn roles_sql<'a>(schema: impl Into<Option<&'a str>>) -> Result<String> {
        Schema::new(schema.into().unwrap_or(builder::SCHEMA))?.roles()
    }

    pub(crate) fn new(sessions: Sessions) -> Self {
        Self(Arc::new(Inner { sessions, queue: Queue::default(), inbox: AtomicBool::new(true) }))
    }

    pub(crate) async fn ready(&self) -> Result<()> {
        Ok(self.0.sessions.ready().await?)
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.0.sessions.signals
    }

    pub(crate) fn run<O: Operation + Send + 'static>(
        &self,
        operation: O,
    ) -> BoxFuture<'_, Result<O::Output>> {
        self.change(Wakes::Nobody, operation)
    }

    /// Runs an operation after which something may be ready.
    pub(crate) fn change<O>(&self, wakes: Wakes, operation: O) -> BoxFuture<'_, Result<O::Output>>
    where
        O: Operation + Send + 'static,
    {
        Box::pin(async move {
            let output = self.0.sessions.run(&operation).await?;
            match wakes {
                Wakes::Nobody => {}
                Wakes::Ours => self.0.sessions.signals.wake(),
                Wakes::All => self.0.sessions.signals.wake_all(),
            }
            Ok(output)
        })
    }

    /// An operation on a list, which does nothing for an empty one.
    fn run_all<O, T>(&self, empty: bool, wakes: Wakes, operation: O) -> BoxFuture<'_, Result<Vec<T>>>
    where
        O: Operation<Output = Vec<T>> + Send + 'static,
        T: Send + 'static,
    {
        if empty { Box::pin(std::future::ready(Ok(Vec::new()))) } else { self.change(wakes, operation) }
    }
}

impl Store for PostgresStore {
    fn enqueue(&self, messages: Vec<Message>) -> BoxFuture<'_, Result<Vec<Enqueued>>> {
        if messages.is_empty() {
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        Box::pin(async move {
            let (answered, leads) = self.0.queue.add(messages);
            if leads {
                let inner = Arc::clone(&self.0);
                // Whoever drops this future, the transaction is for others, too.
                tokio::spawn(async move {
                    inner.queue.lead(&inner.sessions, || inner.sessions.signals.wake_all()).await;
                });
            }
            let ended =
                |_| Error::new(ErrorCode::OutboxUnavailable, "the runtime of the outbox has ended meanwhile");
            answered.await.unwrap_or_else(|error| Err(ended(error)))
        })
    }

    /// Takes over first what a claim before has seen in the inbox, in a transaction of its own: it may wait for a receiver, and a
    /// claim does not.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Claims>> {
        Box::pin(async move {
            loop {
                let looks = self.0.inbox.load(Ordering::Relaxed);
                let taken = if looks { Some(self.0.sessions.run(&TakeOver).await?) } else { None };
                let (claims, inbox) = self.0.sessions.run(&claim).await?;
                self.0.inbox.store(inbox, Ordering::Relaxed);
                // Another worker may have locked the rest.
                if !claims.deliveries.is_empty() || !inbox || taken == Some(0) {
                    return Ok(claims);
                }
            }
        })
    }

    fn freeze(&self, frozen: Vec<Frozen>) -> BoxFuture<'_, Result<Vec<bool>>> {
        Box::pin(async move {
            if frozen.is_empty() { Ok(Vec::new()) } else { Freeze(frozen).run(&self.0.sessions).await }
        })
    }

    fn renew(&self, leases: Vec<Lease>, by: Duration) -> BoxFuture<'_, Result<Vec<bool>>> {
        self.run_all(leases.is_empty(), Wakes::Nobody, Renew(leases, by))
    }

    fn settle(&self, settlements: Vec<Settlement>) -> BoxFuture<'_, Result<Vec<Settled>>> {
        self.run_all(settlements.is_empty(), Wakes::Ours, Settle(settlements))
    }

    fn replay(&self, replay: Replay) -> BoxFuture<'_, Result<u64>> {
        self.change(Wakes::All, replay)
    }

    fn discard(&self, filter: Filter, dry_run: bool) -> BoxFuture<'_, Result<u64>> {
        self.change(Wakes::All, Discard { filter, dry_run })
    }

    fn hold(&self, receiver: &str) -> BoxFuture<'_, Result<()>> {
        self.run(Change { receiver: receiver.to_owned(), change: ReceiverState::hold })
    }

    fn release(&self, receiver: &str) -> BoxFuture<'_, Result<()>> {
        self.change(Wakes::All, Change { receiver: receiver.to_owned(), change: ReceiverState::release })
    }

    fn prune(&self, retention: Retention) -> BoxFuture<'_, Result<Pruned>> {
        self.run(retention)
    }

    fn counts(&self) -> BoxFuture<'_, Result<Counts>> {
        self.run(Total)
    }

    fn health(&self) -> BoxFuture<'_, Result<StoreHealth>> {
        self.run(Health)
    }

    fn receivers(&self, after: Option<String>, limit: u32) -> BoxFuture<'_, Result<Vec<ReceiverRecord>>> {
        self.run(Receivers { after, limit })
    }

    fn list(&self, filter: Filter, after: Option<Cursor>, limit: u32) -> BoxFuture<'_, Result<Vec<Record>>> {
        self.run(List { filter, after, limit })
    }

    fn history(&self, jti: &str) -> BoxFuture<'_, Result<Option<History>>> {
        self.run(Past(jti.to_owned()))
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.sessions.signals.changed())
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            self.0.sessions.signals.close().await;
            self.0.sessions.pool.close();
            Ok(())
        })
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let schema = self.0.sessions.pool.manager().schema.name();
        formatter.debug_struct("PostgresStore").field("schema", &schema).finish_non_exhaustive()
    }
}

//! The settings of a store.

use std::{sync::Arc, time::Duration};

use deadpool::{Runtime, managed::Pool};
use ssf_transmitter::{Error, ErrorCode, Network, Result, time::Clock};

use crate::{
    connection::Preparing,
    manager::{Manager, Password},
    schema::Schema,
    session::Sessions,
    settings::{self, Settings},
    store::PostgresStore,
    tls::Tls,
};

/// The schema of the tables, by default.
pub(crate) const SCHEMA: &str = "ssf_outbox";
/// How many connections a store has at most, by default.
const CONNECTIONS: usize = 8;
/// How long an operation waits for a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// The settings of a [`PostgresStore`].
///
/// ```no_run
/// use ssf_transmitter_postgres::PostgresStore;
///
/// # async fn example() -> Result<(), ssf_transmitter::Error> {
/// let builder = PostgresStore::builder("postgresql://outbox@db.example.com/app").schema("app_outbox");
/// builder.migrate().await?; // once for each version of the library
/// let store = builder.connect().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it connects"]
#[derive(Clone)]
pub struct Builder {
    url: String,
    schema: String,
    connections: usize,
    network: Network,
    password: Option<Password>,
    migrates: bool,
    prepares: Option<bool>,
    clock: Option<Arc<dyn Clock>>,
}

impl Builder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            schema: SCHEMA.to_owned(),
            connections: CONNECTIONS,
            network: Network::new(),
            password: None,
            migrates: false,
            prepares: None,
            clock: None,
        }
    }

    /// Sets the schema of the tables: `ssf_outbox` by default. It belongs to the outbox alone.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// Sets how many connections the store has at most: 8 by default.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// Sets what returns the password for each new connection: for tokens that expire, such as those of Amazon RDS and Microsoft Entra.
    pub fn password<F, R>(mut self, password: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<String>> + Send + 'static,
    {
        self.password = Some(Arc::new(move || Box::pin(password())));
        self
    }

    /// Trusts the certificate authorities of a PEM bundle, too. `sslrootcert` in the URL does the same with a file.
    pub fn ca_bundle(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.network = self.network.ca_bundle(pem);
        self
    }

    /// Presents a client certificate: the certificate with its chain, and its private key, in PEM. `sslcert` and `sslkey` in the URL do
    /// the same with files.
    pub fn client_certificate(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.network = self.network.client_certificate(chain, key);
        self
    }

    /// Sets the clock that waits, leases and ages go by, for tests. By default, it is that of the database.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Lets the store do what [`migrate`](Self::migrate) does before its first operation.
    pub fn migrate_first(mut self) -> Self {
        self.migrates = true;
        self
    }

    /// Sets whether the store prepares the statements that it uses often, which is faster. By default, it does so on connections that lead
    /// to the server itself. `true` is for poolers that leave a connection to its client, such as `PgBouncer` in session mode; `false`
    /// never prepares any. `prepared_statements` in the URL does the same.
    pub fn prepared_statements(mut self, prepares: bool) -> Self {
        self.prepares = Some(prepares);
        self
    }

    /// Creates the tables, or brings those of an older version of the library to this one. Any number of processes may do so at once.
    /// The role needs the privilege to create the schema.
    ///
    /// Errors are [`ErrorCode::OutboxVersion`], [`ErrorCode::OutboxUnavailable`] and those of wrong settings.
    pub async fn migrate(&self) -> Result<()> {
        let manager = self.manager()?;
        let client = manager.connect().await?;
        Ok(manager.schema.migrate(&client).await?)
    }

    /// Connects, and checks the version of the tables. It needs a tokio runtime with time and I/O enabled, as all operations do.
    ///
    /// Errors are [`ErrorCode::OutboxVersion`], [`ErrorCode::OutboxUnavailable`] and those of wrong settings.
    pub async fn connect(&self) -> Result<PostgresStore> {
        let store = self.open()?;
        store.ready().await?;
        Ok(store)
    }

    /// Returns the store without a connection. Its first operation connects, and checks the version of the tables.
    ///
    /// Errors are those of wrong settings.
    pub fn open(&self) -> Result<PostgresStore> {
        let pool = Pool::builder(self.manager()?)
            .max_size(self.connections.max(1))
            .wait_timeout(Some(PATIENCE))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|_| Error::new(ErrorCode::Internal, "a pool of connections has a runtime"))?;
        Ok(PostgresStore::new(Sessions::new(pool, self.migrates, self.clock.clone())))
    }

    /// Checks the schema and the URL, without a connection.
    pub fn check(&self) -> Result<()> {
        Schema::new(&self.schema)?;
        settings::read(&self.url, self.network.clone()).map(drop)
    }

    /// The schema of the tables.
    pub fn schema_name(&self) -> &str {
        &self.schema
    }

    fn manager(&self) -> Result<Manager> {
        let schema = Schema::new(&self.schema)?;
        let Settings { config, network, prepares } = settings::read(&self.url, self.network.clone())?;
        let mut tls = network.tls_config()?;
        // Servers since PostgreSQL 17 look at it.
        tls.alpn_protocols = vec![b"postgresql".to_vec()];
        let preparing = Preparing::new(self.prepares.or(prepares));
        Ok(Manager { config, tls: Tls::new(tls), password: self.password.clone(), schema, preparing })
    }
}

/// The URL may contain a password.
impl std::fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Builder")
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

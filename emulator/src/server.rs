//! A running receiver: starts, tells where it is and what it saw, and stops.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::arrivals::Arrivals;
use super::config::Config;
use super::connection;
use super::documents::Documents;
use super::faults::Faults;
use super::ledger::{self, Counters, Entry};
use super::service::Service;
use super::tls::Tls;
use super::{Error, Result};

/// How long pending requests may take once the emulator is to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A running receiver. It stops when it is dropped; [`Emulator::stop`] waits for that as well.
pub struct Emulator {
    base_url: String,
    service: Arc<Service>,
    ca_pem: Option<String>,
    /// Dropping it tells the server to stop.
    running: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts a receiver on the current tokio runtime. It takes requests when this returns.
    pub async fn start(config: Config) -> Result<Self> {
        config.check()?;
        let documents = Documents::new()?;
        let tls = config.tls.then(|| Tls::new(config.listen.ip())).transpose()?;
        let ca_pem = tls.as_ref().map(|tls| tls.ca_pem().to_owned());
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.map_err(|error| Error::listen(config.listen, error))?;
        let address = listener.local_addr().map_err(|error| Error::listen(config.listen, error))?;

        let scheme = if config.tls { "https" } else { "http" };
        let base_url = format!("{scheme}://{address}");
        let service = Arc::new(Service::new(&config, documents, &base_url));
        let (running, stopped) = oneshot::channel();
        let server = tokio::spawn(connection::serve(listener, Arc::clone(&service), tls, stopped));
        Ok(Self { base_url, service, ca_pem, running: Some(running), server: Some(server) })
    }

    /// The URL before every path, without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The URL SETs are pushed to.
    pub fn push_url(&self) -> String {
        format!("{}{}", self.base_url, self.service.profile.push_path)
    }

    /// The URL of the token endpoint, if the receiver has one.
    pub fn token_url(&self) -> Option<String> {
        self.service.profile.token_path.map(|path| format!("{}{path}", self.base_url))
    }

    /// The URL of the API by which transmitters are registered, if there is one.
    pub fn api_url(&self) -> Option<String> {
        let path = self.service.api.as_ref().and(self.service.profile.api_path)?;
        Some(format!("{}{path}", self.base_url))
    }

    /// The URL of the System Log, if there is an API.
    pub fn log_url(&self) -> Option<String> {
        let path = self.service.log.as_ref().and(self.service.profile.log_path)?;
        Some(format!("{}{path}", self.base_url))
    }

    /// The URL of the ledger: GET reads it, DELETE clears it.
    pub fn ledger_url(&self) -> String {
        format!("{}{}", self.base_url, ledger::PATH)
    }

    /// The URL of the totals.
    pub fn counters_url(&self) -> String {
        format!("{}{}", self.base_url, ledger::COUNTERS_PATH)
    }

    /// The URL of what was accepted.
    pub fn accepted_url(&self) -> String {
        format!("{}{}", self.base_url, ledger::ACCEPTED_PATH)
    }

    /// The certificate (PEM) of the authority a sender has to trust, if the receiver speaks TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// What the receiver saw so far, oldest first, as far as the ledger is large enough.
    pub fn ledger(&self) -> Vec<Entry> {
        self.service.ledger.entries()
    }

    /// The newest requests in full, as they arrive, if [`Config::arrivals`] says how many.
    pub fn arrivals(&self) -> Arrivals {
        self.service.ledger.arrivals.clone()
    }

    /// What switches faults while the receiver runs.
    pub fn faults(&self) -> Faults {
        Faults::new(Arc::clone(&self.service))
    }

    /// Forgets what the receiver saw; the totals stay.
    pub fn clear(&self) {
        self.service.ledger.clear();
    }

    /// The totals so far.
    pub fn counters(&self) -> Counters {
        self.service.counters()
    }

    /// How often each `jti` was accepted. All of them are kept.
    pub fn accepted(&self) -> BTreeMap<String, u64> {
        self.service.accepted()
    }

    /// Stops the receiver and waits until pending requests are answered, for some seconds at most.
    pub async fn stop(mut self) {
        self.running = None;
        if let Some(mut server) = self.server.take()
            && tokio::time::timeout(GRACE, &mut server).await.is_err()
        {
            server.abort();
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("like", &self.service.profile.name)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

//! Fetches the keys of issuers.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::Mutex;

use crate::{
    access_token::{Held, IssuerKeys, KeyTimes, KeysAction},
    client::transport::Transport,
    error::{Error, ErrorCode, Result},
    jose::Jwks,
    time::Clock,
};

/// The keys of one issuer, shared by all requests.
pub(super) struct SharedKeys {
    transport: Arc<Transport>,
    /// The clock of waits and lifetimes.
    steady: Arc<dyn Clock>,
    times: KeyTimes,
    /// How long the issuer may take for one document. There are three at most.
    patience: Duration,
    /// Held while keys are fetched, so that one fetch serves all who wait.
    machine: Mutex<IssuerKeys>,
    /// What most requests need; nobody waits for it.
    latest: RwLock<Option<Held>>,
}

impl SharedKeys {
    pub(super) fn new(
        machine: IssuerKeys,
        times: KeyTimes,
        patience: Duration,
        transport: Arc<Transport>,
        steady: Arc<dyn Clock>,
    ) -> Self {
        let (machine, latest) = (Mutex::new(machine), RwLock::default());
        Self { transport, steady, times, patience, machine, latest }
    }

    /// The keys to look for `kid` in, or how long there will be none.
    pub(super) async fn wanted(self: &Arc<Self>, kid: Option<&str>) -> Result<Arc<Jwks>, Duration> {
        let now = self.steady.now();
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(held) = latest {
            let serves = held.serves(now, kid, &self.times);
            // While another request renews them, old keys serve.
            let is_renewed =
                || held.is_usable(now, &self.times) && held.has(kid) && self.machine.try_lock().is_err();
            if serves || is_renewed() {
                return Ok(held.jwks);
            }
        }
        let (own, kid) = (Arc::clone(self), kid.map(str::to_owned));
        // A task of its own: whoever closes the connection of a request must not end the fetch that others wait for.
        let fetch = tokio::spawn(async move { own.fetch(kid.as_deref()).await });
        fetch.await.unwrap_or(Err(self.times.retry.0))
    }

    /// Fetches what is needed, and says why it failed.
    pub(super) async fn check(self: &Arc<Self>) -> Result<()> {
        let fetched = self.wanted(None).await;
        match (fetched, self.machine.lock().await.failure()) {
            (_, Some(failure)) => Err(failure.clone()),
            (Ok(_), None) => Ok(()),
            (Err(_), None) => {
                Err(Error::new(ErrorCode::IssuerKeysUnusable, "the keys of the issuer are being fetched"))
            }
        }
    }

    async fn fetch(&self, kid: Option<&str>) -> Result<Arc<Jwks>, Duration> {
        let mut machine = self.machine.lock().await;
        let mut action = machine.wanted(self.steady.now(), kid);
        loop {
            let request = match action {
                KeysAction::Fetch(request) => request,
                KeysAction::Use(held) => {
                    let jwks = held.jwks.clone();
                    *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
                    return Ok(jwks);
                }
                KeysAction::Unavailable(wait) => return Err(wait),
            };
            action = match self.transport.send(&request, self.patience).await {
                Ok(answer) => machine.answered(self.steady.now(), &answer),
                Err(failure) => machine.broken(self.steady.now(), &failure),
            };
            tell(&machine, &action);
        }
    }
}

fn tell(machine: &IssuerKeys, action: &KeysAction) {
    let host = machine.host();
    match (action, machine.failure()) {
        (KeysAction::Fetch(_), _) => {}
        (KeysAction::Use(held), None) => {
            let keys = held.jwks.keys().len();
            tracing::debug!(name: "ssf.issuer_keys", host, keys, "keys of the issuer fetched");
        }
        (_, failure) => {
            let code = failure.map_or("", |error| error.code().as_str());
            tracing::warn!(name: "ssf.issuer_keys_failed", host, code, "keys of the issuer not fetched");
        }
    }
}

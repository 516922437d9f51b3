//! Finds the receivers of push streams, for a worker.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use super::{Receiver, Receivers};
use crate::{
    error::Result,
    key::BoxFuture,
    outbox::STREAM_PREFIX,
    stream::{PushTarget, StreamApi},
    token::Authorization,
};

/// Finds the receivers of push streams by their configurations, and all others where you say: what a [`Worker`](super::Worker) of a
/// transmitter with a stream API needs.
///
/// ```no_run
/// use std::collections::HashMap;
/// use ssf_transmitter::{Receiver, Transmitter, client::{StreamReceivers, Worker}, outbox::Outbox, stream::StreamApi};
///
/// # async fn example(outbox: Outbox, transmitter: Transmitter, api: StreamApi, okta: Receiver) {
/// let named = HashMap::from([("okta".to_owned(), okta)]);
/// let worker = Worker::new(outbox, transmitter, StreamReceivers::new(api, named));
/// tokio::spawn(worker.run());
/// # }
/// ```
pub struct StreamReceivers {
    api: StreamApi,
    others: Box<dyn Receivers>,
    /// By the id of the stream: one version of it, and its receiver.
    known: Mutex<HashMap<String, (u64, Receiver)>>,
}

impl StreamReceivers {
    /// Finds the streams of this API, and others here.
    pub fn new(api: StreamApi, others: impl Receivers + 'static) -> Self {
        Self { api, others: Box::new(others), known: Mutex::default() }
    }

    async fn of_stream(&self, id: &str) -> Result<Option<Receiver>> {
        let Some(target) = self.api.push_target(id).await? else {
            self.lock().remove(id);
            return Ok(None);
        };
        // Deliveries of one version share connections and limits.
        if let Some((version, receiver)) = self.lock().get(id)
            && *version == target.version
        {
            return Ok(Some(receiver.clone()));
        }
        let version = target.version;
        let receiver = receiver(target)?;
        self.lock().insert(id.to_owned(), (version, receiver.clone()));
        Ok(Some(receiver))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (u64, Receiver)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn receiver(target: PushTarget) -> Result<Receiver> {
    let mut builder = Receiver::builder(target.endpoint_url, target.audience).dialect(&target.dialect);
    if let Some(value) = target.authorization_header {
        builder = builder.authorization(Authorization::Verbatim(value));
    }
    if target.loopback {
        builder = builder.allow_loopback();
    }
    builder.build()
}

impl Receivers for StreamReceivers {
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Receiver>>> {
        match name.strip_prefix(STREAM_PREFIX) {
            Some(id) => Box::pin(self.of_stream(id)),
            None => self.others.find(name),
        }
    }

    fn forget(&self, name: &str) {
        match name.strip_prefix(STREAM_PREFIX) {
            Some(id) => {
                self.lock().remove(id);
            }
            None => self.others.forget(name),
        }
    }
}

impl fmt::Debug for StreamReceivers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StreamReceivers").finish_non_exhaustive()
    }
}

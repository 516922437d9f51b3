//! What the receivers of a transmitter share: its key, its documents, the clock, the way to others.

use std::{fmt, future::IntoFuture};

use super::{Check, Diagnosis, Documents, LIMIT, clock::clock, closed, network};
use crate::{
    client::{Receiver, Transmitter},
    key::BoxFuture,
};

/// Checks what the receivers of a transmitter share, in less than ten seconds: from [`Transmitter::doctor_shared`]. Set more,
/// then await it.
#[must_use = "nothing is checked until it is awaited"]
pub struct SharedDoctor {
    transmitter: Transmitter,
    configuration_url: Option<String>,
    /// Whether a receiver may be on this machine.
    loopback: bool,
    /// Whether a receiver reads the documents.
    needed: bool,
}

impl SharedDoctor {
    pub(in crate::client) fn new<'a>(
        transmitter: Transmitter,
        receivers: impl IntoIterator<Item = &'a Receiver>,
    ) -> Self {
        let mut doctor = Self { transmitter, configuration_url: None, loopback: false, needed: false };
        let mut receivers = receivers.into_iter().peekable();
        // Without any receiver, nothing says that they are published in another way.
        doctor.needed = receivers.peek().is_none();
        for receiver in receivers {
            doctor.loopback |= receiver.allows_loopback();
            doctor.needed |= receiver.reads_documents();
        }
        doctor
    }

    /// Sets the URL of the transmitter configuration, if it is not the default for the issuer.
    pub fn configuration_url(mut self, url: impl Into<String>) -> Self {
        self.configuration_url = Some(url.into());
        self
    }

    /// All checks. The work begins, so that a close waits for it, with the call.
    fn run(self) -> BoxFuture<'static, Diagnosis> {
        let visit = self.transmitter.visit();
        Box::pin(async move {
            let _visit = match visit {
                Ok(visit) => visit,
                Err(error) => return Diagnosis(vec![closed(&error)]),
            };
            let url = self.configuration_url.as_deref();
            let documents = Documents::new(&self.transmitter, url, self.loopback, self.needed);
            let transport = self.transmitter.transport();
            let proxy = documents.endpoint().map(|endpoint| network::proxy(transport, &endpoint));
            let found = documents.run(LIMIT).await;
            let mut checks = vec![self.key()];
            checks.extend(found.checks);
            checks.extend(proxy);
            checks.extend([network::trust(transport), clock(&found.answered)]);
            Diagnosis(checks)
        })
    }

    /// Which key signs.
    fn key(&self) -> Check {
        let header = self.transmitter.header();
        let kid = header.kid.map(|kid| format!(", with the kid {kid}")).unwrap_or_default();
        Check::passed("key", format!("SETs are signed with {}{kid}", header.algorithm))
    }
}

impl IntoFuture for SharedDoctor {
    type Output = Diagnosis;
    type IntoFuture = BoxFuture<'static, Diagnosis>;

    fn into_future(self) -> Self::IntoFuture {
        self.run()
    }
}

impl fmt::Debug for SharedDoctor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SharedDoctor").field("transmitter", &self.transmitter).finish_non_exhaustive()
    }
}

//! The checks that need no receiver: what a transmitter publishes.

use std::{fmt, future::IntoFuture};

use super::{Diagnosis, LIMIT, closed, documents::Documents};
use crate::{client::Transmitter, key::BoxFuture};

/// Checks the documents that a transmitter publishes: from [`Transmitter::check_documents`]. Set more, then await it.
#[must_use = "nothing is checked until it is awaited"]
pub struct DocumentCheck {
    transmitter: Transmitter,
    configuration_url: Option<String>,
    loopback: bool,
}

impl Transmitter {
    /// Checks the documents that this transmitter publishes, in less than ten seconds: those checks of the doctor that need no
    /// receiver. `signing-key` says whether the key that signs is published, so before a rotation, ask this of a transmitter
    /// with the next key.
    ///
    /// ```no_run
    /// # use ssf_transmitter::{SigningKey, Transmitter, client::Outcome};
    /// # async fn example(next: SigningKey) -> Result<(), ssf_transmitter::Error> {
    /// let transmitter = Transmitter::builder("https://edr.example.com", next).build()?;
    /// let diagnosis = transmitter.check_documents().await;
    /// let is_published = diagnosis.check("signing-key").is_some_and(|check| check.outcome == Outcome::Passed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn check_documents(&self) -> DocumentCheck {
        DocumentCheck { transmitter: self.clone(), configuration_url: None, loopback: false }
    }
}

impl DocumentCheck {
    /// Sets the URL of the transmitter configuration, if it is not the default for the issuer.
    pub fn configuration_url(mut self, url: impl Into<String>) -> Self {
        self.configuration_url = Some(url.into());
        self
    }

    /// Allows http to this machine, for tests.
    pub fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    fn run(self) -> BoxFuture<'static, Diagnosis> {
        let visit = self.transmitter.visit();
        Box::pin(async move {
            let _visit = match visit {
                Ok(visit) => visit,
                Err(error) => return Diagnosis(vec![closed(&error)]),
            };
            let documents = Documents {
                transport: self.transmitter.transport(),
                clock: self.transmitter.clock(),
                issuer: self.transmitter.issuer(),
                url: self.configuration_url.as_deref(),
                loopback: self.loopback,
                header: self.transmitter.header(),
                thumbprint: self.transmitter.thumbprint(),
                needed: true,
            };
            Diagnosis(documents.run(LIMIT).await.checks)
        })
    }
}

impl IntoFuture for DocumentCheck {
    type Output = Diagnosis;
    type IntoFuture = BoxFuture<'static, Diagnosis>;

    fn into_future(self) -> Self::IntoFuture {
        self.run()
    }
}

impl fmt::Debug for DocumentCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DocumentCheck")
            .field("issuer", &self.transmitter.issuer())
            .field("configuration_url", &self.configuration_url)
            .finish_non_exhaustive()
    }
}

//! The transmitter: who sends.

mod builder;
mod doctor;
pub(super) mod keys;

use std::{fmt, sync::Arc, time::Duration};

pub use builder::TransmitterBuilder;

use super::{
    Deliver, Emit, EmitAll, Receiver,
    counters::{Counters, Entry, Visit},
    driver::Driver,
    transport::Transport,
};
use crate::{
    error::Result,
    event::Event,
    jose::{Jwks, PublicKey},
    key::{KeySet, SigningHeader, TransmitterKey},
    lint::{Finding, LintPolicy, Linter},
    retry::{Bounds, RetryPolicy},
    set::{SetBuilder, SignedSet, UnsignedSet},
    subject::Subject,
    time::Clock,
};

/// Who sends: issuer, keys and one HTTP pool. Make one, share it; clones share the pool.
///
/// It needs a tokio runtime with time and I/O enabled.
#[derive(Clone)]
pub struct Transmitter(Arc<Inner>);

struct Inner {
    issuer: String,
    keys: KeySet,
    /// What `iat` goes by.
    clock: Box<dyn Clock>,
    /// Whether it is one that was given, and not the system's.
    own_clock: bool,
    bounds: Bounds,
    lint: LintPolicy,
    driver: Driver,
}

impl Transmitter {
    /// A transmitter with the `iss` of its SETs, the exact `issuer` of its configuration, and its keys: a
    /// [`SigningKey`](crate::SigningKey), an [`ExternalKey`](crate::key::ExternalKey), or a [`KeySet`] of either kind.
    pub fn builder(issuer: impl Into<String>, keys: impl Into<KeySet>) -> TransmitterBuilder {
        TransmitterBuilder::new(issuer.into(), keys.into())
    }

    /// Sends an event: builds the SET in the receiver's dialect, signs it and delivers it.
    ///
    /// Await the result, or set more of the SET before. The subject may be `None` if the event contains it, as in the examples of
    /// some receivers.
    ///
    /// ```no_run
    /// # use ssf_transmitter::{Receiver, Subject, Transmitter, event::caep};
    /// # async fn example(transmitter: Transmitter, receiver: Receiver) -> Result<(), ssf_transmitter::Error> {
    /// let receipt = transmitter
    ///     .emit(caep::SessionRevoked::new(), Subject::email("ada@example.com"), &receiver)
    ///     .txn("incident-4711")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn emit(&self, event: impl Into<Event>, subject: impl Into<Option<Subject>>, to: &Receiver) -> Emit {
        Emit::new(self.clone(), self.set_for(to).event(event).about(subject.into()), to.clone())
    }

    /// The first step of [`emit`](Self::emit): an unsigned SET for this receiver.
    pub fn prepare(
        &self,
        event: impl Into<Event>,
        subject: impl Into<Option<Subject>>,
        to: &Receiver,
    ) -> Result<UnsignedSet> {
        self.set_for(to).event(event).about(subject.into()).prepare(&self.active())
    }

    /// The last step of [`emit`](Self::emit): delivers a signed SET. Await the result, or set more before.
    pub fn deliver(&self, set: &SignedSet, to: &Receiver) -> Deliver {
        Deliver::new(self.clone(), set.clone(), to.clone())
    }

    /// Sends many events, with a limit on concurrent requests. Results come in the order in which
    /// they are done; events are taken from the iterator only as there is room.
    ///
    /// ```no_run
    /// # use ssf_transmitter::{Receiver, Subject, Transmitter, event::caep};
    /// # async fn example(transmitter: Transmitter, customers: Vec<(Receiver, String)>) {
    /// let emits = customers.iter().map(|(receiver, user)| {
    ///     transmitter.emit(caep::SessionRevoked::new(), Subject::email(user), receiver).txn("incident-4711")
    /// });
    /// let mut all = transmitter.emit_all(emits).concurrency(64);
    /// while let Some(emitted) = all.next().await {
    ///     if let Err(error) = emitted.result {
    ///         eprintln!("customer {}: {error}", emitted.index);
    ///     }
    /// }
    /// # }
    /// ```
    pub fn emit_all<I: IntoIterator<Item = Emit>>(&self, emits: I) -> EmitAll<I::IntoIter> {
        EmitAll::new(emits.into_iter())
    }

    /// What would be found in a SET with this event and subject for this receiver. Nothing is sent.
    ///
    /// ```
    /// use ssf_transmitter::{KeyType, Receiver, SigningKey, Subject, Transmitter, event::caep};
    ///
    /// let key = SigningKey::generate(KeyType::Rsa2048)?;
    /// let transmitter = Transmitter::builder("https://edr.example.com", key).build()?;
    /// let okta = Receiver::okta("https://acme.okta.com").build()?;
    /// let findings = transmitter.lint(caep::SessionRevoked::new(), Subject::email("ada@example.com"), &okta);
    /// let rules: Vec<_> = findings.iter().map(|finding| finding.rule().id).collect();
    /// assert_eq!(rules, ["event-reason-missing", "event-member-missing"]);
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn lint(
        &self,
        event: impl Into<Event>,
        subject: impl Into<Option<Subject>>,
        to: &Receiver,
    ) -> Vec<Finding> {
        self.linter(to).event(&event.into(), subject.into().as_ref())
    }

    /// A linter that knows issuer, clock and keys of this transmitter, and audience and dialect of a receiver.
    pub fn linter(&self, receiver: &Receiver) -> Linter {
        let linter =
            Linter::new(receiver.dialect()).issuer(self.issuer()).audience(receiver.audience().clone());
        let linter = if self.0.own_clock { linter.now(self.0.clock.now()) } else { linter };
        keys::introduce(&self.0.keys, linter)
    }

    /// The keys to publish; serve [`Jwks::to_json`] with the content type `application/json`.
    ///
    /// An external key without a public key is an error with the code
    /// [`ErrorCode::SignerPublicKeyMissing`](crate::ErrorCode::SignerPublicKeyMissing): without it, receivers could verify nothing.
    ///
    /// ```
    /// use ssf_transmitter::{KeyType, SigningKey, Transmitter};
    ///
    /// let transmitter = Transmitter::builder("https://edr.example.com", SigningKey::generate(KeyType::P256)?).build()?;
    /// assert_eq!(transmitter.jwks()?.keys().len(), 1);
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn jwks(&self) -> Result<Jwks> {
        self.0.keys.jwks()
    }

    pub(in crate::client) fn transport(&self) -> &Transport {
        &self.0.driver.transport
    }

    pub(in crate::client) fn driver(&self) -> &Driver {
        &self.0.driver
    }

    pub(in crate::client) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(in crate::client) fn steady(&self) -> &dyn Clock {
        &*self.0.driver.steady
    }

    /// What the header of a SET says now.
    pub(in crate::client) fn header(&self) -> SigningHeader {
        (&self.0.keys.active()).into()
    }

    /// The thumbprint of the key that signs, if its public half is known.
    pub(in crate::client) fn thumbprint(&self) -> Option<String> {
        self.0.keys.active().public_key().map(PublicKey::thumbprint)
    }

    /// Closes the transmitter and its clones: new work fails with [`ErrorCode::TransmitterClosed`](crate::ErrorCode::TransmitterClosed). The
    /// future ends when all pending calls have ended, each within its deadline, and the connections are closed. Whether it
    /// is awaited or dropped, the transmitter stays closed; a second close waits likewise.
    ///
    /// What needs no network still works: [`counters`](Self::counters), [`lint`](Self::lint), [`prepare`](Self::prepare) and
    /// [`jwks`](Self::jwks). Dropping a transmitter abandons nothing: each emit keeps what it needs.
    ///
    /// ```
    /// # use ssf_transmitter::{KeyType, SigningKey, Transmitter};
    /// # async fn example(transmitter: Transmitter) {
    /// transmitter.close().await;
    /// assert_eq!(transmitter.counters().in_flight, 0);
    /// # }
    /// ```
    pub fn close(&self) -> impl Future<Output = ()> + Send + use<> {
        let ended = self.0.driver.tracker.close();
        let inner = self.0.clone();
        async move {
            ended.await;
            inner.driver.transport.shut();
        }
    }

    /// Work that a close waits for, and that is not counted.
    pub(in crate::client) fn visit(&self) -> Result<Visit> {
        self.0.driver.tracker.visit()
    }

    /// Counters of this transmitter and its clones.
    pub fn counters(&self) -> Counters {
        self.0.driver.tracker.read()
    }

    /// How long an operation may take if nothing else is said of it.
    pub fn deadline(&self) -> Duration {
        self.0.bounds.deadline
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// A builder with issuer, audience and dialect set, and the transmitter's clock.
    pub(in crate::client) fn set_for(&self, receiver: &Receiver) -> SetBuilder {
        SetBuilder::new(self.0.issuer.as_str(), receiver.audience().clone())
            .dialect(receiver.dialect())
            .clock(&*self.0.clock)
            .lint(self.0.lint.clone())
    }

    /// The key that signs now. Read once for each SET: with a rotation in between, header and signature would not match.
    pub(in crate::client) fn active(&self) -> TransmitterKey {
        self.0.keys.active()
    }

    pub(in crate::client) async fn sign_set(&self, set: SetBuilder) -> Result<SignedSet> {
        let key = self.active();
        keys::sign(&key, set.prepare(&key)?).await
    }

    /// Begins an operation: checks what bounds it, and counts it.
    pub(in crate::client) fn begin(
        &self,
        deadline: Option<Duration>,
        retry: &RetryPolicy,
    ) -> Result<(Entry, Bounds)> {
        let bounds = self.0.bounds.with(deadline, retry).checked()?;
        Ok((self.0.driver.tracker.enqueue()?, bounds))
    }

    /// The same claims, signed with the key that is current now, if it is another one than before.
    pub(in crate::client) async fn sign_again(&self, set: &SignedSet) -> Option<SignedSet> {
        let key = self.active();
        keys::sign(&key, set.with_header(&(&key).into())?).await.ok()
    }
}

impl fmt::Debug for Transmitter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Transmitter").field("issuer", &self.0.issuer).finish_non_exhaustive()
    }
}

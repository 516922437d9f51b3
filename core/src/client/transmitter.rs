//! The transmitter: who sends.

use std::{
    fmt,
    future::{Future, IntoFuture},
    sync::Arc,
    time::Duration,
};

use super::{Receiver, transport::Transport};
use crate::{
    delivery::{Action, Delivery, Input, Receipt},
    error::{Error, ErrorCode, Result},
    event::Event,
    key::{BoxFuture, KeySet, Signer},
    set::{SetBuilder, SignedSet, UnsignedSet},
    subject::Subject,
    time::{Clock, SystemClock, Timestamp},
};

/// How long an operation may take, if nothing else is said.
const DEADLINE: Duration = Duration::from_secs(30);

/// Who sends: issuer, keys and one HTTP pool. Make one, share it; clones share the pool.
///
/// It needs a tokio runtime with time and I/O enabled.
#[derive(Clone)]
pub struct Transmitter(Arc<Inner>);

struct Inner {
    issuer: String,
    keys: Keys,
    transport: Transport,
    clock: Box<dyn Clock>,
    deadline: Duration,
}

enum Keys {
    Own(KeySet),
    External(Box<dyn Signer>),
}

/// Builds a [`Transmitter`]; [`build`](Self::build) checks it.
pub struct TransmitterBuilder {
    issuer: String,
    keys: Keys,
    clock: Box<dyn Clock>,
    deadline: Duration,
    extra_roots: Vec<Vec<u8>>,
}

impl Transmitter {
    /// A transmitter with the `iss` of its SETs, the exact `issuer` of its configuration, and a key or a set of keys.
    pub fn builder(issuer: impl Into<String>, keys: impl Into<KeySet>) -> TransmitterBuilder {
        TransmitterBuilder::new(issuer.into(), Keys::Own(keys.into()))
    }

    /// A transmitter whose signatures are made elsewhere: by a key management service, an HSM, a secure enclave.
    pub fn builder_with_signer(
        issuer: impl Into<String>,
        signer: impl Signer + 'static,
    ) -> TransmitterBuilder {
        TransmitterBuilder::new(issuer.into(), Keys::External(Box::new(signer)))
    }

    /// Sends an event: builds the SET in the receiver's dialect, signs it and delivers it.
    ///
    /// Await the result, or set more of the SET before.
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
    pub fn emit(&self, event: impl Into<Event>, subject: impl Into<Subject>, to: &Receiver) -> Emit<'_> {
        Emit {
            transmitter: self,
            set: self.set_for(to).event(event).subject(subject),
            receiver: to.clone(),
            deadline: self.0.deadline,
        }
    }

    /// The first step of [`emit`](Self::emit): a SET for this receiver, complete but for its signature.
    pub fn prepare(
        &self,
        event: impl Into<Event>,
        subject: impl Into<Subject>,
        to: &Receiver,
    ) -> Result<UnsignedSet> {
        self.prepare_set(self.set_for(to).event(event).subject(subject))
    }

    /// The last step of [`emit`](Self::emit): delivers a signed SET.
    pub async fn deliver(&self, set: &SignedSet, to: &Receiver) -> Result<Receipt> {
        within(self.0.deadline, self.drive(set, to)).await
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// A builder with issuer, audience and dialect set, and the transmitter's clock.
    fn set_for(&self, receiver: &Receiver) -> SetBuilder {
        SetBuilder::new(self.0.issuer.as_str(), receiver.audience().clone())
            .dialect(receiver.dialect())
            .clock(&*self.0.clock)
    }

    fn prepare_set(&self, set: SetBuilder) -> Result<UnsignedSet> {
        match &self.0.keys {
            Keys::Own(keys) => set.prepare(&keys.active()),
            Keys::External(signer) => set.prepare(signer.header()),
        }
    }

    async fn sign_set(&self, set: SetBuilder) -> Result<SignedSet> {
        match &self.0.keys {
            // One look at the set: a rotation in between must not part header and signature.
            Keys::Own(keys) => set.sign(&keys.active()),
            Keys::External(signer) => set.prepare(signer.header())?.sign_with(&**signer).await,
        }
    }

    /// The loop around the delivery machine.
    async fn drive(&self, set: &SignedSet, receiver: &Receiver) -> Result<Receipt> {
        let inner = &*self.0;
        let mut delivery = Delivery::new(set.clone(), receiver.target());
        let mut input = Input::Started;
        loop {
            input = match delivery.step(inner.clock.now(), input) {
                Action::Authorize => match receiver.authorize(&inner.transport, &*inner.clock).await {
                    Ok(value) => Input::Authorized(value),
                    Err(error) => Input::Unauthorized(error),
                },
                Action::Send(request) => match inner.transport.send(&request).await {
                    Ok(response) => Input::Answered(response),
                    Err(failure) => Input::Broken(failure),
                },
                Action::Done(receipt) => return Ok(receipt),
                Action::Fail(error) => return Err(error),
            };
        }
    }
}

async fn within<T>(deadline: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(deadline, work).await.unwrap_or_else(|_| {
        let message = format!("the deadline of {} ms passed", deadline.as_millis());
        Err(Error::new(ErrorCode::DeadlineExceeded, message))
    })
}

impl TransmitterBuilder {
    fn new(issuer: String, keys: Keys) -> Self {
        Self { issuer, keys, clock: Box::new(SystemClock), deadline: DEADLINE, extra_roots: Vec::new() }
    }

    /// Sets how long an operation may take, from the call to its result; 30 seconds by default.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the clock that `iat` and token lifetimes go by; the system's by default.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Trusts the certificates of a CA bundle (PEM) too, beside those of the operating system.
    pub fn ca_bundle(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.extra_roots.push(pem.into());
        self
    }

    /// Checks the settings and makes the HTTP pool.
    pub fn build(self) -> Result<Transmitter> {
        if self.issuer.is_empty() {
            return Err(Error::new(ErrorCode::IssuerInvalid, "the issuer is empty"));
        }
        if self.deadline.is_zero() {
            return Err(Error::new(ErrorCode::ConfigurationInvalid, "the deadline is zero"));
        }
        Ok(Transmitter(Arc::new(Inner {
            issuer: self.issuer,
            keys: self.keys,
            transport: Transport::new(&self.extra_roots)?,
            clock: self.clock,
            deadline: self.deadline,
        })))
    }
}

/// An event on its way, from [`Transmitter::emit`]: set more of it, then await it.
#[must_use = "nothing is sent until it is awaited"]
pub struct Emit<'a> {
    transmitter: &'a Transmitter,
    set: SetBuilder,
    receiver: Receiver,
    deadline: Duration,
}

impl Emit<'_> {
    /// Sets the transaction: the same value in all SETs with the same cause.
    pub fn txn(mut self, txn: impl Into<String>) -> Self {
        self.set = self.set.txn(txn);
        self
    }

    /// Sets the time of the event, `toe`.
    pub fn toe(mut self, toe: impl Into<Timestamp>) -> Self {
        self.set = self.set.toe(toe);
        self
    }

    /// Sets the id of the SET, for callers that keep their own.
    pub fn jti(mut self, jti: impl Into<String>) -> Self {
        self.set = self.set.jti(jti);
        self
    }

    /// Adds an event that travels beside the first, for receivers that take companions.
    pub fn companion(mut self, event: impl Into<Event>) -> Self {
        self.set = self.set.event(event);
        self
    }

    /// Sets how long this operation may take.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

impl<'a> IntoFuture for Emit<'a> {
    type Output = Result<Receipt>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(within(self.deadline, async move {
            let set = self.transmitter.sign_set(self.set).await?;
            self.transmitter.drive(&set, &self.receiver).await
        }))
    }
}

impl fmt::Debug for Transmitter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Transmitter").field("issuer", &self.0.issuer).finish_non_exhaustive()
    }
}

impl fmt::Debug for TransmitterBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TransmitterBuilder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl fmt::Debug for Emit<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Emit").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}

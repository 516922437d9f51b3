//! An event on its way.

use std::{fmt, future::IntoFuture, time::Duration};

use super::{
    Pending, Receiver, RequestLimit, Transmitter,
    drive::within,
    sending::{Sending, Terms},
};
use crate::{
    delivery::{Receipt, RetryPolicy},
    error::Result,
    event::Event,
    key::{BoxFuture, TransmitterKey},
    lint::LintPolicy,
    set::{SetBuilder, SignedSet, UnsignedSet},
    time::Timestamp,
};

/// An event on its way, from [`Transmitter::emit`]: set more of it, then await it.
#[must_use = "nothing is sent until it is awaited"]
pub struct Emit {
    transmitter: Transmitter,
    set: SetBuilder,
    receiver: Receiver,
    terms: Terms,
}

impl Emit {
    pub(super) fn new(transmitter: Transmitter, set: SetBuilder, receiver: Receiver) -> Self {
        Self { transmitter, set, receiver, terms: Terms::default() }
    }
}

impl Emit {
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

    /// Adds an event to the same SET, for receivers that accept companions.
    pub fn companion(mut self, event: impl Into<Event>) -> Self {
        self.set = self.set.event(event);
        self
    }

    /// Sets how findings are handled.
    pub fn lint(mut self, policy: LintPolicy) -> Self {
        self.set = self.set.lint(policy);
        self
    }

    /// Sets the deadline of this operation.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.terms.deadline = Some(deadline);
        self
    }

    /// Sets the retry policy of this operation; members that are not set keep the values of the transmitter.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.terms.retry = policy;
        self
    }

    /// Shares a limit of concurrent requests with other operations; [`Transmitter::emit_all`] has its own limit.
    pub fn limited_by(mut self, limit: &RequestLimit) -> Self {
        self.terms.limited_by(limit);
        self
    }

    /// The unsigned SET, for an external signer. Sends nothing.
    ///
    /// ```
    /// # use ssf_transmitter::{KeyType, Receiver, SigningKey, Subject, Transmitter, event::caep};
    /// let key = SigningKey::generate(KeyType::P256)?;
    /// let transmitter = Transmitter::builder("https://edr.example.com", key).build()?;
    /// let receiver = Receiver::builder("https://receiver.example.net/events", "https://receiver.example.net").build()?;
    ///
    /// let emit = transmitter.emit(caep::SessionRevoked::new(), Subject::opaque("session-1"), &receiver);
    /// let unsigned = emit.txn("incident-4711").prepare()?;
    /// assert_eq!(unsigned.decode()?.claims()["txn"], "incident-4711");
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn prepare(self) -> Result<UnsignedSet> {
        Ok(self.prepare_with_key()?.0)
    }

    /// The unsigned SET, and the key that must sign it: the active one.
    pub fn prepare_with_key(self) -> Result<(UnsignedSet, TransmitterKey)> {
        let key = self.transmitter.active();
        Ok((self.set.prepare(&key)?, key))
    }

    /// The SET as it stands, signed by the transmitter's key or signer. Nothing is sent.
    ///
    /// ```
    /// # use ssf_transmitter::{KeyType, Receiver, SigningKey, Subject, Transmitter, event::caep};
    /// # async fn example(transmitter: Transmitter, receiver: Receiver) -> Result<(), ssf_transmitter::Error> {
    /// let emit = transmitter.emit(caep::SessionRevoked::new(), Subject::opaque("session-1"), &receiver);
    /// let signed = emit.sign().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn sign(self) -> Result<SignedSet> {
        self.transmitter.sign_set(self.set).await
    }
}

impl Emit {
    /// Begins the emit for a caller that signs by itself: builds the SET, and returns the signing input. The deadline runs,
    /// and the SET is counted, from here on. See [`Pending`].
    pub fn begin(self) -> Result<Pending> {
        let sending = Sending::begin(&self.transmitter, self.receiver, self.terms)?;
        let key = self.transmitter.active();
        match self.set.prepare(&key) {
            Ok(unsigned) => Ok(Pending::new(sending, unsigned, key)),
            Err(error) => Err(sending.fail(error)),
        }
    }
}

impl IntoFuture for Emit {
    type Output = Result<Receipt>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    /// The emit begins, and is counted, here.
    fn into_future(self) -> Self::IntoFuture {
        let Self { transmitter, set, receiver, terms } = self;
        let sending = Sending::begin(&transmitter, receiver, terms);
        Box::pin(async move {
            let mut sending = sending?;
            sending.start();
            let signing = transmitter.sign_set(set);
            let signed = within(sending.time_left(), signing).await.flatten();
            // A signature takes as long as many requests: those that are due go first, and several at once.
            tokio::task::yield_now().await;
            sending.deliver(signed).await
        })
    }
}

impl fmt::Debug for Emit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Emit").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}

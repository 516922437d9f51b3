//! The transmitter: who sends.

use std::{fmt, future::IntoFuture, sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{
    Deliver, Doctor, EmitAll, Receiver, RequestLimit,
    counters::{Counters, Entry, Ledger},
    drive::{Circumstances, Driver},
    transport::{Network, Transport},
};
use crate::{
    delivery::{Receipt, RetryPolicy},
    error::{Error, ErrorCode, Result},
    event::Event,
    key::{BoxFuture, KeySet, Signer, SigningHeader},
    lint::{Finding, LintPolicy, Linter},
    random,
    secret::Secret,
    set::{SetBuilder, SignedSet, UnsignedSet},
    subject::Subject,
    time::{Clock, SteadyClock, SystemClock, Timestamp},
};

/// Who sends: issuer, keys and one HTTP pool. Make one, share it; clones share the pool.
///
/// It needs a tokio runtime with time and I/O enabled.
#[derive(Clone)]
pub struct Transmitter(Arc<Inner>);

struct Inner {
    issuer: String,
    keys: Keys,
    /// What `iat` goes by.
    clock: Box<dyn Clock>,
    /// Whether it is one that was given, and not the system's.
    own_clock: bool,
    policy: RetryPolicy,
    lint: LintPolicy,
    driver: Driver,
}

enum Keys {
    Own(KeySet),
    External(Box<dyn Signer>),
}

/// Builds a [`Transmitter`]; [`build`](Self::build) checks it.
pub struct TransmitterBuilder {
    issuer: String,
    keys: Keys,
    clock: Option<Arc<dyn Clock>>,
    policy: RetryPolicy,
    lint: LintPolicy,
    network: Network,
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
    pub fn emit(&self, event: impl Into<Event>, subject: impl Into<Subject>, to: &Receiver) -> Emit {
        Emit {
            transmitter: self.clone(),
            set: self.set_for(to).event(event).subject(subject),
            receiver: to.clone(),
            policy: self.0.policy.clone(),
            requests: None,
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

    /// The last step of [`emit`](Self::emit): delivers a signed SET. Await the result, or set more before.
    pub fn deliver(&self, set: &SignedSet, to: &Receiver) -> Deliver {
        Deliver::new(self.clone(), set.clone(), to.clone(), self.0.policy.clone())
    }

    /// Sends many events, with a bound on how many requests are on the wire at once. Results come in the order in which
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
    pub fn lint(&self, event: impl Into<Event>, subject: impl Into<Subject>, to: &Receiver) -> Vec<Finding> {
        self.linter(to).event(&event.into(), Some(&subject.into()))
    }

    /// A linter that knows issuer, clock and keys of this transmitter, and audience and dialect of a receiver.
    pub fn linter(&self, receiver: &Receiver) -> Linter {
        let linter =
            Linter::new(receiver.dialect()).issuer(self.issuer()).audience(receiver.audience().clone());
        let linter = if self.0.own_clock { linter.now(self.0.clock.now()) } else { linter };
        match &self.0.keys {
            Keys::Own(keys) => {
                let linter = linter.header(&keys.active());
                match keys.jwks() {
                    Ok(jwks) => linter.jwks(jwks),
                    Err(_) => linter,
                }
            }
            Keys::External(signer) => linter.header(signer.header()),
        }
    }

    /// Checks this transmitter and a receiver end to end, in less than ten seconds: the documents that are published, the
    /// key in them, TLS, clock, token, and a SET with this event and subject. Nothing is sent to the receiver unless
    /// [`Doctor::send`] asks for it.
    ///
    /// ```no_run
    /// # use ssf_transmitter::{Receiver, Subject, Transmitter, event::caep};
    /// # async fn example(transmitter: Transmitter, receiver: Receiver) {
    /// let event = caep::SessionRevoked::new().with_reason_admin("en", "A test");
    /// let diagnosis = transmitter.doctor(event, Subject::email("ada@example.com"), &receiver).await;
    /// for check in diagnosis.checks() {
    ///     println!("{:8} {}: {} {}", check.outcome.as_str(), check.id, check.message, check.remedy);
    /// }
    /// # }
    /// ```
    pub fn doctor(&self, event: impl Into<Event>, subject: impl Into<Subject>, to: &Receiver) -> Doctor {
        Doctor::new(self.clone(), to.clone(), event.into(), subject.into())
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.0.driver.transport
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(super) fn steady(&self) -> &dyn Clock {
        &*self.0.driver.steady
    }

    /// What the header of a SET says now.
    pub(super) fn header(&self) -> SigningHeader {
        match &self.0.keys {
            Keys::Own(keys) => (&keys.active()).into(),
            Keys::External(signer) => signer.header(),
        }
    }

    /// The thumbprint of the key that signs, if it is in this process.
    pub(super) fn thumbprint(&self) -> Option<String> {
        match &self.0.keys {
            Keys::Own(keys) => Some(keys.active().public_key().thumbprint()),
            Keys::External(_) => None,
        }
    }

    /// What became of everything that this transmitter, and its clones, were to send.
    pub fn counters(&self) -> Counters {
        self.0.driver.ledger.read()
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
            .lint(self.0.lint.clone())
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

    /// The same claims, signed with the key that is current now, if it is another one than before.
    async fn sign_again(&self, set: &SignedSet) -> Option<SignedSet> {
        match &self.0.keys {
            Keys::Own(keys) => {
                let key = keys.active();
                set.with_header(&(&key).into())?.sign(&key).ok()
            }
            Keys::External(signer) => set.with_header(&signer.header())?.sign_with(&**signer).await.ok(),
        }
    }

    /// Counts a SET that is to be delivered, and delivers it.
    pub(super) async fn run_deliver(
        &self,
        set: &SignedSet,
        receiver: &Receiver,
        policy: &RetryPolicy,
        circumstances: Circumstances,
    ) -> Result<Receipt> {
        self.run(self.0.driver.ledger.enqueue(), set, receiver, policy, circumstances).await
    }

    /// Delivers a SET that was counted as `entry`.
    async fn run(
        &self,
        entry: Entry,
        set: &SignedSet,
        receiver: &Receiver,
        policy: &RetryPolicy,
        circumstances: Circumstances,
    ) -> Result<Receipt> {
        let sign_again = |set: &SignedSet| -> BoxFuture<'_, Option<SignedSet>> {
            let set = set.clone();
            Box::pin(async move { self.sign_again(&set).await })
        };
        self.0.driver.deliver(entry, set, receiver, policy, circumstances, &sign_again).await
    }
}

impl TransmitterBuilder {
    fn new(issuer: String, keys: Keys) -> Self {
        Self {
            issuer,
            keys,
            clock: None,
            policy: RetryPolicy::default(),
            lint: LintPolicy::default(),
            network: Network::default(),
        }
    }

    /// Sets how long an operation may take, from the call to its result; 30 seconds by default.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.policy.deadline = deadline;
        self
    }

    /// Sets how often and how long deliveries are tried.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets what becomes of findings; by default errors are refused, and warnings stand on the receipt.
    pub fn lint(mut self, policy: LintPolicy) -> Self {
        self.lint = policy;
        self
    }

    /// Sets the clock for everything. By default `iat` goes by the system's clock, and waits, deadlines and the lives of
    /// tokens by one that only goes forward.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Trusts the certificates of a CA bundle (PEM) too, beside those of the operating system.
    pub fn ca_bundle(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.network.trust.extra_roots.push(pem.into());
        self
    }

    /// Shows receivers a client certificate (mutual TLS, RFC 8705): certificate with its chain, and private key, in PEM.
    pub fn client_certificate(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.network.trust.identity = Some((chain.into(), Secret::new(key.into())));
        self
    }

    /// Sends through a proxy, such as `http://proxy.example.com:3128`. Without this the environment's proxies are used
    /// (`HTTPS_PROXY`, `NO_PROXY`). A proxy resolves names itself: the egress guard then sees addresses in URLs only.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.network.proxy = Some(url.into());
        self
    }

    /// Does not offer HTTP/2, for receivers whose HTTP/2 is not to be trusted.
    pub fn http1_only(mut self) -> Self {
        self.network.trust.http1_only = true;
        self
    }

    /// Opens the egress guard for a network, such as `10.1.0.0/16`, or one address. Receivers and token endpoints at
    /// private, link-local and metadata addresses are refused otherwise, after their names are resolved.
    pub fn allow_network(mut self, network: impl Into<String>) -> Self {
        self.network.allowed.push(network.into());
        self
    }

    /// Checks the settings and makes the HTTP pool.
    pub fn build(self) -> Result<Transmitter> {
        if self.issuer.is_empty() {
            return Err(Error::new(ErrorCode::IssuerInvalid, "the issuer is empty"));
        }
        if self.policy.deadline.is_zero() || self.policy.attempt_timeout.is_zero() {
            return Err(Error::new(
                ErrorCode::ConfigurationInvalid,
                "a deadline or timeout of zero leaves no time",
            ));
        }
        let own_clock = self.clock.is_some();
        let (clock, steady): (Box<dyn Clock>, Box<dyn Clock>) = match self.clock {
            Some(clock) => (Box::new(clock.clone()), Box::new(clock)),
            None => (Box::new(SystemClock), Box::new(SteadyClock::start())),
        };
        Ok(Transmitter(Arc::new(Inner {
            issuer: self.issuer,
            keys: self.keys,
            clock,
            own_clock,
            policy: self.policy,
            lint: self.lint,
            driver: Driver {
                transport: Transport::new(&self.network)?,
                steady,
                ledger: Ledger::default(),
                seed: random::number()?.into(),
            },
        })))
    }
}

/// An event on its way, from [`Transmitter::emit`]: set more of it, then await it.
#[must_use = "nothing is sent until it is awaited"]
pub struct Emit {
    transmitter: Transmitter,
    set: SetBuilder,
    receiver: Receiver,
    policy: RetryPolicy,
    requests: Option<Arc<Semaphore>>,
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

    /// Adds an event that travels beside the first, for receivers that take companions.
    pub fn companion(mut self, event: impl Into<Event>) -> Self {
        self.set = self.set.event(event);
        self
    }

    /// Sets what becomes of findings.
    pub fn lint(mut self, policy: LintPolicy) -> Self {
        self.set = self.set.lint(policy);
        self
    }

    /// Sets how long this operation may take.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.policy.deadline = deadline;
        self
    }

    /// Sets how often and how long this operation is tried.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Shares a bound on the requests on the wire with others; [`Transmitter::emit_all`] sets one of its own.
    pub fn limited_by(mut self, limit: &RequestLimit) -> Self {
        self.requests = Some(limit.requests());
        self
    }

    /// The SET as it stands, complete but for its signature, for a signer elsewhere. Nothing is sent.
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
        self.transmitter.prepare_set(self.set)
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
    pub(super) async fn run(self, requests: Option<Arc<Semaphore>>) -> Result<Receipt> {
        let driver = &self.transmitter.0.driver;
        let (entry, mut policy) = (driver.ledger.enqueue(), self.policy);
        let began = driver.steady.now();
        match driver.within(policy.deadline, self.transmitter.sign_set(self.set)).await.flatten() {
            Ok(set) => {
                // A signature takes as long as many requests: those that are due go first, and several at once.
                tokio::task::yield_now().await;
                // Both have taken their part of the time.
                policy.deadline = policy.deadline.saturating_sub(driver.steady.now().since(began));
                let circumstances = Circumstances { requests, ..Circumstances::default() };
                self.transmitter.run(entry, &set, &self.receiver, &policy, circumstances).await
            }
            Err(error) => {
                entry.failed(error.code());
                Err(error)
            }
        }
    }
}

impl IntoFuture for Emit {
    type Output = Result<Receipt>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let requests = self.requests.clone();
        Box::pin(self.run(requests))
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

impl fmt::Debug for Emit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Emit").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}

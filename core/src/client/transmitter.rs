//! The transmitter: who sends.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    Deliver, Doctor, Emit, EmitAll, Receiver,
    counters::{Counters, Entry, Ledger, Visit},
    drive::{Circumstances, Driver},
    transport::{Network, Transport},
};
use crate::{
    delivery::{Bounds, Receipt, RetryPolicy},
    error::{Error, ErrorCode, Result},
    event::Event,
    jose::Jwks,
    key::{self, BoxFuture, KeySet, Signer, SigningHeader},
    lint::{Finding, LintPolicy, Linter},
    random,
    secret::Secret,
    set::{SetBuilder, SignedSet, UnsignedSet},
    subject::Subject,
    time::{Clock, SteadyClock, SystemClock},
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
    bounds: Bounds,
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
    deadline: Option<Duration>,
    retry: RetryPolicy,
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
    /// Await the result, or set more of the SET before. The subject may be `None` where the event has it inside, as the pages
    /// of receivers print events.
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

    /// The first step of [`emit`](Self::emit): a SET for this receiver, complete but for its signature.
    pub fn prepare(
        &self,
        event: impl Into<Event>,
        subject: impl Into<Option<Subject>>,
        to: &Receiver,
    ) -> Result<UnsignedSet> {
        self.prepare_set(self.set_for(to).event(event).about(subject.into()))
    }

    /// The last step of [`emit`](Self::emit): delivers a signed SET. Await the result, or set more before.
    pub fn deliver(&self, set: &SignedSet, to: &Receiver) -> Deliver {
        Deliver::new(self.clone(), set.clone(), to.clone())
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
        let linter = match &self.0.keys {
            Keys::Own(keys) => linter.header(&keys.active()),
            Keys::External(signer) => linter.header(signer.header()),
        };
        match self.jwks() {
            Ok(jwks) => linter.jwks(jwks),
            Err(_) => linter,
        }
    }

    /// The keys to publish; serve [`Jwks::to_json`] with the content type `application/json`.
    ///
    /// With a signer these are its public key, or an error with the code [`ErrorCode::SignerPublicKeyMissing`] where it does
    /// not tell one: an empty set would cut every receiver off.
    ///
    /// ```
    /// use ssf_transmitter::{KeyType, SigningKey, Transmitter};
    ///
    /// let transmitter = Transmitter::builder("https://edr.example.com", SigningKey::generate(KeyType::P256)?).build()?;
    /// assert_eq!(transmitter.jwks()?.keys().len(), 1);
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn jwks(&self) -> Result<Jwks> {
        match &self.0.keys {
            Keys::Own(keys) => keys.jwks(),
            Keys::External(signer) => key::jwks_of(&**signer),
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
    pub fn doctor(
        &self,
        event: impl Into<Event>,
        subject: impl Into<Option<Subject>>,
        to: &Receiver,
    ) -> Doctor {
        self.doctor_read(Ok(event.into()), subject.into().map(Ok), to)
    }

    /// The same for an event and a subject that were read from elsewhere: why one of them cannot be read is then what its
    /// check `lint` says.
    pub fn doctor_read(
        &self,
        event: Result<Event>,
        subject: Option<Result<Subject>>,
        to: &Receiver,
    ) -> Doctor {
        Doctor::new(self.clone(), to.clone(), event, subject)
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.0.driver.transport
    }

    pub(super) fn driver(&self) -> &Driver {
        &self.0.driver
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

    /// The thumbprint of the key that signs, if its public half is known.
    pub(super) fn thumbprint(&self) -> Option<String> {
        match &self.0.keys {
            Keys::Own(keys) => Some(keys.active().public_key().thumbprint()),
            Keys::External(signer) => signer.public_key().map(|key| key.thumbprint()),
        }
    }

    /// Closes the transmitter and its clones: it takes no new work, which fails with [`ErrorCode::TransmitterClosed`]. The
    /// future ends when all that is under way has ended, each within its deadline, and the connections are closed. Whether it
    /// is awaited or dropped, the transmitter stays closed; a second close waits likewise.
    ///
    /// What needs no network still works: [`counters`](Self::counters), [`lint`](Self::lint), [`prepare`](Self::prepare) and
    /// [`jwks`](Self::jwks). A transmitter that is dropped instead abandons nothing: each emit keeps what it needs.
    ///
    /// ```
    /// # use ssf_transmitter::{KeyType, SigningKey, Transmitter};
    /// # async fn example(transmitter: Transmitter) {
    /// transmitter.close().await;
    /// assert_eq!(transmitter.counters().in_flight, 0);
    /// # }
    /// ```
    pub fn close(&self) -> impl Future<Output = ()> + Send + use<> {
        let ended = self.0.driver.ledger.close();
        let inner = self.0.clone();
        async move {
            ended.await;
            inner.driver.transport.shut();
        }
    }

    /// Work that a close waits for, and that is not counted.
    pub(super) fn visit(&self) -> Result<Visit> {
        self.0.driver.ledger.visit()
    }

    /// What became of everything that this transmitter, and its clones, were to send.
    pub fn counters(&self) -> Counters {
        self.0.driver.ledger.read()
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
    fn set_for(&self, receiver: &Receiver) -> SetBuilder {
        SetBuilder::new(self.0.issuer.as_str(), receiver.audience().clone())
            .dialect(receiver.dialect())
            .clock(&*self.0.clock)
            .lint(self.0.lint.clone())
    }

    pub(super) fn prepare_set(&self, set: SetBuilder) -> Result<UnsignedSet> {
        match &self.0.keys {
            Keys::Own(keys) => set.prepare(&keys.active()),
            Keys::External(signer) => set.prepare(signer.header()),
        }
    }

    pub(super) async fn sign_set(&self, set: SetBuilder) -> Result<SignedSet> {
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

    /// Begins an operation: checks what bounds it, and counts it.
    pub(super) fn begin(&self, deadline: Option<Duration>, retry: &RetryPolicy) -> Result<(Entry, Bounds)> {
        let bounds = self.0.bounds.with(deadline, retry).checked()?;
        Ok((self.0.driver.ledger.enqueue()?, bounds))
    }

    /// Delivers a SET that was counted as `entry`.
    pub(super) async fn run(
        &self,
        entry: Entry,
        set: &SignedSet,
        receiver: &Receiver,
        bounds: &Bounds,
        circumstances: Circumstances,
    ) -> Result<Receipt> {
        let sign_again = |set: &SignedSet| -> BoxFuture<'_, Option<SignedSet>> {
            let set = set.clone();
            Box::pin(async move { self.sign_again(&set).await })
        };
        self.0.driver.deliver(entry, set, receiver, bounds, circumstances, &sign_again).await
    }
}

impl TransmitterBuilder {
    fn new(issuer: String, keys: Keys) -> Self {
        Self {
            issuer,
            keys,
            clock: None,
            deadline: None,
            retry: RetryPolicy::default(),
            lint: LintPolicy::default(),
            network: Network::default(),
        }
    }

    /// Sets how long an operation may take, from the call to its result; 30 seconds by default.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how often deliveries are tried, and how long the waits are.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
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

    /// Trusts the certificates of a CA bundle (PEM) too, beside those of the operating system and of the environment
    /// (`SSL_CERT_FILE`, `SSL_CERT_DIR`, `NODE_EXTRA_CA_CERTS`, `REQUESTS_CA_BUNDLE`).
    pub fn ca_bundle(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.network.trust.extra_roots.push(pem.into());
        self
    }

    /// Shows receivers a client certificate (mutual TLS, RFC 8705): certificate with its chain, and private key, in PEM.
    pub fn client_certificate(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.network.trust.identity = Some((chain.into(), Secret::new(key.into())));
        self
    }

    /// Sends through an HTTP proxy, such as `http://proxy.example.com:3128`, with user name and password in the URL if it wants
    /// them. Without this the environment's proxy is used (`HTTPS_PROXY`, `ALL_PROXY`, but for `NO_PROXY`), or that of the operating
    /// system. A proxy may be at any address, and resolves names itself: the egress guard then sees addresses in URLs only.
    /// This machine is reached without it.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.network.proxy = Some(url.into());
        self
    }

    /// Sends from this address of this machine, for receivers that allow-list addresses: every connection leaves from it, to
    /// receivers, token endpoints and proxies. Hosts need an address of the same family. A NAT or a proxy may change what the
    /// receiver sees.
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, KeyType, SigningKey, Transmitter};
    ///
    /// let key = SigningKey::generate(KeyType::P256)?;
    /// let builder = Transmitter::builder("https://edr.example.com", key).source_address("192.0.2.7:443");
    /// let error = builder.build().unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::SourceAddressInvalid);
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    #[allow(clippy::needless_pass_by_value, reason = "an address is a value")]
    pub fn source_address(mut self, address: impl ToString) -> Self {
        self.network.source_address = Some(address.to_string());
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
        let bounds = Bounds::default().with(self.deadline, &self.retry).checked()?;
        if bounds.deadline.is_zero() {
            return Err(Error::new(ErrorCode::ConfigurationInvalid, "a deadline of zero leaves no time"));
        }
        // A public key that does not fit its algorithm is found now, and not when it is published.
        if let Keys::External(signer) = &self.keys
            && signer.public_key().is_some()
        {
            key::jwks_of(&**signer)?;
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
            bounds,
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

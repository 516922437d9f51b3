//! The transmitter.

use std::{collections::HashMap, future::IntoFuture as _, sync::Arc};

use ssf_transmitter::{
    self as sdk,
    client::TransmitterBuilder,
    key::{DetachedKey, SigningHeader},
    secret::Secret,
};

use crate::{
    cancellation::Cancellation,
    emission::{EmitOptions, RequestLimit, Subject, WrittenEvent, WrittenSubject, event_of},
    failure::Result,
    key::KeySet,
    lint::{Finding, listed},
    okta::Providers,
    pending::{Examination, Pending},
    policy::{Findings, Policy},
    receiver::Receiver,
    sets::{Receipt, SignedSet, UnsignedSet},
};

/// How to reach receivers.
#[derive(uniffi::Record)]
pub struct Network {
    /// In PEM.
    pub ca_bundles: Vec<Vec<u8>>,
    pub client_certificate: Option<ClientCertificate>,
    pub proxy: Option<String>,
    pub source_address: Option<String>,
    pub allow_networks: Vec<String>,
    pub http2: bool,
}

/// The chain of the client's certificate and its key, in PEM.
#[derive(uniffi::Record)]
pub struct ClientCertificate {
    pub chain: Vec<u8>,
    pub key: Vec<u8>,
}

/// What signs.
#[derive(uniffi::Enum)]
pub enum Keys {
    Own {
        keys: Arc<KeySet>,
    },
    /// The public key is a JWK.
    Elsewhere {
        algorithm: String,
        kid: Option<String>,
        public_key: Option<String>,
    },
}

/// The settings of a transmitter.
#[derive(uniffi::Record)]
pub struct TransmitterSettings {
    pub issuer: String,
    pub keys: Keys,
    pub policy: Policy,
    pub lint: Findings,
    pub network: Network,
}

/// Who sends.
#[derive(uniffi::Object)]
pub struct Transmitter {
    core: sdk::Transmitter,
}

/// What is to be sent, to whom.
#[derive(uniffi::Record)]
pub struct Emission {
    /// In its JSON form.
    pub event: String,
    pub subject: Option<Subject>,
    pub to: Arc<Receiver>,
    pub options: EmitOptions,
}

/// What can be set of a delivery.
#[derive(uniffi::Record)]
pub struct DeliverOptions {
    pub policy: Option<Policy>,
    pub limit: Option<Arc<RequestLimit>>,
}

/// What can be set of a doctor.
#[derive(uniffi::Record)]
pub struct DoctorOptions {
    pub configuration_url: Option<String>,
    pub send: bool,
    /// Whose log to look into for the SET.
    pub confirm: Option<Arc<Providers>>,
}

#[uniffi::export]
impl Transmitter {
    #[uniffi::constructor]
    pub fn build(settings: TransmitterSettings) -> Result<Arc<Self>> {
        Ok(Arc::new(settings.core()?))
    }

    /// Builds a SET, signs it and delivers it.
    pub async fn emit(&self, emission: Emission, cancellation: Arc<Cancellation>) -> Result<Receipt> {
        let emitted = self.emit_of(emission)?.into_future();
        cancellation.or(async { Ok(emitted.await?.into()) }).await
    }

    /// The SET of an emit, complete but for its signature.
    pub fn prepare(&self, emission: Emission) -> Result<Arc<UnsignedSet>> {
        Ok(Arc::new(UnsignedSet(self.emit_of(emission)?.prepare()?)))
    }

    /// The first step of an emit by a signer.
    pub fn begin(&self, emission: Emission) -> Result<Arc<Pending>> {
        Ok(Pending::of(self.emit_of(emission)?.begin()?))
    }

    /// Delivers a signed SET.
    pub async fn deliver(
        &self,
        set: Arc<SignedSet>,
        to: Arc<Receiver>,
        options: DeliverOptions,
        cancellation: Arc<Cancellation>,
    ) -> Result<Receipt> {
        let mut deliver = self.core.deliver(&set.0, &to.0);
        if let Some(policy) = options.policy {
            deliver = deliver.retry(policy.retry()?);
            if let Some(deadline) = policy.deadline()? {
                deliver = deliver.deadline(deadline);
            }
        }
        if let Some(limit) = options.limit {
            deliver = deliver.limited_by(&limit.0);
        }
        let delivered = deliver.into_future();
        cancellation.or(async { Ok(delivered.await?.into()) }).await
    }

    /// What would be found in the SET of an emit.
    pub fn lint(
        &self,
        event: WrittenEvent,
        subject: Option<WrittenSubject>,
        to: Arc<Receiver>,
    ) -> Vec<Finding> {
        listed(&self.core.linter(&to.0).read(event.core(), subject.map(WrittenSubject::core)))
    }

    /// Checks this transmitter and a receiver end to end, but for the SET, which may wait for a signature.
    pub async fn examine(
        &self,
        event: WrittenEvent,
        subject: Option<WrittenSubject>,
        to: Arc<Receiver>,
        options: DoctorOptions,
        cancellation: Arc<Cancellation>,
    ) -> Result<Arc<Examination>> {
        let examined = self.doctor_of(event, subject, &to, options).examine();
        cancellation.or(async { Ok(Examination::of(examined.await)) }).await
    }

    /// Checks this transmitter and a receiver end to end.
    pub async fn doctor(
        &self,
        event: WrittenEvent,
        subject: Option<WrittenSubject>,
        to: Arc<Receiver>,
        options: DoctorOptions,
        cancellation: Arc<Cancellation>,
    ) -> Result<Vec<Check>> {
        let diagnosed = self.doctor_of(event, subject, &to, options).into_future();
        cancellation.or(async { Ok(checks(&diagnosed.await)) }).await
    }

    /// The keys to publish, as JSON.
    pub fn jwks(&self) -> Result<String> {
        Ok(self.core.jwks()?.to_json())
    }

    /// Takes no new work; ends when all that is under way has.
    pub async fn close(&self, cancellation: Arc<Cancellation>) -> Result<()> {
        let closed = self.core.close();
        cancellation
            .or(async {
                closed.await;
                Ok(())
            })
            .await
    }

    pub fn counters(&self) -> Counters {
        self.core.counters().into()
    }
}

impl Transmitter {
    fn emit_of(&self, emission: Emission) -> Result<sdk::client::Emit> {
        let Emission { event, subject, to, options } = emission;
        let subject = subject.as_ref().map(Subject::core).transpose()?;
        let emit = self.core.emit(event_of(&event)?, subject, &to.0);
        options.apply(emit)
    }

    fn doctor_of(
        &self,
        event: WrittenEvent,
        subject: Option<WrittenSubject>,
        to: &Receiver,
        options: DoctorOptions,
    ) -> sdk::client::Doctor {
        let mut doctor = self.core.doctor_read(event.core(), subject.map(WrittenSubject::core), &to.0);
        if let Some(url) = options.configuration_url {
            doctor = doctor.configuration_url(url);
        }
        if let Some(providers) = options.confirm {
            doctor = doctor.confirm(providers.core());
        }
        if options.send { doctor.send() } else { doctor }
    }
}

impl TransmitterSettings {
    fn core(self) -> Result<Transmitter> {
        let builder = match self.keys {
            Keys::Own { keys } => sdk::Transmitter::builder(self.issuer, keys.0.clone()),
            Keys::Elsewhere { algorithm, kid, public_key } => {
                let header = SigningHeader { algorithm: algorithm.parse()?, kid };
                let public_key = public_key.map(|jwk| sdk::PublicKey::from_jwk(&jwk)).transpose()?;
                sdk::Transmitter::builder_with_signer(self.issuer, DetachedKey::new(header, public_key))
            }
        };
        let mut builder = builder.retry(self.policy.retry()?).lint(self.lint.policy()?);
        if let Some(deadline) = self.policy.deadline()? {
            builder = builder.deadline(deadline);
        }
        Ok(Transmitter { core: self.network.apply(builder).build()? })
    }
}

impl Network {
    fn apply(self, mut builder: TransmitterBuilder) -> TransmitterBuilder {
        for bundle in self.ca_bundles {
            builder = builder.ca_bundle(bundle);
        }
        if let Some(ClientCertificate { chain, key }) = self.client_certificate {
            let key = Secret::new(key);
            builder = builder.client_certificate(chain, key.expose().as_slice());
        }
        if let Some(proxy) = self.proxy {
            builder = builder.proxy(proxy);
        }
        if let Some(address) = self.source_address {
            builder = builder.source_address(address);
        }
        if !self.http2 {
            builder = builder.http1_only();
        }
        self.allow_networks.into_iter().fold(builder, TransmitterBuilder::allow_network)
    }
}

/// Counts of one transmitter, taken at one moment.
#[derive(uniffi::Record)]
pub struct Counters {
    pub enqueued: u64,
    pub delivered: u64,
    pub failed: u64,
    pub in_flight: u64,
    pub attempts: u64,
    pub failures: HashMap<String, u64>,
}

impl From<sdk::client::Counters> for Counters {
    fn from(counters: sdk::client::Counters) -> Self {
        let failures = counters.failures.iter();
        Self {
            enqueued: counters.enqueued,
            delivered: counters.delivered,
            failed: counters.failed,
            in_flight: counters.in_flight,
            attempts: counters.attempts,
            failures: failures.map(|(code, count)| ((*code).to_owned(), *count)).collect(),
        }
    }
}

/// One check of a doctor.
#[derive(uniffi::Record)]
pub struct Check {
    pub id: String,
    pub outcome: String,
    pub message: String,
    pub remedy: String,
}

impl From<&sdk::client::Check> for Check {
    fn from(check: &sdk::client::Check) -> Self {
        Self {
            id: check.id.to_owned(),
            outcome: check.outcome.as_str().to_owned(),
            message: check.message.clone(),
            remedy: check.remedy.clone(),
        }
    }
}

pub(crate) fn checks(diagnosis: &sdk::client::Diagnosis) -> Vec<Check> {
    diagnosis.checks().iter().map(Check::from).collect()
}

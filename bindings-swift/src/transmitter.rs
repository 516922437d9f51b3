//! The transmitter.

use std::{future::IntoFuture as _, sync::Arc};

use ssf_bindings::{emission, transmitter};
use ssf_transmitter as sdk;

use crate::{
    cancellation::Cancellation,
    emission::{EmitOptions, RequestLimit, Subject, WrittenEvent, WrittenSubject},
    failure::Result,
    key::KeySet,
    network::Network,
    okta::Providers,
    pending::{Examination, Pending},
    policy::{Findings, Policy},
    receiver::Receiver,
    records::{Check, Counters, Finding, checks, findings},
    sets::{Receipt, SignedSet, UnsignedSet},
};

/// The settings of a transmitter.
#[derive(uniffi::Record)]
pub struct TransmitterSettings {
    pub issuer: String,
    pub keys: Arc<KeySet>,
    pub policy: Policy,
    pub lint: Findings,
    pub network: Network,
}

/// Who sends.
#[derive(uniffi::Object)]
pub struct Transmitter {
    pub(crate) core: sdk::Transmitter,
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
        Ok(Arc::new(settings.build()?))
    }

    /// Builds a SET, signs it and delivers it.
    pub async fn emit(&self, emission: Emission, cancellation: Arc<Cancellation>) -> Result<Receipt> {
        let emitted = self.emit_of(emission)?.into_future();
        cancellation.or(async { Ok(emitted.await?.into()) }).await
    }

    /// The unsigned SET of an emit.
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
        let policy = options.policy.map(Policy::read).transpose()?;
        let limit = options.limit.as_ref().map(|limit| &limit.0);
        let deliver = transmitter::delivery(self.core.deliver(&set.0, &to.0), policy.as_ref(), limit);
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
        findings(&self.core.linter(&to.0).read(event.core(), subject.map(WrittenSubject::core)))
    }

    /// Checks this transmitter and a receiver end to end, except for the SET, which may wait for a signature.
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

    /// Rejects new work; ends when all pending calls have ended.
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
        let emit = self.core.emit(emission::event(&event)?, subject, &to.0);
        Ok(options.read()?.apply(emit))
    }

    fn doctor_of(
        &self,
        event: WrittenEvent,
        subject: Option<WrittenSubject>,
        to: &Receiver,
        options: DoctorOptions,
    ) -> sdk::client::Doctor {
        let confirm = options.confirm.as_ref().map(|providers| providers.core());
        let DoctorOptions { configuration_url, send, .. } = options;
        let doctor = self.core.doctor_read(event.core(), subject.map(WrittenSubject::core), &to.0);
        transmitter::DoctorOptions { configuration_url, send, confirm }.instruct(doctor)
    }
}

impl TransmitterSettings {
    fn build(self) -> sdk::Result<Transmitter> {
        let settings = transmitter::TransmitterSettings {
            issuer: self.issuer,
            keys: self.keys.0.clone(),
            policy: self.policy.read()?,
            lint: Some(self.lint.policy()?),
            network: self.network.read(),
        };
        Ok(Transmitter { core: settings.build()? })
    }
}

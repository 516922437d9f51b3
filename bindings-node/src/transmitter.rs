//! The transmitter.

use std::{collections::HashMap, future::IntoFuture as _};

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use ssf_transmitter::{
    self as sdk, client,
    key::{DetachedKey, SigningHeader},
    secret::Secret,
};

use crate::{
    emission::{EmitOptions, RequestLimit, Written, any_event, any_subject, emit},
    failure::{Failure, Outcome, Result, outcome},
    key::KeySet,
    lint::{Finding, listed},
    mailbox::Mailbox,
    okta::Providers,
    pending::{Examination, Pending},
    policy::{Findings, Policy},
    receiver::Receiver,
    runtime::runtime,
    sets::{SignedSet, UnsignedSet, receipt, signed},
};

/// The settings of a transmitter.
#[napi(object, object_to_js = false)]
pub struct TransmitterSettings {
    pub issuer: String,
    /// For a signer elsewhere.
    pub algorithm: Option<String>,
    pub kid: Option<String>,
    pub public_key: Option<PublicKey>,
    pub policy: Policy,
    pub lint: Option<Findings>,
    pub ca_bundles: Vec<Uint8Array>,
    /// The chain of the client's certificate, and its key.
    pub client_certificate: Option<Vec<Uint8Array>>,
    pub proxy: Option<String>,
    pub source_address: Option<String>,
    pub http2: bool,
    pub allow_networks: Vec<String>,
}

/// Who sends.
#[napi]
pub struct Transmitter {
    core: sdk::Transmitter,
    /// Whether JavaScript signs, between two steps.
    by_signer: bool,
}

#[napi]
impl Transmitter {
    #[napi]
    pub fn build(settings: TransmitterSettings, keys: Option<&KeySet>) -> Outcome<Transmitter> {
        outcome(settings.core(keys))
    }

    /// Builds a SET, signs it and delivers it.
    #[napi]
    #[allow(
        clippy::too_many_arguments,
        reason = "an object would cost more to cross than the signature is worth"
    )]
    pub fn emit(
        &self,
        mailbox: &Mailbox,
        number: u32,
        event: String,
        subject: Option<String>,
        private: bool,
        to: &Receiver,
        options: Option<EmitOptions<'_>>,
    ) -> Outcome<()> {
        match emit(&self.core, &event, subject.as_deref(), private, to, options) {
            Ok(emit) => {
                // It begins now, and not when a thread has time for it.
                let emitted = emit.into_future();
                mailbox.spawn(number, async move { Ok(receipt(&emitted.await?)) })
            }
            Err(failure) => outcome(Err(failure)),
        }
    }

    /// The SET of an emit, signed.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "as for emit")]
    pub fn sign(
        &self,
        mailbox: &Mailbox,
        number: u32,
        event: String,
        subject: Option<String>,
        private: bool,
        to: &Receiver,
        options: Option<EmitOptions<'_>>,
    ) -> Outcome<()> {
        match emit(&self.core, &event, subject.as_deref(), private, to, options) {
            Ok(emit) => mailbox.spawn(number, async move { Ok(signed(&emit.sign().await?)) }),
            Err(failure) => outcome(Err(failure)),
        }
    }

    /// The SET of an emit, complete but for its signature.
    #[napi]
    pub fn prepare(
        &self,
        event: String,
        subject: Option<String>,
        private: bool,
        to: &Receiver,
        options: Option<EmitOptions<'_>>,
    ) -> Outcome<UnsignedSet> {
        let emit = emit(&self.core, &event, subject.as_deref(), private, to, options);
        outcome(emit.and_then(|emit| Ok(UnsignedSet(emit.prepare()?))))
    }

    /// The first step of an emit by a signer.
    #[napi]
    pub fn begin(
        &self,
        event: String,
        subject: Option<String>,
        private: bool,
        to: &Receiver,
        options: Option<EmitOptions<'_>>,
    ) -> Outcome<Pending> {
        let emit = emit(&self.core, &event, subject.as_deref(), private, to, options);
        outcome(emit.and_then(|emit| Ok(Pending::of(emit.begin()?))))
    }

    /// Delivers a signed SET.
    #[napi]
    pub fn deliver(
        &self,
        mailbox: &Mailbox,
        number: u32,
        set: &SignedSet,
        to: &Receiver,
        policy: Option<Policy>,
        limit: Option<&RequestLimit>,
    ) -> Outcome<()> {
        let mut deliver = self.core.deliver(&set.0, &to.0);
        if let Some(policy) = policy {
            match (policy.retry(), policy.deadline()) {
                (Ok(retry), Ok(deadline)) => {
                    deliver = deliver.retry(retry);
                    if let Some(deadline) = deadline {
                        deliver = deliver.deadline(deadline);
                    }
                }
                (Err(failure), _) | (_, Err(failure)) => return outcome(Err(failure)),
            }
        }
        if let Some(limit) = limit {
            deliver = deliver.limited_by(&limit.0);
        }
        let delivered = deliver.into_future();
        mailbox.spawn(number, async move { Ok(receipt(&delivered.await?)) })
    }

    /// What would be found in the SET of an emit.
    #[napi]
    pub fn lint(
        &self,
        event: Written,
        subject: Option<Written>,
        private: bool,
        to: &Receiver,
    ) -> Vec<Finding> {
        listed(
            &self
                .core
                .linter(&to.0)
                .read(any_event(event), subject.map(|subject| any_subject(subject, private))),
        )
    }

    /// Checks this transmitter and a receiver end to end: an examination, which may wait for a signature.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "an event, a subject, a receiver, and what is set")]
    pub fn doctor(
        &self,
        mailbox: &Mailbox,
        number: u32,
        event: Written,
        subject: Option<Written>,
        private: bool,
        to: &Receiver,
        configuration_url: Option<String>,
        send: bool,
        confirm: Option<&Providers>,
    ) -> Outcome<()> {
        let (event, subject) = (any_event(event), subject.map(|subject| any_subject(subject, private)));
        let mut doctor = self.core.doctor_read(event, subject, &to.0);
        if let Some(url) = configuration_url {
            doctor = doctor.configuration_url(url);
        }
        if send {
            doctor = doctor.send();
        }
        if let Some(providers) = confirm {
            doctor = doctor.confirm(providers.core());
        }
        if self.by_signer {
            let examined = doctor.examine();
            return mailbox.spawn(number, async move { Ok(Examination::of(examined.await)) });
        }
        let diagnosed = doctor.into_future();
        mailbox.spawn(number, async move { Ok(checks(&diagnosed.await)) })
    }

    /// The keys to publish, as JSON.
    #[napi]
    pub fn jwks(&self) -> Outcome<String> {
        outcome(self.core.jwks().map(|jwks| jwks.to_json()).map_err(Failure::from))
    }

    /// Takes nothing more; ends when all that is under way has.
    #[napi]
    pub fn close(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let closed = self.core.close();
        mailbox.spawn(number, async move {
            closed.await;
            Ok(())
        })
    }

    /// How long an operation may take, in milliseconds, if nothing else is said of it.
    #[napi(getter)]
    pub fn deadline(&self) -> f64 {
        self.core.deadline().as_secs_f64() * 1000.0
    }

    #[napi]
    pub fn counters(&self) -> Counters {
        self.core.counters().into()
    }
}

impl TransmitterSettings {
    fn core(self, keys: Option<&KeySet>) -> Result<Transmitter> {
        let mut builder = match (keys, self.algorithm) {
            (Some(keys), _) => sdk::Transmitter::builder(self.issuer, keys.0.clone()),
            (None, Some(algorithm)) => {
                let header = SigningHeader { algorithm: algorithm.parse()?, kid: self.kid };
                let public_key = self.public_key.map(PublicKey::core).transpose()?;
                sdk::Transmitter::builder_with_signer(self.issuer, DetachedKey::new(header, public_key))
            }
            (None, None) => {
                let message = "a transmitter needs a key, or a signer with its algorithm";
                return Err(Failure::of(sdk::ErrorCode::ConfigurationInvalid, message));
            }
        };
        builder = builder.retry(self.policy.retry()?);
        if let Some(deadline) = self.policy.deadline()? {
            builder = builder.deadline(deadline);
        }
        if let Some(lint) = self.lint {
            builder = builder.lint(lint.policy()?);
        }
        for bundle in &self.ca_bundles {
            builder = builder.ca_bundle(&bundle[..]);
        }
        if let Some([chain, key]) = self.client_certificate.as_deref() {
            let key = Secret::new(key.to_vec());
            builder = builder.client_certificate(&chain[..], key.expose().as_slice());
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
        for network in self.allow_networks {
            builder = builder.allow_network(network);
        }
        // Built inside the runtime, to which the HTTP pool will belong.
        let _inside = runtime()?.enter();
        Ok(Transmitter { core: builder.build()?, by_signer: keys.is_none() })
    }
}

/// The public half of a signer's key: one of these.
#[napi(object, object_to_js = false)]
pub struct PublicKey {
    pub pem: Option<String>,
    pub der: Option<Uint8Array>,
    pub jwk: Option<String>,
}

impl PublicKey {
    fn core(self) -> Result<sdk::PublicKey> {
        Ok(match (self.pem, self.der, self.jwk) {
            (Some(pem), ..) => sdk::PublicKey::from_pem(pem)?,
            (_, Some(der), _) => sdk::PublicKey::from_der(&der[..])?,
            (.., jwk) => sdk::PublicKey::from_jwk(&jwk.unwrap_or_default())?,
        })
    }
}

pub(crate) fn checks(diagnosis: &client::Diagnosis) -> Vec<Check> {
    diagnosis.checks().iter().map(Check::from).collect()
}

/// Counts of one transmitter, taken at one moment.
#[napi(object, object_from_js = false)]
pub struct Counters {
    pub enqueued: f64,
    pub delivered: f64,
    pub failed: f64,
    pub in_flight: f64,
    pub attempts: f64,
    pub failures: HashMap<String, f64>,
}

impl From<sdk::client::Counters> for Counters {
    #[allow(clippy::cast_precision_loss, reason = "nobody counts to 2^53")]
    fn from(counters: sdk::client::Counters) -> Self {
        Self {
            enqueued: counters.enqueued as f64,
            delivered: counters.delivered as f64,
            failed: counters.failed as f64,
            in_flight: counters.in_flight as f64,
            attempts: counters.attempts as f64,
            failures: counters
                .failures
                .iter()
                .map(|(code, count)| ((*code).to_owned(), *count as f64))
                .collect(),
        }
    }
}

/// One check of a doctor.
#[napi(object, object_from_js = false)]
pub struct Check {
    pub id: &'static str,
    pub outcome: &'static str,
    pub message: String,
    pub remedy: String,
}

impl From<&sdk::client::Check> for Check {
    fn from(check: &sdk::client::Check) -> Self {
        Self {
            id: check.id,
            outcome: check.outcome.as_str(),
            message: check.message.clone(),
            remedy: check.remedy.clone(),
        }
    }
}

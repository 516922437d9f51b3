//! The transmitter.

use std::{collections::HashMap, future::IntoFuture as _};

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use ssf_transmitter::{
    self as sdk,
    delivery::RetryPolicy,
    key::{BoxFuture, Signer, SigningHeader},
    secret::Secret,
};

use crate::{
    emission::{EmitOptions, RequestLimit, any_subject, emit, event_of, subject_of},
    failure::{Failure, Outcome, Result, outcome},
    key::KeySet,
    lint::Finding,
    mailbox::Mailbox,
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
    pub policy: Policy,
    pub lint: Option<Findings>,
    pub ca_bundles: Vec<Uint8Array>,
    /// The chain of the client's certificate, and its key.
    pub client_certificate: Option<Vec<Uint8Array>>,
    pub proxy: Option<String>,
    pub http2: bool,
    pub allow_networks: Vec<String>,
}

/// Who sends.
#[napi]
pub struct Transmitter {
    core: sdk::Transmitter,
    policy: RetryPolicy,
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
        subject: String,
        private: bool,
        to: &Receiver,
        options: Option<EmitOptions<'_>>,
    ) -> Outcome<()> {
        match emit(&self.core, &self.policy, &event, &subject, private, to, options) {
            Ok(emit) => mailbox.spawn(number, async move { Ok(receipt(&emit.await?)) }),
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
        subject: String,
        private: bool,
        to: &Receiver,
        options: Option<EmitOptions<'_>>,
    ) -> Outcome<()> {
        match emit(&self.core, &self.policy, &event, &subject, private, to, options) {
            Ok(emit) => mailbox.spawn(number, async move { Ok(signed(&emit.sign().await?)) }),
            Err(failure) => outcome(Err(failure)),
        }
    }

    /// The SET of an emit, complete but for its signature.
    #[napi]
    pub fn prepare(
        &self,
        event: String,
        subject: String,
        private: bool,
        to: &Receiver,
        options: Option<EmitOptions<'_>>,
    ) -> Outcome<UnsignedSet> {
        let emit = emit(&self.core, &self.policy, &event, &subject, private, to, options);
        outcome(emit.and_then(|emit| Ok(UnsignedSet(emit.prepare()?))))
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
            match policy.over(&self.policy) {
                Ok(policy) => deliver = deliver.retry(policy),
                Err(failure) => return outcome(Err(failure)),
            }
        }
        if let Some(limit) = limit {
            deliver = deliver.limited_by(&limit.0);
        }
        mailbox.spawn(number, async move { Ok(receipt(&deliver.into_future().await?)) })
    }

    /// What would be found in the SET of an emit.
    #[napi]
    pub fn lint(
        &self,
        event: String,
        subject: String,
        private: bool,
        to: &Receiver,
    ) -> Outcome<Vec<Finding>> {
        let found = || -> Result<_> {
            let (event, subject) = (event_of(&event)?, any_subject(&subject, private)?);
            Ok(self.core.lint(event, subject, &to.0).iter().map(Finding::from).collect())
        };
        outcome(found())
    }

    /// Checks this transmitter and a receiver end to end.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "an event, a subject, a receiver, and what is set")]
    pub fn doctor(
        &self,
        mailbox: &Mailbox,
        number: u32,
        event: String,
        subject: String,
        private: bool,
        to: &Receiver,
        configuration_url: Option<String>,
        send: bool,
        signed: Option<&SignedSet>,
    ) -> Outcome<()> {
        let (core, to) = (self.core.clone(), to.0.clone());
        let signed = signed.map(|set| set.0.clone());
        mailbox.spawn(number, async move {
            let (event, subject) = (event_of(&event)?, subject_of(&subject, private)?);
            let mut doctor = core.doctor(event, subject, &to);
            if let Some(url) = configuration_url {
                doctor = doctor.configuration_url(url);
            }
            doctor = match signed {
                Some(set) => doctor.send_signed(set),
                None if send => doctor.send(),
                None => doctor,
            };
            let diagnosis = doctor.await;
            Ok(diagnosis.checks().iter().map(Check::from).collect::<Vec<_>>())
        })
    }

    /// How long an operation may take, in milliseconds, if nothing else is said of it.
    #[napi(getter)]
    pub fn deadline(&self) -> f64 {
        self.policy.deadline.as_secs_f64() * 1000.0
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
                sdk::Transmitter::builder_with_signer(self.issuer, Elsewhere(header))
            }
            (None, None) => {
                let message = "a transmitter needs a key, or a signer with its algorithm";
                return Err(Failure::of(sdk::ErrorCode::ConfigurationInvalid, message));
            }
        };
        let policy = self.policy.over(&RetryPolicy::default())?;
        builder = builder.retry(policy.clone());
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
        if !self.http2 {
            builder = builder.http1_only();
        }
        for network in self.allow_networks {
            builder = builder.allow_network(network);
        }
        // Built inside the runtime, to which the HTTP pool will belong.
        let _inside = runtime()?.enter();
        Ok(Transmitter { core: builder.build()?, policy })
    }
}

/// A signer that JavaScript calls between `prepare` and `deliver`; the core is never to call it.
struct Elsewhere(SigningHeader);

impl Signer for Elsewhere {
    fn header(&self) -> SigningHeader {
        self.0.clone()
    }

    fn sign<'a>(
        &'a self,
        _: &'a [u8],
    ) -> BoxFuture<'a, std::result::Result<sdk::Signature, Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(std::future::ready(Err("the signer is called from JavaScript".into())))
    }
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

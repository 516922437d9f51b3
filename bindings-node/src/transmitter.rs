//! The transmitter.

use std::future::IntoFuture as _;

use napi_derive::napi;
use ssf_bindings::transmitter::{self, DoctorOptions};
use ssf_transmitter::{self as sdk, client::Emit};

use crate::{
    emission::{EmitOptions, JsonOrError, RequestLimit, any_event, any_subject, emit},
    failure::{Failure, Outcome, Result, outcome},
    key::KeySet,
    mailbox::Mailbox,
    network::Network,
    okta::Providers,
    pending::{Examination, Pending},
    policy::{Findings, Policy},
    receiver::Receiver,
    records::{Counters, Finding, checks, findings},
    runtime::runtime,
    sets::{SignedSet, UnsignedSet, receipt, signed},
    signer::external,
};

/// The settings of a transmitter.
#[napi(object, object_to_js = false)]
pub struct TransmitterSettings {
    pub issuer: String,
    pub policy: Policy,
    pub lint: Option<Findings>,
    pub network: Network,
}

/// Who sends.
#[napi]
pub struct Transmitter {
    core: sdk::Transmitter,
}

#[napi]
impl Transmitter {
    #[napi]
    pub fn build(settings: TransmitterSettings, keys: &KeySet) -> Outcome<Transmitter> {
        outcome(settings.build(keys))
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
            Err(error) => outcome(Err(error.into())),
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
            Err(error) => outcome(Err(error.into())),
        }
    }

    /// The unsigned SET of an emit.
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
        let prepared = emit.and_then(Emit::prepare_with_key);
        outcome(prepared.map(|(set, key)| UnsignedSet(set, external(&key))).map_err(Failure::from))
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
        outcome(emit.and_then(Emit::begin).map(Pending::of).map_err(Failure::from))
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
        let policy = match policy.map(Policy::read).transpose() {
            Ok(policy) => policy,
            Err(error) => return outcome(Err(error.into())),
        };
        let deliver = self.core.deliver(&set.0, &to.0);
        let deliver = transmitter::delivery(deliver, policy.as_ref(), limit.map(|limit| &limit.0));
        let delivered = deliver.into_future();
        mailbox.spawn(number, async move { Ok(receipt(&delivered.await?)) })
    }

    /// What would be found in the SET of an emit.
    #[napi]
    pub fn lint(
        &self,
        event: JsonOrError,
        subject: Option<JsonOrError>,
        private: bool,
        to: &Receiver,
    ) -> Vec<Finding> {
        let subject = subject.map(|subject| any_subject(subject, private));
        findings(&self.core.linter(&to.0).read(any_event(event), subject))
    }

    /// Checks this transmitter and a receiver end to end: the checks, or an
    /// examination, which may wait for a signature.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "an event, a subject, a receiver, and what is set")]
    pub fn doctor(
        &self,
        mailbox: &Mailbox,
        number: u32,
        event: JsonOrError,
        subject: Option<JsonOrError>,
        private: bool,
        to: &Receiver,
        configuration_url: Option<String>,
        send: bool,
        confirm: Option<&Providers>,
        may_wait: bool,
    ) -> Outcome<()> {
        let (event, subject) = (any_event(event), subject.map(|subject| any_subject(subject, private)));
        let options = DoctorOptions { configuration_url, send, confirm: confirm.map(Providers::core) };
        let doctor = options.instruct(self.core.doctor_read(event, subject, &to.0));
        if may_wait {
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

    /// Rejects new work; ends when all pending calls have ended.
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

impl Transmitter {
    pub(crate) fn of(core: sdk::Transmitter) -> Self {
        Self { core }
    }

    pub(crate) fn core(&self) -> &sdk::Transmitter {
        &self.core
    }
}

impl TransmitterSettings {
    fn build(self, keys: &KeySet) -> Result<Transmitter> {
        let settings = transmitter::TransmitterSettings {
            issuer: self.issuer,
            keys: keys.0.clone(),
            policy: self.policy.read()?,
            lint: self.lint.map(|lint| lint.policy()).transpose()?,
            network: self.network.read(),
        };
        // Built inside the runtime, to which the HTTP pool will belong.
        let _inside = runtime()?.enter();
        Ok(Transmitter::of(settings.build()?))
    }
}

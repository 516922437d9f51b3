//! Transmitters, and what a doctor is asked.

use ssf_transmitter::{
    KeySet, Network, OktaProviders, PublicKey, Result, Transmitter,
    client::{Deliver, Doctor, RequestLimit, TransmitterBuilder},
    key::DetachedKey,
    lint::LintPolicy,
};

use crate::{header, policy::Policy, set};

/// What signs the SETs of a transmitter.
#[derive(Clone)]
pub enum Signing {
    /// Keys of this process.
    Keys(KeySet),
    /// A signer of the language, which is called between two steps.
    Signer(DetachedKey),
}

impl Signing {
    /// A signer with the name of its algorithm, its `kid` and its public key, as far as it tells them.
    pub fn signer(algorithm: &str, kid: Option<String>, public_key: Option<PublicKey>) -> Result<Self> {
        Ok(Self::Signer(DetachedKey::new(header(algorithm, kid)?, public_key)))
    }
}

/// The settings of a transmitter.
#[derive(Clone)]
pub struct TransmitterSettings {
    /// The `iss` of its SETs.
    pub issuer: String,
    /// What signs.
    pub signing: Signing,
    /// How often and how long it tries.
    pub policy: Policy,
    /// What happens with findings.
    pub lint: Option<LintPolicy>,
    /// How connections leave this machine.
    pub network: Network,
}

impl TransmitterSettings {
    /// Builds the transmitter. Its HTTP pool belongs to the tokio runtime that is entered.
    pub fn build(self) -> Result<Transmitter> {
        let builder = match self.signing {
            Signing::Keys(keys) => Transmitter::builder(self.issuer, keys),
            Signing::Signer(key) => Transmitter::builder_with_signer(self.issuer, key),
        };
        let builder = set(self.policy.bind(builder), self.lint, TransmitterBuilder::lint);
        builder.network(self.network).build()
    }
}

/// Sets what a call says about a delivery.
pub fn delivery(deliver: Deliver, policy: Option<&Policy>, limit: Option<&RequestLimit>) -> Deliver {
    let deliver = set(deliver, policy, |deliver, policy| policy.bind(deliver));
    set(deliver, limit, Deliver::limited_by)
}

/// What a doctor is asked to do.
#[derive(Default)]
pub struct DoctorOptions<'a> {
    /// Where the transmitter configuration is, if not where the issuer says.
    pub configuration_url: Option<String>,
    /// Whether to send the SET.
    pub send: bool,
    /// The org whose System Log to search for the SET.
    pub confirm: Option<&'a OktaProviders>,
}

impl DoctorOptions<'_> {
    /// Instructs a doctor.
    pub fn instruct(self, doctor: Doctor) -> Doctor {
        let doctor = set(doctor, self.configuration_url, Doctor::configuration_url);
        let doctor = set(doctor, self.confirm, Doctor::confirm);
        if self.send { doctor.send() } else { doctor }
    }
}

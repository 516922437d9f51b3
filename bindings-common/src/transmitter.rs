//! Transmitters, and what a doctor is asked.

use ssf_transmitter::{
    KeySet, Network, OktaProviders, PublicKey, Result, Transmitter, UnsignedSet,
    client::{Deliver, Doctor, RequestLimit, TransmitterBuilder},
    key::ExternalKey,
    lint::LintPolicy,
};

use crate::{header, invalid, policy::Policy, set};

/// The key of a signer of the language, with the name of its algorithm, its `kid` and its public key, as far as it tells them. The
/// signer is called between two steps, with the signing input or its digest.
pub fn external_key(
    algorithm: &str,
    kid: Option<String>,
    public_key: Option<PublicKey>,
    signs_digest: bool,
) -> Result<ExternalKey> {
    let key = ExternalKey::new(header(algorithm, kid)?, public_key)?;
    if signs_digest && key.algorithm().digest(b"").is_none() {
        return Err(invalid(NO_DIGEST));
    }
    Ok(key)
}

/// What the signer of an external key signs: the signing input, or its digest.
pub fn to_sign(unsigned: &UnsignedSet, digest: bool) -> Result<Vec<u8>> {
    if digest {
        unsigned.digest().ok_or_else(|| invalid(NO_DIGEST))
    } else {
        Ok(unsigned.signing_input().to_vec())
    }
}

const NO_DIGEST: &str = "Ed25519 signs the signing input itself, not a digest";

/// The settings of a transmitter.
#[derive(Clone)]
pub struct TransmitterSettings {
    /// The `iss` of its SETs.
    pub issuer: String,
    /// What signs.
    pub keys: KeySet,
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
        let builder = Transmitter::builder(self.issuer, self.keys);
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

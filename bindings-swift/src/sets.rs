//! SETs and receipts.

use std::sync::Arc;

use serde_json::{Map, Value};
use ssf_bindings::{emission, set};
use ssf_transmitter::{self as sdk, Jwks};

use crate::{
    emission::Subject,
    failure::Result,
    key::{PublicKey, SigningKey},
    policy::{Findings, moment_of, seconds_of},
    receiver::{Audience, Dialect},
    records::{Finding, findings},
};

/// An unsigned SET.
#[derive(uniffi::Object)]
pub struct UnsignedSet(pub(crate) sdk::UnsignedSet);

#[uniffi::export]
impl UnsignedSet {
    pub fn signing_input(&self) -> Vec<u8> {
        self.0.signing_input().to_vec()
    }

    /// The digest of the bytes to sign; `None` for Ed25519.
    pub fn digest(&self) -> Option<Vec<u8>> {
        self.0.digest()
    }

    pub fn algorithm(&self) -> String {
        self.0.algorithm().as_str().to_owned()
    }

    pub fn jti(&self) -> String {
        self.0.jti().to_owned()
    }

    pub fn findings(&self) -> Vec<Finding> {
        findings(self.0.findings())
    }

    pub fn decode(&self) -> Result<DecodedSet> {
        Ok(self.0.decode()?.into())
    }

    /// Attaches a signature, in the form of JWS or in DER.
    pub fn attach(&self, signature: Vec<u8>, der: bool) -> Result<Arc<SignedSet>> {
        Ok(Arc::new(SignedSet(self.0.clone().attach(set::signature(signature, der))?)))
    }

    /// Signs with a key of this process.
    pub fn sign(&self, key: Arc<SigningKey>) -> Result<Arc<SignedSet>> {
        Ok(Arc::new(SignedSet(self.0.clone().sign(&key.0)?)))
    }
}

/// A signed SET in compact form.
#[derive(uniffi::Object)]
pub struct SignedSet(pub(crate) sdk::SignedSet);

#[uniffi::export]
impl SignedSet {
    /// Takes a SET that was signed elsewhere.
    #[uniffi::constructor]
    pub fn parse(compact: String) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(sdk::SignedSet::parse(&compact)?)))
    }

    pub fn compact(&self) -> String {
        self.0.as_str().to_owned()
    }

    pub fn jti(&self) -> String {
        self.0.jti().to_owned()
    }

    pub fn event(&self) -> String {
        self.0.event().to_owned()
    }

    pub fn findings(&self) -> Vec<Finding> {
        findings(self.0.findings())
    }

    pub fn decode(&self) -> Result<DecodedSet> {
        Ok(self.0.decode()?.into())
    }
}

/// Header and claims of a SET, as JSON.
#[derive(uniffi::Record)]
pub struct DecodedSet {
    pub header: String,
    pub claims: String,
}

impl From<sdk::set::DecodedSet> for DecodedSet {
    fn from(set: sdk::set::DecodedSet) -> Self {
        let json = |members: &Map<String, Value>| Value::Object(members.clone()).to_string();
        Self { header: json(set.header()), claims: json(set.claims()) }
    }
}

/// Takes a compact SET apart.
#[uniffi::export]
pub fn decode_set(compact: String) -> Result<DecodedSet> {
    Ok(sdk::set::DecodedSet::parse(&compact)?.into())
}

/// Verifies the signature of a SET with a JWKS. Returns the key that fits.
#[uniffi::export]
pub fn verify_set(compact: String, jwks: String) -> Result<PublicKey> {
    let jwks = Jwks::from_json(&jwks)?;
    Ok(sdk::set::DecodedSet::parse(&compact)?.verify(&jwks)?.into())
}

/// Confirms that a receiver accepted a SET.
#[derive(uniffi::Record)]
pub struct Receipt {
    pub set: Arc<SignedSet>,
    pub jti: String,
    pub status: u16,
    pub attempts: u32,
    /// In seconds since 1970.
    pub answered_at: f64,
    pub expected: bool,
    pub notes: Vec<String>,
    pub findings: Vec<Finding>,
}

impl From<sdk::Receipt> for Receipt {
    fn from(receipt: sdk::Receipt) -> Self {
        Self {
            set: Arc::new(SignedSet(receipt.set().clone())),
            jti: receipt.jti().to_owned(),
            status: receipt.status(),
            attempts: receipt.attempts(),
            answered_at: seconds_of(receipt.answered_at()),
            expected: receipt.is_expected(),
            notes: receipt.notes().iter().map(|note| note.as_str().to_owned()).collect(),
            findings: findings(receipt.findings()),
        }
    }
}

/// The parts of a SET.
#[derive(uniffi::Record)]
pub struct SetParts {
    pub issuer: String,
    pub audience: Audience,
    /// Events in their JSON form.
    pub events: Vec<String>,
    pub subject: Option<Subject>,
    pub txn: Option<String>,
    /// In seconds since 1970.
    pub toe: Option<f64>,
    pub jti: Option<String>,
    /// In seconds since 1970.
    pub issued_at: Option<f64>,
    /// Further claims, as JSON.
    pub claims: Option<String>,
    pub dialect: Option<Arc<Dialect>>,
    pub algorithm: String,
    pub kid: Option<String>,
    pub lint: Option<Findings>,
}

/// A SET from all its parts, without a transmitter.
#[uniffi::export]
pub fn prepare_set(parts: SetParts) -> Result<Arc<UnsignedSet>> {
    let subject = parts.subject.as_ref();
    let claims = parts.claims.as_deref();
    let parts = set::SetParts {
        issuer: parts.issuer,
        audience: parts.audience.into(),
        events: parts.events.iter().map(|json| emission::event(json)).collect::<sdk::Result<_>>()?,
        subject: subject.map(Subject::core).transpose()?,
        dialect: parts.dialect.map(|dialect| dialect.0.clone()),
        txn: parts.txn,
        toe: parts.toe.map(moment_of).transpose()?,
        jti: parts.jti,
        issued_at: parts.issued_at.map(moment_of).transpose()?,
        claims: claims
            .map(|json| sdk::json::parse_object(json, "the claims"))
            .transpose()?
            .unwrap_or_default(),
        lint: parts.lint.map(|lint| lint.policy()).transpose()?,
        algorithm: parts.algorithm,
        kid: parts.kid,
    };
    Ok(Arc::new(UnsignedSet(parts.prepare()?)))
}

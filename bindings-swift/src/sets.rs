//! SETs and receipts.

use std::sync::Arc;

use serde_json::{Map, Value};
use ssf_transmitter::{self as sdk, Jwks, SetBuilder, Signature, key::SigningHeader};

use crate::{
    emission::{Subject, event_of},
    failure::Result,
    key::{PublicKey, SigningKey},
    lint::{Finding, listed},
    policy::{Findings, moment_of, seconds_of},
    receiver::{Audience, Dialect},
};

/// A SET that is complete but for its signature.
#[derive(uniffi::Object)]
pub struct UnsignedSet(pub(crate) sdk::UnsignedSet);

#[uniffi::export]
impl UnsignedSet {
    pub fn signing_input(&self) -> Vec<u8> {
        self.0.signing_input().to_vec()
    }

    pub fn algorithm(&self) -> String {
        self.0.algorithm().as_str().to_owned()
    }

    pub fn jti(&self) -> String {
        self.0.jti().to_owned()
    }

    pub fn findings(&self) -> Vec<Finding> {
        listed(self.0.findings())
    }

    pub fn decode(&self) -> Result<DecodedSet> {
        Ok(self.0.decode()?.into())
    }

    /// Attaches a signature, in the form of JWS or in DER.
    pub fn attach(&self, signature: Vec<u8>, der: bool) -> Result<Arc<SignedSet>> {
        Ok(Arc::new(SignedSet(self.0.clone().attach(signature_of(signature, der))?)))
    }

    /// Signs with a key of this process.
    pub fn sign(&self, key: Arc<SigningKey>) -> Result<Arc<SignedSet>> {
        Ok(Arc::new(SignedSet(self.0.clone().sign(&key.0)?)))
    }
}

/// A signature, in the form of JWS or in DER.
pub(crate) fn signature_of(bytes: Vec<u8>, der: bool) -> Signature {
    if der { Signature::Der(bytes) } else { Signature::Raw(bytes) }
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
        listed(self.0.findings())
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

/// That a receiver has taken a SET.
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
            findings: listed(receipt.findings()),
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
    let mut set = SetBuilder::new(parts.issuer, parts.audience);
    if let Some(dialect) = parts.dialect {
        set = set.dialect(&dialect.0);
    }
    for event in &parts.events {
        set = set.event(event_of(event)?);
    }
    if let Some(subject) = &parts.subject {
        set = set.subject(subject.core()?);
    }
    if let Some(txn) = parts.txn {
        set = set.txn(txn);
    }
    if let Some(toe) = parts.toe {
        set = set.toe(moment_of(toe)?);
    }
    if let Some(jti) = parts.jti {
        set = set.jti(jti);
    }
    if let Some(issued_at) = parts.issued_at {
        set = set.issued_at(moment_of(issued_at)?);
    }
    if let Some(claims) = &parts.claims {
        for (name, value) in sdk::json::parse_object(claims, "the claims")? {
            set = set.claim(name, value);
        }
    }
    if let Some(lint) = parts.lint {
        set = set.lint(lint.policy()?);
    }
    let header = SigningHeader { algorithm: parts.algorithm.parse()?, kid: parts.kid };
    Ok(Arc::new(UnsignedSet(set.prepare(header)?)))
}

//! An unsigned SET.

use std::fmt;

use serde_json::{Map, Value};

use super::{DecodedSet, SignedSet, signed::Facts};
use crate::{
    base64,
    dialect::Dialect,
    error::{Error, ErrorCode, Result},
    finding::Finding,
    jose::{self, Algorithm, Signature},
    key::{self, Signer, SigningHeader, SigningKey},
};

/// An unsigned SET whose `jti`, `iat` and header are fixed.
///
/// Sign it with a key of this process, or give [`signing_input`](Self::signing_input) to whatever holds the key and
/// [`attach`](Self::attach) what it returns.
///
/// ```
/// use ssf_transmitter::{Algorithm, SetBuilder, Signature, Subject, event::risc, key::SigningHeader};
///
/// let header = SigningHeader::new(Algorithm::Es256, "key-in-the-enclave");
/// let unsigned = SetBuilder::new("https://agent.example.com", "https://receiver.example.net")
///     .event(risc::AccountDisabled::new())
///     .subject(Subject::email("ada@example.com"))
///     .prepare(header)?;
/// # let enclave_sign = |_: &[u8]| vec![7; 64];
/// let signature = enclave_sign(unsigned.signing_input());
/// let set = unsigned.attach(Signature::Raw(signature))?;
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone)]
pub struct UnsignedSet {
    signing_input: String,
    algorithm: Algorithm,
    facts: Facts,
}

impl UnsignedSet {
    pub(super) fn new(
        algorithm: Algorithm,
        header: &Map<String, Value>,
        claims: &Map<String, Value>,
        findings: Vec<Finding>,
    ) -> Result<Self> {
        let payload =
            serde_json::to_vec(claims).map_err(|error| Error::internal("claims are JSON").because(error))?;
        let facts = Facts::of(claims, findings);
        Ok(Self { signing_input: jose::signing_input(header, &payload)?, algorithm, facts })
    }

    pub(super) fn of(signing_input: String, algorithm: Algorithm, facts: Facts) -> Self {
        Self { signing_input, algorithm, facts }
    }

    /// A SET of claims that were fixed before, to be signed with another key.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the worker of an outbox resumes SETs"))]
    pub(crate) fn resume(header: SigningHeader, dialect: &Dialect, claims: &[u8]) -> Result<Self> {
        let algorithm = header.algorithm;
        let header = jose::header(algorithm, header.kid.filter(|_| dialect.data().set.kid));
        let parsed: Map<String, Value> = serde_json::from_slice(claims).map_err(|error| {
            Error::new(ErrorCode::OutboxCorrupt, "the claims of a SET are damaged").because(error)
        })?;
        let facts = Facts::of(&parsed, Vec::new());
        Ok(Self { signing_input: jose::signing_input(&header, claims)?, algorithm, facts })
    }

    /// The claims, as they are signed.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the worker of an outbox keeps them"))]
    pub(crate) fn claims(&self) -> Result<Vec<u8>> {
        let payload = self.signing_input.split('.').nth(1).and_then(base64::decode);
        payload.ok_or_else(|| Error::internal("a signing input contains claims"))
    }

    /// The bytes to sign: header and claims, encoded (RFC 7515 §5.1).
    pub fn signing_input(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    /// The digest of the bytes to sign, for key services that sign digests; `None` for Ed25519.
    pub fn digest(&self) -> Option<Vec<u8>> {
        self.algorithm.digest(self.signing_input())
    }

    /// The algorithm that the header names.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The id of the SET.
    pub fn jti(&self) -> &str {
        &self.facts.jti
    }

    /// The reported findings.
    pub fn findings(&self) -> &[Finding] {
        &self.facts.findings
    }

    /// Header and claims, for inspection.
    pub fn decode(&self) -> Result<DecodedSet> {
        DecodedSet::parse(&format!("{}.", self.signing_input))
    }

    /// Signs with a key of this process.
    pub fn sign(self, key: &SigningKey) -> Result<SignedSet> {
        if key.algorithm() != self.algorithm {
            let message = format!(
                "the SET was prepared for {}, but the key signs with {}",
                self.algorithm,
                key.algorithm()
            );
            return Err(Error::new(ErrorCode::KeyAlgorithmMismatch, message));
        }
        let signature = key.sign_bytes(self.signing_input())?;
        Ok(self.finish(&signature))
    }

    /// Signs with a signer of your own.
    pub async fn sign_with(self, signer: &dyn Signer) -> Result<SignedSet> {
        let signature = signer.sign(self.signing_input()).await.map_err(key::failed)?;
        self.attach(signature)
    }

    /// Attaches a signature over the [`signing_input`](Self::signing_input). Its form and length are checked.
    pub fn attach(self, signature: Signature) -> Result<SignedSet> {
        let signature = signature.into_jws(self.algorithm)?;
        Ok(self.finish(&signature))
    }

    fn finish(self, signature: &[u8]) -> SignedSet {
        let mut compact = self.signing_input;
        compact.push('.');
        base64::encode_to(&mut compact, signature);
        SignedSet::of(compact, self.facts)
    }
}

impl fmt::Debug for UnsignedSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UnsignedSet")
            .field("jti", &self.facts.jti)
            .field("algorithm", &self.algorithm.as_str())
            .finish_non_exhaustive()
    }
}

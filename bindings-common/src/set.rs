//! SETs from their parts, without a transmitter.

use serde_json::{Map, Value};
use ssf_transmitter::{
    Dialect, Event, Result, SetBuilder, Signature, Subject, Timestamp, UnsignedSet, lint::LintPolicy,
    set::Audience,
};

use crate::{header, set};

/// The parts of a SET.
pub struct SetParts {
    /// `iss`
    pub issuer: String,
    /// `aud`
    pub audience: Audience,
    /// The event, and its companions.
    pub events: Vec<Event>,
    /// `sub_id`
    pub subject: Option<Subject>,
    /// The shape of the SET.
    pub dialect: Option<Dialect>,
    /// `txn`
    pub txn: Option<String>,
    /// `toe`
    pub toe: Option<Timestamp>,
    /// `jti`
    pub jti: Option<String>,
    /// `iat`
    pub issued_at: Option<Timestamp>,
    /// Further claims.
    pub claims: Map<String, Value>,
    /// What happens with findings.
    pub lint: Option<LintPolicy>,
    /// The name of the algorithm.
    pub algorithm: String,
    /// The `kid` of the header.
    pub kid: Option<String>,
}

impl SetParts {
    /// Checks the parts, and builds the unsigned SET.
    pub fn prepare(self) -> Result<UnsignedSet> {
        let builder = SetBuilder::new(self.issuer, self.audience);
        let builder = set(builder, self.dialect.as_ref(), SetBuilder::dialect);
        let builder = self.events.into_iter().fold(builder, SetBuilder::event);
        let builder = set(builder, self.subject, SetBuilder::subject);
        let builder = set(builder, self.txn, SetBuilder::txn);
        let builder = set(builder, self.toe, SetBuilder::toe);
        let builder = set(builder, self.jti, SetBuilder::jti);
        let builder = set(builder, self.issued_at, SetBuilder::issued_at);
        let claim = |builder: SetBuilder, (name, value): (String, Value)| builder.claim(name, value);
        let builder = self.claims.into_iter().fold(builder, claim);
        let builder = set(builder, self.lint, SetBuilder::lint);
        builder.prepare(header(&self.algorithm, self.kid)?)
    }
}

/// A signature in the form of JWS, or in DER.
pub fn signature(bytes: Vec<u8>, der: bool) -> Signature {
    if der { Signature::Der(bytes) } else { Signature::Raw(bytes) }
}

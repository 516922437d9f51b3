//! A signed SET, ready to be sent.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

use super::{DecodedSet, UnsignedSet};
use crate::{
    base64,
    catalogue::EventType,
    error::{Error, ErrorCode, Result},
    finding::Finding,
    jose::{self, Compact},
    key::SigningHeader,
};

/// A signed SET in compact form. Its bytes are the same for every delivery. Cheap to clone.
///
/// `Debug` shows the `jti` only.
#[derive(Clone, Eq, PartialEq)]
pub struct SignedSet {
    compact: Arc<str>,
    facts: Facts,
}

/// What is known of a SET beside its text.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Facts {
    pub(super) jti: Arc<str>,
    /// What the first event is called, in logs.
    event: Arc<str>,
    pub(super) findings: Arc<[Finding]>,
}

impl Facts {
    pub(super) fn of(claims: &Map<String, Value>, findings: Vec<Finding>) -> Self {
        let events = claims.get("events").and_then(Value::as_object);
        let uri = events.and_then(|events| events.keys().next()).map_or("", String::as_str);
        Self {
            jti: claims.get("jti").and_then(Value::as_str).unwrap_or_default().into(),
            event: EventType::by_uri(uri).map_or(uri, |kind| kind.id).into(),
            findings: findings.into(),
        }
    }
}

impl SignedSet {
    pub(super) fn of(compact: String, facts: Facts) -> Self {
        Self { compact: compact.into(), facts }
    }

    /// Reads a SET signed by other software. Checks its structure, not its signature.
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, SignedSet};
    ///
    /// let error = SignedSet::parse("\"eyJ…\"").unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::SetMalformed);
    /// ```
    pub fn parse(compact: &str) -> Result<Self> {
        let parts = Compact::parse(compact)?;
        parts.algorithm()?;
        let facts = Facts::of(&parts.payload, Vec::new());
        if facts.jti.is_empty() {
            return Err(Error::new(ErrorCode::SetMalformed, "the SET has no jti").at("/jti"));
        }
        Ok(Self { compact: compact.into(), facts })
    }

    /// A SET of ours that was kept; `None` if only its claims were.
    pub(crate) fn kept(stored: &[u8]) -> Option<Self> {
        // Claims begin with a brace, and base64url never does.
        if stored.first() == Some(&b'{') { None } else { Self::parse(std::str::from_utf8(stored).ok()?).ok() }
    }

    /// The claims, as they are signed.
    #[cfg_attr(
        not(feature = "client"),
        allow(dead_code, reason = "the worker of an outbox signs them again")
    )]
    pub(crate) fn claims(&self) -> Result<Vec<u8>> {
        let payload = self.compact.split('.').nth(1).and_then(base64::decode);
        payload.ok_or_else(|| Error::internal("a SET contains claims"))
    }

    /// The SET in compact form: the body of a push request.
    pub fn as_str(&self) -> &str {
        &self.compact
    }

    /// The same, shared.
    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.compact)
    }

    /// The id of the SET.
    pub fn jti(&self) -> &str {
        &self.facts.jti
    }

    /// The reported findings from its preparation. Empty for a SET signed by other software.
    pub fn findings(&self) -> &[Finding] {
        &self.facts.findings
    }

    /// The id of its event, such as `caep.session-revoked`, or the URI of one that the catalogue does not know. Of several
    /// events, the first.
    pub fn event(&self) -> &str {
        &self.facts.event
    }

    /// The same claims under the header of another key; `None` if it names the same key.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "keys are at hand in the client"))]
    pub(crate) fn with_header(&self, header: &SigningHeader) -> Option<UnsignedSet> {
        let parts = Compact::parse(&self.compact).ok()?;
        // A dialect without `kid` names no key, so another one changes nothing that the receiver could look up.
        let kid = parts
            .kid()
            .filter(|kid| header.kid.as_deref().is_some_and(|other| other != *kid))
            .and(header.kid.as_deref())?;
        let payload = base64::decode(self.compact.split('.').nth(1)?)?;
        let signing_input =
            jose::signing_input(&jose::header(header.algorithm, Some(kid.to_owned())), &payload).ok()?;
        Some(UnsignedSet::of(signing_input, header.algorithm, self.facts.clone()))
    }

    /// Header and claims, for inspection.
    pub fn decode(&self) -> Result<DecodedSet> {
        DecodedSet::parse(&self.compact)
    }
}

impl fmt::Debug for SignedSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignedSet").field("jti", &self.facts.jti).finish_non_exhaustive()
    }
}

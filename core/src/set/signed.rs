//! A signed SET, ready to be sent.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

use super::{DecodedSet, UnsignedSet};
use crate::{
    base64,
    catalogue::EventType,
    error::{Error, ErrorCode, Result},
    jose::{self, Compact},
    key::SigningHeader,
};

/// A signed SET in compact form. However often it is sent, its bytes are the same. Cheap to clone.
///
/// `Debug` shows the `jti` only.
#[derive(Clone, Eq, PartialEq)]
pub struct SignedSet {
    compact: Arc<str>,
    jti: Arc<str>,
    event: Arc<str>,
}

impl SignedSet {
    pub(super) fn of(compact: String, jti: String, event: Arc<str>) -> Self {
        Self { compact: compact.into(), jti: jti.into(), event }
    }

    /// Takes a SET that was signed elsewhere. Its outline is checked, not its signature.
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
        match parts.payload.get("jti").and_then(Value::as_str) {
            Some(jti) if !jti.is_empty() => {
                let event = event_name(parts.payload.get("events").and_then(Value::as_object));
                Ok(Self { compact: compact.into(), jti: jti.into(), event })
            }
            _ => Err(Error::new(ErrorCode::SetMalformed, "the SET has no jti").at("/jti")),
        }
    }

    /// The SET in compact form: the body of a push request.
    pub fn as_str(&self) -> &str {
        &self.compact
    }

    /// The id of the SET.
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The id of its event, such as `caep.session-revoked`, or the URI of one that the catalogue does not know. Of several
    /// events, the first.
    pub fn event(&self) -> &str {
        &self.event
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
        let signing_input = jose::signing_input(header.algorithm, Some(kid), jose::SET_TYPE, &payload);
        Some(UnsignedSet::of(signing_input, header.algorithm, self.jti().to_owned(), self.event.clone()))
    }

    /// Header and claims, for inspection.
    pub fn decode(&self) -> Result<DecodedSet> {
        DecodedSet::parse(&self.compact)
    }
}

/// What the first event is called, in logs.
pub(super) fn event_name(events: Option<&Map<String, Value>>) -> Arc<str> {
    let uri = events.and_then(|events| events.keys().next()).map_or("", String::as_str);
    EventType::by_uri(uri).map_or(uri, |kind| kind.id).into()
}

impl fmt::Debug for SignedSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignedSet").field("jti", &self.jti).finish_non_exhaustive()
    }
}

//! A signed SET, ready to be sent.

use std::{fmt, sync::Arc};

use super::DecodedSet;
use crate::{
    error::{Error, ErrorCode, Result},
    jose::Compact,
};

/// A signed SET in compact form. However often it is sent, its bytes are the same. Cheap to clone.
///
/// `Debug` shows the `jti` only.
#[derive(Clone, Eq, PartialEq)]
pub struct SignedSet {
    compact: Arc<str>,
    jti: Arc<str>,
}

impl SignedSet {
    pub(super) fn of(compact: String, jti: String) -> Self {
        Self { compact: compact.into(), jti: jti.into() }
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
        match parts.payload.get("jti").and_then(serde_json::Value::as_str) {
            Some(jti) if !jti.is_empty() => Ok(Self { compact: compact.into(), jti: jti.into() }),
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

    /// Header and claims, for inspection.
    pub fn decode(&self) -> Result<DecodedSet> {
        DecodedSet::parse(&self.compact)
    }
}

impl fmt::Debug for SignedSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SignedSet").field("jti", &self.jti).finish_non_exhaustive()
    }
}

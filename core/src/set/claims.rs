//! The claims of a SET, in the order in which they are written.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorCode, Result};

/// The value of `aud`: whom a SET is for, exactly as the receiver documents it.
///
/// One value is written as a string, a list as an array (RFC 7519 §4.1.3).
///
/// ```
/// use ssf_transmitter::set::Audience;
///
/// let one = Audience::from("https://acme.okta.com");
/// let several = Audience::from(["receiver.example.com/web", "receiver.example.com/mobile"]);
/// assert_ne!(one, several);
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Audience {
    /// A string.
    One(String),
    /// A list of strings; they have to be one entity (SSF 1.0 §4.1.8).
    Several(Vec<String>),
}

impl Audience {
    pub(crate) fn check(&self) -> Result<()> {
        let empty = match self {
            Self::One(value) => value.is_empty(),
            Self::Several(values) => values.is_empty() || values.iter().any(String::is_empty),
        };
        if empty {
            return Err(Error::new(ErrorCode::AudienceMissing, "the audience is empty").at("/aud"));
        }
        Ok(())
    }

    /// As one string, if it is one.
    pub(super) fn into_single(self) -> Result<Self> {
        match self {
            Self::Several(mut values) if values.len() == 1 => Ok(Self::One(values.remove(0))),
            Self::Several(_) => {
                let message = "the receiver takes one audience, a string";
                Err(Error::new(ErrorCode::AudienceNotSingle, message).at("/aud"))
            }
            one @ Self::One(_) => Ok(one),
        }
    }
}

impl From<&str> for Audience {
    fn from(value: &str) -> Self {
        Self::One(value.to_owned())
    }
}

impl From<String> for Audience {
    fn from(value: String) -> Self {
        Self::One(value)
    }
}

impl<T: Into<String>, const N: usize> From<[T; N]> for Audience {
    fn from(values: [T; N]) -> Self {
        Self::Several(values.into_iter().map(Into::into).collect())
    }
}

impl From<Vec<String>> for Audience {
    fn from(values: Vec<String>) -> Self {
        Self::Several(values)
    }
}

/// Names of claims that the builder writes itself.
pub(super) const OWN: &[&str] = &["iss", "jti", "iat", "aud", "txn", "toe", "sub_id", "events"];

/// The claims, ready to be written.
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) jti: String,
    /// Whole seconds: a receiver may refuse fractions, and times ahead of its clock (SSF conformance tests).
    pub(super) iat: i64,
    pub(super) aud: Audience,
    pub(super) txn: Option<String>,
    pub(super) toe: Option<i64>,
    pub(super) sub_id: Option<Value>,
    pub(super) events: Map<String, Value>,
    pub(super) others: Map<String, Value>,
}

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("iss", &self.iss)?;
        map.serialize_entry("jti", &self.jti)?;
        map.serialize_entry("iat", &self.iat)?;
        map.serialize_entry("aud", &self.aud)?;
        if let Some(txn) = &self.txn {
            map.serialize_entry("txn", txn)?;
        }
        if let Some(toe) = &self.toe {
            map.serialize_entry("toe", toe)?;
        }
        if let Some(sub_id) = &self.sub_id {
            map.serialize_entry("sub_id", sub_id)?;
        }
        map.serialize_entry("events", &self.events)?;
        for (name, value) in &self.others {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

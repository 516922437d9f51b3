//! Whom a SET is for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
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

    /// A list of one value as that value.
    pub(super) fn simplified(self) -> Self {
        match self {
            Self::Several(mut values) if values.len() == 1 => Self::One(values.remove(0)),
            other => other,
        }
    }
}

impl From<Audience> for Value {
    fn from(audience: Audience) -> Self {
        match audience {
            Audience::One(value) => value.into(),
            Audience::Several(values) => values.into(),
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

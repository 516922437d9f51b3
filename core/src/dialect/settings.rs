//! What receivers of one dialect may differ in: settings of a receiver beside its dialect.

use std::str::FromStr;

use serde::Deserialize;

use super::{Dialect, data::InEvent};
use crate::{
    catalogue::Shape,
    error::{Error, ErrorCode, Result},
};

/// The unit of the times of events, on the wire.
///
/// ```
/// use ssf_transmitter::{Receiver, dialect::TimeUnit};
///
/// let okta = Receiver::okta("https://acme.okta.com").time_unit(TimeUnit::Milliseconds).build()?;
/// assert_eq!("ms".parse::<TimeUnit>()?, TimeUnit::Milliseconds);
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
pub enum TimeUnit {
    /// Whole seconds since 1970 (CAEP 1.0 §2): `s`.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds since 1970: `ms`.
    #[serde(rename = "ms")]
    Milliseconds,
}

impl FromStr for TimeUnit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "s" => Ok(Self::Seconds),
            "ms" => Ok(Self::Milliseconds),
            _ => Err(Error::new(ErrorCode::ConfigurationInvalid, "the time unit must be s or ms")),
        }
    }
}

impl FromStr for Shape {
    type Err = Error;

    /// Reads the name that dialects use: `modern`, `bare-complex` or `legacy`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "modern" => Ok(Self::Modern),
            "bare-complex" => Ok(Self::BareComplex),
            "legacy" => Ok(Self::Legacy),
            _ => {
                let message = "the subject shape must be modern, bare-complex or legacy";
                Err(Error::new(ErrorCode::ConfigurationInvalid, message))
            }
        }
    }
}

impl Dialect {
    /// This dialect with another unit of the times of events.
    ///
    /// ```
    /// use ssf_transmitter::{Dialect, dialect::TimeUnit};
    ///
    /// let dialect = Dialect::okta().with_time_unit(TimeUnit::Milliseconds)?;
    /// assert_eq!(dialect.id(), "okta");
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn with_time_unit(&self, unit: TimeUnit) -> Result<Self> {
        let unit = match unit {
            TimeUnit::Seconds => "s",
            TimeUnit::Milliseconds => "ms",
        };
        self.extended(&format!("id = {}\n[time]\nunit = \"{unit}\"\n", quoted(self.id())))
    }

    /// This dialect with another form of the subject inside events. It has to put the subject into every event: where it
    /// leaves that to each of them, as `ssf-1.0` does, the form is theirs.
    ///
    /// ```
    /// use ssf_transmitter::{Dialect, catalogue::Shape};
    ///
    /// assert!(Dialect::govuk_one_login().with_subject_shape(Shape::Legacy).is_ok());
    /// assert!(Dialect::default().with_subject_shape(Shape::Legacy).is_err());
    /// ```
    pub fn with_subject_shape(&self, shape: Shape) -> Result<Self> {
        if self.data().subject.in_event != InEvent::Always {
            let message = format!("{} puts no subject into events, so it has no subject shape", self.title());
            return Err(Error::new(ErrorCode::ConfigurationInvalid, message).at("/subject_shape"));
        }
        let shape = match shape {
            Shape::Modern => "modern",
            Shape::BareComplex => "bare-complex",
            Shape::Legacy => "legacy",
        };
        self.extended(&format!("id = {}\n[subject]\nshape = \"{shape}\"\n", quoted(self.id())))
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> toml::Value {
    toml::Value::String(text.to_owned())
}
